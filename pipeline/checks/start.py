"""Export + pictures -> the tables that checks look at: keys as numbers, records beside pictures."""

import posixpath
import unicodedata
from collections import Counter, defaultdict

import numpy as np
import pandas as pd

from pipeline import outlines
from pipeline.checks.base import MANY, SAID, Tables, ValidateParams, tuples
from pipeline.names import on_disk
from pipeline.said import whole
from pipeline.splits import source
from pipeline.tables import SPLITS, Export

HUGE = 1e6  # pixels; no picture is that wide
FOLDERS = ("images", "image", "imgs")  # where several folders hold the name, this one has pictures


def start(export: Export, pictures: pd.DataFrame, params: ValidateParams) -> Tables:
    """Lay an export beside its pictures; nothing is judged yet.

    Args:
        export: as ``reading.read`` gives it.
        pictures: columns as ``raw.PICTURES``.
        params: the limits.
    """
    images = _images(export.images, pictures)
    annotations = export.annotations.assign(
        **{key: _keys(export.annotations, key) for key in SAID},
        segmentation=pd.Series(
            outlines.read(export.annotations["segmentation"].tolist()),
            export.annotations.index,
            dtype="object",
        ),
    )
    categories = export.categories.assign(key=_keys(export.categories, "key"))
    names = [path.rpartition("/")[2] for path in pictures["path"].tolist()]
    split = _splits_of(pictures["path"].tolist(), images)
    return Tables(
        _counted(images, annotations),
        _beside(annotations, images),
        categories,
        pictures.assign(split=pd.Series(split, pictures.index, dtype="str"), file_name=names),
        pd.DataFrame({"split": pd.Series(SPLITS, dtype="str")}),
        params,
    )


def _keys(frame: pd.DataFrame, key: str) -> pd.Series:
    """Return ids as whole numbers; if a split has several files they have been made to agree."""
    if key in frame:
        return frame[key]
    said = frame[SAID[key]]
    return pd.Series([whole(value) for value in said], said.index, dtype="object")


def _images(images: pd.DataFrame, pictures: pd.DataFrame) -> pd.DataFrame:
    places = _places(pictures["path"].tolist())
    paths = [
        _find(path, name, places) if isinstance(path, str) else ""
        for path, name in tuples(images, "path", "file_name")
    ]
    measured = pictures.set_index("path").reindex(paths)
    files = {
        "fault": measured["fault"].fillna("missing").to_numpy(dtype=object),
        "file_width": measured["width"].fillna(0).to_numpy(dtype=np.int64),
        "file_height": measured["height"].fillna(0).to_numpy(dtype=np.int64),
        "orientation": measured["orientation"].fillna(1).to_numpy(dtype=np.int64),
        "sha256": measured["sha256"].fillna("").to_numpy(dtype=object),
        "look": measured["look"].fillna("").to_numpy(dtype=object),
    }
    return images.assign(
        key=_keys(images, "key"),
        asked=images["path"],
        path=pd.Series(paths, images.index, dtype="object"),
        source=[source(name) for name in images["file_name"]],
        goes=images["split"],
        **files,
    )


def _counted(images: pd.DataFrame, annotations: pd.DataFrame) -> pd.DataFrame:
    counts = Counter(tuples(annotations, "split", "image_key"))
    pairs = tuples(images, "split", "key")
    return images.assign(annotated=[counts[pair] for pair in pairs])


def _places(paths: list[str]) -> dict[str, list[str]]:
    """Return the paths that each name may mean: whole paths first, then names alone."""
    places = defaultdict(list)
    for path in paths:
        places[_same(path)].append(path)
        places[_same(path.rsplit("/", 1)[-1])].append(path)
    return places


def _same(path: str) -> str:
    """Return one spelling of a name: archives made on a Mac take accented letters apart."""
    return unicodedata.normalize("NFC", path)


def _find(asked: str, name: str, places: dict[str, list[str]]) -> str:
    """Return the path of the picture that a record asks for, or nothing."""
    spellings = _spellings(posixpath.normpath(asked))
    for path in spellings:
        if path in places and "/" in path:
            return places[path][0]
    folder = asked.removesuffix(name.replace("\\", "/"))
    named = [place for path in spellings for place in places.get(path.rsplit("/", 1)[-1], [])]
    below = [place for place in named if place.startswith(folder)]
    if escapes(asked, folder) or not below:
        return ""
    return min(below, key=lambda place: (place.split("/")[-2:-1] not in _FOLDERS, place))


def _spellings(path: str) -> list[str]:
    """Return the names under which a picture may lie: its own, and those that fit on a disk."""
    if all(on_disk(part) == part for part in path.split("/")):
        return [_same(path)]
    forms = (path, *(unicodedata.normalize(form, path) for form in ("NFC", "NFD")))
    short = ("/".join(map(on_disk, form.split("/"))) for form in forms)
    return list(dict.fromkeys(map(_same, (path, *short))))


def escapes(asked: str, folder: str = "") -> bool:
    """Return whether a path leads out of the export: absolute, with a drive, or up too far."""
    name = asked.removeprefix(folder)
    path = posixpath.normpath(asked)
    return name.startswith("/") or name[1:2] == ":" or path.startswith(("/", "..")) or "\0" in name


def _splits_of(paths: list[str], images: pd.DataFrame) -> list[str]:
    """Return the split whose pictures lie in the same folder; nothing where there is none."""
    folders = {}
    for path, split in tuples(images[images["path"] != ""], "path", "split"):
        folders.setdefault(path.rpartition("/")[0], split)
    return [folders.get(path.rpartition("/")[0], "") for path in paths]


def _beside(annotations: pd.DataFrame, images: pd.DataFrame) -> pd.DataFrame:
    """Lay each annotation beside its image's name and size, the file's if there is one."""
    first = images.drop_duplicates(["split", "key"])
    said = tuples(first, "file_name", "file_width", "file_height", "width", "height")
    known = [(name, *_size(*numbers)) for name, *numbers in said]
    sizes = dict(zip(tuples(first, "split", "key"), known, strict=True))
    keys = tuples(annotations, "split", "image_key")
    rows = [sizes.get(key, ("", 0, 0)) for key in keys]
    columns = ["file_name", "image_width", "image_height"]
    return annotations.assign(**pd.DataFrame(rows, annotations.index, columns))


def _size(file_width: int, file_height: int, width: object, height: object) -> tuple[int, int]:
    """Return the width and height that an image's objects are judged by; 0, 0 if unknown."""
    width = file_width or whole(width) or 0
    height = file_height or whole(height) or 0
    sound = min(width, height) > 0 and max(width, height) < HUGE and width * height <= MANY
    return (width, height) if sound else (0, 0)


_FOLDERS = tuple([name] for name in FOLDERS)
