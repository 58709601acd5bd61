"""From a silhouette to the polygon that an annotator would click."""

import cv2
import numpy as np
import shapely

FINE = 3  # the outline is found on a grid this many times finer than the pixels
LEAST = 0.00012  # share of the picture below which nobody draws a scrap


def trace(
    cover: np.ndarray, tolerance: float, jitter: float, rng: np.random.Generator
) -> list[np.ndarray]:
    """Return the closed rings round what is covered, largest first.

    Args:
        cover: ``(H, W)`` float32, 0..1; holes are filled, as annotators do.
        tolerance: how far a ring may stray from the outline, pixels.
        jitter: standard deviation of each click, pixels.
        rng: the annotator's hand.

    Returns:
        ``(n, 2)`` float64 each: x and y in pixels, where 0 is the first pixel's outer edge; the
        last point repeats the first. Empty if nothing is covered.
    """
    height, width = cover.shape
    rows, columns = np.flatnonzero(cover.max(1) > 0.5), np.flatnonzero(cover.max(0) > 0.5)
    if not len(rows):
        return []
    top, left = rows[0], columns[0]
    part = cover[top : rows[-1] + 1, left : columns[-1] + 1]
    part = cv2.copyMakeBorder(part, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    size = (part.shape[1] * FINE, part.shape[0] * FINE)
    fine = (cv2.resize(part, size, interpolation=cv2.INTER_LINEAR) > 0.5).astype(np.uint8)
    contours, _ = cv2.findContours(fine, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    rings = []
    for contour in contours:
        if cv2.contourArea(contour) < LEAST * height * width * FINE**2:
            continue
        kept = cv2.approxPolyDP(contour, tolerance * FINE, closed=True)[:, 0].astype(np.float64)
        if len(kept) >= 3:
            points = (kept + 0.5) / FINE - 1 + (left, top)
            clicked = np.clip(points + rng.normal(0, jitter, points.shape), 0, (width, height))
            rings += sound(clicked, LEAST * height * width)
    return sorted(rings, key=area, reverse=True)


def sound(points: np.ndarray, least: float) -> list[np.ndarray]:
    """Return the closed rings of a polygon through ``(n, 2)`` points, parted where it crosses
    itself.

    Args:
        points: x and y, pixels.
        least: smallest area of a ring worth keeping, square pixels.
    """
    parts = shapely.get_parts(shapely.make_valid(shapely.Polygon(points)))
    return [
        shapely.get_coordinates(shapely.get_exterior_ring(part))
        for part in shapely.get_parts(parts)
        if part.geom_type == "Polygon" and part.area >= least
    ]


def area(ring: np.ndarray) -> float:
    """Return the area inside a ring, square pixels."""
    x, y = ring[:-1].T
    return float(abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2)
