"""Draw each image's annotations into a label mask."""

import gc
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np

from pipeline import masks as label_masks
from pipeline import parallel, params, rasterise, store
from pipeline.tables import SPLITS
from stages import run

AT_ONCE = 16  # images; drawn together they take half the time, and many more are no faster
HELD = 4096  # images whose masks wait at most to be written
MANY = 1000  # images from which workers are processes: threads wait for each other all the time


def main(valid: Path, masks: Path) -> str:
    """Read what validate kept, write one mask an image; a large split's in one archive."""
    compute = params.load(parallel.ComputeParams, "compute")
    most = params.load(rasterise.RasteriseParams, "rasterise").archive_above
    sheets = rasterise.load(valid)
    apart = {split: [one for one in sheets if one.name.startswith(f"{split}/")] for split in SPLITS}
    covered: list[int] = []
    for split, several in apart.items():
        packed = len(several) > most
        if compute.backend == "dask" and not packed:  # storage that is far off is slow, not busy
            store.write_pictures(masks / split, [], packed=False)
            draws = partial(draw, masks)
            covered += parallel.some(draws, several, compute, "drawing", size=AT_ONCE)
        else:  # workers that write into one folder wait for each other
            pictures = drawn_in_turn(several, compute, covered)
            store.write_pictures(masks / split, pictures, packed=packed)
    share = sum(covered) / max(1, sum(sheet.height * sheet.width for sheet in sheets))
    return (
        f"{len(sheets)} masks of {sum(len(one.objects) for one in sheets)} annotations; "
        f"objects cover {share:.1%} of all pixels"
    )


def draw(masks: Path, sheets: list[rasterise.Sheet]) -> list[int]:
    """Write some masks; return how many pixels of each have a label."""
    covered = []
    for sheet, (content, pixels) in zip(sheets, encode(sheets), strict=True):
        store.write_bytes(masks / sheet.name, content)
        covered.append(pixels)
    return covered


def encode(sheets: list[rasterise.Sheet]) -> list[tuple[bytes, int]]:
    """Return each mask as a PNG, and how many of its pixels have a label."""
    drawn = rasterise.label_masks(sheets)
    return [(label_masks.encode(mask), int(np.count_nonzero(mask))) for mask in drawn]


def drawn_in_turn(
    sheets: list[rasterise.Sheet], compute: parallel.ComputeParams, covered: list[int]
) -> Iterator[tuple[str, bytes]]:
    """Yield each mask's name and PNG, some of them at a time; pixels go to ``covered``."""
    for first in range(0, len(sheets), HELD):
        part = sheets[first : first + HELD]
        made = parallel.some(
            encode, part, compute, "drawing", size=AT_ONCE, threads=len(part) < MANY
        )
        for sheet, (content, pixels) in zip(part, made, strict=True):
            covered.append(pixels)
            yield sheet.name.rpartition("/")[2], content


if __name__ == "__main__":
    gc.disable()  # it would look through millions of living lists again and again
    run(main)
