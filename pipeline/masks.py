"""Label masks: ``(H, W)`` uint8, 0 background, 1..K in order of category id."""

import struct
import zlib

import cv2
import numpy as np

from pipeline.errors import MaskError

# A colour a label, far apart for every kind of colour sight (Okabe and Ito 2008, "Color Universal
# Design", jfly.uni-koeln.de/color), repeated when there are more labels; background is black.
PALETTE = np.array(
    [
        [0, 0, 0],
        [230, 159, 0],
        [86, 180, 233],
        [0, 158, 115],
        [240, 228, 66],
        [0, 114, 178],
        [213, 94, 0],
        [204, 121, 167],
    ],
    dtype=np.uint8,
)

# Bits a pixel -> as which integer several pixels are read, what it is multiplied by so that their
# bits meet in its top byte, first pixel highest, and how far down that byte is then shifted.
PACKED = {
    2: (np.dtype("<u4"), 1 << 30 | 1 << 20 | 1 << 10 | 1, 24),
    4: (np.dtype("<u2"), 1 << 12 | 1, 8),
}


def palette(labels: int = 256) -> np.ndarray:
    """Return the RGB of each label, ``(labels, 3)`` uint8."""
    colours = PALETTE[1:]
    repeated = colours[np.arange(labels - 1) % len(colours)]
    return np.concatenate([PALETTE[:1], repeated])


def encode(mask: np.ndarray) -> bytes:
    """Return a mask as a PNG: its values are the labels, its colours, ``palette``, for people.

    A pixel has 1, 2, 4 or 8 bits, as the highest label needs, and runs alone are packed: with few
    labels that is three times faster than 8 bits by Pillow or OpenCV, and half as large.

    Args:
        mask: ``(H, W)`` uint8, of at least one pixel.

    Source:
        https://www.w3.org/TR/png-3/
    """
    check(mask)
    height, width = mask.shape
    depth = next(bits for bits in (1, 2, 4, 8) if int(mask.max()) < 1 << bits)
    packed = _packed(mask, depth)
    lines = np.zeros((height, 1 + packed.shape[1]), dtype=np.uint8)  # first: the filter, none
    lines[:, 1:] = packed
    packer = zlib.compressobj(1, zlib.DEFLATED, zlib.MAX_WBITS, 5, zlib.Z_RLE)  # 5: little to clear
    return b"\x89PNG\r\n\x1a\n" + b"".join([
        _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, 3, 0, 0, 0)),  # 3: a palette
        _chunk(b"PLTE", palette(1 << depth).tobytes()),
        _chunk(b"IDAT", packer.compress(lines) + packer.flush()),
        _chunk(b"IEND", b""),
    ])  # fmt: skip


def _chunk(kind: bytes, content: bytes) -> bytes:
    said = kind + content
    return struct.pack(">I", len(content)) + said + struct.pack(">I", zlib.crc32(said))


def _packed(mask: np.ndarray, depth: int) -> np.ndarray:
    """Return ``(H, ceil(W * depth / 8))`` uint8, pixels side by side, the first one highest."""
    if depth == 1:
        return np.packbits(mask, axis=1)
    if depth == 8:
        return mask
    whole, move, down = PACKED[depth]
    spare = -mask.shape[1] % whole.itemsize
    padded = np.ascontiguousarray(np.pad(mask, ((0, 0), (0, spare))) if spare else mask)
    return padded.view(whole) * whole.type(move) >> down


def resize(mask: np.ndarray, height: int, width: int) -> np.ndarray:
    """Resize a label mask by nearest neighbour, so that no label is invented.

    Args:
        mask: ``(H, W)`` uint8.
        height: of the result, pixels.
        width: of the result, pixels.
    """
    check(mask)
    if mask.shape == (height, width):
        return mask
    return cv2.resize(mask, (width, height), interpolation=cv2.INTER_NEAREST_EXACT)


def outline(mask: np.ndarray, thickness: int = 2) -> np.ndarray:
    """Return ``(H, W)`` bool: pixels of a label within ``thickness`` of another label."""
    check(mask)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * thickness + 1,) * 2)
    return (mask > 0) & (cv2.erode(mask, kernel) != mask) | (
        (mask > 0) & (cv2.dilate(mask, kernel) != mask)
    )


def overlay(image: np.ndarray, mask: np.ndarray, opacity: float = 0.45) -> np.ndarray:
    """Tint an image by its labels and draw their outlines; ``(H, W, 3)`` uint8 RGB.

    Args:
        image: ``(H, W, 3)`` uint8 RGB.
        mask: ``(H, W)`` uint8.
        opacity: of the tint, 0..1.

    Raises:
        MaskError: the two are of different size.
    """
    check(mask)
    if image.shape[:2] != mask.shape:
        raise MaskError(
            f"image is {image.shape[:2]} but mask is {mask.shape}; masks.resize the mask first"
        )
    colours = palette()[mask]
    tinted = cv2.addWeighted(image, 1 - opacity, colours, opacity, 0)
    drawn = np.where((mask > 0)[..., None], tinted, image)
    return np.where(outline(mask)[..., None], colours, drawn)


def check(mask: np.ndarray) -> None:
    """Raise ``MaskError`` unless ``mask`` is ``(H, W)`` uint8."""
    if mask.ndim != 2 or mask.dtype != np.uint8:
        raise MaskError(
            f"expected (H, W) uint8 labels, got {mask.shape} {mask.dtype}; "
            "read masks with store.read_mask"
        )
