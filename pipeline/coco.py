"""All knowledge of COCO's keys and Roboflow's habits: COCO dictionaries <-> Export and Dataset."""

import gc
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import chain
from operator import attrgetter
from pathlib import Path, PurePosixPath
from typing import Any

import msgspec
import numpy as np
import pandas as pd
import shapely

from pipeline import polygons, rle, store
from pipeline.errors import ExportError, TableError
from pipeline.tables import (
    ANNOTATIONS,
    CATEGORIES,
    IMAGES,
    ISSUES,
    LABELS,
    SPLITS,
    Dataset,
    Export,
)

LISTS = {
    "images": ("file_name", "width", "height"),
    "annotations": ("image_id", "category_id", "bbox", "area", "iscrowd", "segmentation"),
    "categories": ("name", "supercategory"),
}

PIECE = 1 << 22  # bytes of a file whose names are counted together
AT_ONCE = 4096  # records that are written together: as Python's they take six times the memory

# What may have a name of its own besides records: `"licenses"`, and Roboflow's `"extra"`.
NAMED = (*LISTS, "licenses", "extra")
KEYS = re.compile(
    b'"(' + "|".join(dict.fromkeys((*NAMED, "id", *chain(*LISTS.values())))).encode() + b')"'
)


def _form(key: str) -> type[msgspec.Struct]:
    """A record of one of the lists: outlines stay as they are written, all else is any value."""
    names = [(name, msgspec.Raw if name == "segmentation" else Any, None) for name in LISTS[key]]
    return msgspec.defstruct(key, [("id", Any, None), *names], gc=False)


# A file of the right form; what it says besides is passed over.
FILE = msgspec.json.Decoder(
    msgspec.defstruct(
        "File",
        [*((key, list[_form(key)] | None, None) for key in LISTS), ("licenses", Any, None)],
    )
)

# What `read` itself finds; code -> severity and meaning. All later findings are `checks`'.
READING = {
    "json_unreadable": ("error", "annotation file is no JSON; value = byte where reading ends"),
    "list_missing": ("error", "annotation file lacks images, annotations or categories"),
    "key_twice": ("error", "a name is there twice in one object, the last is read; value = names"),
}


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


@contextmanager
def uncollected() -> Iterator[None]:
    """Make a million records that stay without looking through them for what may go."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


@uncollected()
def read(files: dict[str, tuple[str, bytes]]) -> Export:
    """Read an export's annotation files and promise nothing about what they say.

    Args:
        files: for each split its annotation file, as path below ``data/raw`` and content.

    Returns:
        Values as in the JSON, None for what is missing; ``images.path`` is ``file_name`` seen from
        the file's folder. Outlines, most of a file, may be as they are written: ``segmentation``
        reads one. A record that is no object has None only. ``NaN`` and ``Infinity``, which some
        writers produce, are read. ``issues`` has the codes of ``READING``.

    Raises:
        ExportError: no file can be read.
    """
    contents, issues = _contents(files)
    tables = {}
    for key, fields in LISTS.items():
        parts = []
        for split, content in contents.items():
            records = _records(content, key)
            if records is None:
                issues.append(_issue(split, "list_missing", None))
            parts.append(_columns(records or [], split, fields))
        columns = {name: [*chain.from_iterable(part[name] for part in parts)] for name in parts[0]}
        tables[key] = pd.DataFrame(
            {name: pd.Series(values, dtype="object") for name, values in columns.items()}
        )
        tables[key]["split"] = tables[key]["split"].astype("str")
    folders = {split: str(PurePosixPath(path).parent) for split, (path, _) in files.items()}
    images = tables["images"]
    names = zip(images["split"].tolist(), images["file_name"].tolist(), strict=True)
    images["path"] = pd.Series(
        [_below(folders[split], name) for split, name in names], dtype="object"
    )
    return Export(**tables, issues=ISSUES.frame(issues))


def segmentation(said: object) -> object:
    """Return what an annotation of ``read`` has there as values; ``NaN`` may be among them."""
    if not isinstance(said, msgspec.Raw):
        return said
    try:
        return msgspec.json.decode(said)
    except msgspec.DecodeError:
        return json.loads(bytes(said))  # a number too large for a float is infinite


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


def _contents(files: dict[str, tuple[str, bytes]]) -> tuple[dict[str, object], list[dict]]:
    """Return what each file says, those left out that are no JSON, and a finding for each fault."""
    contents, issues, faults = {}, [], []
    for split, (path, content) in files.items():
        try:
            contents[split] = _decode(content)
            if again := _names_again(content, contents[split]):
                issues.append(_issue(split, "key_twice", again))
        except (ValueError, RecursionError) as error:
            where, byte = _place(error, content)
            faults.append(f"{path}{where}: {error}")
            issues.append(_issue(split, "json_unreadable", byte))
    if not contents:
        raise ExportError(f"{'; '.join(faults)}; export the version from Roboflow again")
    return contents, issues


def _decode(content: bytes) -> object:
    """Return a file as its lists of records or, if it is not quite what it should be, as values.

    Records keep outlines as they are written, which is most of a file: they are found to be JSON,
    but made numbers of only when they are asked for.
    """
    for decode in (_formed, msgspec.json.decode):
        try:
            return decode(content)
        except (msgspec.DecodeError, UnicodeDecodeError):
            continue
    return json.loads(content)  # slower, but knows NaN, Infinity, byte order marks and UTF-16


def _formed(content: bytes) -> msgspec.Struct:
    if not content.isascii():
        content.decode()  # msgspec does not look into text that it passes over
    return FILE.decode(content)


def _names_again(content: bytes, said: object) -> int:
    """Return how many names are there again in one and the same object: readers see the last.

    Only a file that has a name more often than it has records is gone through for them.
    """
    counts, start = Counter(), 0
    while start < len(content):  # in pieces, for names take ten times the memory of the text
        end = content.find(b":", start + PIECE) + 1 or len(content)  # no name is cut in two there
        counts.update(KEYS.findall(content, start, end))
        start = end
    records = {key: len(_records(said, key) or []) for key in (*LISTS, "licenses")}
    most = dict.fromkeys(LISTS, 1) | {
        name: records[key] for key, names in LISTS.items() for name in names
    }
    most["id"] = sum(records.values())
    most["name"] = records["categories"] + records["licenses"] + counts[b"extra"]
    if all(counts[name.encode()] <= limit for name, limit in most.items()):
        return 0
    again = 0

    def seen(pairs: list[tuple[str, object]]) -> None:
        nonlocal again
        again += len(pairs) - len({key for key, _ in pairs})

    json.loads(content, object_pairs_hook=seen, parse_int=str)  # numbers may be of any length
    return again


def _place(error: Exception, content: bytes) -> tuple[str, int | None]:
    """Return where reading ended, in words and as a byte offset."""
    if isinstance(error, UnicodeDecodeError):
        return f" byte {error.start}", error.start
    if isinstance(error, json.JSONDecodeError):
        byte = len(error.doc[: error.pos].encode("utf-8", "replace"))
        return f" line {error.lineno} column {error.colno} byte {byte}", byte
    return "", None if content else 0


def _records(content: object, key: str) -> list | None:
    """Return one of a file's lists, None if it has none."""
    records = content.get(key) if isinstance(content, dict) else getattr(content, key, None)
    return records if isinstance(records, list) else None


def _columns(records: list, split: str, fields: tuple[str, ...]) -> dict[str, list]:
    """Return what records say under each name; None where they are no objects or lack it."""
    named = {"export_id": "id", **{name: name for name in fields}}
    if not isinstance(next(iter(records), None), msgspec.Struct):
        known = [record if isinstance(record, dict) else {} for record in records]
        columns = {column: [one.get(name) for one in known] for column, name in named.items()}
    else:
        columns = {column: list(map(attrgetter(name), records)) for column, name in named.items()}
    return {"split": [split] * len(records), **columns}


def _below(folder: str, name: object) -> str | None:
    if not isinstance(name, str):
        return None
    if folder != "." and "/" not in name and "\\" not in name and name not in {"", "."}:
        return f"{folder}/{name}"  # as below, but fifty times faster
    return (PurePosixPath(folder) / name.replace("\\", "/")).as_posix()


def _issue(split: str, code: str, value: float | None) -> dict:
    return {
        "split": split,
        "image_id": None,
        "file_name": "",
        "annotation_id": None,
        "code": code,
        "severity": READING[code][0],
        "value": value,
        "limit": None,
        "action": "dropped",
    }


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
