"""What a detector sees that the outlines do not say: people nobody outlined, things in front."""

from collections.abc import Sequence

import cv2
import numpy as np
import pandas as pd

from pipeline import hiding, places, silhouettes, still
from pipeline.detector import Seen
from pipeline.measurements import Photo

# How likely a detection is a person, by its score: a logistic curve through two numbers, chosen
# where crowds labelled by hand come out best (benchmarks/tags.py says of which photos).
EVEN = 0.42  # score at even odds
SHARP = 2.0  # log-odds gained by one of the score's
SURE = 0.7  # probability from which a person is called missing from the annotations
COVERED = 0.7  # share of a detection inside an outline's box from which they are the same ...
PART = 0.15  # ... if it is no smaller, as a share of that box: people far behind are smaller
SAME = 0.4  # overlap (IoU) of the two boxes from which they are the same in any case
DRAWN = 208  # longest side at which outlines are drawn, pixels
SEATS = (13, 56, 57, 59)  # COCO's bench, chair, couch, bed: they are behind who uses them
CLEAR = 0.2  # score from which a thing counts
FAINT = 0.1  # probability below which a detection is not looked into

UNSEEN = {"bystanders": "int64", "missed": "float64", "in_front": "float64"}


def table(
    seen: Sequence[Seen], photos: Sequence[Photo], place: list[str], few: int, each: places.Each
) -> pd.DataFrame:
    """Return ``UNSEEN``, a row a photo; reads photos of places.

    ``bystanders``: people nobody outlined, the number that is reached at even odds; ``missed``:
    share of the picture that the largest person covers who is surely there and not outlined, 0..1;
    ``in_front``: as ``in_front`` returns it.

    Args:
        seen: what the detector found in each.
        photos: with their outlines.
        place: where each was taken, "" if that is not known.
        few: photos a place needs for telling what stands still there.
        each: does what ``map`` does, perhaps on several processors.
    """
    found = [
        one.people[~explained(one.people[:, :4], photo)]
        for one, photo in zip(seen, photos, strict=True)
    ]
    found = [one[probability(one[:, 4]) > FAINT] for one in found]
    found = moving(found, photos, place, few, each)
    rows = []
    for one, people, photo in zip(seen, found, photos, strict=True):
        likely = probability(people[:, 4])
        areas = np.prod(people[:, 2:4] - people[:, :2], axis=1)
        rows.append(
            {
                "bystanders": median(likely),
                "missed": float(areas[likely > SURE].max(initial=0.0)),
                "in_front": in_front(one.things, photo),
            }
        )
    return pd.DataFrame(rows, columns=list(UNSEEN)).astype(UNSEEN)


def moving(
    people: list[np.ndarray],
    photos: Sequence[Photo],
    place: list[str],
    few: int,
    each: places.Each,
) -> list[np.ndarray]:
    """Return each photo's detections without those that stand still, as ``still`` tells them.

    Arguments are those of ``table``; ``people`` are ``(N, 5)`` as in ``Seen``.
    """
    rows_of: dict[str, list[int]] = {}
    for row, name in enumerate(place):
        rows_of.setdefault(name, []).append(row)
    rows_of.pop("", None)
    groups = [rows for _, rows in sorted(rows_of.items()) if len(rows) >= few]
    sites = [
        still.Site([photos[row].path for row in rows], [people[row][:, :4] for row in rows])
        for rows in groups
    ]
    result = list(people)
    for rows, lasting in zip(groups, each(still.still, sites), strict=True):
        for row, one in zip(rows, lasting, strict=True):
            result[row] = people[row][~one]
    return result


def unknown(count: int) -> pd.DataFrame:
    """Return ``UNSEEN`` of so many photos at which no detector looked."""
    return pd.DataFrame({"bystanders": [0] * count, "missed": np.nan, "in_front": np.nan}).astype(
        UNSEEN
    )


def probability(score: np.ndarray) -> np.ndarray:
    """Return how likely each detection is a person, 0..1, from its score, 0..1."""
    odds = score.astype(np.float64).clip(1e-3, 1 - 1e-3)
    log_odds = np.log(odds / (1 - odds)) - np.log(EVEN / (1 - EVEN))
    return 1 / (1 + np.exp(-SHARP * log_odds))


def median(likely: np.ndarray) -> int:
    """Return the largest number of people of which at least so many are there at even odds.

    The number of people is a sum of independent yes and no, each with its probability: the
    Poisson binomial distribution.
    """
    odds = np.ones(1)  # of each number
    for one in likely:
        odds = np.append(odds * (1 - one), 0) + np.append(0, odds * one)
    at_least = odds[::-1].cumsum()[::-1]
    return int(np.flatnonzero(at_least >= 0.5 - 1e-9).max())


def explained(people: np.ndarray, photo: Photo) -> np.ndarray:
    """Return which detected people somebody outlined, ``(N,)`` bool.

    Args:
        people: ``(N, 4)`` left, top, right, bottom as shares of the picture.
        photo: with its outlines.
    """
    result = np.zeros(len(people), bool)
    size = np.prod(people[:, 2:] - people[:, :2], axis=1)
    whole = np.array([photo.width, photo.height])
    for outlined, part in ((photo.people, PART), (photo.crowds, 0.0)):
        for person in filter(None, outlined):
            points = np.concatenate([polygon[0] for polygon in person])
            low, high = points.min(axis=0) / whole, points.max(axis=0) / whole
            shared = np.minimum(people[:, 2:], high) - np.maximum(people[:, :2], low)
            common = np.prod(shared.clip(0), axis=1)
            area = float(np.prod(high - low))
            overlap = common / np.maximum(size + area - common, 1e-12)
            inside = common / np.maximum(size, 1e-12)
            result |= (overlap > SAME) | ((inside > COVERED) & (size >= part * area))
    return result


def in_front(things: np.ndarray, photo: Photo) -> float:
    """Return how much of a main person a thing seems to hide, 0..1.

    It is the share of the person's convex hull that lies in the thing's box and on nobody, times
    how sure the detector is; of all main people and things the largest. Seats do not count.

    Args:
        things: as in ``Seen``.
        photo: with its outlines.
    """
    things = things[(things[:, 4] > CLEAR) & ~np.isin(things[:, 5], SEATS)]
    scale = DRAWN / max(photo.width, photo.height)
    shape = (max(1, round(photo.height * scale)), max(1, round(photo.width * scale)))
    main = hiding.main_people(photo.areas, (photo.height, photo.width))
    if not len(things) or not main:
        return 0.0
    masks = [silhouettes.draw(one, shape, scale) for one in photo.people]
    everyone = np.bitwise_or.reduce(masks)
    corners = np.rint(things[:, :4] * np.array([shape[1], shape[0]] * 2)).astype(int)
    worst = 0.0
    for place in main:
        points = cv2.findNonZero(masks[place])
        if points is None:
            continue
        hull = cv2.fillConvexPoly(np.zeros(shape, np.uint8), cv2.convexHull(points), 1)
        gap = cv2.integral(hull & ~everyone)
        for (left, top, right, bottom), score in zip(corners, things[:, 4], strict=True):
            hid = gap[bottom, right] - gap[top, right] - gap[bottom, left] + gap[top, left]
            worst = max(worst, float(score) * int(hid) / int(hull.sum()))
    return worst
