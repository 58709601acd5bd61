"""How carefully the outlines of one picture's people were drawn: measured on ring and picture."""

import cv2
import numpy as np

from pipeline.silhouettes import MAIN, Rings

LEAST = 24.0  # px at working size, root of the area; on smaller people every outline is coarse
BORDER = 1.5  # px of the photo; sides along its border are the photo's, not the annotator's
REACH = 0.1  # of a person's size (root of the area): so far beside the outline is looked
NEAREST, FARTHEST = 3, 8  # px at working size, bounds of the reach
STEPS = 120  # points of an outline that are looked at, at most
FEWEST = 12  # points; fewer say nothing
RIM = 4  # px; nearer to the picture's edge there is no ground to compare with
GRAIN = 4.0  # grey levels; weaker steps are noise

# Log-odds that an outline is loose: a ridge logistic over half of the people of 293 photos and of
# the sample, each as drawn (sources weighted alike) against itself grown, thinned out, made convex,
# shifted, and exchanged for a box or a rounded ten-sided figure. On the other half it ranks loose
# before sound with an AUC of 0.998 (sample), 0.993 to 0.999 (masks made by hand) and 0.919 (COCO's
# polygons, of which some are loose indeed); see benchmarks/outlines.py.
LOOSE = {"side": 1.72, "on_edge": -3.41, "stray": 5.91}
CONSTANT = 2.17
LEAST_SIDE, MOST_SIDE = 0.02, 2.0  # what the logarithm of ``side`` is taken of

NAMES = ("box", "side", "on_edge", "loose")


def measure(
    people: list[Rings], areas: list[float], grey: np.ndarray, scale: float
) -> dict[str, float]:
    """Measure the outlines of one picture.

    Args:
        people: rings of each person, pixels of the photo.
        areas: of each, square pixels of the photo.
        grey: ``(H, W)`` uint8, the photo at working size.
        scale: pixels of ``grey`` to one of the photo.

    Returns:
        Of the worst person: ``box``, the share of the smallest box around the outline, turned or
        not, that it fills, 0..1, 1 for a box; and of the worst main person (large enough to tell)
        ``side``, the length of straight sides between vertices, weighted by length, as a share of
        the root of the area; ``on_edge``, the log of how much stronger the picture's edges are on
        the outline than beside it; ``loose``, the log-odds of ``LOOSE``. ``box`` is 0 and the
        others are NaN where nobody is.
    """
    result = {"box": 0.0} | dict.fromkeys(NAMES[1:], float("nan"))
    if not people:
        return result
    result["box"] = max(map(fill, people, areas))
    least = max(MAIN * max(areas), (LEAST / scale) ** 2)
    for one, area in zip(people, areas, strict=True):
        if area >= least:
            found = trace(one, area, grey, scale)
            if np.isnan(result["loose"]) or found["loose"] > result["loose"]:
                result |= found
    return result


def fill(person: Rings, area: float) -> float:
    """Return the share of the smallest box around a person, turned or not, that it fills."""
    points = np.concatenate([polygon[0] for polygon in person]) if person else np.empty((0, 2))
    if not len(points):
        return 0.0
    wide, high = cv2.minAreaRect(points.astype(np.float32))[1]
    return float(min(1.0, area / (wide * high))) if wide * high > 0 else 0.0


def trace(person: Rings, area: float, grey: np.ndarray, scale: float) -> dict[str, float]:
    """Measure one person's outline; keys ``side``, ``on_edge``, ``loose`` as of ``measure``."""
    size = np.sqrt(area)
    starts, ends = _sides([polygon[0] for polygon in person])
    last = np.array(grey.shape[::-1]) / scale - 1 - BORDER
    lengths = np.hypot(*(ends - starts).T)
    on_border = ((starts <= BORDER) & (ends <= BORDER)) | ((starts >= last) & (ends >= last))
    free = lengths[~on_border.any(axis=1)]
    side = float((free**2).sum() / max(free.sum(), 1e-6) / size)
    reach = round(min(max(REACH * size * scale, NEAREST), FARTHEST))
    on_edge, stray = _beside(_points(starts, ends, lengths, scale), grey, reach)
    cues = {
        "side": float(np.log(min(max(side, LEAST_SIDE), MOST_SIDE))),
        "on_edge": on_edge,
        "stray": stray,
    }
    loose = CONSTANT + sum(weight * cues[name] for name, weight in LOOSE.items())
    return {"side": side, "on_edge": on_edge, "loose": loose}


def _sides(rings: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Return start and end of every side, ``(N, 2)`` float64 each; closing points repeat none."""
    closed = [np.asarray(ring, np.float64) for ring in rings]
    ends = [one for ring in closed for one in (ring[1:], ring[:1])]
    return np.concatenate(closed), np.concatenate(ends)


def _points(
    starts: np.ndarray, ends: np.ndarray, lengths: np.ndarray, scale: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return points spread evenly over an outline and the direction across it, ``(N, 2)`` each."""
    count = int(min(max(lengths.sum() * scale / 2, FEWEST), STEPS))
    reached = np.cumsum(lengths)
    at = (np.arange(count) + 0.5) * (reached[-1] / count)
    side = np.minimum(np.searchsorted(reached, at, side="right"), len(lengths) - 1)
    along = (ends - starts)[side] / np.maximum(lengths[side], 1e-6)[:, None]
    points = ends[side] - along * (reached[side] - at)[:, None]
    return points * scale - 0.5, np.stack([-along[:, 1], along[:, 0]], axis=1)


def _beside(
    points: tuple[np.ndarray, np.ndarray], grey: np.ndarray, reach: int
) -> tuple[float, float]:
    """Return how much stronger edges are on the outline, and how far the strongest lie away.

    Of each point the steps of grey across the outline are taken, ``reach`` pixels to both sides.
    The first number is the difference of mean logarithms: the best of the three pixels at the
    outline less all beyond them; the second the median distance of the strongest step, as a
    share of the reach. NaN where too few points are off the picture's edge.
    """
    middle, across = points
    size = np.array(grey.shape[::-1])
    inside = ((middle > RIM - 1) & (middle < size - RIM)).all(axis=1)
    if inside.sum() < FEWEST:
        return float("nan"), float("nan")
    far = np.arange(-reach - 1, reach + 2, dtype=np.float64)
    where = np.rint(middle[inside].T[:, :, None] + across[inside].T[:, :, None] * far)
    x, y = (np.clip(w, 0, last).astype(np.intp) for w, last in zip(where, size - 1, strict=True))
    shades = grey.ravel()[y * grey.shape[1] + x].astype(np.float32)
    steps = np.abs(shades[:, 2:] - shades[:, :-2])  # (points, 2 reach + 1)
    mean = np.log(steps + GRAIN).mean(axis=0)
    on = mean[reach - 1 : reach + 2].max()
    beyond = np.concatenate([mean[: reach - 2], mean[reach + 3 :]]).mean()
    stray = float(np.sort(np.abs(steps.argmax(axis=1) - reach))[len(steps) // 2]) / reach
    return float(on - beyond), stray
