"""Plain dark bars around a photo, as rotation and letter boxes leave them."""

import cv2
import numpy as np

DARK = 48  # grey levels; brighter corners are taken for the photo
SPREAD = 6  # grey levels that a bar's pixels differ from its corner at most
GRAIN = 0.9  # grey levels, mean of the Laplacian; a dark corner of a photo has more


def bars(grey: np.ndarray) -> np.ndarray:
    """Return where a picture is padding: plain dark ground that spreads from a corner.

    Args:
        grey: ``(H, W)`` uint8 at working size.

    Returns:
        ``(H, W)`` uint8, 1 on padding.
    """
    height, width = grey.shape
    found = np.zeros((height + 2, width + 2), np.uint8)
    flags = 4 | cv2.FLOODFILL_FIXED_RANGE | cv2.FLOODFILL_MASK_ONLY | 1 << 8
    for x, y in ((0, 0), (width - 1, 0), (0, height - 1), (width - 1, height - 1)):
        if grey[y, x] < DARK and not found[y + 1, x + 1]:
            one = np.zeros_like(found)
            cv2.floodFill(grey, one, (x, y), 0, SPREAD, SPREAD, flags)
            if _plain(grey, one[1:-1, 1:-1]):
                found |= one
    return np.ascontiguousarray(found[1:-1, 1:-1])


def luma(grey: np.ndarray, padding: np.ndarray) -> float:
    """Return the mean grey level inside the padding, 0..255; of all where that is everything.

    Args:
        grey: ``(H, W)`` uint8.
        padding: the same shape, as ``bars`` gives it.
    """
    if not padding.any() or padding.all():
        return float(cv2.mean(grey)[0])
    return float(cv2.mean(grey, mask=1 - padding)[0])


def _plain(grey: np.ndarray, bar: np.ndarray) -> bool:
    """Return whether there is no grain inside; at its edge is JPEG's ringing."""
    inner = cv2.erode(bar, np.ones((3, 3), np.uint8))
    count = cv2.countNonZero(inner)
    curve = cv2.convertScaleAbs(cv2.Laplacian(grey, cv2.CV_16S))
    return count > 0 and cv2.mean(curve, mask=inner)[0] <= GRAIN
