"""Measure each image, name its problems, say how often that is right, choose what to train on."""

from pathlib import Path

import pandas as pd

from pipeline import accuracy, coco, params, store, tag
from pipeline.parallel import ComputeParams
from pipeline.tables import CHOSEN, MEASURED, TAG_ACCURACY, TAGS
from stages import run


def main(  # noqa: PLR0913  # one parameter a path of dvc.yaml
    raw: Path, truth: Path, valid: Path, images: Path, tags: Path, right: Path, chosen: Path
) -> str:
    """Write one row an image, two tables of one row a tag, and the images to train on."""
    dataset, limits = coco.load(valid), params.load(tag.TagParams, "tag")
    answers = accuracy.read(truth)
    found = tag.run(dataset, raw, limits, params.load(ComputeParams, "compute"))
    exclude = params.value(list[str], "train", "exclude")
    shares, kept = tag.shares(found), tag.choose(dataset, found, exclude)
    store.write_table(images, found, MEASURED)
    store.write_table(tags, shares, TAGS)
    store.write_table(right, accuracy.compare(found, answers), TAG_ACCURACY)
    store.write_table(chosen, kept, CHOSEN)
    said = tag.summary(found, shares)
    return f"{said}; {len(kept)} to train on{_lost(found, answers)}"


def _lost(found: pd.DataFrame, answers: pd.DataFrame) -> str:
    """Say how many answers are about no image, so that a misspelt table is noticed."""
    lost = len(answers) - int(answers["file_name"].isin(found["file_name"]).sum())
    return f"; {lost} of {len(answers)} known answers are about no image here" if lost else ""


if __name__ == "__main__":
    run(main)
