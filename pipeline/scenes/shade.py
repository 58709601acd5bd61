"""Light on a person, and the shadow a person casts."""

import cv2
import numpy as np

from pipeline.scenes.light import Look
from pipeline.scenes.sheet import Sheet

LAMP = (-0.35, 0.45, 0.82)  # direction to the lamps that light people at night
LAMPLIGHT = (0.52, 0.4, 0.28)
FILL = 0.16  # share of the sun's light that comes back from all around


def lit(sheet: Sheet, look: Look) -> np.ndarray:
    """Return a sheet in the light of an hour, ``(h, w, 3)`` float32 linear; not cut out."""
    albedo = np.square(np.clip(sheet.colour, 0, 1))
    nz = np.sqrt(np.maximum(1 - sheet.nx**2 - sheet.up**2, 0))
    wrap = 0.28 * sheet.skin
    light = _ambient(sheet, look)
    for direction, colour in (
        (look.sun, look.sunlight),
        (LAMP, tuple(v * look.lamps for v in LAMPLIGHT)),
    ):
        if max(colour) < 0.01:
            continue
        facing = sheet.nx * direction[0] + sheet.up * direction[1] + nz * direction[2]
        soft = np.maximum((facing + wrap) / (1 + wrap), 0)
        tint = np.array(colour, np.float32)
        light += (soft * (1 - FILL) + FILL)[..., None] * tint
        half = np.add(direction, (0, 0, 1))
        half = half / np.linalg.norm(half)
        glance = np.maximum(sheet.nx * half[0] + sheet.up * half[1] + nz * half[2], 0)
        albedo += (sheet.shine * glance**18 * 0.35)[..., None] * tint * 0.6
    return albedo * light


def _ambient(sheet: Sheet, look: Look) -> np.ndarray:
    half = (0.5 + 0.5 * sheet.up)[..., None]
    above = np.array(look.above, np.float32) * 1.15
    below = np.array(look.below, np.float32) * 1.3
    return half * above + (1 - half) * below


def cast(sheet: Sheet, look: Look, shape: tuple[int, int]) -> np.ndarray:
    """Return the shadow of a standing person, ``(H, W)`` float32, 0..1: sheared over the ground.

    Args:
        sheet: the person.
        look: where the sun stands; without a sun only the contact shadow is left.
        shape: height and width of the picture.
    """
    alpha = np.zeros(shape, np.float32)
    left, top, right, bottom = sheet.box
    alpha[top:bottom, left:right] = sheet.alpha
    x, y = sheet.foot
    y -= 0.02 * sheet.scale
    strength = max(look.sunlight) / (max(look.sunlight) + 1.2 * max(look.above))
    flat = 0.2  # a shadow that falls away from the camera is foreshortened
    lean = float(np.clip(-look.sun[0] / look.sun[1], -1.7, 1.7))
    # Where a shadow's point comes from: up the figure as far as it lies off the foot.
    matrix = np.array([[1, lean / flat, -lean / flat * y], [0, 1 / flat, y - y / flat]], np.float32)
    shadow = cv2.warpAffine(
        alpha, matrix, (shape[1], shape[0]), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    )
    shadow = cv2.GaussianBlur(shadow, (0, 0), max(sheet.scale * 0.02, 0.7)) * strength
    rows, columns = (
        np.arange(shape[0], dtype=np.float32)[:, None],
        np.arange(shape[1], dtype=np.float32)[None],
    )
    reach = ((columns - x) / (0.27 * sheet.scale)) ** 2 + ((rows - y) / (0.065 * sheet.scale)) ** 2
    contact = 0.9 * np.exp(-reach)
    return np.maximum(shadow, 0.75 * contact)
