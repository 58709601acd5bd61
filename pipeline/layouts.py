"""Where in a folder the export lies, and which of its files go where in ``data/raw``.

Nothing is written here. A layout is recognised by its annotations: Roboflow's COCO folders
first, then COCO files beside their pictures. A split has one annotation file, or shards of it.
"""

import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline import shards
from pipeline.errors import PullError
from pipeline.names import PICTURES, is_junk, on_disk
from pipeline.shards import ANNOTATIONS
from pipeline.tables import SPLITS

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
        annotations: the COCO files to copy, in order, or the text where a reader had to make it.
        files: where each other file is, and its path below the split's folder.
    """

    name: str
    annotations: tuple[Path, ...] | bytes
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


def _annotations(folder: Path) -> tuple[Path, ...]:
    """Return a split's COCO files: those of Roboflow's name, else the only one, else a folder's.

    Raises:
        PullError: several are COCO, and it is not clear which are meant; or a shard is missing.
    """
    texts = [path for path in files_below(folder) if path.suffix.lower() == ".json"]
    found = shards.named(folder, texts)
    asked = [one for one in texts if not found or one.parent == folder / shards.FOLDER]
    coco = [one for one in asked if one not in found and shards.is_coco(one)]
    if found and len(coco) > 1:
        raise shards.several(folder, [*found, *coco])
    if split := found or shards.apart(folder, coco, folder / shards.FOLDER):
        return split
    if len(coco) > 1:
        raise shards.several(folder, coco)
    return tuple(coco)


def _file_a_split(root: Path) -> list[Split]:
    """Plain COCO: ``annotations/instances_train2017.json`` or ``train.json``, pictures apart."""
    found: dict[tuple[str, Path], list[Path]] = {}
    for path in (*sorted(root.glob("*.json")), *sorted(root.glob("annotations/*.json"))):
        name = split_in(path.stem)
        if name and shards.of_objects(path) and shards.is_coco(path):
            found.setdefault((name, path.parent), []).append(path)
    for path in sorted(root.glob("annotations/*/*.json")):
        name = SPLIT_OF.get(path.parent.name.lower())
        if name and shards.of_objects(path) and shards.is_coco(path):
            found.setdefault((name, path.parent), []).append(path)
    splits = []
    for (name, folder), paths in found.items():
        together = folder.parent.name.lower() == shards.FOLDER or shards.counted(paths)
        groups = [shards.apart(root, paths, folder)] if together else [(one,) for one in paths]
        below = pictures(_picture_folder(root, name))
        splits += [Split(name, group, below) for group in groups]
    return splits


def _one_file(root: Path) -> list[Split]:
    """COCO for all in one file or shards: a project never split; validate carves the rest."""
    found = shards.named(root, [path for path in root.glob("*.json") if _is_file(path)])
    if not found:
        coco = [
            path for place in ("*.json", "annotations/*.json") for path in root.glob(place)
            if shards.of_objects(path) and shards.is_coco(path)
        ]  # fmt: skip
        found = tuple(coco)
        if len(coco) > 1:
            found = shards.apart(root, coco, root / shards.FOLDER) if shards.counted(coco) else ()
    return [Split("train", found, pictures(root))] if found else []


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
