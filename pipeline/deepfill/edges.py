"""Edges that guide the painting: those of the surroundings, and straight ones across the hole.

DeepFillv2 takes a person's sketch as one more channel; Nazeri et al., "EdgeConnect", 2019,
https://arxiv.org/abs/1901.00212, completes the edges first and paints along them. Here nothing is
learnt for it: a straight edge that leads into a hole and goes on behind it is drawn through (a
horizon, a kerb, a wall's end); all else in the hole is left empty, for the network to decide.
"""

from itertools import combinations, product

import cv2
import numpy as np
import torch
from torch import Tensor

from pipeline.deepfill.smooth import spread

BLUR = 1.4  # pixels, standard deviation before the slopes are taken
WEAK, STRONG = 40, 100  # slopes at which an edge goes on and begins, grey levels, as of Canny
RIM = 3  # pixels around the hole in which an edge may be the filling's own
LONG = 12  # pixels of the shortest straight piece that counts
GAP = 3  # pixels that may be missing in a piece
VOTES = 10  # edge pixels on a line for it to be one
NEAR = 10  # pixels from the hole at which a piece still leads into it
MOST = 40  # pieces that are paired, the longest
AIM = 4  # pixels by which the piece behind the hole may miss the line


def guide(image: Tensor, hole: Tensor) -> Tensor:
    """Return the edges that the networks see, 1 on an edge.

    Args:
        image: ``(N, 3, H, W)`` in -1..1. What lies in the hole is never read.
        hole: ``(N, 1, H, W)``, 1 in the hole.

    Returns:
        ``(N, 1, H, W)`` of 0 and 1, without a gradient.
    """
    with torch.no_grad():
        grey = ((spread(image, hole).mean(1) + 1) * 127.5).clamp(0, 255).round()
    greys, cuts = (maps.to("cpu", torch.uint8).numpy() for maps in (grey, hole[:, 0]))
    drawn = np.stack([edges(grey, cut > 0) for grey, cut in zip(greys, cuts, strict=True)])
    return torch.from_numpy(drawn[:, None]).to(hole.device, image.dtype)


def edges(grey: np.ndarray, hole: np.ndarray) -> np.ndarray:
    """Return the edges of one picture, ``(H, W)`` bool.

    Args:
        grey: ``(H, W)`` uint8, the hole filled somehow.
        hole: ``(H, W)`` bool.
    """
    found = cv2.Canny(cv2.GaussianBlur(grey, (0, 0), BLUR), WEAK, STRONG) > 0
    found &= ~_around(hole, RIM)
    return found | (completed(found, hole) & hole)


def completed(found: np.ndarray, hole: np.ndarray) -> np.ndarray:
    """Draw through the hole what leads into it on one side and goes on on the other.

    Args:
        found: ``(H, W)`` bool, edges outside the hole.
        hole: ``(H, W)`` bool.

    Returns:
        ``(H, W)`` bool, lines one pixel wide.

    Source:
        Pieces of lines: Matas et al., "Robust detection of lines using the progressive
        probabilistic Hough transform", CVIU 78(1), 2000.
    """
    lines = np.zeros(hole.shape, np.uint8)
    near = found & _around(hole, RIM + NEAR + LONG)
    pieces = cv2.HoughLinesP(near.astype(np.uint8), 1, np.pi / 180, VOTES, None, LONG, GAP)
    ends = np.zeros((0, 4)) if pieces is None else pieces.reshape(-1, 4).astype(float)
    ends = ends[np.argsort(-np.hypot(*(ends[:, :2] - ends[:, 2:]).T), kind="stable")[:MOST]]
    labels, reach = cv2.connectedComponents(hole.astype(np.uint8))[1], _around(hole, RIM + NEAR)
    for one, other in combinations(ends, 2):
        gap = _gap(one, other)
        columns, rows = gap.astype(int).T
        if reach[rows, columns].all() and _in_one_hole(gap, labels):
            cv2.line(lines, *[tuple(map(round, point)) for point in gap.tolist()], 1)
    return lines > 0


def _gap(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Return the nearest ends of two pieces, ``(2, 2)`` of x and y.

    They are the same point twice, which crosses nothing, where a piece's line misses the other.
    """
    pairs = product(one.reshape(2, 2), other.reshape(2, 2))
    gap = np.array(min(pairs, key=lambda pair: np.hypot(*(pair[0] - pair[1]))))
    misses = max(_off(one, gap[1]), _off(other, gap[0]))
    return gap if misses <= AIM else gap[[0, 0]]


def _off(piece: np.ndarray, point: np.ndarray) -> float:
    """Return how far a point is from a piece's line, pixels."""
    start, end = piece.reshape(2, 2)
    along, to = end - start, point - start
    return float(abs(along[0] * to[1] - along[1] * to[0]) / np.hypot(*along))


def _in_one_hole(gap: np.ndarray, labels: np.ndarray) -> bool:
    """Say whether what lies between two points is one hole, but for the rims."""
    count = int(np.hypot(*(gap[0] - gap[1]))) + 2
    columns, rows = np.linspace(gap[0], gap[1], count).round().astype(int).T
    crossed = labels[rows, columns]
    inside = crossed[crossed > 0]
    return len(set(inside.tolist())) == 1 and len(inside) >= count - 2 * (RIM + NEAR + 1)


def _around(hole: np.ndarray, pixels: int) -> np.ndarray:
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * pixels + 1, 2 * pixels + 1))
    return cv2.dilate(hole.astype(np.uint8), kernel) > 0
