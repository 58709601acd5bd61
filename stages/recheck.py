"""Look for objects again where they were removed."""

from pathlib import Path

from pipeline import coco, outcomes, params, recheck, segment, store, tables, unet
from pipeline.parallel import progress
from pipeline.segment import SegmentParams
from stages import run


def main(valid: Path, model: Path, segments: Path, filled: Path, remains: Path) -> str:
    """Read the restored test images and the masks of before, write what is still found."""
    settings = params.load(SegmentParams, "segment")
    labels = store.read_table(valid / "labels.csv", tables.LABELS)["name"].tolist()
    if settings.model == "unet":
        unet.prepare(0, settings.threads)
    eye = segment.eye(settings, model, labels)
    images = coco.load(valid).images
    rows = []
    chosen = images[images["split"] == "test"]
    for row in progress(chosen.itertuples(), "look again", len(chosen)):
        before = segments / row.split / f"{row.stem}.png"
        if not store.is_there(before):  # segment.splits leaves test out
            continue
        restored = store.read_image(filled / row.split / f"{row.stem}.png")
        hole = store.read_mask(filled / "holes" / f"{row.stem}.png") > 0
        counted = recheck.remains(store.read_mask(before), eye.find(restored), hole)
        rows.append({"file_name": row.file_name} | counted)
    table = outcomes.REMAINS.frame(rows)
    above = params.load(tables.TableParams, "tables").parquet_above
    store.write_table(remains, table, outcomes.REMAINS, above)
    if not table["before"].sum():
        return "nothing was removed, so nothing can remain"
    share = table["after"].sum() / table["before"].sum()
    said = f"{share:.2%} of the removed pixels are still found, in {len(table)} images"
    return said + store.as_parquet(remains)


if __name__ == "__main__":
    run(main)
