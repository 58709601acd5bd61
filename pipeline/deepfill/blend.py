"""Paintings at the network's scale -> pixels of the photo: enlarged, faded in, with its grain."""

import cv2
import numpy as np

from pipeline.holes import Box

FLAT = 0.3  # share of the photo's smoothest pixels, whose roughness is taken for sensor noise
ROUGHNESS = 0.2236  # 1 / sqrt(20): what Laplace's operator makes of noise of deviation 1, undone


def blended(
    image: np.ndarray, hole: np.ndarray, painting: np.ndarray, feather: int
) -> tuple[Box, np.ndarray]:
    """Return the box around a crop's hole, and the painting in it at the crop's size.

    Args:
        image: ``(H, W, 3)`` uint8 RGB, the crop; only its known pixels are read.
        hole: ``(H, W)`` bool, not empty.
        painting: ``(h, w, 3)`` float32 of 0..255, the whole crop at the network's scale.
        feather: pixels inside the hole over which the painting fades in from the colours at the
            hole's edge.

    Returns:
        The painting is float32, of the box's size and of 0..255 or little beyond.
    """
    box = _around(hole, feather + 2)
    painted = _enlarged(painting, box, hole.shape)
    if not feather:
        return box, painted
    cut = hole[box.slices]
    depth = cv2.distanceTransform(cut.astype(np.uint8), cv2.DIST_L2, 5)
    share = np.clip(depth / (feather + 1), 0, 1)[..., None]
    edge = _edge(image[box.slices], cut, feather / 2 + 0.5)
    return box, np.where(share < 1, share * painted + (1 - share) * edge, painted)


def _around(hole: np.ndarray, margin: int) -> Box:
    rows, columns = np.flatnonzero(hole.any(1)), np.flatnonzero(hole.any(0))
    return Box(
        max(0, int(rows[0]) - margin),
        max(0, int(columns[0]) - margin),
        min(hole.shape[0], int(rows[-1]) + 1 + margin),
        min(hole.shape[1], int(columns[-1]) + 1 + margin),
    )


def _enlarged(painting: np.ndarray, box: Box, size: tuple[int, int]) -> np.ndarray:
    """Return the part of a painting that covers a box of the crop, at the crop's size.

    Only that part is enlarged: a crop of a large photo has many more pixels than its hole.
    """
    if painting.shape[:2] == size:
        return painting[box.slices]
    down, across = (few / full for few, full in zip(painting.shape, size, strict=False))
    matrix = np.array(
        [
            [across, 0, (box.left + 0.5) * across - 0.5],
            [0, down, (box.top + 0.5) * down - 0.5],
        ]
    )
    return cv2.warpAffine(
        painting,
        matrix,
        (box.right - box.left, box.bottom - box.top),
        flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )


def _edge(image: np.ndarray, hole: np.ndarray, sigma: float) -> np.ndarray:
    """Return the Gaussian mean of the known pixels near each; worthless far from any."""
    known = (~hole).astype(np.float32)
    weight = cv2.GaussianBlur(known, (0, 0), sigma)[..., None]
    total = cv2.GaussianBlur(image * known[..., None], (0, 0), sigma)
    return total / np.maximum(weight, 1e-6)


def grain(image: np.ndarray, hole: np.ndarray) -> float:
    """Return the deviation of a photo's noise, grey levels, from its smoothest known parts.

    Source:
        Immerkaer, "Fast noise variance estimation", CVIU 64(2), 1996, with Laplace's operator and
        the median in place of his mask and mean: texture is rougher than noise and must not count.
    """
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32)
    rough = np.abs(cv2.Laplacian(grey, cv2.CV_32F))
    smooth = cv2.GaussianBlur(rough, (0, 0), 4)
    known = cv2.dilate(hole.astype(np.uint8), np.ones((5, 5), np.uint8)) == 0
    known &= (grey > 8) & (grey < 247)  # cut-off values have no noise
    if not known.any():
        return 0.0
    flat = known & (smooth <= np.quantile(smooth[known], FLAT))
    return float(np.median(rough[flat]) / 0.6745 * ROUGHNESS)
