"""How sharp the people are and how sharp the ground behind them is, in one picture."""

import cv2
import numpy as np

REBLUR = 1.5  # px, the known blur whose effect on an edge tells the edge's own
WIDEST_EDGE = 10.0  # px; wider ones are shading
EDGE_STEP = 6.0  # grey levels a pixel; weaker gradients are texture and noise
SOBEL = 8  # the 3 x 3 Sobel sums this many unit gradients
NOISE_STEPS = 2.0  # an edge stands this many noise deviations above zero
FEWEST_EDGES = 20  # below, a region is too plain to say how sharp it is
ENOUGH = 2048  # edges of a region whose widths are measured; more of them say the same
SEAM = 3  # px on each side of the outline that count for neither: mask error and JPEG ringing
BEHIND = 0.55  # ground beside the upper 55 % of the people lies behind them; below is at their feet

# Log-odds that a person would say "the background is out of focus": a ridge logistic over half of
# 286 photos that two people labelled, over the sharp ones among them with a lens blur of 2 to 11 px
# drawn in behind the people, or a blur of 1 to 6 px over the whole (which is no blurred
# background), and over half of the sample; sources and kinds weighted alike. benchmarks/tags.py
# reports the other half.
CUES = {
    "behind_50": -2.07,  # log of the median width of edges behind the people
    "behind_75": 0.4,  # log of the upper quartile
    "wider_50": 5.02,  # behind_50 less the same of the people
    "fine_behind": -5.42,  # log of fine detail as a ratio of coarse detail
    "fine_less": 9.39,  # fine_behind less the same of the people
    "detail_less": -3.28,  # log of the Laplacian's variance, less the same of the people
    "coarse_less": 5.11,  # log of coarse detail, less the same of the people
    "detail_on": 0.34,  # log of the Laplacian's variance on the people
}
CONSTANT = -4.67
# Below KNEE the log of the median edge width behind the people counts again: a perfect step
# measures 0.82 px, so narrower is a ground of crisp lines and grain, which is not out of focus,
# whatever else differs. Both and CONSTANT were set on the calibration half and on four samples of
# other seeds than the shipped one's; CONSTANT is 0.4 less since coarse detail is measured at each
# second pixel, which alone moved the log-odds up by 0.3 (sample) to 0.5 (photos) at the median.
KNEE, SHARP = 0.8, 8.0  # px, log-odds
PLAIN = 1.5  # px, the edge width that a region without edges is taken to have


def measure(grey: np.ndarray, person: np.ndarray) -> dict[str, float]:
    """Measure sharpness on people and behind them.

    Args:
        grey: ``(H, W)`` uint8 at working size.
        person: ``(H, W)`` uint8, not 0 on people.

    Returns:
        ``person_edge``, ``behind_edge``: median width (Gaussian sigma) of edges on the people and
        on the ground behind their upper part, pixels at working size, 0..``WIDEST_EDGE``; NaN
        where there are fewer than ``FEWEST_EDGES`` edges. ``edge``: the lower quartile of edge
        widths of the whole picture. ``defocus``: log-odds that the ground, and not the people, is
        out of focus; NaN without people or without ground.
    """
    blurred = cv2.GaussianBlur(grey.astype(np.float32), (9, 9), REBLUR)
    curve = cv2.Laplacian(grey, cv2.CV_16S)
    gradient = cv2.spatialGradient(grey)
    edges = peaks(*gradient, SOBEL * max(EDGE_STEP, NOISE_STEPS * _noise(curve)))
    inside, behind = regions(person)
    some = [edges, *(edges[region.ravel()[edges] > 0] for region in (inside, behind))]
    some = [where[:: len(where) // ENOUGH + 1] for where in some]
    widths = edge_widths(gradient, blurred, np.concatenate(some))
    every, on, back = np.split(widths, np.cumsum([len(where) for where in some])[:-1])
    maps = detail(grey, blurred, curve)
    on, back = _summary(on, maps, inside), _summary(back, maps, behind)
    return {
        "edge": _at(every, (0.25,))[0],
        "person_edge": float(np.exp(on["width_50"])),
        "behind_edge": float(np.exp(back["width_50"])),
        "defocus": _defocus(on, back),
    }


def _defocus(on: dict[str, float], back: dict[str, float]) -> float:
    """Return the log-odds of ``CUES``; a cue that edges are missing for says nothing."""
    if np.isnan(on["fine"]) or np.isnan(back["fine"]):
        return float("nan")
    less = {name: back[name] - on[name] for name in ("fine", "detail", "coarse", "width_50")}
    plain = np.isnan(back["width_50"])
    cues = {
        "behind_50": np.log(PLAIN) if plain else back["width_50"],
        "behind_75": np.log(PLAIN) if plain else back["width_75"],
        "wider_50": 0.0 if np.isnan(less["width_50"]) else less["width_50"],
        "fine_behind": back["fine"],
        "fine_less": less["fine"],
        "detail_less": less["detail"],
        "coarse_less": less["coarse"],
        "detail_on": on["detail"],
    }
    sharp = SHARP * min(cues["behind_50"] - np.log(KNEE), 0.0)
    return float(CONSTANT + sum(weight * cues[name] for name, weight in CUES.items()) + sharp)


def regions(person: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return two ``(H, W)`` uint8 masks: well inside people, and the ground behind them.

    Ground at people's feet is as far as they are, hence as sharp: what is behind them is beside
    and above their upper ``BEHIND``. Without people the whole picture is behind.
    """
    covered = (person > 0).view(np.uint8)
    rows = np.flatnonzero(covered.any(axis=1))
    kernel = np.ones((2 * SEAM + 1, 2 * SEAM + 1), np.uint8)
    behind = 1 - cv2.dilate(covered, kernel)
    if len(rows):
        behind[int(rows[0] + BEHIND * (rows[-1] - rows[0])) :] = 0
    return cv2.erode(covered, kernel[2:, 2:]), behind


def peaks(across: np.ndarray, down: np.ndarray, least: float) -> np.ndarray:
    """Return flat indices ``(N,)`` of the pixels where an edge is steepest, none on the border.

    Args:
        across: ``(H, W)`` int16, the gradient from left to right.
        down: the same from top to bottom.
        least: weaker gradients are no edges.
    """
    wide, high = np.abs(across), np.abs(down)
    level = (wide >= high).ravel()
    # max + min / 2 is the length within 12 %, in whole numbers
    steep = (cv2.max(wide, high) + (cv2.min(wide, high) >> 1)).ravel()
    found = steep >= least
    for step, along in ((1, level), (across.shape[1], ~level)):
        here = steep[step:-step]
        most = (here > steep[: -2 * step]) & (here >= steep[2 * step :])  # of equal ones the last
        found[step:-step] &= most | ~along[step:-step]
    square = found.reshape(across.shape)
    square[[0, -1]] = square[:, [0, -1]] = False
    return np.flatnonzero(found)


def edge_widths(
    gradient: tuple[np.ndarray, np.ndarray], blurred: np.ndarray, where: np.ndarray
) -> np.ndarray:
    """Return how wide edges are, whatever their contrast.

    An edge of width s (Gaussian sigma) has gradient 1 / s; blurred by a known ``REBLUR`` it has
    1 / sqrt(s^2 + REBLUR^2). The ratio of both gives s.

    Args:
        gradient: ``(H, W)`` int16 each, Sobel's across and down.
        blurred: ``(H, W)`` float32, the same picture after a Gaussian of ``REBLUR``.
        where: ``(N,)`` flat indices of the edges' pixels, none on the picture's border.

    Returns:
        ``(N,)`` float32, pixels, up to ``WIDEST_EDGE``; the gradient filter's own 0.6 px are
        included.

    Source:
        Zhuo and Sim, "Defocus map estimation from a single image", Pattern Recognition 44, 2011,
        https://doi.org/10.1016/j.patcog.2011.03.009
    """
    across, down = (one.ravel()[where].astype(np.float32) for one in gradient)
    width = blurred.shape[1]
    steps = np.array([[row * width + column for column in (-1, 0, 1)] for row in (-1, 0, 1)])
    around = blurred.ravel()[where + steps.reshape(9, 1)].reshape(3, 3, -1)
    rows, columns = around[2] - around[0], around[:, 2] - around[:, 0]
    soft_down, soft_across = (one[0] + 2 * one[1] + one[2] for one in (rows, columns))
    soft = soft_across * soft_across + soft_down * soft_down
    ratio = (across * across + down * down) / np.maximum(soft, 1e-6)
    return REBLUR / np.sqrt(np.maximum(ratio - 1, (REBLUR / WIDEST_EDGE) ** 2))


def _noise(curve: np.ndarray) -> float:
    """Grey levels; 20 = the Laplacian's sum of squared weights, 0.6745 = median of |normal|."""
    some = np.abs(curve[::4, ::4].ravel())
    return float(np.partition(some, len(some) // 2)[len(some) // 2] / (0.6745 * np.sqrt(20)))


def detail(grey: np.ndarray, blurred: np.ndarray, curve: np.ndarray) -> dict[str, np.ndarray]:
    """Return fine and coarse detail, float32, and the Laplacian as it is, of each second pixel."""
    level, smooth, curve = (np.ascontiguousarray(one[::2, ::2]) for one in (grey, blurred, curve))
    return {
        "fine": cv2.absdiff(level.astype(np.float32), smooth),
        "coarse": cv2.absdiff(smooth, cv2.blur(smooth, (5, 5))),  # 9 px of the picture
        "detail": curve,
    }


def _summary(
    widths: np.ndarray, maps: dict[str, np.ndarray], region: np.ndarray
) -> dict[str, float]:
    """Quartiles of the logarithm of edge widths, and logarithms of detail, in one region."""
    found = _at(widths, (0.5, 0.75))
    result = dict(zip(("width_50", "width_75"), np.log(found).tolist(), strict=True))
    region = np.ascontiguousarray(region[::2, ::2])
    if cv2.countNonZero(region) < FEWEST_EDGES / 4:
        return result | dict.fromkeys(maps, float("nan"))
    fine, coarse = (cv2.mean(maps[name], mask=region)[0] for name in ("fine", "coarse"))
    deviation = cv2.meanStdDev(maps["detail"], mask=region)[1].ravel()[0]
    # 0.3 grey levels: about the rounding of 8 bit pixels; a plain wall is not infinitely blurred
    return result | {
        "fine": float(np.log((fine + 0.3) / (coarse + 0.3))),
        "coarse": float(np.log(coarse + 0.3)),
        "detail": float(np.log(deviation**2 + 1)),
    }


def _at(values: np.ndarray, shares: tuple[float, ...]) -> list[float]:
    """Return the values below which these shares lie; NaN if there are too few to say."""
    if len(values) < FEWEST_EDGES:
        return [float("nan")] * len(shares)
    places = [int(share * len(values)) for share in shares]
    ordered = np.partition(values, places)
    return [float(ordered[place]) for place in places]
