"""How sharp the people are and how sharp the ground behind them is, in one picture."""

import cv2
import numpy as np

REBLUR = 1.5  # px, the known blur whose effect on an edge tells the edge's own
WIDEST_EDGE = 10.0  # px; wider ones are shading
EDGE_STEP = 6.0  # grey levels a pixel; weaker gradients are texture and noise
SOBEL = 8  # the 3 x 3 Sobel sums this many unit gradients
NOISE_STEPS = 2.0  # an edge stands this many noise deviations above zero
FEWEST_EDGES = 20  # below, a region is too plain to say how sharp it is
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
CONSTANT = -5.07
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
    level = grey.astype(np.float32)
    blurred = cv2.GaussianBlur(level, (9, 9), REBLUR)
    curve = cv2.Laplacian(grey, cv2.CV_16S)
    edges = edge_widths(grey, blurred, curve)
    maps = detail(level, blurred, curve)
    inside, behind = regions(person)
    on, back = _summary(edges, maps, inside), _summary(edges, maps, behind)
    return {
        "edge": _at(edges[1], (0.25,))[0],
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
    return float(CONSTANT + sum(weight * cues[name] for name, weight in CUES.items()))


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


def edge_widths(
    grey: np.ndarray, blurred: np.ndarray, curve: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return where edges are and how wide each is, whatever its contrast.

    An edge of width s (Gaussian sigma) has gradient 1 / s; blurred by a known ``REBLUR`` it has
    1 / sqrt(s^2 + REBLUR^2). The ratio of both gives s.

    Args:
        grey: ``(H, W)`` uint8.
        blurred: ``(H, W)`` float32, the same after a Gaussian of ``REBLUR``.
        curve: ``(H, W)`` int16, the Laplacian of ``grey``.

    Returns:
        Flat indices ``(N,)`` of the edges' pixels, and their widths ``(N,)`` float32, pixels, up
        to ``WIDEST_EDGE``; the gradient filter's own 0.6 px are included.

    Source:
        Zhuo and Sim, "Defocus map estimation from a single image", Pattern Recognition 44, 2011,
        https://doi.org/10.1016/j.patcog.2011.03.009
    """
    across = cv2.Sobel(grey, cv2.CV_16S, 1, 0)
    down = cv2.Sobel(grey, cv2.CV_16S, 0, 1)
    least = SOBEL * max(EDGE_STEP, NOISE_STEPS * _noise(curve))
    edges = np.flatnonzero(cv2.Canny(across, down, least, least, L2gradient=True) > 0)
    sharp = _squared(across, down, edges)
    soft = _squared(
        cv2.Sobel(blurred, cv2.CV_32F, 1, 0), cv2.Sobel(blurred, cv2.CV_32F, 0, 1), edges
    )
    ratio = sharp / np.maximum(soft, 1e-6)
    return edges, REBLUR / np.sqrt(np.maximum(ratio - 1, (REBLUR / WIDEST_EDGE) ** 2))


def _squared(across: np.ndarray, down: np.ndarray, where: np.ndarray) -> np.ndarray:
    """Return the squared length of gradients at flat indices, float32."""
    one = across.ravel()[where].astype(np.float32)
    other = down.ravel()[where].astype(np.float32)
    return one * one + other * other


def _noise(curve: np.ndarray) -> float:
    """Grey levels; 20 = the Laplacian's sum of squared weights, 0.6745 = median of |normal|."""
    some = np.abs(curve[::3, ::3].ravel())
    return float(np.partition(some, len(some) // 2)[len(some) // 2] / (0.6745 * np.sqrt(20)))


def detail(level: np.ndarray, blurred: np.ndarray, curve: np.ndarray) -> dict[str, np.ndarray]:
    """Return maps of fine and coarse detail, ``(H, W)`` float32, and the Laplacian as it is."""
    coarse = cv2.blur(blurred, (9, 9))
    return {
        "fine": cv2.absdiff(level, blurred),
        "coarse": cv2.absdiff(blurred, coarse),
        "detail": curve,
    }


def _summary(
    edges: tuple[np.ndarray, np.ndarray], maps: dict[str, np.ndarray], region: np.ndarray
) -> dict[str, float]:
    """Quartiles of the logarithm of edge widths, and logarithms of detail, in one region."""
    where, widths = edges
    found = _at(widths[region.ravel()[where] > 0], (0.5, 0.75))
    result = dict(zip(("width_50", "width_75"), np.log(found).tolist(), strict=True))
    if cv2.countNonZero(region) < FEWEST_EDGES:
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
