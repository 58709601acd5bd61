"""How near a filled hole is to the truth, and the classical fillings to compare with."""

import cv2
import numpy as np
from skimage.metrics import structural_similarity

from pipeline.errors import ImageError

WINDOW = 7  # pixels; scikit-image's default for SSIM
RADIUS = 3  # pixels; OpenCV's examples inpaint with it
NEAR = 8  # pixels around a hole whose steps say how rough the photo itself is there
QUIET = 1.0  # grey levels: no photo is smoother, and nobody sees a smaller step


def scores(truth: np.ndarray, filled: np.ndarray, hole: np.ndarray) -> dict[str, float]:
    """Compare a filling with the truth over the hole's pixels only.

    Args:
        truth: ``(H, W, 3)`` uint8 RGB.
        filled: the same size and type.
        hole: ``(H, W)`` bool, at least one pixel of it true.

    Returns:
        ``psnr`` in dB, 100 at most (where the two are equal); ``ssim`` in -1..1, the mean of the
        local index over the hole; ``l1`` in 0..1, the mean absolute difference.

    Raises:
        ImageError: the sizes differ, or the hole is empty.

    Source:
        SSIM: Wang et al., "Image quality assessment: from error visibility to structural
        similarity", IEEE TIP 13(4), 2004, https://doi.org/10.1109/TIP.2003.819861
    """
    if truth.shape != filled.shape or truth.shape[:2] != hole.shape:
        raise ImageError(
            f"truth is {truth.shape}, filled {filled.shape}, hole {hole.shape}; "
            "all three must be of one size"
        )
    if not hole.any():
        raise ImageError("the hole is empty; there is nothing to score")
    box = _around(hole)
    truth, filled, hole = truth[box], filled[box], hole[box]
    difference = truth[hole].astype(np.float64) - filled[hole]
    mse = float(np.mean(difference**2))
    _, local = structural_similarity(
        truth, filled, win_size=WINDOW, channel_axis=2, full=True, data_range=255
    )  # local: (h, w, 3)
    return {
        "psnr": float(min(100.0, 10 * np.log10(255**2 / mse))) if mse else 100.0,
        "ssim": float(local[hole].mean()),
        "l1": l1(truth, filled, hole),
    }


def l1(truth: np.ndarray, filled: np.ndarray, hole: np.ndarray) -> float:
    """Return the mean absolute difference over the hole's pixels, 0..1; arguments as ``scores``."""
    return float(np.abs(truth[hole].astype(np.float64) - filled[hole]).mean() / 255)


def seam(filled: np.ndarray, hole: np.ndarray) -> float:
    """Return how visible a hole's edge is: steps across it, against those of the photo beside it.

    Args:
        filled: ``(H, W, 3)`` uint8 RGB.
        hole: ``(H, W)`` bool.

    Returns:
        The mean absolute step from a pixel in the hole to its neighbour outside, divided by that
        between neighbours outside within ``NEAR`` pixels: 1 is as the photo, above 1 a visible
        edge, below 1 smoother than the photo. NaN if the hole has no edge.
    """
    around = cv2.dilate(hole.astype(np.uint8), np.ones((2 * NEAR + 1,) * 2, np.uint8)) > 0
    across, beside = [], []
    for axis in (0, 1):
        steps = np.abs(np.diff(filled.astype(np.int16), axis=axis)).mean(2)
        first, second = (np.moveaxis(hole, axis, 0)[part] for part in (slice(-1), slice(1, None)))
        near = np.moveaxis(around, axis, 0)
        near, steps = near[:-1] & near[1:], np.moveaxis(steps, axis, 0)
        across.append(steps[first != second])
        beside.append(steps[near & ~first & ~second])
    across, beside = np.concatenate(across), np.concatenate(beside)
    if not len(across):
        return float("nan")
    usual = beside.mean() if len(beside) else 0.0
    return float(across.mean() / max(usual, QUIET))


def telea(image: np.ndarray, hole: np.ndarray) -> np.ndarray:
    """Fill by OpenCV's fast marching; ``(H, W, 3)`` uint8.

    Source:
        Telea, "An image inpainting technique based on the fast marching method", Journal of
        Graphics Tools 9(1), 2004, https://doi.org/10.1080/10867651.2004.10487596
    """
    return cv2.inpaint(image, hole.astype(np.uint8), RADIUS, cv2.INPAINT_TELEA)


def navier_stokes(image: np.ndarray, hole: np.ndarray) -> np.ndarray:
    """Fill by OpenCV's fluid dynamics; ``(H, W, 3)`` uint8.

    Source:
        Bertalmio et al., "Navier-Stokes, fluid dynamics, and image and video inpainting", CVPR
        2001, https://doi.org/10.1109/CVPR.2001.990497
    """
    return cv2.inpaint(image, hole.astype(np.uint8), RADIUS, cv2.INPAINT_NS)


def mean_colour(image: np.ndarray, hole: np.ndarray) -> np.ndarray:
    """Fill with the mean colour of what is known; black if nothing is. ``(H, W, 3)`` uint8."""
    filled = image.copy()
    known = image[~hole]
    filled[hole] = np.round(known.mean(axis=0)) if len(known) else 0
    return filled


BASELINES = {"telea": telea, "ns": navier_stokes, "mean": mean_colour}


def _around(hole: np.ndarray) -> tuple[slice, slice]:
    """The hole's box with room for SSIM's window, at least as large as the window."""
    box = []
    for axis in (1, 0):
        lines = np.flatnonzero(hole.any(axis=axis))
        size = hole.shape[1 - axis]
        start = max(0, min(lines[0] - WINDOW, size - WINDOW))
        box.append(slice(int(start), int(min(size, max(lines[-1] + 1 + WINDOW, start + WINDOW)))))
    return box[0], box[1]
