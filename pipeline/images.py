"""Measurements of one picture: light, colour, noise, focus inside and outside the people, hash.

All are made at one working size, longest side ``WORK_SIDE`` pixels, so that a limit means the same
for a telephone's 12 megapixels and for a 640 pixel export, and a JPEG can be decoded reduced.
"""

import cv2
import numpy as np
import simplejpeg

from pipeline import store
from pipeline.errors import ImageError

WORK_SIDE = 320  # half of Roboflow's usual 640: focus cues separate as well there, 4 times faster
EVERY = 4  # chroma and noise are taken from each fourth pixel of each fourth row
TINY = 64  # side of the square picture that hash and gradients are taken from
TILES = 16  # a side, of the picture by which copies are told from near copies
HASH_SIDE = 8  # 64 bits, the lowest 8 x 8 frequencies
HOG_CELLS = 8  # a side
HOG_PIXELS = TINY // HOG_CELLS  # a cell's side
HOG_BINS = 9
BLIND = np.ones((5, 5), np.uint8)  # an outline's own gradient reaches 2 px of the tiny picture
LOOK = ("look_light", "look_warm", "look_green", "look_vivid")
LOOK_CELLS = 6  # a side
LOOK_PIXELS = 8  # a cell's side


def small(content: bytes, name: str) -> np.ndarray:
    """Decode a picture at working size, ``(H, W, 3)`` uint8 RGB, longest side ``WORK_SIDE``.

    A JPEG is decoded at the smallest eighth that is large enough; smaller pictures are enlarged,
    so that measurements in pixels stay comparable.

    Raises:
        ImageError: the bytes are no picture; ``name`` begins the message.
    """
    image = reduced(content)
    if image is None:
        image = store.decode_image(content, name)
    return fit(image)


def reduced(content: bytes) -> np.ndarray | None:
    """Decode a JPEG at the smallest eighth that is as large as working size, ``(H, W, 3)`` uint8.

    None if it is no JPEG, or one that libjpeg finds fault with, or one of four inks (CMYK).
    """
    if not content.startswith(store.JPEG):
        return None
    try:
        height, width = simplejpeg.decode_jpeg_header(content)[:2]
        least_h, least_w = size(height, width)
        return simplejpeg.decode_jpeg(content, "RGB", min_height=least_h, min_width=least_w)
    except ValueError:
        return None  # CMYK and broken files: the store knows them


def tiny_jpeg(content: bytes) -> np.ndarray | None:
    """Decode a JPEG's luma to ``(TINY, TINY)`` uint8, from the smallest eighth that is as large.

    It is that of ``tiny`` but for rounding, in half the time. None as in ``reduced``.
    """
    if not content.startswith(store.JPEG):
        return None
    try:
        grey = simplejpeg.decode_jpeg(content, "GRAY", min_height=TINY, min_width=TINY)[..., 0]
    except ValueError:
        return None
    return tiny(grey if min(grey.shape) >= TINY else fit(grey))


def size(height: int, width: int) -> tuple[int, int]:
    """Return height and width at working size, pixels, each at least 1."""
    scale = WORK_SIDE / max(height, width)
    return max(1, round(height * scale)), max(1, round(width * scale))


def fit(image: np.ndarray) -> np.ndarray:
    """Resize ``(H, W, 3)`` or ``(H, W)`` uint8 to working size: by area down, linear up."""
    height, width = size(*image.shape[:2])
    if image.shape[:2] == (height, width):
        return image
    how = cv2.INTER_AREA if image.shape[0] > height else cv2.INTER_LINEAR
    return cv2.resize(image, (width, height), interpolation=how)


def luma(image: np.ndarray) -> np.ndarray:
    """Return ``(H, W)`` uint8 luma (ITU-R BT.601 weights) of ``(H, W, 3)`` uint8 RGB.

    Raises:
        ImageError: ``image`` has another shape or type.
    """
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
        raise ImageError(
            f"expected (H, W, 3) uint8 RGB, got {image.shape} {image.dtype}; "
            "read pictures with store.read_image"
        )
    return cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)


def light(grey: np.ndarray) -> dict[str, float]:
    """Return how light is spread over a picture.

    Args:
        grey: ``(H, W)`` uint8.

    Returns:
        ``luma`` mean, ``luma_low`` 5th, ``luma_middle`` 50th and ``luma_high`` 95th percentile,
        grey levels 0..255; ``clipped``: share of pixels at 250 or more, 0..1.
    """
    counts = cv2.calcHist([grey], [0], None, [256], [0, 256]).ravel().astype(np.float64)
    below = np.cumsum(counts) / counts.sum()
    low, middle, high = np.searchsorted(below, [0.05, 0.5, 0.95])
    return {
        "luma": float(counts @ np.arange(256) / counts.sum()),
        "luma_low": float(low),
        "luma_middle": float(middle),
        "luma_high": float(high),
        "clipped": float(1 - below[249]),
    }


def chroma(image: np.ndarray) -> float:
    """Return the 99th percentile of the distance from grey, 0..255; JPEG's own tint is below 4.

    Args:
        image: ``(H, W, 3)`` uint8 RGB.
    """
    red, green, blue = cv2.split(np.ascontiguousarray(image[::EVERY, ::EVERY]))
    most, least = cv2.max(cv2.max(red, green), blue), cv2.min(cv2.min(red, green), blue)
    spread, place = (most - least).ravel(), int(0.99 * most.size)
    return float(np.partition(spread, place)[place])


def noise(grey: np.ndarray) -> float:
    """Return the standard deviation of white noise, grey levels at working size.

    The median of the mask ``1 -2 1`` times its transpose answers to noise, hardly to edges, unlike
    the mean. A flat picture gives 0; full texture such as grass reads as noise.

    Source:
        Immerkaer, "Fast noise variance estimation", CVIU 64, 1996,
        https://doi.org/10.1006/cviu.1996.0060; the median in place of the mean is ours.
    """
    response = np.abs(cv2.Sobel(grey, cv2.CV_16S, 2, 2)[::EVERY, ::EVERY].ravel())  # that mask
    middle = len(response) // 2
    # 36 = sum of the squared weights; 0.6745 = median of |normal|
    return float(np.partition(response, middle)[middle] / (6 * 0.6745))


def look(image: np.ndarray, person: np.ndarray) -> np.ndarray:
    """Return what time of day and season change, in each cell of a grid, behind people.

    Args:
        image: ``(H, W, 3)`` uint8 RGB.
        person: ``(H, W)`` uint8, not 0 on people, who are left out.

    Returns:
        ``(LOOK_CELLS ** 2, 4)`` float32: means of log2 of luma plus 16, 4..8.1; of (R - B) /
        (R + G + B), -1..1; of (2G - R - B) / (R + G + B), -1..2; of (max - min) / max, 0..1. NaN in
        cells of which people leave less than a fifth free.
    """
    side = LOOK_CELLS * LOOK_PIXELS
    half = image
    if min(image.shape[:2]) > 1:  # halved first, which is four times as fast
        half = image[: image.shape[0] // 2 * 2, : image.shape[1] // 2 * 2]
        half = cv2.resize(half, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    pixels = cv2.resize(half, (side, side), interpolation=cv2.INTER_AREA).astype(np.float32)
    free = cv2.resize(person, (side, side), interpolation=cv2.INTER_NEAREST) == 0
    red, green, blue = cv2.split(pixels)
    total = red + green + blue + 24  # 24: colour of near black is not trusted
    most = np.maximum(np.maximum(red, green), blue)
    least = np.minimum(np.minimum(red, green), blue)
    channels = [
        np.log2(0.299 * red + 0.587 * green + 0.114 * blue + 16),
        (red - blue) / total,
        (2 * green - red - blue) / total,
        (most - least) / (most + 8),
    ]
    counts = _cells(free.astype(np.float32))
    sums = np.stack([_cells(channel * free) for channel in channels], axis=1)
    known = counts >= LOOK_PIXELS**2 / 5
    return np.where(known[:, None], sums / np.maximum(counts, 1)[:, None], np.nan)


def _cells(plane: np.ndarray) -> np.ndarray:
    """Sum a square plane in each cell of the grid, row by row."""
    shape = (LOOK_CELLS, LOOK_PIXELS, LOOK_CELLS, LOOK_PIXELS)
    return plane.reshape(shape).sum(axis=(1, 3)).ravel()


def tiny(grey: np.ndarray) -> np.ndarray:
    """Return ``(TINY, TINY)`` uint8, the average of ``(H, W)`` uint8: for hash and gradients."""
    return cv2.resize(grey, (TINY, TINY), interpolation=cv2.INTER_AREA)


def tiles(grey: np.ndarray) -> np.ndarray:
    """Return ``(TILES, TILES)`` uint8, the average of ``(TINY, TINY)`` uint8."""
    return cv2.resize(grey, (TILES, TILES), interpolation=cv2.INTER_AREA)


def perceptual_hash(grey: np.ndarray) -> int:
    """Return 64 bits, alike for pictures alike in their coarse light and dark.

    Bit ``8 v + u`` is the sign of the cosine transform's coefficient of vertical frequency ``v``
    and horizontal ``u``; bit 0, the mean, is left 0. Signs, in place of the usual comparison
    with the median, make the mirrored picture's hash a plain exclusive or (``mirrored``).

    Args:
        grey: ``(TINY, TINY)`` uint8.

    Source:
        Zauner, "Implementation and benchmarking of perceptual image hash functions", 2010.
    """
    low = cv2.dct(grey.astype(np.float32))[:HASH_SIDE, :HASH_SIDE] > 0
    low[0, 0] = False
    return int.from_bytes(np.packbits(low.ravel(), bitorder="little").tobytes(), "little")


def mirrored(code: int) -> int:
    """Return the hash that the left-right mirrored picture has: odd horizontal frequencies flip."""
    return code ^ 0xAAAA_AAAA_AAAA_AAAA


def gradients(grey: np.ndarray, person: np.ndarray) -> np.ndarray:
    """Return a histogram of gradient directions a cell, blind to people and to light.

    Args:
        grey: ``(TINY, TINY)`` uint8.
        person: ``(H, W)`` uint8, not 0 on people.

    Returns:
        ``(HOG_CELLS ** 2, HOG_BINS)`` float32; each cell has length 1, or 0 where it is plain or
        people cover over half of it.

    Source:
        Dalal and Triggs, "Histograms of oriented gradients for human detection", CVPR 2005; a
        logarithm first, so that night and day differ by a factor only.
    """
    level = np.log(grey.astype(np.float32) + 8)  # + 8: noise of near black is not a gradient
    horizontal = cv2.Sobel(level, cv2.CV_32F, 1, 0)
    vertical = cv2.Sobel(level, cv2.CV_32F, 0, 1)
    free = cv2.resize(person, (TINY, TINY), interpolation=cv2.INTER_NEAREST) == 0
    strength, angle = cv2.cartToPolar(horizontal, vertical)
    strength *= cv2.erode(free.astype(np.float32), BLIND)
    bins = (angle * (HOG_BINS / np.pi)).astype(np.intp) % HOG_BINS
    where = np.arange(TINY) // HOG_PIXELS
    cell = where[:, None] * HOG_CELLS + where[None, :]
    flat = np.bincount((cell * HOG_BINS + bins).ravel(), strength.ravel(), HOG_CELLS**2 * HOG_BINS)
    cells = np.sqrt(flat.reshape(-1, HOG_BINS))
    seen = np.bincount(cell.ravel(), free.ravel()) > HOG_PIXELS**2 / 2
    length = np.linalg.norm(cells, axis=1, keepdims=True)
    return (cells / np.maximum(length, 1.0) * seen[:, None]).astype(np.float32)
