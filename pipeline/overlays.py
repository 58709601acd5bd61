"""What lies over a photo on a page: truth, prediction and difference as one see-through picture.

The three are bands of one small PNG, one below the other, of which a page shows one at a time by
moving it in a frame: no script reads pixels, which browsers refuse for files on a disk, every
pixel is where the masks have it, and 20,000 photos weigh nothing in the page itself.
"""

import struct
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from pipeline import masks, smaller, store
from pipeline.errors import ImageError
from pipeline.pictures import PREDICTED, TRUTH

BANDS = ("truth", "predicted", "difference")
MISTAKEN = (204, 121, 167)  # RGB, purple: both drew an object, of different categories
TINT, EDGE, FAULT = 56, 255, 190  # opacity of 0..255: inside an object, its outline, a difference
LINE = 2  # pixels inside an edge, so that an outline shows in a small picture
BRUSH = np.ones((2 * LINE + 1, 2 * LINE + 1), np.uint8)
LABELS = len(masks.PALETTE) - 1  # colours repeat after so many, as in the masks
QUALITY = 82  # of JPEG, as the report's pictures
HEAD = 33  # bytes of a PNG before its palette: signature and IHDR


class Photo(NamedTuple):
    """One photo of the gallery.

    Attributes:
        name: of its pictures, without suffix: of plain letters whatever the photo is called.
        path: below ``data/raw``.
        split: train, valid or test.
        stem: of what was derived from it.
        size_wh: pixels.
    """

    name: str
    path: str
    split: str
    stem: str
    size_wh: tuple[int, int]


class Made(NamedTuple):
    """Which pictures of a photo there are: the bands, and the photo before and after."""

    bands: bool
    pair: bool


@dataclass(frozen=True)
class Drawer:
    """Draws what the gallery lays over its photos, and what it compares them with.

    Attributes:
        raw: folder of the photos.
        masks: folder of the true masks.
        segments: folder of the predicted ones.
        filled: folder of the restored photos.
        into: folder of the page; the bands go into ``bands``, the pairs into ``before``, ``after``.
        single: there is one category, which takes the colour of its role.
        side: longer side of a picture at most, pixels.
    """

    raw: Path
    masks: Path
    segments: Path
    filled: Path
    into: Path
    single: bool
    side: int

    def __call__(self, photo: Photo) -> Made:
        """Write the pictures of one photo; what cannot be read is left out."""
        return Made(self._bands(photo), self._pair(photo))

    def _bands(self, photo: Photo) -> bool:
        size = smaller.size(photo.size_wh, self.side)
        truth = _mask(self.masks / photo.split / f"{photo.stem}.png", size)
        predicted = _mask(self.segments / photo.split / f"{photo.stem}.png", size)
        if truth is None or predicted is None:
            return False
        content = png(bands(truth, predicted), self.single)
        store.write_bytes(self.into / "bands" / f"{photo.name}.png", content)
        return True

    def _pair(self, photo: Photo) -> bool:
        after = self.filled / photo.split / f"{photo.stem}.png"
        if not after.is_file():
            return False
        try:
            both = {
                "before": smaller.read(self.raw / photo.path, self.side),
                "after": smaller.shrink(store.read_image(after), self.side),
            }
        except ImageError:
            return False
        for folder, image in both.items():
            content = store.encode_image(image, ".jpg", QUALITY)
            store.write_bytes(self.into / folder / f"{photo.name}.jpg", content)
        return True


def bands(truth: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Return three bands below each other, ``(3H, W)`` uint8: places in ``colours``.

    Args:
        truth: ``(H, W)`` uint8 label mask.
        predicted: likewise.

    Returns:
        0 is clear. Truth has 1 inside an object of the first colour and 2 on its outline, 3 and 4
        of the second and so on; the prediction likewise, after those. The difference has, after
        both, what only the truth has, only the prediction, and what they call differently.
    """
    drawn, found = truth > 0, predicted > 0
    fault = (drawn & ~found) * np.uint8(4 * LABELS + 1)
    fault[found & ~drawn] = 4 * LABELS + 2
    fault[drawn & found & (truth != predicted)] = 4 * LABELS + 3
    return np.vstack([_painted(truth, 0), _painted(predicted, 2 * LABELS), fault])


def colours(*, single: bool) -> np.ndarray:
    """Return the RGBA of each place of ``bands``, ``(P, 4)`` uint8."""

    def pairs(palette: np.ndarray) -> list[tuple[int, ...]]:
        return [(*colour, opacity) for colour in palette.tolist() for opacity in (TINT, EDGE)]

    labels = masks.PALETTE[1:]
    truth, predicted = (
        [np.uint8([role] * LABELS) for role in (TRUTH, PREDICTED)] if single else [labels, labels]
    )
    faults = [(*colour, FAULT) for colour in (TRUTH, PREDICTED, MISTAKEN)]
    return np.uint8([(0, 0, 0, 0), *pairs(truth), *pairs(predicted), *faults])


def png(places: np.ndarray, single: bool) -> bytes:
    """Return ``bands`` as a PNG with the colours that occur, see-through where there is nothing.

    Source:
        https://www.w3.org/TR/png-3/#11tRNS
    """
    counts = cv2.calcHist([places], [0], None, [256], [0, 256]).ravel()  # tenfold of bincount
    used = np.union1d([0], np.flatnonzero(counts))
    narrow = np.zeros(256, np.uint8)
    narrow[used] = np.arange(len(used))
    content = masks.encode(cv2.LUT(places, narrow))
    depth = content[24]
    shown = np.zeros((1 << depth, 4), np.uint8)
    shown[: len(used)] = colours(single=single)[used]
    rest = HEAD + 12 + 3 * len(shown)  # behind the palette of the masks
    return b"".join([
        content[:HEAD],
        _chunk(b"PLTE", shown[:, :3].tobytes()),
        _chunk(b"tRNS", shown[: len(used), 3].tobytes()),
        content[rest:],
    ])  # fmt: skip


def _painted(mask: np.ndarray, after: int) -> np.ndarray:
    """Return ``(H, W)`` uint8: 1 and 2 inside and on the outline of the first colour, and so on."""
    edge = (cv2.erode(mask, BRUSH) != mask).view(np.uint8)  # a square brush is quick at any width
    inside = 1 + after + 2 * (np.arange(-1, 255) % LABELS)
    inside[0] = 0
    return cv2.add(cv2.LUT(mask, inside.astype(np.uint8)), edge)


def _mask(path: Path, size_wh: tuple[int, int]) -> np.ndarray | None:
    try:
        return masks.resize(store.read_mask(path), size_wh[1], size_wh[0])
    except ImageError:
        return None


def _chunk(kind: bytes, content: bytes) -> bytes:
    said = kind + content
    return struct.pack(">I", len(content)) + said + struct.pack(">I", zlib.crc32(said))
