"""Shadows that objects cast on the ground: darker, of the same colour, and joined to the feet."""

import cv2
import numpy as np

from pipeline import holes

ABOVE = 0.35  # of the height: how far above its lowest point an object's shadow may lie
SIDE = 160  # an object is looked at no larger than this, pixels; shadows have no fine detail
SMOOTHED = (0.012, 0.03)  # of the object's height, down and across: texture that is averaged away
AROUND = (0.09, 0.35)  # of the height, down and across: what counts as the ground around
ROUNDS = 4  # of telling lit ground from shadow, each by the last one's
SPARED = 0.08  # ground that much darker than its surroundings is left out of their mean
TEXTURE = 3.0  # a shadow is darker than the ground by as many of its standard deviations
DARKER = 0.87  # a shadow has less of the light around it than this, and
NOT_BLACK = 0.20  # more than this: black is an object
TINT = 0.10  # most difference of the three colours' shares of light; more is another material
FEET = 0.06  # of the height: how near to its lowest point an outline is a foot
SMALLEST = 16  # of a height, pixels: below it there is nothing to see
RIM = 0.015  # of the height: the penumbra around what was found
BROAD = 0.28  # of the height: an object that ends broader than this is cut off by another
LARGEST = 0.15  # of the squared height; a larger dark patch is the ground itself
SURROUNDED = 0.7  # share of a shadow's rim that is lit ground of the same colour


def cast(image: np.ndarray, objects: np.ndarray, reach: float) -> np.ndarray:
    """Return the ground that lies in the shadow of objects, ``(H, W)`` bool, apart from them.

    The light that a shadow leaves is measured against the brightest ground around it, in each
    colour; a shadow takes about the same share of all three. What is not connected with the lower
    end of the object by such ground is left out, and so are objects that the picture's lower border
    cuts off.

    Args:
        image: ``(H, W, 3)`` uint8 RGB.
        objects: ``(H, W)`` bool; each connected part is one object.
        reach: how far from the object a shadow is looked for, share of its height, 0 or more.
    """
    found = np.zeros(objects.shape, bool)
    numbers, boxes = holes.parts(objects)
    for number, box in enumerate(boxes, start=1):
        height = box.bottom - box.top
        region = _searched(box, reach, objects.shape)
        own = numbers[region.slices] == number
        if reach <= 0 or height < SMALLEST or _cut_off(own, height):
            continue
        found[region.slices] |= _of_one(image[region.slices], own, objects[region.slices], height)
    return found & ~objects


def _cut_off(own: np.ndarray, height: int) -> bool:
    """Tell whether an object ends at the picture's border, or behind something in front of it."""
    lowest = np.flatnonzero(own.any(1))[-1]
    strip = own[max(0, lowest - max(1, round(FEET * height))) : lowest + 1]
    return strip.sum(1).mean() > BROAD * height


def _searched(box: holes.Box, reach: float, size: tuple[int, int]) -> holes.Box:
    """Return where an object's shadow may lie: beside and below its lower part."""
    height = box.bottom - box.top
    margin = round(reach * height)
    return holes.Box(
        max(0, box.bottom - round(ABOVE * height)),
        max(0, box.left - margin),
        min(size[0], box.bottom + margin // 2 + 1),
        min(size[1], box.right + margin),
    )


def _of_one(image: np.ndarray, own: np.ndarray, objects: np.ndarray, height: int) -> np.ndarray:
    factor = min(1.0, SIDE / height)
    size_wh = tuple(max(1, round(side * factor)) for side in own.shape[::-1])
    small = cv2.resize(image, size_wh, interpolation=cv2.INTER_AREA)
    mine, taken = (
        cv2.resize(part.astype(np.float32), size_wh, interpolation=cv2.INTER_AREA) > 0
        for part in (own, objects)
    )
    height = round(height * factor)
    dark, ground = _dark(small, taken, height)
    feet = cv2.dilate(_feet(mine, height).astype(np.uint8), _disc(max(2, round(FEET * height))))
    numbers, parts = cv2.connectedComponents(dark.astype(np.uint8))[1], []
    for number in np.unique(numbers[(feet > 0) & dark]):
        part = numbers == number
        ring = (cv2.dilate(part.astype(np.uint8), _disc(2)) > 0) & ~part & ~taken
        lit = ring.any() and ground[ring].mean() >= SURROUNDED
        if lit and part.sum() <= LARGEST * height**2:
            parts.append(part)
    shadow = np.any(parts, axis=0) if parts else np.zeros_like(dark)
    wider = cv2.dilate(shadow.astype(np.uint8), _disc(max(1, round(RIM * height))))
    return cv2.resize(wider, own.shape[::-1], interpolation=cv2.INTER_NEAREST) > 0


def _dark(image: np.ndarray, taken: np.ndarray, height: int) -> tuple[np.ndarray, np.ndarray]:
    """Tell where ground has less light than the lit ground around it, and where it is lit."""
    known = ~taken
    smooth = _mean(image, known, tuple(share * height for share in SMOOTHED))
    lit = known
    for _ in range(ROUNDS):
        around = _mean(smooth, lit, tuple(share * height for share in AROUND))
        left = smooth / np.maximum(around, 1)  # (h, w, 3), the share of light
        mean = left.mean(2)
        lit = known & (mean > 1 - SPARED)
    texture = float(np.std(mean[lit])) if lit.any() else 0.0
    limit = min(DARKER, 1 - TEXTURE * texture)
    alike = known & (left.max(2) - left.min(2) < TINT)
    return alike & (mean < limit) & (mean > NOT_BLACK), alike & (mean >= limit)


def _mean(image: np.ndarray, known: np.ndarray, sigma: tuple[float, float]) -> np.ndarray:
    """Return the Gaussian mean of known pixels, ``(h, w, 3)`` float32; sigma down and across."""
    down, across = (max(0.7, value) for value in sigma)
    share = known.astype(np.float32)
    weight = cv2.GaussianBlur(share, (0, 0), across, sigmaY=down)[..., None]
    total = cv2.GaussianBlur(image * share[..., None], (0, 0), across, sigmaY=down)
    return total / np.maximum(weight, 1e-3)


def _feet(own: np.ndarray, height: int) -> np.ndarray:
    """Mark the lower ends of an object: lowest in their columns, and about lowest of those near."""
    rows = np.arange(len(own))[:, None]
    lowest = np.where(own, rows, -1).max(0)  # (w,), -1 where the object is not
    near = 2 * round(0.2 * height) + 1
    around = cv2.dilate(lowest.astype(np.float32)[None], np.ones((1, near), np.uint8))[0]
    foot = (lowest >= 0) & (lowest >= around - FEET * height)
    return (rows == lowest) & foot


def _disc(radius: int) -> np.ndarray:
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1,) * 2)
