"""[disk] A dataset as COCO: what ``data/valid`` holds, written and read again."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec
import numpy as np
import pandas as pd
import shapely

from pipeline import polygons, rle, store
from pipeline.errors import TableError
from pipeline.tables import ANNOTATIONS, CATEGORIES, IMAGES, LABELS, SPLITS, Dataset

AT_ONCE = 4096  # records that are written together: as Python's they take six times the memory


def load(folder: Path) -> Dataset:
    """Read the dataset that ``save`` wrote.

    Args:
        folder: holds ``train.json``, ``valid.json`` and ``test.json``.

    Raises:
        TableError: a file is missing or is not what ``save`` writes.
    """
    try:
        parts = [_tables(part) for name in SPLITS for part in _read(folder / f"{name}.json", name)]
        images, annotations, categories = zip(*parts, strict=True)
        return Dataset(
            pd.concat(images, ignore_index=True),
            pd.concat(annotations, ignore_index=True),
            categories[0],
        )
    except (KeyError, TypeError, ValueError, TableError) as error:
        raise TableError(f"{folder} holds no dataset of ours ({error}); run validate") from error


class _Records(msgspec.Struct):
    """A file of ``data/valid``, its records as they are written."""

    images: list[msgspec.Raw]
    annotations: list[msgspec.Raw]
    categories: list[msgspec.Raw]


def _read(path: Path, name: str) -> Iterator[dict[str, dict]]:
    """Yield a split's dictionary in parts of some thousand records, the categories with each.

    As Python's values a large file takes many times its size, which the system is hardly given
    back; so they are made of few records at a time.
    """
    whole = store.read_json(path, _Records)
    categories = [msgspec.json.decode(one) for one in whole.categories]
    for first in range(0, max(1, len(whole.images), len(whole.annotations)), AT_ONCE):
        some = slice(first, first + AT_ONCE)
        images = [msgspec.json.decode(one) for one in whole.images[some]]
        annotations = [msgspec.json.decode(one) for one in whole.annotations[some]]
        part = {"images": images, "annotations": annotations, "categories": categories}
        yield {name: part}


def save(folder: Path, dataset: Dataset) -> None:
    """Write ``train.json``, ``valid.json``, ``test.json`` and ``labels.csv`` into a folder."""
    for name in SPLITS:
        images, annotations = _of_split(dataset, name)
        store.write_records(
            folder / f"{name}.json",
            {
                "images": map(_image_records, _parts(images)),
                "annotations": map(_annotation_records, _parts(annotations)),
                "categories": [_category_records(dataset.categories)],
            },
        )
    store.write_table(folder / "labels.csv", dataset.labels, LABELS)


def from_coco(contents: dict[str, dict]) -> Dataset:
    """Return the dataset of one COCO dictionary a split, as ``to_coco`` gives them.

    Raises:
        TableError: an id is repeated or points nowhere.
        KeyError, TypeError, ValueError: a key is missing or its value is of another kind.
    """
    return Dataset(*_tables(contents))


def _tables(contents: dict[str, dict]) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Return images, annotations and categories, the last of the first dictionary."""
    first = next(iter(contents))
    return (
        IMAGES.check(_rows(contents, "images", "image_id", IMAGES), "images", cast=True),
        _annotations(contents),
        CATEGORIES.check(
            _rows({first: contents[first]}, "categories", "category_id", CATEGORIES),
            "categories",
            cast=True,
        ),
    )


def to_coco(dataset: Dataset) -> dict[str, dict]:
    """Return one COCO dictionary a split, an empty split included; all share one category table.

    An object is written as rings, or as RLE if it was RLE or has a hole. ``area`` and ``bbox``
    are those of the object itself.
    """
    categories, contents = _category_records(dataset.categories), {}
    for name in SPLITS:
        images, annotations = _of_split(dataset, name)
        contents[name] = {
            "images": _image_records(images),
            "annotations": _annotation_records(annotations),
            "categories": categories,
        }
    return contents


def _of_split(dataset: Dataset, name: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return one split's images and annotations, by their ids."""
    images, annotations = (
        frame[frame["split"] == name] for frame in (dataset.images, dataset.annotations)
    )
    return images.sort_values("image_id"), annotations.sort_values("annotation_id")


def _parts(frame: pd.DataFrame) -> Iterator[pd.DataFrame]:
    return (frame.iloc[first : first + AT_ONCE] for first in range(0, len(frame), AT_ONCE))


def _rows(contents: dict[str, dict], key: str, number: str, columns: Iterable[str]) -> pd.DataFrame:
    """Return one list of all splits as a frame; ``number`` is the column that ``id`` becomes."""
    records = [record for content in contents.values() for record in content[key]]
    frame = {
        name: [record["id" if name == number else name] for record in records]
        for name in columns
        if name != "split"
    }
    if "split" in columns:
        sizes = [len(content[key]) for content in contents.values()]
        frame["split"] = np.repeat(np.array(list(contents), dtype=object), sizes)
    return pd.DataFrame({name: pd.Series(values, dtype="object") for name, values in frame.items()})


def _annotations(contents: dict[str, dict]) -> pd.DataFrame:
    plain = [name for name in ANNOTATIONS if name not in {"geometry", "rle"}]
    frame = _rows(contents, "annotations", "annotation_id", plain)
    written = [one["segmentation"] for each in contents.values() for one in each["annotations"]]
    rings = [[] if isinstance(one, dict) else one for one in written]
    geometry = polygons.from_rings(rings)
    masks = np.full(len(written), None, dtype=object)
    for row, one in enumerate(written):
        if isinstance(one, dict):
            masks[row], geometry[row] = one, rle.outline(one)
    closed = pd.Series([polygons.is_closed(one) for one in rings], dtype="bool")
    frame = frame.assign(geometry=geometry, rle=pd.Series(masks, dtype="object"), closed=closed)
    return ANNOTATIONS.check(frame, "annotations", cast=True)[[*ANNOTATIONS, "closed"]]


def _image_records(images: pd.DataFrame) -> list[dict]:
    names = [name for name in IMAGES if name != "split"]
    columns = [images[name].tolist() for name in names]
    keys = ["id" if name == "image_id" else name for name in names]
    records = [dict(zip(keys, row, strict=True)) for row in zip(*columns, strict=True)]
    return [one | {"export_id": _whole(one["export_id"])} for one in records]


def _category_records(categories: pd.DataFrame) -> list[dict]:
    return [
        {"id": row.category_id, "name": row.name, "supercategory": row.supercategory}
        for row in categories.sort_values("category_id").itertuples()
    ]


def _annotation_records(annotations: pd.DataFrame) -> list[dict]:
    geometries = annotations["geometry"].to_numpy()
    bounds = shapely.bounds(geometries).reshape(-1, 4)
    boxes = np.concatenate([bounds[:, :2], bounds[:, 2:] - bounds[:, :2]], axis=1)
    # Whether a ring repeats its first point says nothing, but an unchanged ring stays unchanged.
    closed = (
        annotations["closed"].tolist() if "closed" in annotations else [True] * len(annotations)
    )
    outlines = polygons.all_rings(geometries, closed)
    columns = {
        "id": annotations["annotation_id"].tolist(),
        "image_id": annotations["image_id"].tolist(),
        "category_id": annotations["category_id"].tolist(),
        "bbox": [[round(number, 3) for number in box] for box in boxes.tolist()],
        "area": [round(area, 3) for area in polygons.areas(geometries).tolist()],
        "iscrowd": annotations["iscrowd"].astype("int64").tolist(),
        "segmentation": [
            mask or rings for mask, rings in zip(annotations["rle"].tolist(), outlines, strict=True)
        ],
        "export_id": [_whole(number) for number in annotations["export_id"].tolist()],
    }
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _whole(number: object) -> int | None:
    return None if number is pd.NA else int(number)
