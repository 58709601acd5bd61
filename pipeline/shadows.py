"""Shadows that objects cast on the ground: darker, of the same colour, and joined to the feet.

Two cues: dark patches that touch the feet, and the direction of the sun, which is the same for all.
"""

import cv2
import numpy as np

from pipeline import holes, sunlight

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
PATCHES = 0.6  # of the height: dark patches farther from an object are the ground's own
BY_FEET = (0.27, 0.08)  # of the height, across and down: where bodies keep the sky's light off, and
JOINED = 0.02  # of the height: how near to that or to the sun's shadow a patch must be, if known


def cast(image: np.ndarray, objects: np.ndarray, reach: float) -> np.ndarray:
    """Return the ground that lies in the shadow of objects, ``(H, W)`` bool, apart from them.

    The light that a shadow leaves is measured against the ground around it, in each colour; a
    shadow takes about the same share of all three. What is not connected with the lower end of the
    object by such ground is left out, and so are objects that the picture's lower border cuts off.
    If the sun's direction shows (``sunlight``), everything on which its shadows fall is found,
    texture or not, and dark patches elsewhere are left out.

    Args:
        image: ``(H, W, 3)`` uint8 RGB.
        objects: ``(H, W)`` bool; each connected part is one object.
        reach: how far from the object a shadow is looked for, share of its height, 0 or more.
    """
    found = np.zeros(objects.shape, bool)
    if reach <= 0:
        return found
    numbers, boxes = holes.parts(objects)
    figures = []
    for number, box in enumerate(boxes, start=1):
        height = box.bottom - box.top
        own = numbers[box.slices] == number
        if height < SMALLEST or _cut_off(own, height):
            continue
        region = _searched(box, min(reach, PATCHES), objects.shape)
        mine = numbers[region.slices] == number
        found[region.slices] |= _of_one(image[region.slices], mine, objects[region.slices], height)
        if box.bottom < len(objects):  # else nobody knows where the feet are
            figures.append((box, sunlight.figure(image, objects, own, box)))
    fall = sunlight.fall([one for _, one in figures]) if figures else None
    if fall is not None:
        found = _sunlit(found, figures, fall, reach)
    return found & ~objects


def _sunlit(
    patches: np.ndarray,
    figures: list[tuple[holes.Box, sunlight.Figure]],
    fall: sunlight.Fall,
    reach: float,
) -> np.ndarray:
    """Return what lies in the figures' shadows, and the patches that belong to them or to feet."""
    found, allowed = np.zeros_like(patches), np.zeros_like(patches)
    for box, one in figures:
        height = box.bottom - box.top
        shadow = sunlight.shadow(one, fall)
        near = cv2.dilate(
            (shadow | _by_feet(one)).astype(np.uint8), sunlight.disc(JOINED * one.height)
        )
        size_wh = (one.box.right - one.box.left, one.box.bottom - one.box.top)
        for whole, part in ((found, shadow), (allowed, near)):
            large = cv2.resize(part.astype(np.uint8), size_wh, interpolation=cv2.INTER_NEAREST)
            bound = _within(box, one.box, reach * height)
            whole[one.box.slices] |= (large > 0) & bound
    return found | (patches & allowed)


def _within(box: holes.Box, around: holes.Box, reach: float) -> np.ndarray:
    """Mark what is no farther than ``reach`` beside or below an object, in its surroundings."""
    rows = np.arange(around.top, around.bottom)[:, None] <= box.bottom + reach / 2
    columns = np.arange(around.left, around.right)[None]
    return rows & (columns >= box.left - reach) & (columns < box.right + reach)


def _by_feet(one: sunlight.Figure) -> np.ndarray:
    """Mark an ellipse on the ground around the feet, ``(h, w)`` bool."""
    ground = np.zeros(one.own.shape, np.uint8)
    lowest = np.where(one.own > 0.5, np.arange(len(ground))[:, None], -1).max(0)
    columns = np.flatnonzero(lowest >= one.foot - 0.05 * one.height)
    if len(columns):
        middle = (round((columns[0] + columns[-1]) / 2), round(one.foot))
        axes = tuple(max(1, round(share * one.height)) for share in BY_FEET)
        cv2.ellipse(ground, middle, axes, 0, 0, 360, 1, -1)
    return ground > 0


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
    feet = cv2.dilate(_feet(mine, height).astype(np.uint8), sunlight.disc(FEET * height, least=2))
    numbers, parts = cv2.connectedComponents(dark.astype(np.uint8))[1], []
    for number in np.unique(numbers[(feet > 0) & dark]):
        part = numbers == number
        ring = (cv2.dilate(part.astype(np.uint8), sunlight.disc(2)) > 0) & ~part & ~taken
        lit = ring.any() and ground[ring].mean() >= SURROUNDED
        if lit and part.sum() <= LARGEST * height**2:
            parts.append(part)
    shadow = np.any(parts, axis=0) if parts else np.zeros_like(dark)
    wider = cv2.dilate(shadow.astype(np.uint8), sunlight.disc(RIM * height))
    return cv2.resize(wider, own.shape[::-1], interpolation=cv2.INTER_NEAREST) > 0


def _dark(image: np.ndarray, taken: np.ndarray, height: int) -> tuple[np.ndarray, np.ndarray]:
    """Tell where ground has less light than the lit ground around it, and where it is lit."""
    known = ~taken
    smooth = sunlight.mean(image, known, tuple(share * height for share in SMOOTHED))
    lit = known
    for _ in range(ROUNDS):
        around = sunlight.mean(smooth, lit, tuple(share * height for share in AROUND))
        left = smooth / np.maximum(around, 1)  # (h, w, 3), the share of light
        mean = left.mean(2)
        lit = known & (mean > 1 - SPARED)
    texture = float(np.std(mean[lit])) if lit.any() else 0.0
    limit = min(DARKER, 1 - TEXTURE * texture)
    alike = known & (left.max(2) - left.min(2) < TINT)
    return alike & (mean < limit) & (mean > NOT_BLACK), alike & (mean >= limit)


def _feet(own: np.ndarray, height: int) -> np.ndarray:
    """Mark the lower ends of an object: lowest in their columns, and about lowest of those near."""
    rows = np.arange(len(own))[:, None]
    lowest = np.where(own, rows, -1).max(0)  # (w,), -1 where the object is not
    near = 2 * round(0.2 * height) + 1
    around = cv2.dilate(lowest.astype(np.float32)[None], np.ones((1, near), np.uint8))[0]
    foot = (lowest >= 0) & (lowest >= around - FEET * height)
    return (rows == lowest) & foot
