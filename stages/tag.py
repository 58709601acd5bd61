"""Measure each image, name its problems, say how often that is right, choose what to train on."""

from dataclasses import replace
from pathlib import Path

from pipeline import accuracy, coco, params, store, tag
from pipeline.parallel import ComputeParams
from pipeline.tables import ANNOTATIONS, CHOSEN, MEASURED, TAG_ACCURACY, TAGS, TableParams
from stages import run


def main(  # noqa: PLR0913  # one parameter a path of dvc.yaml
    raw: Path, truth: Path, valid: Path, images: Path, tags: Path, right: Path, chosen: Path
) -> str:
    """Write one row an image, two tables of one row a tag, and the images to train on."""
    dataset, limits = coco.load(valid), params.load(tag.TagParams, "tag")
    answers = accuracy.read(truth)
    photos = tag.photos(dataset, raw, limits.people)
    dataset = replace(dataset, annotations=ANNOTATIONS.empty())  # half the memory of the stage
    found = tag.told(dataset, photos, limits, params.load(ComputeParams, "compute"))
    exclude = params.value(list[str], "train", "exclude")
    shares, kept = tag.shares(found), tag.choose(dataset, found, exclude)
    above = params.load(TableParams, "tables").parquet_above
    store.write_table(images, found, MEASURED, above)
    store.write_table(tags, shares, TAGS)
    scores = accuracy.compare(found, answers)
    store.write_table(right, scores, TAG_ACCURACY)
    store.write_table(chosen, kept, CHOSEN, above)
    said = f"{tag.summary(found, shares)}; {len(kept)} to train on"
    if len(answers):
        said += f"; {accuracy.summary(scores, found, answers)}"
    return said + store.as_parquet(images, chosen)


if __name__ == "__main__":
    run(main)
