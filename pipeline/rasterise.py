"""What ``coco.save`` wrote -> label masks, by pycocotools' pixel convention.

Neither a frame nor a table is made on the way: a stage that draws a thousand masks a second would
wait longer for pandas than for them.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, NamedTuple

import msgspec
import numpy as np

from pipeline import drawing, polygons, rle, store
from pipeline.errors import ExportError, TableError
from pipeline.params import Params
from pipeline.tables import MAX_LABELS, SPLITS

AT_ONCE = 4096  # annotations

Pixels = Annotated[int, msgspec.Meta(ge=1)]


class RasteriseParams(Params):
    """How masks lie on the disk."""

    archive_above: Annotated[int, msgspec.Meta(ge=0)]  # images of a split


class Image(msgspec.Struct, gc=False):
    """What counts of an image of ``data/valid``."""

    id: int
    stem: str
    height: Pixels
    width: Pixels


class Mask(msgspec.Struct, gc=False):
    """A compressed RLE."""

    size: tuple[Pixels, Pixels]
    counts: str


class Annotation(msgspec.Struct, gc=False):
    """What counts of an annotation of ``data/valid``."""

    image_id: int
    category_id: Annotated[int, msgspec.Meta(ge=1, le=MAX_LABELS)]
    segmentation: list[list[float]] | Mask


class Split(msgspec.Struct):
    """What counts of one of the files of ``data/valid``; annotations as they are written."""

    images: list[Image]
    annotations: list[msgspec.Raw]


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


def load(folder: Path) -> list[Sheet]:
    """Read what ``coco.save`` wrote into a folder, as ``sheets``.

    Raises:
        ExportError, TableError: as ``sheets``; or a file is missing or not as we write it.
    """
    return sheets({name: store.read_json(folder / f"{name}.json", Split) for name in SPLITS})


def sheets(splits: Mapping[str, Split]) -> list[Sheet]:
    """Return one sheet an image, in order of the splits and images.

    The label of an object is its category's id.

    Raises:
        ExportError: there are images, and no object in any of them has an outline.
        TableError: an object's image is not there, or its outline is none.
    """
    images = sum(len(split.images) for split in splits.values())
    if images and not any(split.annotations for split in splits.values()):
        raise ExportError(
            f"none of the {images} images has an object with an outline, only boxes "
            'or nothing; export the version from Roboflow as "COCO Segmentation", '
            "or set validate.boxes: outline to go on with the boxes"
        )
    found = []
    for name, split in splits.items():
        try:
            drawn = _drawn(split)
        except msgspec.ValidationError as error:
            raise TableError(
                f"{name} of data/valid is not as we write it: {error}; run validate again"
            ) from error
        except ValueError as error:
            raise TableError(f"{name} of data/valid: {error}; run validate again") from error
        found += [
            Sheet(f"{name}/{image.stem}.png", drawn.pop(image.id, []), image.height, image.width)
            for image in split.images
        ]
        if drawn:
            raise TableError(
                f"annotations of {name} name an unknown image {min(drawn)}; run validate again"
            )
    return found


def _drawn(split: Split) -> dict[int, list[drawing.Drawn]]:
    """Return the objects of each image that has some, by its id.

    Numbers in lists take several times the memory of a geometry, so few are lists at a time.
    """
    drawn, form = defaultdict(list), msgspec.json.Decoder(Annotation)
    for first in range(0, len(split.annotations), AT_ONCE):
        annotations = [form.decode(one) for one in split.annotations[first : first + AT_ONCE]]
        masks = [isinstance(one.segmentation, Mask) for one in annotations]
        geometries = polygons.from_rings(
            [[] if mask else one.segmentation for one, mask in zip(annotations, masks, strict=True)]
        )
        for one, mask, geometry in zip(annotations, masks, geometries, strict=True):
            written = msgspec.structs.asdict(one.segmentation) if mask else None
            if mask:
                rle.spans(written)  # refuses one that is broken
            drawn[one.image_id].append(drawing.Drawn(one.category_id, geometry, written))
    return drawn


def label_masks(sheets: Sequence[Sheet]) -> Iterator[np.ndarray]:
    """Draw the label mask of each image, ``(height, width)`` uint8."""
    return drawing.label_masks([drawing.Frame(*sheet[1:]) for sheet in sheets])


def label_mask(sheet: Sheet) -> np.ndarray:
    """Draw one image's label mask, ``(height, width)`` uint8."""
    return next(label_masks([sheet]))
