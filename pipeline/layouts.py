"""Where in a folder the export lies, and which of its files go where in ``data/raw``.

Nothing is written here. A layout is recognised by its annotations: Roboflow's COCO folders
first, then COCO files beside their pictures.
"""

import json
import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from pipeline.errors import PullError
from pipeline.names import PICTURES, is_junk, on_disk
from pipeline.tables import SPLITS

ANNOTATIONS = "_annotations.coco.json"
SPLIT_OF = {
    "train": "train", "training": "train",
    "valid": "valid", "val": "valid", "validation": "valid",
    "test": "test", "testing": "test",
}  # fmt: skip
NOT_PICTURES = {  # folders whose pictures are none
    "masks", "mask", "labels", "annotations", "truth", "segmentationclass", "segmentationobject",
}  # fmt: skip
NOTES = ("readme", "licen")  # files beside the splits that say what the data is and may be used for
DEPTH = 3  # folders that may wrap an export: an archive's name, a project's, a version's
TOLD = 5  # examples in a message
OTHER_FORMATS = {  # what a file's name ends with -> the format it speaks of; none holds polygons
    ".xml": "Pascal VOC",
    ".tfrecord": "TFRecord",
    "_annotations.csv": "CSV",
    "_classes.csv": "multi-label classification",
    "createml.json": "CreateML",
    ".jsonl": "a language model's",
}
Files = tuple[tuple[Path, str], ...]  # where each is, and its path below the split's folder
Reader = Callable[[Path], "list[Split]"]  # folder -> its splits; none if they are not there


@dataclass(frozen=True)
class Split:
    """One split as it will lie in ``data/raw/<name>``.

    Attributes:
        name: train, valid or test.
        annotations: the COCO JSON to copy, or its text where a reader had to make it.
        files: where each other file is, and its path below the split's folder.
    """

    name: str
    annotations: Path | bytes
    files: Files


@dataclass(frozen=True)
class Layout:
    """An export that was found.

    Attributes:
        root: the folder that holds the splits.
        splits: in the order train, valid, test; at least one.
        notes: README and licence files beside the splits.
        truth: the folder with what is known of the pictures beside the annotations, if any.
        left_out: pictures below ``root`` that belong to no split with annotations.
    """

    root: Path
    splits: tuple[Split, ...]
    notes: tuple[Path, ...]
    truth: Path | None
    left_out: tuple[str, ...]


def find(folder: Path, readers: Sequence[Reader] = ()) -> Layout:
    """Find the one export in a folder, which other folders may wrap.

    Args:
        folder: where to look.
        readers: of formats other than COCO, tried where there is no COCO.

    Raises:
        PullError: there is none, or more than one, or one split is there twice.
    """
    for level in _levels(folder):
        found = {root: splits for root in level if (splits := _splits(root, readers))}
        if len(found) > 1:
            names = ", ".join(_below(folder, root) for root in list(found)[:TOLD])
            raise PullError(f"{folder} holds {len(found)} exports: {names}; give one of them")
        for root, splits in found.items():
            return _layout(root, splits)
    raise PullError(_nothing(folder))


def files_below(folder: Path) -> Iterator[Path]:
    """Yield every ordinary file below a folder, sorted, without litter and hidden folders.

    Links are followed, as in a dataset that DVC or git-annex links into place; a link to
    nothing, and a folder that holds itself, are passed over.

    Raises:
        OSError: a folder cannot be read; what it holds must not go unsaid.
    """
    seen = set()
    for place, folders, names in os.walk(folder, onerror=_fail, followlinks=True):
        real = os.path.realpath(place)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        folders[:] = sorted(name for name in folders if not name.startswith((".", "__MACOSX")))
        here = Path(place)
        yield from (here / name for name in sorted(names) if _is_file(here / name))


def _fail(error: OSError) -> None:
    raise error


def _is_file(path: Path) -> bool:
    return path.is_file() and not is_junk(Path(path.name))


def _levels(folder: Path) -> Iterator[list[Path]]:
    """Yield the folder, then its folders, then theirs."""
    level = [folder]
    for _ in range(DEPTH + 1):
        yield level
        level = [child for parent in level for child in _folders(parent)]


def _folders(parent: Path) -> list[Path]:
    return sorted(
        child
        for child in parent.iterdir()
        if child.is_dir() and not child.name.startswith((".", "__MACOSX"))
    )


def _splits(root: Path, readers: Sequence[Reader]) -> list[Split]:
    """Return the splits of the first layout that is recognised here; none if none is."""
    for recognise in (_folder_a_split, _file_a_split, _one_file, *readers):
        if splits := recognise(root):
            return splits
    return []


def _layout(root: Path, splits: list[Split]) -> Layout:
    names = [split.name for split in splits]
    for name in names:
        if names.count(name) > 1:
            raise PullError(f"{root} holds the split '{name}' {names.count(name)} times; keep one")
    notes = (p for p in sorted(root.iterdir()) if p.name.lower().startswith(NOTES) and _is_file(p))
    truth = root / "truth"
    return Layout(
        root,
        tuple(sorted(splits, key=lambda split: SPLITS.index(split.name))),
        tuple(notes),
        truth if truth.is_dir() else None,
        _left_out(root, splits),
    )


def _left_out(root: Path, splits: list[Split]) -> tuple[str, ...]:
    taken = {path for split in splits for path, _ in split.files}
    return tuple(
        place for path, place in pictures(root)
        if path not in taken and not path.name.endswith("_mask.png")
    )  # fmt: skip


def _folder_a_split(root: Path) -> list[Split]:
    """Roboflow's own: ``train/_annotations.coco.json`` with its pictures beside or below it."""
    splits = []
    for folder in _folders(root):
        name = SPLIT_OF.get(folder.name.lower())
        annotations = _annotations(folder) if name else None
        if name and annotations:
            splits.append(Split(name, annotations, pictures(folder)))
    return splits


def _annotations(folder: Path) -> Path | None:
    """Return a split's COCO JSON: the one of Roboflow's name, else the only one that is COCO.

    Raises:
        PullError: several are COCO, and none has Roboflow's name.
    """
    texts = [path for path in files_below(folder) if path.suffix.lower() == ".json"]
    named = [path for path in texts if path.name.lower() == ANNOTATIONS]
    found = named or [path for path in texts if is_coco(path)]
    if len(found) > 1:
        names = ", ".join(_below(folder, path) for path in found[:TOLD])
        raise PullError(
            f"{folder} holds {len(found)} annotation files: {names}; "
            f"keep one, or call the right one {ANNOTATIONS}"
        )
    return found[0] if found else None


def _file_a_split(root: Path) -> list[Split]:
    """Plain COCO: ``annotations/instances_train2017.json`` or ``train.json``, pictures apart."""
    splits = []
    for path in (*sorted(root.glob("*.json")), *sorted(root.glob("annotations/*.json"))):
        name = split_in(path.stem)
        if name and _of_objects(path) and is_coco(path):
            splits.append(Split(name, path, pictures(_picture_folder(root, name))))
    return splits


def _of_objects(path: Path) -> bool:
    """COCO's own folder also holds captions, keypoints and stuff for the same pictures."""
    return not re.match("captions|person_keypoints|stuff|panoptic|image_info", path.name.lower())


def _one_file(root: Path) -> list[Split]:
    """One COCO JSON for all: a project that was never split; validate carves the rest."""
    named = [path for path in root.glob("*.json") if path.name.lower() == ANNOTATIONS]
    found = named or [
        path for place in ("*.json", "annotations/*.json") for path in root.glob(place)
        if _of_objects(path) and is_coco(path)
    ]  # fmt: skip
    return [Split("train", found[0], pictures(root))] if len(found) == 1 else []


def split_in(name: str) -> str | None:
    """Return the split that a file or folder name speaks of: ``instances_val2017`` is valid."""
    words = re.split(r"[^a-z]+", name.lower())
    return next((SPLIT_OF[word] for word in words if word in SPLIT_OF), None)


def _picture_folder(root: Path, split: str) -> Path:
    """Return where a split's pictures are when its JSON is not beside them."""
    for parent in (root, root / "images"):
        if parent.is_dir():
            for folder in _folders(parent):
                if split_in(folder.name) == split:
                    return folder
    return root / "images" if (root / "images").is_dir() else root


def pictures(folder: Path) -> Files:
    """Return a split's pictures and where below the split each will lie.

    Folders of masks and labels are passed over: they often hold files of the pictures' names.
    """
    found = []
    for path in files_below(folder):
        parts = path.relative_to(folder).parts
        if path.suffix.lower() in PICTURES and NOT_PICTURES.isdisjoint(map(str.lower, parts[:-1])):
            found.append((path, "/".join(map(on_disk, parts))))
    return tuple(found)


class _Coco(msgspec.Struct):
    """What makes a JSON text COCO; the rest is left unread."""

    images: msgspec.Raw
    annotations: msgspec.Raw


def is_coco(path: Path) -> bool:
    """Say whether a JSON file has COCO's two tables."""
    content = path.read_bytes()
    try:
        msgspec.json.decode(content, type=_Coco)
    except (msgspec.ValidationError, RecursionError):
        return False
    except (msgspec.DecodeError, UnicodeDecodeError):  # NaN, a byte order mark or UTF-16, perhaps
        try:
            said = json.loads(content)
        except (ValueError, RecursionError):
            return False
        return isinstance(said, dict) and {"images", "annotations"} <= said.keys()
    return True


def _below(folder: Path, path: Path) -> str:
    return path.relative_to(folder).as_posix() or "."


def _nothing(folder: Path) -> str:
    names = [child.name for child in sorted(folder.iterdir())]
    held = ", ".join(names[:TOLD]) + (f" and {len(names) - TOLD} more" if names[TOLD:] else "")
    return (
        f"{folder} is no export with masks: expected train/{ANNOTATIONS} and its like, found "
        f"{held or 'nothing'}{_other_format(folder)}; "
        "in Roboflow choose the format 'COCO Segmentation' (JSON)"
    )


def _other_format(folder: Path) -> str:
    """Name the format that the files below a folder speak of, if one is known."""
    paths = [path for path in files_below(folder) if not path.name.lower().startswith(NOTES)]
    for ending, name in OTHER_FORMATS.items():
        if any(path.name.lower().endswith(ending) for path in paths):
            return f", which looks like the format {name}"
    return ""
