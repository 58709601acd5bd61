"""Do our network and the one a checkpoint comes from paint the same? Asked with published pictures.

A case is a picture, its mask and what the published program made of them.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from pipeline.deepfill.generator import Generator, painted_in
from pipeline.deepfill.layout import STRIDE
from pipeline.errors import ImageError

MASK = "_mask"
RAW = ("_raw", "")
OUTPUT = ("_output", "_out", "_second_out")
SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp")
WHITE = 127  # a mask's pixel above it is in the hole
VERDICTS = ("same", "close", "different")
SAME = 2  # grey levels of the largest difference: both round down, from sums in another order
CLOSE = 2.0  # grey levels of the mean difference: what saving as JPEG may do


class Case(NamedTuple):
    """Where the three pictures of a case are."""

    name: str
    raw: Path
    mask: Path
    output: Path


class Difference(NamedTuple):
    """How far two paintings are apart over the hole's pixels, in grey levels of 255."""

    largest: int
    mean: float

    @property
    def verdict(self) -> str:
        """``same``, ``close`` or ``different``."""
        if self.largest <= SAME:
            return "same"
        return "close" if self.mean <= CLOSE else "different"


def cases(folder: Path) -> list[Case]:
    """Return the cases of a folder, sorted: ``N_mask`` with ``N_raw`` or ``N``, and ``N_output``.

    ``N_out`` and ``N_second_out``, as others name them, are outputs too.

    Raises:
        ImageError: there is no case.
    """
    found = []
    pictures = (path for path in folder.glob("*") if path.suffix.lower() in SUFFIXES)
    by_stem = {path.stem: path for path in sorted(pictures)}
    for stem, mask in by_stem.items():
        name = stem.removesuffix(MASK)
        raw, output = (
            next((by_stem[name + end] for end in ends if name + end in by_stem), None)
            for ends in (RAW, OUTPUT)
        )
        if stem.endswith(MASK) and raw and output:
            found.append(Case(name, raw, mask, output))
    if not found:
        raise ImageError(
            f"{folder} holds no case, which is three pictures: NAME_raw, NAME_mask (white is the "
            "hole) and NAME_output"
        )
    return found


def painted(generator: Generator, image: np.ndarray, hole: np.ndarray) -> np.ndarray:
    """Return what the published programs would save: the whole picture at once, rounded down.

    Args:
        generator: in evaluation mode.
        image: ``(H, W, 3)`` uint8 RGB.
        hole: ``(H, W)`` bool.

    Returns:
        ``(h, w, 3)`` uint8; what is beyond the last multiple of 8 of either side is cut off.
    """
    height, width = (side // STRIDE * STRIDE for side in hole.shape)
    pixels = torch.from_numpy(np.ascontiguousarray(image[:height, :width].transpose(2, 0, 1)))
    cut = torch.from_numpy(hole[:height, :width].copy())[None, None].float()
    pictures = pixels[None].float() / 127.5 - 1
    with torch.inference_mode():
        filled = painted_in(pictures, cut, generator(pictures, cut, near_only=True)[1])
    # What was a whole number is one again before it is rounded down.
    levels = ((filled[0] + 1) * 127.5 + 1e-3).clamp(0, 255).to(torch.uint8)
    return levels.permute(1, 2, 0).numpy()


def difference(ours: np.ndarray, theirs: np.ndarray, hole: np.ndarray) -> Difference:
    """Return how far two paintings are apart in the hole.

    Args:
        ours: ``(h, w, 3)`` uint8.
        theirs: of that size, or larger by less than 8 pixels.
        hole: ``(H, W)`` bool, no smaller than ``ours``.

    Raises:
        ImageError: the sizes do not go together, or the hole is empty.
    """
    height, width = ours.shape[:2]
    beyond = [theirs.shape[0] - height, theirs.shape[1] - width]
    if min(beyond) < 0 or max(beyond) >= STRIDE:
        raise ImageError(
            f"the output is {theirs.shape[:2]}, but the picture {ours.shape[:2]}; "
            "the three pictures of a case must be of one size"
        )
    inside = hole[:height, :width]
    if not inside.any():
        raise ImageError("the mask is black all over; white is the hole")
    off = np.abs(ours[inside].astype(int) - theirs[:height, :width][inside])
    return Difference(int(off.max()), float(off.mean()))
