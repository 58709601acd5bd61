"""Draw each image's annotations into a label mask."""

import gc
from functools import partial
from pathlib import Path

import numpy as np

from pipeline import parallel, params, rasterise, store
from pipeline.tables import SPLITS
from stages import run

AT_ONCE = 16  # images; drawn together they take half the time, and many more are no faster


def main(valid: Path, masks: Path) -> str:
    """Read what validate kept, write one mask an image."""
    compute = params.load(parallel.ComputeParams, "compute")
    sheets = rasterise.load(valid)
    for split in SPLITS:
        (masks / split).mkdir(parents=True, exist_ok=True)
    covered = parallel.some(partial(draw, masks), sheets, compute, "drawing", size=AT_ONCE)
    share = sum(covered) / max(1, sum(sheet.height * sheet.width for sheet in sheets))
    return (
        f"{len(sheets)} masks of {sum(len(one.objects) for one in sheets)} annotations; "
        f"objects cover {share:.1%} of all pixels"
    )


def draw(masks: Path, sheets: list[rasterise.Sheet]) -> list[int]:
    """Write some masks; return how many pixels of each have a label."""
    covered = []
    for sheet, mask in zip(sheets, rasterise.label_masks(sheets), strict=True):
        store.write_mask(masks / sheet.name, mask)
        covered.append(int(np.count_nonzero(mask)))
    return covered


if __name__ == "__main__":
    gc.disable()  # it would look through millions of living lists again and again
    run(main)
