"""Which photos show the same place: by file name where names carry it, else by likeness."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

import cv2
import numpy as np

from pipeline import likeness
from pipeline.errors import ParamsError
from pipeline.likeness import Alike

Verify = Callable[[int, int], bool]
Ready = Callable[[list[tuple[int, int]]], None]
Each = Callable[[Callable, list], Iterable]  # as ``map``

CORNERS = 300  # of a picture at working size
DISTINCT = 0.8  # a match is this much nearer than the second best; Lowe's ratio test
BITS = 256  # of a corner's code
NO_CODES = np.empty((0, BITS // 8), np.uint8)
TURN = 30  # degrees
LEAST_MATCHES = 12  # fewer are not worth a homography
CLOSE = 4.0  # px at working size, within which a match agrees with the homography
TRIES = 500  # of RANSAC; enough where 35 % of the matches agree
SURE = 0.95  # likeness that needs no corners; two places of 293 photos come to 0.82 at most
PROBES = 8  # photos of a named place that are looked at
BATCH = 64  # pairs looked at together; some of them are joined by others meanwhile
AHEAD = 2048  # pairs that are made ready together, of twice as many photos at most
ROUND = 4096  # photos whose pairs are looked at before others', for their corners fill 50 MB
NEIGHBOURS = 3  # of each probed photo, the likest that it is compared with


class Corners(NamedTuple):
    """Corners of a picture and what is around each."""

    points: np.ndarray  # (N, 2) float32 xy, pixels
    angles: np.ndarray  # (N,) float32, degrees, where each looks
    codes: np.ndarray  # (N, 32) uint8, 256 bits


def corners(grey: np.ndarray, person: np.ndarray) -> Corners:
    """Return the corners of the ground behind people.

    Args:
        grey: ``(H, W)`` uint8 at working size.
        person: ``(H, W)`` uint8, not 0 on people.

    Source:
        Rublee et al., "ORB: an efficient alternative to SIFT or SURF", ICCV 2011.
    """
    even = cv2.createCLAHE(3.0, (8, 8)).apply(grey)  # night shows the corners that day shows
    ground = (person == 0).astype(np.uint8) * 255
    finder = cv2.ORB_create(
        CORNERS,
        scaleFactor=1.5,
        nlevels=2,
        edgeThreshold=16,
        patchSize=24,
        fastThreshold=12,
        scoreType=cv2.ORB_FAST_SCORE,
    )
    found, codes = finder.detectAndCompute(even, ground)
    if codes is None:
        return Corners(*(np.empty(shape, np.float32) for shape in ((0, 2), 0)), NO_CODES)
    points = cv2.KeyPoint.convert(found)
    return Corners(points, np.array([point.angle for point in found], np.float32), codes)


def agreeing(one: Corners, other: Corners) -> int:
    """Return how many corners of two pictures one homography maps onto each other."""
    if min(len(one.codes), len(other.codes)) < LEAST_MATCHES:
        return 0
    good, nearest = _matches(one, other)
    if len(good) < LEAST_MATCHES:
        return 0
    start, end = one.points[good], other.points[nearest]
    _, inside = cv2.findHomography(start, end, cv2.USAC_FAST, CLOSE, maxIters=TRIES)
    return 0 if inside is None else int(inside.sum())


def _matches(one: Corners, other: Corners) -> tuple[np.ndarray, np.ndarray]:
    """Return which corners of one picture look like which of the other, and like no second one.

    Cameras are held upright, so a corner that is turned by more than ``TURN`` is another one.
    """
    differ = np.zeros((len(one.codes), len(other.codes)), np.int16)
    for mine, theirs in zip(
        one.codes.view(np.uint64).T, other.codes.view(np.uint64).T, strict=True
    ):
        differ += np.bitwise_count(mine[:, None] ^ theirs)
    rows = np.arange(len(differ))
    nearest = differ.argmin(axis=1)
    best = differ[rows, nearest]
    differ[rows, nearest] = BITS
    turn = np.abs((other.angles[nearest] - one.angles + 180) % 360 - 180)
    good = (best < DISTINCT * differ.min(axis=1)) & (turn <= TURN)
    return np.flatnonzero(good), nearest[good]


def by_name(names: list[str], pattern: str) -> list[str]:
    """Return the place that each file name carries, in lower case; "" where it carries none.

    Args:
        names: file names without folders.
        pattern: regular expression, matched at the start; its first group is the place.

    Raises:
        ParamsError: the pattern is no regular expression or has no group.
    """
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise ParamsError(f"tag.place_pattern is no regular expression: {error}") from error
    if not compiled.groups:
        raise ParamsError("tag.place_pattern has no group; put the place in parentheses")
    found = (compiled.match(name) for name in names)
    return [(match.group(1) or "").lower() if match else "" for match in found]


def coherent(
    names: list[str], alike: Alike, members: int, verify: Verify, each: Each = map
) -> list[str]:
    """Keep the places whose photos show one place; the others become "".

    A camera's prefix or a data set's own name fits the pattern too, but its photos have no
    corners in common. Of each name ``PROBES`` photos, spread over the whole, are compared with
    their ``NEIGHBOURS`` likest; half of them must find one that shows the same place.

    Args:
        names: one a photo, "" for none.
        alike: as ``likeness.Likeness``.
        members: fewest photos of a place.
        verify: whether two photos, by their rows, show the same place.
        each: how to look at the names, as ``map`` does.
    """
    every = np.array(names, dtype=object)
    groups = [np.flatnonzero(every == name) for name in sorted(set(names) - {""})]

    def is_place(inside: np.ndarray) -> bool:
        return len(inside) >= members and _is_place(inside, alike, verify)

    for inside, real in zip(groups, each(is_place, groups), strict=True):
        if not real:
            every[inside] = ""
    return every.tolist()


def _is_place(inside: np.ndarray, alike: Alike, verify: Verify) -> bool:
    probes = inside[np.unique(np.linspace(0, len(inside) - 1, PROBES).astype(np.intp))]
    likest = inside[likeness.largest(alike(probes, inside), NEIGHBOURS)[0]]
    found = 0
    for done, (probe, near) in enumerate(zip(probes.tolist(), likest.tolist(), strict=True)):
        found += any(verify(probe, other) for other in near if other != probe)
        if 2 * found >= len(probes):
            return True
        if 2 * (found + len(probes) - done - 1) < len(probes):
            return False
    return False


def by_look(  # noqa: PLR0913  # how pairs are told apart, and how that is fast
    alike: Alike,
    rows: np.ndarray,
    least: float,
    verify: Verify,
    each: Each = map,
    ready: Ready = lambda pairs: None,
) -> list[int]:
    """Group photos that show the same place, by single linkage over verified pairs.

    Args:
        alike: as ``likeness.Likeness``.
        rows: ``(N,)`` int, ascending, which photos to group.
        least: pairs less alike are not looked at; of each photo only the ``NEIGHBOURS`` likest
            are, which bounds the cost. Pairs above ``SURE`` are the same without being looked at.
        verify: whether two photos, by their rows, show the same place.
        each: how to look at pairs, as ``map`` does; ``BATCH`` of them are looked at together.
        ready: is told which pairs are about to be looked at, up to ``AHEAD`` of them.

    Returns:
        For each of ``rows`` the lowest row of its group.
    """
    joined = _Groups(rows.tolist())
    listed, values = shortlist(alike, rows, least)
    sure = int((values > SURE).sum())
    for pair in listed[:sure]:
        joined.join(*pair)
    for pairs in _rounds([pair for pair in listed[sure:] if joined.apart(*pair)]):
        for first in range(0, len(pairs), AHEAD):
            part = [pair for pair in pairs[first : first + AHEAD] if joined.apart(*pair)]
            ready(part)
            _join(joined, part, verify, each)
    return [joined.first(row) for row in rows.tolist()]


def _join(joined: "_Groups", pairs: list[tuple[int, int]], verify: Verify, each: Each) -> None:
    """Join the groups of the pairs that show the same place."""
    for start in range(0, len(pairs), BATCH):
        apart = [pair for pair in pairs[start : start + BATCH] if joined.apart(*pair)]
        looked = each(lambda pair: verify(*pair), apart)
        for pair, same in zip(apart, looked, strict=True):
            if same:
                joined.join(*pair)


class _Groups:
    """Rows that are joined, each group known by its lowest row."""

    def __init__(self, rows: Iterable[int]) -> None:
        self._leader = {row: row for row in rows}

    def first(self, row: int) -> int:
        """Return the lowest row of a row's group."""
        leader = self._leader
        while leader[row] != row:
            leader[row] = leader[leader[row]]
            row = leader[row]
        return row

    def apart(self, one: int, other: int) -> bool:
        """Return whether two rows are in different groups."""
        return self.first(one) != self.first(other)

    def join(self, one: int, other: int) -> None:
        """Make one group of two rows' groups."""
        first, second = sorted((self.first(one), self.first(other)))
        self._leader[second] = first


def _rounds(pairs: list[tuple[int, int]]) -> Iterator[list[tuple[int, int]]]:
    """Yield the pairs in parts, each in the order given, of about ``ROUND`` photos or fewer.

    Pairs that share a photo, even through others, are in one part: which rows are joined in the
    end does not depend on the parts, and a part's photos are not needed again.
    """
    linked = _Groups({row for pair in pairs for row in pair})
    for pair in pairs:
        linked.join(*pair)
    sizes = Counter(linked.first(row) for row in sorted({row for pair in pairs for row in pair}))
    of_group: dict[int, int] = {}
    filled, number = 0, 0
    for group, size in sizes.items():
        if filled and filled + size > ROUND:
            filled, number = 0, number + 1
        of_group[group] = number
        filled += size
    parts: list[list[tuple[int, int]]] = [[] for _ in range(number + 1)]
    for pair in pairs:
        parts[of_group[linked.first(pair[0])]].append(pair)
    yield from parts


def shortlist(
    alike: Alike, rows: np.ndarray, least: float
) -> tuple[list[tuple[int, int]], np.ndarray]:
    """Return the pairs of ``rows`` worth a closer look, most alike first, each once.

    Returns:
        The pairs, and ``(pairs,)`` float32, how alike each is.
    """
    near, values = likeness.likest(alike, rows, NEIGHBOURS)
    one, place = np.nonzero(values >= least)
    pairs = np.sort(np.stack([rows[one], near[one, place]], axis=1), axis=1)
    pairs, first = np.unique(pairs, axis=0, return_index=True)
    values = values[one, place][first]
    order = np.argsort(-values, kind="stable")
    return list(map(tuple, pairs[order].tolist())), values[order]


def unusual(looks: np.ndarray, places: list[str], scales: np.ndarray, members: int) -> np.ndarray:
    """Return how far each photo's light and colour lie from what its place usually looks like.

    Each cell is compared with the same cell's median over the place, in units of its usual spread
    (median absolute deviation, at least ``scales``); its difference is the root of the mean square
    over channels. A photo's is the median over its cells, so that an object in front, or one who
    stands elsewhere, does not count. Channels are joined before cells: snow lightens some cells
    and greys others, and the median of each channel alone would miss it.

    Args:
        looks: ``(N, cells, K)``, as ``images.look``; NaN in cells that people hide.
        places: one a photo, "" for none.
        scales: ``(K,)`` least spread that is ordinary.
        members: fewest photos that make a usual look.

    Returns:
        ``(N,)`` float64, in ordinary differences, about 0.4 in a usual photo; 0 without a place,
        in a place of too few photos, and where nothing is seen.
    """
    names = np.array(places, dtype=object)
    result = np.zeros(len(names))
    for name in sorted(set(places) - {""}):
        inside = np.flatnonzero(names == name)
        if len(inside) < members:
            continue
        away = np.ma.masked_invalid(looks[inside].astype(np.float64))
        away = away - np.ma.median(away, axis=0)
        spread = 1.4826 * np.ma.median(np.abs(away), axis=0)  # of a normal distribution: its sigma
        cells = np.sqrt(((away / np.maximum(spread.filled(0), scales)) ** 2).mean(axis=2))
        result[inside] = np.ma.median(cells, axis=1).filled(0)
    return result
