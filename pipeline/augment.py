"""Random variations of a picture and its label mask, so that few photos teach like many.

Each is drawn from the generator that is passed in, so a picture's variation depends on its seed
alone, never on the order or the process in which it is made.
"""

from typing import Annotated

import cv2
import msgspec
import numpy as np

from pipeline import pasting
from pipeline.params import Params
from pipeline.pasting import Pair

Chance = Annotated[float, msgspec.Meta(ge=0, le=1)]
Amount = Annotated[float, msgspec.Meta(ge=0, lt=1)]

# Luma of RGB, ITU-R BT.601.
LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)


class AugmentParams(Params):
    """How far a picture may vary; 0 leaves that variation out."""

    flip: Chance  # left to right
    scale_from: Annotated[float, msgspec.Meta(gt=0)]  # smallest size of the content; 1 = as it is
    scale_to: Annotated[float, msgspec.Meta(gt=0)]  # largest
    aspect: Amount  # width against height, ± share
    rotate: Annotated[float, msgspec.Meta(ge=0, le=180)]  # ± degrees
    shift: Amount  # ± share of the side
    brightness: Amount  # ± share of the range
    contrast: Amount  # ± share
    tint: Amount  # ± share, each colour by itself: white balance
    saturation: Chance  # ± share
    grey: Chance  # how often all colour goes
    blur: Chance  # how often
    blur_sigma: Annotated[float, msgspec.Meta(ge=0)]  # most, pixels at network size
    noise: Chance  # how often
    noise_sigma: Amount  # most, share of the range
    paste: Chance  # how often all objects of another photo are laid over it
    paste_from: Annotated[float, msgspec.Meta(gt=0)]  # their smallest size; 1 = as there
    paste_to: Annotated[float, msgspec.Meta(gt=0)]  # their largest
    hide: Chance  # how often a piece of scenery is laid over part of an object
    hide_most: Chance  # share of the object that it hides at most


STILL = AugmentParams(
    flip=0, scale_from=1, scale_to=1, aspect=0, rotate=0, shift=0, brightness=0, contrast=0,
    tint=0, saturation=0, grey=0, blur=0, blur_sigma=0, noise=0, noise_sigma=0, paste=0,
    paste_from=1, paste_to=1, hide=0, hide_most=0,
)  # fmt: skip


def vary(  # noqa: PLR0913  # the usual five, and what may be laid on
    image: np.ndarray,
    mask: np.ndarray,
    size: int,
    limits: AugmentParams,
    random: np.random.Generator,
    others: Pair | None = None,
) -> Pair:
    """Return one random variation of a picture and the mask that belongs to it.

    Args:
        image: ``(S, S, 3)`` uint8 RGB, any ``S``.
        mask: ``(S, S)`` uint8 labels.
        size: side of the result, pixels.
        limits: how far to go.
        random: where the chance comes from.
        others: pictures ``(N, S, S, 3)`` and masks ``(N, S, S)`` to paste and hide with, this one
            perhaps among them; without them neither is done.

    Returns:
        ``(size, size, 3)`` uint8 and ``(size, size)`` uint8; what lies beyond the picture's edge
        is its mirror image, in both.
    """
    varied = _placed((image, mask), size, limits, random)
    # No chance is drawn for what is off: the other variations stay what they are without it.
    if others is not None and limits.paste > 0 and random.random() < limits.paste:
        varied = _pasted(varied, _one(others, random), limits, random)
    if others is not None and limits.hide > 0 and random.random() < limits.hide:
        scenery = _placed(_one(others, random), size, limits, random)
        varied = pasting.hide(varied, scenery, limits.hide_most, random)
    return recolour(varied[0], limits, random), varied[1]


def _placed(pair: Pair, size: int, limits: AugmentParams, random: np.random.Generator) -> Pair:
    image, mask = pair
    matrix = placement(image.shape[0], size, limits, random)
    moved = cv2.warpAffine(
        image, matrix, (size, size), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101
    )
    labels = cv2.warpAffine(
        mask, matrix, (size, size), flags=cv2.INTER_NEAREST, borderMode=cv2.BORDER_REFLECT_101
    )
    return moved, labels


def _one(others: Pair, random: np.random.Generator) -> Pair:
    which = int(random.integers(len(others[0])))
    return others[0][which], others[1][which]


def _pasted(below: Pair, other: Pair, limits: AugmentParams, random: np.random.Generator) -> Pair:
    """Lay the objects of another picture over this one, their middle anywhere in it."""
    image, mask = other
    if not mask.any():
        return below
    size, side = below[0].shape[0], image.shape[0]
    turn = np.deg2rad(random.uniform(-limits.rotate, limits.rotate))
    scale = np.exp(random.uniform(np.log(limits.paste_from), np.log(limits.paste_to)))
    mirror = -1 if random.random() < limits.flip else 1
    linear = _rotation(turn) @ np.diag([mirror, 1]) * scale * size / side
    left, top, wide, high = cv2.boundingRect(mask)
    middle = np.array([left + (wide - 1) / 2, top + (high - 1) / 2])
    matrix = np.column_stack([linear, random.uniform(0, size, 2) - linear @ middle])
    return pasting.paste(below, (recolour(image, limits, random), mask), matrix)


def _rotation(angle: float) -> np.ndarray:
    return np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])


def placement(
    side: int, size: int, limits: AugmentParams, random: np.random.Generator
) -> np.ndarray:
    """Draw the ``(2, 3)`` float64 matrix that takes a picture of ``side`` to one of ``size``.

    Flip, scale, aspect, rotation and shift in one, about the centre; pixel centres are at whole
    numbers, as OpenCV has them.
    """
    turn = np.deg2rad(random.uniform(-limits.rotate, limits.rotate))
    scale = np.exp(random.uniform(np.log(limits.scale_from), np.log(limits.scale_to)))
    stretch = np.sqrt(1 + random.uniform(-limits.aspect, limits.aspect))
    mirror = -1 if random.random() < limits.flip else 1
    shift = random.uniform(-limits.shift, limits.shift, 2) * size
    linear = _rotation(turn) @ np.diag([mirror * stretch, 1 / stretch]) * scale * size / side
    centre = (size - 1) / 2 + shift - linear @ np.full(2, (side - 1) / 2)
    return np.column_stack([linear, centre])


def recolour(image: np.ndarray, limits: AugmentParams, random: np.random.Generator) -> np.ndarray:
    """Draw another light, white balance, saturation, blur and noise; same shape, uint8."""
    mix, offset = _colour(limits, random)
    sigma = random.uniform(0, limits.blur_sigma) if random.random() < limits.blur else 0
    grain = random.uniform(0, limits.noise_sigma) * 255 if random.random() < limits.noise else 0
    result = cv2.transform(image, np.column_stack([mix, offset]))
    if sigma > 0:
        result = cv2.GaussianBlur(result, (0, 0), sigma)
    if grain > 0:
        speckle = random.standard_normal(image.shape, dtype=np.float32) * np.float32(grain)
        result = np.clip(result + speckle, 0, 255).astype(np.uint8)
    return result


def _colour(limits: AugmentParams, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Draw the ``(3, 3)`` mixing matrix and ``(3,)`` offset that RGB of 0..255 goes through."""
    contrast = 1 + random.uniform(-limits.contrast, limits.contrast)
    brightness = random.uniform(-limits.brightness, limits.brightness) * 255
    tint = 1 + random.uniform(-limits.tint, limits.tint, 3)
    colour = 1 + random.uniform(-limits.saturation, limits.saturation)
    if random.random() < limits.grey:
        colour = 0
    saturate = colour * np.eye(3) + (1 - colour) * np.tile(LUMA, (3, 1))
    mix = contrast * np.diag(tint) @ saturate
    return mix, np.full(3, 127.5 * (1 - contrast) + brightness)
