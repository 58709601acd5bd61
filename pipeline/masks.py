"""Label masks: ``(H, W)`` uint8, 0 background, 1..K in order of category id."""

import cv2
import numpy as np

from pipeline.errors import MaskError

# A colour a label, far apart for every kind of colour sight (Okabe and Ito 2008, "Color Universal
# Design", jfly.uni-koeln.de/color), repeated when there are more labels; background is black.
PALETTE = np.array(
    [
        [0, 0, 0],
        [230, 159, 0],
        [86, 180, 233],
        [0, 158, 115],
        [240, 228, 66],
        [0, 114, 178],
        [213, 94, 0],
        [204, 121, 167],
    ],
    dtype=np.uint8,
)


def palette(labels: int = 256) -> np.ndarray:
    """Return the RGB of each label, ``(labels, 3)`` uint8."""
    colours = PALETTE[1:]
    repeated = colours[np.arange(labels - 1) % len(colours)]
    return np.concatenate([PALETTE[:1], repeated])


def resize(mask: np.ndarray, height: int, width: int) -> np.ndarray:
    """Resize a label mask by nearest neighbour, so that no label is invented.

    Args:
        mask: ``(H, W)`` uint8.
        height: of the result, pixels.
        width: of the result, pixels.
    """
    check(mask)
    if mask.shape == (height, width):
        return mask
    return cv2.resize(mask, (width, height), interpolation=cv2.INTER_NEAREST_EXACT)


def outline(mask: np.ndarray, thickness: int = 2) -> np.ndarray:
    """Return ``(H, W)`` bool: pixels of a label within ``thickness`` of another label."""
    check(mask)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * thickness + 1,) * 2)
    return (mask > 0) & (cv2.erode(mask, kernel) != mask) | (
        (mask > 0) & (cv2.dilate(mask, kernel) != mask)
    )


def overlay(image: np.ndarray, mask: np.ndarray, opacity: float = 0.45) -> np.ndarray:
    """Tint an image by its labels and draw their outlines; ``(H, W, 3)`` uint8 RGB.

    Args:
        image: ``(H, W, 3)`` uint8 RGB.
        mask: ``(H, W)`` uint8.
        opacity: of the tint, 0..1.

    Raises:
        MaskError: the two are of different size.
    """
    check(mask)
    if image.shape[:2] != mask.shape:
        raise MaskError(
            f"image is {image.shape[:2]} but mask is {mask.shape}; masks.resize the mask first"
        )
    colours = palette()[mask]
    tinted = cv2.addWeighted(image, 1 - opacity, colours, opacity, 0)
    drawn = np.where((mask > 0)[..., None], tinted, image)
    return np.where(outline(mask)[..., None], colours, drawn)


def check(mask: np.ndarray) -> None:
    """Raise ``MaskError`` unless ``mask`` is ``(H, W)`` uint8."""
    if mask.ndim != 2 or mask.dtype != np.uint8:
        raise MaskError(
            f"expected (H, W) uint8 labels, got {mask.shape} {mask.dtype}; "
            "read masks with store.read_mask"
        )
