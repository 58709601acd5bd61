"""Everything that is measured of one image by itself, and what each number means."""

import hashlib
import threading
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np

from pipeline import (
    focus,
    hiding,
    images,
    memory,
    padding,
    parallel,
    places,
    silhouettes,
    store,
    tracing,
)
from pipeline.columns import Columns
from pipeline.parallel import ComputeParams

SEEN = 8192  # photos whose corners are held, 13 KB each; those of one place follow each other

MEASUREMENTS = Columns(
    {
        "people": ("int64", "annotations of single people"),
        "crowds": ("int64", "annotations of a whole crowd"),
        "largest": ("float64", "share of the picture that the largest person covers, 0..1"),
        "covered": ("float64", "share of the picture that people cover together, 0..1"),
        "cut": ("float64", "share of a main person's outline on the picture's border, 0..1"),
        "parts": ("float64", "share of a main person outside the largest part, 0..1"),
        "base": ("float64", "width of a main person's lowest rows by that of the widest, 0..1"),
        "hollow": ("float64", "share of a main person's convex hull not covered, 0..1"),
        "touch": ("float64", "share of a main person's surroundings that are other people, 0..1"),
        "hidden": ("float64", "log-odds that something hides part of a main person; NA if none"),
        "box": ("float64", "share of the smallest box around a person that is filled, most, 0..1"),
        "side": ("float64", "length of a main outline's straight sides by the person's size; NA"),
        "on_edge": ("float64", "log of the picture's edges on a main outline by those beside; NA"),
        "loose": ("float64", "log-odds that a main outline is loose; NA without one large enough"),
        "edge": ("float64", "lower quartile of edge widths, px (Gaussian sigma); NA if plain"),
        "person_edge": ("float64", "median edge width on people, px; NA if plain"),
        "behind_edge": ("float64", "median edge width behind people, px; NA if plain"),
        "defocus": ("float64", "log-odds of a blurred background; NA without people or ground"),
        "luma": ("float64", "mean grey level inside dark bars around the photo, 0..255"),
        "luma_low": ("float64", "5th percentile of grey levels, 0..255"),
        "luma_middle": ("float64", "50th percentile of grey levels, 0..255"),
        "luma_high": ("float64", "95th percentile of grey levels, 0..255"),
        "clipped": ("float64", "share of pixels at 250 grey levels or more, 0..1"),
        "chroma": ("float64", "99th percentile of the distance from grey, 0..255"),
        "noise": ("float64", "standard deviation of noise, grey levels"),
        "look_light": ("float64", "log2 of the ground's luma plus 16, 4..8.1; NA if hidden"),
        "look_warm": ("float64", "the ground's red less blue, as a share of all light, -1..1"),
        "look_green": ("float64", "the ground's green less the others, as a share, -1..2"),
        "look_vivid": ("float64", "the ground's saturation, 0..1"),
    }
)


class Photo(NamedTuple):
    """What measuring one image needs; small, and picklable."""

    path: str
    width: int
    height: int
    people: list[silhouettes.Rings]
    areas: list[float]  # of each of them, square pixels
    crowds: list[silhouettes.Rings]  # regions of many people, annotated as one


class Measured(NamedTuple):
    """What is known of one image: numbers for the table, the rest for comparing."""

    values: np.ndarray  # (len(MEASUREMENTS),) float64, in its order: a third of a dict's memory
    hash: int
    gradients: np.ndarray  # as images.gradients
    look: np.ndarray  # as images.look
    tiles: np.ndarray  # as images.tiles

    @property
    def numbers(self) -> dict[str, float]:
        """The values by the names of ``MEASUREMENTS``."""
        return dict(zip(MEASUREMENTS, self.values.tolist(), strict=True))


def look(photo: Photo) -> tuple[np.ndarray, list[np.ndarray], np.ndarray]:
    """Return an image at working size, one mask a person, and everybody's mask; reads its file.

    Raises:
        ImageError: the file is missing or no picture.
    """
    image = images.small(store.read_picture(Path(photo.path)), photo.path)
    shape = image.shape[:2]
    times = scale(photo, image)
    masks = [silhouettes.draw(one, shape, times) for one in photo.people]
    crowds = [silhouettes.draw(one, shape, times) for one in photo.crowds]
    return image, masks, np.bitwise_or.reduce([np.zeros(shape, np.uint8), *masks, *crowds])


def measure(photo: Photo) -> Measured:
    """Measure one image; reads its file.

    Raises:
        ImageError: the file is missing or no picture.
    """
    return measure_all([photo])[0]


def measure_all(photos: list[Photo]) -> list[Measured]:
    """Measure some images, each step of all of them before the next; reads their files.

    So the code of a step stays in the processor's cache: a sixth faster than one by one.

    Raises:
        ImageError: a file is missing or no picture.
    """
    looks = [look(photo) for photo in photos]
    greys = [images.luma(image) for image, _, _ in looks]
    bars = [padding.bars(grey) for grey in greys]
    grounds = [images.look(image, person) for image, _, person in looks]
    tinies = [images.tiny(grey) for grey in greys]
    steps = [
        [_annotated(photo) for photo in photos],
        [silhouettes.measure(masks) for _, masks, _ in looks],
        [_hidden(photo, bar) for photo, bar in zip(photos, bars, strict=True)],
        [focus.measure(grey, look[2]) for grey, look in zip(greys, looks, strict=True)],
        [
            tracing.measure(photo.people, photo.areas, grey, scale(photo, grey))
            for photo, grey in zip(photos, greys, strict=True)
        ],
        [images.light(grey) for grey in greys],
        [{"luma": padding.luma(grey, bar)} for grey, bar in zip(greys, bars, strict=True)],
        [{"chroma": images.chroma(image)} for image, _, _ in looks],
        [{"noise": images.noise(grey)} for grey in greys],
        [dict(zip(images.LOOK, _typical(ground), strict=True)) for ground in grounds],
    ]
    gradients = [images.gradients(tiny, look[2]) for tiny, look in zip(tinies, looks, strict=True)]
    hashes = [images.perceptual_hash(tiny) for tiny in tinies]
    tiles = [images.tiles(tiny) for tiny in tinies]
    values = [_values(parts) for parts in zip(*steps, strict=True)]
    return [*map(Measured, values, hashes, gradients, grounds, tiles)]


def _annotated(photo: Photo) -> dict[str, float]:
    return {
        "people": len(photo.people),
        "crowds": len(photo.crowds),
        "largest": max(photo.areas, default=0.0) / (photo.width * photo.height),
    }


def _hidden(photo: Photo, bars: np.ndarray) -> dict[str, float]:
    size = photo.height, photo.width
    return {"hidden": hiding.hidden(photo.people, photo.areas, size, bars)}


def _values(parts: tuple[dict[str, float], ...]) -> np.ndarray:
    """Join what the steps found of one image; of two values of one name the later counts."""
    values = {name: value for part in parts for name, value in part.items()}
    return np.array([values[name] for name in MEASUREMENTS], np.float64)


def scale(photo: Photo, image: np.ndarray) -> float:
    """Return how many pixels of a picture at working size one of the photo is."""
    return max(image.shape[:2]) / max(photo.width, photo.height)


def _typical(ground: np.ndarray) -> np.ndarray:
    seen = np.sort(ground[np.isfinite(ground[:, 0])], axis=0)
    if not len(seen):
        return np.full(ground.shape[1], np.nan)
    return (seen[(len(seen) - 1) // 2] + seen[len(seen) // 2]) / 2


def digest(photo: Photo) -> bytes:
    """Return a SHA-256 of all that ``measure`` depends on; nothing if the file cannot be read."""
    content = memory.content(Path(photo.path))
    if not content:
        return b""
    whole = hashlib.sha256(content)
    whole.update(msgspec.msgpack.encode((photo.width, photo.height, photo.areas)))
    for group in (photo.people, photo.crowds):
        whole.update(f"\0{len(group)}".encode())
        for polygons in group:
            whole.update(msgspec.msgpack.encode([[len(ring) for ring in one] for one in polygons]))
            whole.update(b"".join(ring.tobytes() for one in polygons for ring in one))
    return whole.digest()


def corners(photo: Photo) -> places.Corners:
    """Return the corners of one image's ground; reads its file."""
    image, _, person = look(photo)
    return places.corners(images.luma(image), person)


def agreeing(photos: tuple[Photo, Photo]) -> int:
    """Return how many corners of two images' ground agree; reads their files."""
    return places.agreeing(*map(corners, photos))


class Agreements:
    """How many corners agree in pairs of images; a pair that was compared before is not again.

    Args:
        photos: all of them.
        digests: of what each was measured from, empty if that shall not be kept.
        compute: where corners are found, and where the numbers are kept.
    """

    def __init__(self, photos: list[Photo], digests: list[bytes], compute: ComputeParams) -> None:
        self._photos, self._digests, self._compute = photos, digests, compute
        self._memory = memory.Memory(compute.cache, agreeing, dict[bytes, int])
        self._known: dict[bytes, dict[bytes, int]] = self._memory.get(digests)
        self._asked: dict[bytes, dict[bytes, int]] = {}
        self._seen: dict[int, places.Corners] = {}
        self._held = threading.Lock()

    def __call__(self, one: int, other: int) -> int:
        """Return the number for two images, by their rows; threads may ask."""
        first, second = self._digests[one], self._digests[other]
        count = self._before(one, other)
        if count is None:
            count = places.agreeing(self._corners(one), self._corners(other))
        if first and second:
            self._asked.setdefault(first, {})[second] = count
        return count

    def ready(self, pairs: list[tuple[int, int]]) -> None:
        """Find the corners of all images of some pairs, on every worker, before they are asked for.

        Threads would wait for each other: a fifth of that work is Python's own.
        """
        fresh = [pair for pair in pairs if self._before(*pair) is None]
        rows = sorted({row for pair in fresh for row in pair} - self._seen.keys())
        few = self._compute.backend == "local" and len(rows) <= memory.FEW
        if not few:
            photos = [self._photos[row] for row in rows]
            found = parallel.stream(corners, photos, self._compute, "places")
            for row, one in zip(rows, found, strict=True):
                self._hold(row, one)

    def keep(self) -> None:
        """Write down what was asked for; what was not is forgotten."""
        same = [first for first, counts in self._asked.items() if self._known.get(first) == counts]
        new = {first: counts for first, counts in self._asked.items() if first not in set(same)}
        self._memory.put(new, same)

    def _before(self, one: int, other: int) -> int | None:
        first, second = self._digests[one], self._digests[other]
        return self._known.get(first, {}).get(second) if second else None

    def _corners(self, row: int) -> places.Corners:
        found = self._seen.get(row)
        if found is None:
            found = corners(self._photos[row])
            self._hold(row, found)
        return found

    def _hold(self, row: int, found: places.Corners) -> None:
        with self._held:
            while len(self._seen) >= SEEN:
                del self._seen[next(iter(self._seen))]  # the oldest
            self._seen[row] = found
