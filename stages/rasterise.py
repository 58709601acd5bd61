"""Draw each image's annotations into a label mask."""

from functools import partial
from pathlib import Path

from pipeline import coco, parallel, params, rasterise, store
from pipeline.tables import SPLITS
from stages import run


def main(valid: Path, masks: Path) -> str:
    """Read the dataset, write one mask an image."""
    compute = params.load(parallel.ComputeParams, "compute")
    dataset = coco.load(valid)
    sheets = rasterise.sheets(dataset)
    for split in SPLITS:
        (masks / split).mkdir(parents=True, exist_ok=True)
    covered = parallel.each(partial(draw, masks), sheets, compute, "drawing")
    share = sum(covered) / max(1, sum(sheet.height * sheet.width for sheet in sheets))
    return (
        f"{len(sheets)} masks of {len(dataset.annotations)} annotations; "
        f"objects cover {share:.1%} of all pixels"
    )


def draw(masks: Path, sheet: rasterise.Sheet) -> int:
    """Write one mask; return how many of its pixels have a label."""
    mask = rasterise.label_mask(sheet)
    store.write_mask(masks / sheet.name, mask)
    return int((mask > 0).sum())


if __name__ == "__main__":
    run(main)
