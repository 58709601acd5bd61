"""Dataset -> label masks, by pycocotools' pixel convention."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
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
        objects: in any order.
        height: pixels.
        width: pixels.
    """

    name: str
    objects: list[drawing.Drawn]
    height: int
    width: int


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
    annotations, drawn = dataset.annotations, defaultdict(list)
    images = zip(annotations["split"].tolist(), annotations["image_id"].tolist(), strict=True)
    for image, one in zip(images, objects(annotations), strict=True):
        drawn[image].append(one)
    return [
        Sheet(
            f"{image.split}/{image.stem}.png",
            drawn[image.split, image.image_id],
            image.height,
            image.width,
        )
        for image in dataset.images.itertuples()
    ]


def objects(annotations: pd.DataFrame) -> list[drawing.Drawn]:
    """Return annotations as what is drawn of them; the label is the category's id.

    Args:
        annotations: columns as ``ANNOTATIONS``.
    """
    columns = [annotations[name].tolist() for name in ("category_id", "geometry", "rle")]
    return [drawing.Drawn(*one) for one in zip(*columns, strict=True)]


def label_masks(sheets: Sequence[Sheet]) -> Iterator[np.ndarray]:
    """Draw the label mask of each image, ``(height, width)`` uint8."""
    return drawing.label_masks([drawing.Frame(*sheet[1:]) for sheet in sheets])


def label_mask(sheet: Sheet) -> np.ndarray:
    """Draw one image's label mask, ``(height, width)`` uint8."""
    return next(label_masks([sheet]))
