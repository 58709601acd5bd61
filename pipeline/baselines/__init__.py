"""What others would fill holes with: networks that stand in for ours, for those who have weights.

Each is a module that is called as ``deepfill.generator.Generator`` is, so that ``inpaint.fill``
cuts, scales and blends for all of them alike. Classical fillings are in ``fidelity``.
"""

from collections.abc import Mapping
from pathlib import Path

from torch import nn

from pipeline.baselines import lama, partial
from pipeline.deepfill import weights
from pipeline.deepfill.generator import Generator
from pipeline.errors import WeightsError


def load(paths: Mapping[str, str | None]) -> dict[str, nn.Module]:
    """Return the painters that weights are given for, by their names in ``restored.csv``.

    Args:
        paths: ``inpaint.baselines``: ``partial``, ``deepfill1`` and ``lama``; None leaves one out.

    Raises:
        WeightsError: a file is missing, damaged or of something else.
    """
    loaders = {"partial": partial.load, "deepfill1": _first, "lama": lama.load}
    return {name: loaders[name](Path(path).expanduser()) for name, path in paths.items() if path}


def _first(path: Path) -> Generator:
    made = weights.load(path)
    if made.layout.gated:
        raise WeightsError(
            f"{path} is not of the first DeepFill, as inpaint.baselines.deepfill1 is"
        )
    return made
