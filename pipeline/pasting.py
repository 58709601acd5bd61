"""Objects of one picture laid over another, and pieces of scenery laid over objects.

Sources: Ghiasi et al., "Simple Copy-Paste is a Strong Data Augmentation Method for Instance
Segmentation", CVPR 2021, https://arxiv.org/abs/2012.07177; DeVries and Taylor, "Improved
Regularization of Convolutional Neural Networks with Cutout", 2017,
https://arxiv.org/abs/1708.04552, which lays grey squares where we lay scenery.
"""

import cv2
import numpy as np

Pair = tuple[np.ndarray, np.ndarray]  # a picture, (H, W, 3) uint8 RGB, and its labels, (H, W) uint8

FEATHER = 0.8  # pixels (Gaussian sigma) over which what is laid on fades in
WAVES = (2, 3, 4, 5)  # bumps around the outline of a piece of scenery
SWELL = 0.6  # most that a wave moves the outline, share of the radius, by its number
SLENDER = 3.0  # most that a piece is longer than wide, before its bumps
POINTS = 64  # of that outline
LEAST = 0.05  # share of an object that is worth hiding
TRIES = 6  # places for a piece of scenery; then nothing is hidden
CLEAR = 2  # pixels around a piece that hold no object either


def paste(below: Pair, other: Pair, matrix: np.ndarray) -> Pair:
    """Lay all objects of another picture, in all their parts, over one.

    Holes in an object stay holes: the picture below is seen through them.

    Args:
        below: picture and labels.
        other: those that objects are cut out of, of any size.
        matrix: ``(2, 3)``, takes a pixel of ``other`` to its place in ``below``.

    Returns:
        ``below`` with the objects in front; what falls outside is left out.
    """
    image, mask = below
    size_wh = mask.shape[::-1]
    labels = cv2.warpAffine(other[1], matrix, size_wh, flags=cv2.INTER_NEAREST)
    if not labels.any():
        return below
    scale, source = np.sqrt(abs(np.linalg.det(matrix[:, :2]))), other[0]
    if scale < 1:  # shrunk without it, fine patterns would turn into false ones
        source = cv2.GaussianBlur(source, (0, 0), 0.5 * (1 / scale - 1) + 1e-3)
    moved = cv2.warpAffine(source, matrix, size_wh, borderMode=cv2.BORDER_REFLECT_101)
    return _blended(image, moved, labels > 0), np.where(labels > 0, labels, mask)


def hide(below: Pair, other: Pair, most: float, random: np.random.Generator) -> Pair:
    """Lay a piece of scenery, of irregular outline, over part of one object.

    Args:
        below: picture and labels.
        other: those that the piece is cut out of, where no object is; of the same size.
        most: share of the object that is hidden at most, 0..1.
        random: where the chance comes from.

    Returns:
        ``below`` with the piece in front, where its labels are background; as it was if it has no
        object, or there is no room for a piece.
    """
    image, mask = below
    rows, columns = np.nonzero(mask)
    if not len(rows):
        return below
    at = int(random.integers(len(rows)))
    middle = (int(columns[at]), int(rows[at]))
    things = cv2.connectedComponents((mask > 0).view(np.uint8))[1]
    thing = things == things[middle[::-1]]
    area = int(thing.sum())
    for _ in range(TRIES):
        piece = _piece(mask.shape, middle, area * random.uniform(LEAST, max(most, LEAST)), random)
        hidden = int((piece & thing).sum())
        if not LEAST * area <= hidden <= most * area:
            continue
        if shift := _clear(piece, other[1], random):
            matrix = np.array([[1, 0, -shift[0]], [0, 1, -shift[1]]], dtype=np.float64)
            moved = cv2.warpAffine(
                other[0], matrix, mask.shape[::-1], borderMode=cv2.BORDER_REFLECT_101
            )
            return _blended(image, moved, piece), np.where(piece, 0, mask).astype(np.uint8)
    return below


def _piece(
    shape: tuple[int, int], middle: tuple[int, int], area: float, random: np.random.Generator
) -> np.ndarray:
    """Draw a blob of about ``area`` pixels around a point, ``shape`` bool, cut at the border."""
    angle = np.linspace(0, 2 * np.pi, POINTS, endpoint=False)
    radius = np.ones(POINTS)
    for wave in WAVES:
        height = random.uniform(0, SWELL / wave)
        radius += height * np.cos(wave * angle + random.uniform(0, 2 * np.pi))
    radius *= np.sqrt(area / np.pi / np.mean(radius**2))
    longer = np.exp(random.uniform(-np.log(SLENDER), np.log(SLENDER)) / 2)
    turn = random.uniform(0, 2 * np.pi)
    x, y = radius * np.cos(angle) * longer, radius * np.sin(angle) / longer
    points = np.column_stack(
        [x * np.cos(turn) - y * np.sin(turn), x * np.sin(turn) + y * np.cos(turn)]
    )
    drawn = np.zeros(shape, np.uint8)
    cv2.fillPoly(drawn, [np.rint((points + middle) * 16).astype(np.int32)], 1, shift=4)
    return drawn > 0


def _clear(
    piece: np.ndarray, other_mask: np.ndarray, random: np.random.Generator
) -> tuple[int, int] | None:
    """Draw a shift, x and y, by which the piece lies in the other picture and on no object there.

    None if there is no such place.
    """
    left, top, wide, high = cv2.boundingRect(piece.view(np.uint8))
    kernel = piece[top : top + high, left : left + wide].astype(np.float32)
    taken = cv2.dilate((other_mask > 0).view(np.uint8), np.ones((2 * CLEAR + 1,) * 2, np.uint8))
    shared = cv2.filter2D(
        taken.astype(np.float32), -1, kernel, anchor=(0, 0), borderType=cv2.BORDER_CONSTANT
    )
    free = shared[: piece.shape[0] - high + 1, : piece.shape[1] - wide + 1] < 0.5  # whole numbers
    places = np.flatnonzero(free)
    if not len(places):
        return None
    row, column = divmod(int(places[random.integers(len(places))]), free.shape[1])
    return column - left, row - top


def _blended(image: np.ndarray, over: np.ndarray, where: np.ndarray) -> np.ndarray:
    """Return one picture with another where a mask says so, across a soft edge; uint8."""
    opacity = cv2.GaussianBlur(where.astype(np.float32), (0, 0), FEATHER)[..., None]
    return np.rint(image + opacity * (over.astype(np.float32) - image)).astype(np.uint8)
