"""Dataset -> label masks, by pycocotools' pixel convention."""

from typing import NamedTuple

import numpy as np
import pandas as pd

from pipeline import drawing
from pipeline.errors import ExportError
from pipeline.tables import Dataset


class Sheet(NamedTuple):
    """All that one image's mask is drawn from.

    Attributes:
        name: of the mask's file, ``<split>/<stem>.png``.
        height: pixels.
        width: pixels.
        objects: in any order.
    """

    name: str
    height: int
    width: int
    objects: list[drawing.Drawn]


def sheets(dataset: Dataset) -> list[Sheet]:
    """Return one sheet an image, in the dataset's order.

    Raises:
        ExportError: there are images, and no object in any of them has an outline.
    """
    if len(dataset.images) and not len(dataset.annotations):
        raise ExportError(
            f"none of the {len(dataset.images)} images has an object with an outline, only boxes "
            'or nothing; export the version from Roboflow as "COCO Segmentation"'
        )
    drawn = {
        key: objects(several)
        for key, several in dataset.annotations.groupby(["split", "image_id"], sort=False)
    }
    return [
        Sheet(
            f"{image.split}/{image.stem}.png",
            image.height,
            image.width,
            drawn.get((image.split, image.image_id), []),
        )
        for image in dataset.images.itertuples()
    ]


def objects(annotations: pd.DataFrame) -> list[drawing.Drawn]:
    """Return annotations as what is drawn of them; the label is the category's id.

    Args:
        annotations: columns as ``ANNOTATIONS``, of one image.
    """
    columns = [annotations[name].tolist() for name in ("category_id", "geometry", "rle")]
    return [drawing.Drawn(*one) for one in zip(*columns, strict=True)]


def label_mask(sheet: Sheet) -> np.ndarray:
    """Draw one image's label mask, ``(height, width)`` uint8."""
    return drawing.label_mask(sheet.objects, sheet.height, sheet.width)
