"""COCO's run-length encoding <-> masks; a broken one is refused before any C code sees it.

Runs go down the columns, first a run of zeros. "Compressed" runs are written as text, five bits a
character, each run after the third as its difference from the run two before.

Source: ``rleToString`` and ``rleFrString`` of https://github.com/cocodataset/cocoapi
"""

import numpy as np
import shapely
from pycocotools import mask as coco_masks

from pipeline import polygons

Rle = dict  # {"size": [height, width], "counts": text}


def runs(counts: str) -> np.ndarray:
    """Return the run lengths that compressed ``counts`` say, ``(N,)`` int64.

    Raises:
        ValueError: a character cannot occur, the last number is cut off, or a run is negative
            or longer than 2**40.
    """
    try:
        codes = np.frombuffer(counts.encode("ascii"), np.uint8).astype(np.int64) - 48
    except UnicodeEncodeError as error:
        raise ValueError("counts hold a character that is no ASCII") from error
    if not len(codes) or codes.min() < 0 or codes.max() > 63 or codes[-1] & 32:
        raise ValueError("counts hold a character that cannot occur, or are cut off")
    first = np.flatnonzero(np.concatenate([[True], (codes[:-1] & 32) == 0]))
    length = np.diff([*first, len(codes)])
    if length.max() > 8:
        raise ValueError("counts hold a number of more than 40 bits")
    place = np.arange(len(codes)) - np.repeat(first, length)
    numbers = np.add.reduceat((codes & 31) << (5 * place), first)
    negative = codes[first + length - 1] & 16 > 0
    numbers[negative] -= 1 << (5 * length[negative])
    if np.abs(numbers).sum(dtype=float) >= 2**62:
        raise ValueError("counts hold runs longer than any mask")
    numbers[1::2] = np.cumsum(numbers[1::2])
    numbers[2::2] = np.cumsum(numbers[2::2])
    if numbers.min() < 0:
        raise ValueError("counts hold a negative run")
    return numbers


def text(numbers: np.ndarray, size: tuple[int, int]) -> str:
    """Return run lengths, which add up to the size's pixels, as compressed ``counts``.

    Args:
        numbers: ``(N,)`` integers, 0 or more.
        size: height and width, pixels.
    """
    plain = {"counts": np.asarray(numbers).tolist(), "size": list(size)}
    return coco_masks.frPyObjects(plain, *size)["counts"].decode("ascii")


def encode(mask: np.ndarray) -> Rle:
    """Return the compressed RLE of a mask.

    Args:
        mask: ``(H, W)`` bool or 0/1.
    """
    encoded = coco_masks.encode(np.asfortranarray(mask, dtype=np.uint8))
    return {"size": list(mask.shape), "counts": encoded["counts"].decode("ascii")}


def decode(mask: Rle) -> np.ndarray:
    """Return the mask of a compressed RLE, ``(H, W)`` bool.

    Raises:
        ValueError: the counts are broken, or do not add up to the size.
    """
    height, width = mask["size"]
    numbers = _counted(mask)
    values = np.arange(len(numbers)) % 2 > 0
    return np.repeat(values, numbers).reshape(width, height).T


def spans(mask: Rle) -> tuple[np.ndarray, np.ndarray]:
    """Return where a compressed RLE's runs of ones begin and have ended, ``(N,)`` int64 each.

    Pixels are counted down the columns; a run may go on in the next one.

    Raises:
        ValueError: the counts are broken, or do not add up to the size.
    """
    ends = np.cumsum(_counted(mask))
    return ends[:-1:2], ends[1::2]


def outline(mask: Rle) -> shapely.Geometry:
    """Return the outline of a compressed RLE along its pixels' edges.

    Raises:
        ValueError: as ``decode``.
    """
    whole = decode(mask)
    (rows,), (columns,) = np.nonzero(whole.any(axis=1)), np.nonzero(whole.any(axis=0))
    if not len(rows):
        return shapely.Polygon()
    top, left = rows[0], columns[0]
    return polygons.trace(whole[top : rows[-1] + 1, left : columns[-1] + 1], left, top)


def _counted(mask: Rle) -> np.ndarray:
    height, width = mask["size"]
    numbers = runs(mask["counts"])
    if numbers.sum() != height * width:
        raise ValueError(f"runs add up to {numbers.sum()} pixels, the size says {height * width}")
    return numbers
