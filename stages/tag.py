"""Measure each image, name its problems, choose what to train on."""

from pathlib import Path

import msgspec

from pipeline import coco, params, store, tag
from pipeline.errors import ParamsError
from pipeline.parallel import ComputeParams
from pipeline.tables import CHOSEN, MEASURED, TAGS
from stages import run


class _Train(msgspec.Struct):
    """What this stage reads of section ``train``; its other keys are another stage's."""

    exclude: list[str]


class _File(msgspec.Struct):
    train: _Train


def excluded(path: Path = Path("params.yaml")) -> list[str]:
    """Return ``train.exclude``: the tags whose images are not trained on.

    Raises:
        ParamsError: the value is missing or no list of names.
    """
    try:
        return msgspec.yaml.decode(path.read_bytes(), type=_File).train.exclude
    except msgspec.MsgspecError as error:
        raise ParamsError(f"{path}: {error}; train.exclude is a list of tags") from error


def main(  # noqa: PLR0913  # one argument a path of dvc.yaml
    raw: Path, valid: Path, masks: Path, images: Path, tags: Path, chosen: Path
) -> str:
    """Write one row an image, one row a tag, and the images to train on."""
    dataset, limits = coco.load(valid), params.load(tag.TagParams, "tag")
    found = tag.run(dataset, raw, limits, params.load(ComputeParams, "compute"))
    shares, kept = tag.shares(found), tag.choose(dataset, found, excluded())
    store.write_table(images, found, MEASURED)
    store.write_table(tags, shares, TAGS)
    store.write_table(chosen, kept, CHOSEN)
    table_1 = shares[shares["tag"].isin(tag.TABLE_1)]
    text = ", ".join(f"{row.tag} {row.share:.0%}" for row in table_1.itertuples())
    return f"{len(found)} images: {text}; {len(kept)} to train on"


if __name__ == "__main__":
    run(main)
