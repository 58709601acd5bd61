"""What can go wrong, one class a cause. Bad data is a row in ``issues.csv`` instead."""


class PipelineError(Exception):
    """The run cannot go on; the message says where, what was expected, what came and the cure."""


class ParamsError(PipelineError):
    """``params.yaml`` lacks a value, has one too many, or has one of the wrong kind."""


class TableError(PipelineError):
    """A table lacks a column, or a column holds the wrong kind of value."""


class FormError(TableError):
    """A table's file is of no form that tables have."""


class ExportError(PipelineError):
    """The export cannot be read as a dataset at all."""


class PullError(PipelineError):
    """The export could not be fetched."""


class PushError(PipelineError):
    """Tags could not be written to Roboflow."""


class ImageError(PipelineError):
    """An image cannot be read, or has the wrong shape."""


class MaskError(PipelineError):
    """A mask has the wrong shape, type or labels."""


class WeightsError(PipelineError):
    """Network weights are missing, do not fit, or fail their checksum."""


class TrainingError(PipelineError):
    """Training cannot start or has diverged."""
