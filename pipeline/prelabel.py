"""Masks predicted of unlabelled photos -> objects to correct by hand, and which photos to do first.

A photo teaches most where the network is unsure and the photo is unlike those that are labelled.
Source of the first half: Settles, "Active Learning Literature Survey", 2009, 3.1 (entropy); of the
second: 3.5 (density) and Sener and Savarese, "Active Learning for Convolutional Neural Networks: A
Core-Set Approach", ICLR 2018, https://arxiv.org/abs/1708.00489, whose farthest-first order is ours.
"""

from typing import Annotated, NamedTuple

import cv2
import msgspec
import numpy as np
import pandas as pd
import shapely

from pipeline import drawing, images, masks, outcomes, polygons, tables
from pipeline.params import Params

SPLIT = "train"  # where the photos go; the tools they are meant for know no split without a name
COARSER = 0.5  # what the tolerance is multiplied by while an outline strays too far
LEAST = 0.05  # pixels; a smaller tolerance than that keeps the outline as it is


class PrelabelParams(Params):
    """How predictions become outlines, and photos a ranking."""

    tolerance: Annotated[float, msgspec.Meta(ge=0)]  # pixels an outline may stray from its mask
    like: Annotated[float, msgspec.Meta(ge=0, le=1)]  # least IoU of an outline with its mask
    smallest: Annotated[float, msgspec.Meta(ge=0, le=1)]  # objects and holes, share of the picture
    unsure: Annotated[float, msgspec.Meta(gt=0, le=1)]  # share of the pixels, the least sure ones


class Found(NamedTuple):
    """One photo looked at.

    Attributes:
        file_name: of the photo, any text.
        height: pixels.
        width: pixels.
        objects: label and outline of each.
        uncertainty: bits, 0..1.
        looks: as ``looks`` gives them.
    """

    file_name: str
    height: int
    width: int
    objects: list[tuple[int, shapely.Geometry]]
    uncertainty: float
    looks: np.ndarray


def objects(mask: np.ndarray, params: PrelabelParams) -> list[tuple[int, shapely.Geometry]]:
    """Return the label and the simplified outline of each object, largest first.

    An object is what hangs together; people who touch are one. What is smaller than
    ``params.smallest`` is left out, holes of that size are filled, unless all of that together
    would be more than ``params.like`` allows: then only what is smaller still.

    Args:
        mask: ``(H, W)`` uint8 labels.
        params: ``tolerance``, ``like`` and ``smallest``.

    Returns:
        Valid Polygons with their holes, pixels; drawn again by ``drawing``, they have at least
        ``params.like`` IoU with the mask, one by one and all together.
    """
    masks.check(mask)
    least = params.smallest * mask.size
    while least >= 1:
        found = _objects(mask, least, params)
        drawn = drawing.label_mask([drawing.Drawn(*one, None) for one in found], *mask.shape)
        either = np.count_nonzero(drawn | mask)
        if np.count_nonzero((drawn == mask) & (mask > 0)) >= params.like * either:
            return found
        least *= COARSER
    return _objects(mask, 0, params)


def _objects(
    mask: np.ndarray, least: float, params: PrelabelParams
) -> list[tuple[int, shapely.Geometry]]:
    """Return what ``objects`` does; what has fewer than ``least`` pixels is left out or filled."""
    found = []
    for label in np.unique(mask[mask > 0]).tolist():
        count, parts, stats, _ = cv2.connectedComponentsWithStats(
            (mask == label).astype(np.uint8), connectivity=4
        )
        for part in range(1, count):
            left, top, width, height, pixels = stats[part].tolist()
            if pixels >= least:
                inside = parts[top : top + height, left : left + width] == part
                outline = _simplified(_filled(inside, least), params)
                moved = shapely.transform(outline, lambda xy, by=(left, top): xy + by)
                found.append((pixels, label, moved))
    found.sort(key=lambda one: (-one[0], one[1], one[2].bounds))
    return [(label, outline) for _, label, outline in found]


def _filled(inside: np.ndarray, least: float) -> np.ndarray:
    """Fill the holes that are smaller than ``least`` pixels."""
    around = np.pad(~inside, 1, constant_values=True).astype(np.uint8)
    _, parts, stats, _ = cv2.connectedComponentsWithStats(around, connectivity=8)
    small = stats[:, cv2.CC_STAT_AREA] < least
    small[parts[0, 0]] = False  # the outside
    return inside | small[parts[1:-1, 1:-1]]


def _simplified(inside: np.ndarray, params: PrelabelParams) -> shapely.Polygon:
    """Return the outline of one object, simplified as far as both bounds allow."""
    exact = polygons.trace(inside)
    tolerance = params.tolerance
    while tolerance >= LEAST:
        outline = shapely.simplify(exact, tolerance, preserve_topology=True)
        if outline.geom_type == "Polygon" and outline.is_valid and not outline.is_empty:
            drawn = drawing.object_mask(outline, *inside.shape)
            if (drawn & inside).sum() >= params.like * (drawn | inside).sum():
                return outline
        tolerance *= COARSER
    return exact


def uncertainty(likely: np.ndarray, share: float) -> float:
    """Return how unsure the network is, bits, 0..1.

    It is the mean entropy of the pixels nearest to a decision, whatever the size of the objects.

    Args:
        likely: ``(H, W, C)`` float32, 0..1, one channel or one a label that sum to 1.
        share: of the pixels that count, the least sure ones.

    Returns:
        0 where every pixel is sure, 1 where all of them are a coin's toss; of several labels, the
        entropy is divided by that of all of them being alike.
    """
    whole = likely if likely.shape[2] > 1 else np.concatenate([1 - likely, likely], axis=2)
    safe = np.clip(whole, 1e-7, 1)
    bits = -(safe * np.log2(safe)).sum(axis=2).ravel() / np.log2(whole.shape[2])
    many = max(1, round(share * bits.size))
    return float(np.partition(bits, bits.size - many)[-many:].mean().clip(0, 1))


def looks(image: np.ndarray) -> np.ndarray:
    """Return what a picture looks like, ``(N,)`` float32: gradients, then light and colour.

    Args:
        image: ``(H, W, 3)`` uint8 RGB.
    """
    small = images.fit(image)
    nobody = np.zeros(small.shape[:2], np.uint8)
    shapes = images.gradients(images.tiny(images.luma(small)), nobody).ravel()
    return np.concatenate([shapes, images.look(small, nobody).ravel()]).astype(np.float32)


def rank(found: list[Found], labelled: np.ndarray, names: list[str]) -> pd.DataFrame:
    """Order photos by how much labelling each would teach, what is ranked above it given.

    Args:
        found: the photos.
        labelled: ``(M, N)`` float32, looks of what is labelled already; may be none.
        names: their file names.

    Returns:
        Columns as ``outcomes.PRELABEL``, the first to label first. ``unlike`` is the distance to
        the nearest photo that is labelled or ranked above.
    """
    if not found:
        return outcomes.PRELABEL.empty()
    every = _scaled(np.concatenate([labelled.reshape(len(names), -1), _stack(found)])
                    if names else _stack(found))  # fmt: skip
    distance = np.clip(1 - every @ every[len(names) :].T, 0, 1)  # (M + P, P)
    known, fresh = distance[: len(names)], distance[len(names) :]
    unlike = known.min(axis=0) if names else np.ones(len(found))
    nearest = [names[row] for row in known.argmin(axis=0)] if names else [""] * len(found)
    unsure = np.array([one.uncertainty for one in found])
    waiting, rows = set(range(len(found))), []
    while waiting:
        pick = max(sorted(waiting), key=lambda place: unsure[place] * unlike[place])
        waiting.remove(pick)
        rows.append(_row(found[pick], len(rows) + 1, float(unlike[pick]), nearest[pick]))
        for place in waiting:
            if fresh[pick, place] < unlike[place]:
                unlike[place], nearest[place] = fresh[pick, place], found[pick].file_name
    return outcomes.PRELABEL.frame(rows)


def _row(one: Found, place: int, unlike: float, nearest: str) -> dict:
    covered = sum(outline.area for _, outline in one.objects)
    return {
        "rank": place,
        "file_name": one.file_name,
        "score": one.uncertainty * unlike,
        "uncertainty": one.uncertainty,
        "unlike": unlike,
        "nearest": nearest,
        "objects": len(one.objects),
        "share": covered / (one.height * one.width),
    }


def _stack(found: list[Found]) -> np.ndarray:
    return np.stack([one.looks for one in found])


def _scaled(every: np.ndarray) -> np.ndarray:
    """Return rows of length 1 whose cosine is the likeness of two pictures.

    Gradients and colour count alike; colour is measured in its usual differences between photos.
    """
    cut = images.HOG_CELLS**2 * images.HOG_BINS
    shapes, colour = every[:, :cut], every[:, cut:]
    colour = (colour - colour.mean(axis=0)) / np.maximum(colour.std(axis=0), 1e-6)
    halves = [_unit(shapes - shapes.mean(axis=0)), _unit(colour)]
    return _unit(np.concatenate(halves, axis=1))


def _unit(rows: np.ndarray) -> np.ndarray:
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)


def dataset(found: list[Found], stems: list[str], names: list[str]) -> tables.Dataset:
    """Return the photos with their objects, as ``handover`` takes a dataset.

    Args:
        found: the photos.
        stems: a name for each that is unique.
        names: of the labels 1..K.
    """
    photos = [
        {"split": SPLIT, "image_id": number, "file_name": one.file_name, "path": one.file_name,
         "stem": stem, "width": one.width, "height": one.height, "source": one.file_name,
         "export_split": SPLIT, "export_id": number}
        for number, (one, stem) in enumerate(zip(found, stems, strict=True), start=1)
    ]  # fmt: skip
    outlines = [
        {"split": SPLIT, "image_id": number, "category_id": label, "iscrowd": False,
         "geometry": outline, "rle": None, "export_id": None}
        for number, one in enumerate(found, start=1)
        for label, outline in one.objects
    ]  # fmt: skip
    for number, row in enumerate(outlines, start=1):
        row["annotation_id"] = number
    categories = [
        {"category_id": label, "name": name, "supercategory": ""}
        for label, name in enumerate(names, start=1)
    ]
    return tables.Dataset(
        tables.IMAGES.frame(photos),
        tables.ANNOTATIONS.frame(outlines),
        tables.CATEGORIES.frame(categories),
    )
