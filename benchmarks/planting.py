"""Outlines of real people with something planted in front of them, where the truth is known."""

import cv2
import numpy as np

from pipeline.silhouettes import Rings, draw

Mask = np.ndarray  # (H, W) uint8
Box = tuple[int, int, int, int]  # left, top, width, height
Random = np.random.Generator

KINDS = ("table", "wall", "pole", "box", "leaves", "rails", "bars", "ellipse", "person")
HIDES = (0.1, 0.6)  # share of the person that what is planted covers
TRIES = 12
FINE = 16  # cv2 draws in sixteenths of a pixel
SHARE_ENDED = 0.35  # of the pictures are cut off anew somewhere through the person


def warped(people: list[Rings], who: int, size: tuple[int, int], rng: Random) -> list[Mask]:
    """Return masks of a picture's people, all bent and mirrored alike, and cut off anew.

    Args:
        people: everybody's outline.
        who: around whom it is bent and cut.
        size: height and width.
        rng: decides.

    Returns:
        One ``(H, W)`` uint8 mask a person.
    """
    points = np.concatenate([ring for polygon in people[who] for ring in polygon])
    centre, extent = points.mean(axis=0), float(np.ptp(points, axis=0).max())
    flip = -1 if rng.random() < 0.5 else 1
    turn = np.radians(rng.normal(0, 4))
    matrix = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]) @ np.array(
        [
            [flip * np.exp(rng.normal(0, 0.12)), rng.normal(0, 0.06)],
            [0, np.exp(rng.normal(0, 0.08))],
        ]
    )
    sway, pitch, phase = (
        extent * rng.uniform(0, 0.025),
        rng.uniform(4, 12) / extent,
        rng.uniform(0, 6),
    )
    middle = centre if flip == 1 else np.array([size[1] - centre[0], centre[1]])

    def bent(ring: np.ndarray) -> np.ndarray:
        moved = (ring - centre) @ matrix.T
        moved[:, 0] += sway * np.sin(pitch * moved[:, 1] + phase)
        return (moved + middle).astype(np.float32)

    masks = [
        draw([[bent(ring) for ring in polygon] for polygon in one], size, 1.0) for one in people
    ]
    left, top, width, height = cv2.boundingRect(masks[who])
    low, first, last, high = 0, 0, size[1], size[0]
    if rng.random() < SHARE_ENDED and width and height:
        side = rng.integers(4)
        high = int(top + height * rng.uniform(0.35, 0.98)) if side == 0 else high
        first = int(left + width * rng.uniform(0.02, 0.4)) if side == 1 else first
        last = int(left + width * rng.uniform(0.6, 0.98)) if side == 2 else last
        low = int(top + height * rng.uniform(0.02, 0.3)) if side == 3 else low
    return [np.ascontiguousarray(mask[low:high, first:last]) for mask in masks]


def obstacle(mask: Mask, donor: Mask, rng: Random) -> tuple[str, Mask]:
    """Return a kind of thing and where it is, ``(H, W)`` uint8, so that it hides a fair part.

    Args:
        mask: ``(H, W)`` uint8, 1 on the person.
        donor: ``(h, w)`` uint8, somebody else.
        rng: decides.

    Returns:
        ``("", empty)`` if no try hid enough and not too much.
    """
    whole = cv2.countNonZero(mask)
    for _ in range(TRIES):
        kind = KINDS[rng.integers(len(KINDS))]
        thing = np.zeros(mask.shape, np.uint8)
        if kind == "person":
            _somebody(thing, cv2.boundingRect(mask), donor, rng)
        else:
            PAINTERS[kind](thing, cv2.boundingRect(mask), rng)
        if HIDES[0] < cv2.countNonZero(thing & mask) / max(whole, 1) < HIDES[1]:
            return kind, thing
    return "", np.zeros(mask.shape, np.uint8)


def traced(mask: np.ndarray, tolerance: float, jitter: float, rng: Random) -> Rings:
    """Return a mask's outlines as somebody would click them; holes are lost, as they mostly are."""
    rings = []
    for line in cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)[0]:
        corners = cv2.approxPolyDP(line, tolerance, True)[:, 0].astype(np.float32) + 0.5
        if len(corners) >= 3 and cv2.contourArea(line) >= 6:
            rings.append([corners + rng.normal(0, jitter, corners.shape).astype(np.float32)])
    return rings


def _fill(thing: np.ndarray, corners: list[tuple[float, float]]) -> None:
    cv2.fillPoly(thing, [np.rint(np.array(corners) * FINE).astype(np.int32)], 1, shift=4)


def _table(thing: Mask, box: Box, rng: Random) -> None:
    x, y, w, h = box
    top, tilt = y + h * rng.uniform(0.4, 0.92), rng.uniform(-0.15, 0.15) * w
    left, right = x - rng.uniform(0.05, 1.5) * w, x + w + rng.uniform(0.05, 1.5) * w
    low = len(thing) + 9 if rng.random() < 0.6 else top + h * rng.uniform(0.08, 0.5)
    spread = rng.uniform(0, 0.3) * w
    _fill(
        thing,
        [(left, top - tilt), (right, top + tilt), (right + spread, low), (left - spread, low)],
    )


def _wall(thing: Mask, box: Box, rng: Random) -> None:
    x, _, w, h = box
    side = -1 if rng.random() < 0.5 else 1
    edge = x + w * (0.5 + side * rng.uniform(0, 0.35))
    far, tilt, low = (
        edge + side * w * rng.uniform(0.6, 3),
        rng.uniform(-0.05, 0.05) * h,
        len(thing) + 9,
    )
    _fill(thing, [(edge - tilt, -9), (far - tilt, -9), (far + tilt, low), (edge + tilt, low)])


def _pole(thing: Mask, box: Box, rng: Random) -> None:
    x, y, w, h = box
    middle, half = x + w * rng.uniform(0.15, 0.85), max(w, h) * rng.uniform(0.02, 0.07)
    tilt = rng.uniform(-0.12, 0.12) * h * (rng.random() < 0.5)
    top = -9 if rng.random() < 0.7 else y + h * rng.uniform(-0.1, 0.5)
    low = len(thing) + 9
    _fill(
        thing,
        [
            (middle - tilt - half, top),
            (middle - tilt + half, top),
            (middle + tilt + half, low),
            (middle + tilt - half, low),
        ],
    )


def _box(thing: Mask, box: Box, rng: Random) -> None:
    x, y, w, h = box
    middle = np.array([x + w * rng.uniform(-0.1, 1.1), y + h * rng.uniform(0.35, 1.05)])
    half = np.array([w * rng.uniform(0.2, 0.65), h * rng.uniform(0.08, 0.3)])
    angle = rng.uniform(-0.25, 0.25)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    corners = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)]) * half
    _fill(thing, [tuple(corner) for corner in corners @ turn + middle])


def _leaves(thing: Mask, box: Box, rng: Random) -> None:
    x, y, w, h = box
    side, size = rng.integers(3), max(w, h)
    for _ in range(rng.integers(25, 90)):
        if side == 0:
            place = x + w * rng.uniform(-0.4, 1.4), y + h * (1.05 - abs(rng.normal(0, 0.22)))
        else:
            inward = w * abs(rng.normal(0, 0.3)) - 0.1 * w
            place = (x + inward if side == 1 else x + w - inward), y + h * rng.uniform(0.1, 1.1)
        radius = size * rng.uniform(0.015, 0.06)
        axes = max(1, int(radius * rng.uniform(1, 2.5))), max(1, int(radius))
        cv2.ellipse(thing, (int(place[0]), int(place[1])), axes, rng.uniform(0, 180), 0, 360, 1, -1)


def _rails(thing: Mask, box: Box, rng: Random) -> None:
    x, y, w, h = box
    pitch = max(w, h) * rng.uniform(0.06, 0.16)
    thick, top = pitch * rng.uniform(0.15, 0.4), y + h * rng.uniform(0.3, 0.75)
    for left in np.arange(x - w - rng.uniform(0, pitch), x + 2 * w, pitch):
        _bar(thing, (left, top), (thick, len(thing)))
    if rng.random() < 0.8:
        _bar(thing, (0, top - thick), (thing.shape[1], 2 * thick))
    if rng.random() < 0.5:
        _bar(thing, (0, y + h * rng.uniform(0.8, 0.95)), (thing.shape[1], thick))


def _bars(thing: Mask, box: Box, rng: Random) -> None:
    _, y, _, h = box
    pitch = h * rng.uniform(0.1, 0.3)
    thick = pitch * rng.uniform(0.15, 0.4)
    for top in np.arange(y + h * rng.uniform(0.2, 0.6), y + h, pitch):
        _bar(thing, (0, top), (thing.shape[1], thick))


def _bar(thing: Mask, corner: tuple[float, float], size: tuple[float, float]) -> None:
    (x, y), (w, h) = corner, size
    _fill(thing, [(x, y), (x + w, y), (x + w, y + h), (x, y + h)])


def _ellipse(thing: Mask, box: Box, rng: Random) -> None:
    x, y, w, h = box
    radius = max(w, h) * rng.uniform(0.1, 0.32)
    middle = int(x + w * rng.uniform(-0.1, 1.1)), int(y + h * rng.uniform(0.25, 1.05))
    axes = int(radius * rng.uniform(0.6, 1.6)) + 1, int(radius) + 1
    cv2.ellipse(thing, middle, axes, rng.uniform(0, 180), 0, 360, 1, -1)


def _somebody(thing: Mask, box: Box, donor: Mask, rng: Random) -> None:
    x, y, w, h = box
    left, top, wide, high = cv2.boundingRect(donor)
    scale = max(w, h) * rng.uniform(0.55, 1.3) / max(wide, high)
    middle = x + w * (rng.uniform(-0.2, 0.35) if rng.random() < 0.5 else rng.uniform(0.65, 1.2))
    shift = (
        middle - scale * (left + wide / 2),
        y + h * rng.uniform(0.4, 1.0) - scale * (top + high / 2),
    )
    matrix = np.array([[scale, 0, shift[0]], [0, scale, shift[1]]])
    cv2.warpAffine(donor, matrix, thing.shape[::-1], thing, cv2.INTER_NEAREST)


PAINTERS = {
    "table": _table,
    "wall": _wall,
    "pole": _pole,
    "box": _box,
    "leaves": _leaves,
    "rails": _rails,
    "bars": _bars,
    "ellipse": _ellipse,
}
