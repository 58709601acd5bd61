"""Measure each image, name its problems, choose what to train on."""

from pathlib import Path

from pipeline import coco, params, store, tag
from pipeline.parallel import ComputeParams
from pipeline.tables import CHOSEN, MEASURED, TAGS
from stages import run


def main(raw: Path, valid: Path, images: Path, tags: Path, chosen: Path) -> str:
    """Write one row an image, one row a tag, and the images to train on."""
    dataset, limits = coco.load(valid), params.load(tag.TagParams, "tag")
    found = tag.run(dataset, raw, limits, params.load(ComputeParams, "compute"))
    exclude = params.value(list[str], "train", "exclude")
    shares, kept = tag.shares(found), tag.choose(dataset, found, exclude)
    store.write_table(images, found, MEASURED)
    store.write_table(tags, shares, TAGS)
    store.write_table(chosen, kept, CHOSEN)
    table_1 = shares[shares["tag"].isin(tag.TABLE_1)]
    text = ", ".join(f"{row.tag} {row.share:.0%}" for row in table_1.itertuples())
    return f"{len(found)} images: {text}; {len(kept)} to train on"


if __name__ == "__main__":
    run(main)
