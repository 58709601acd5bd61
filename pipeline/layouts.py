"""Where in a folder the export lies, and which of its files go where in ``data/raw``.

Nothing is written here. A layout is recognised by its annotations: COCO first, then what other
readers know.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline import coco_layouts
from pipeline.errors import PullError
from pipeline.folders import Split, files_below, folders_in, is_file, pictures
from pipeline.shards import ANNOTATIONS
from pipeline.tables import SPLITS

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
Reader = Callable[[Path], "list[Split]"]  # folder -> its splits; none if they are not there


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


def _levels(folder: Path) -> Iterator[list[Path]]:
    """Yield the folder, then its folders, then theirs."""
    level = [folder]
    for _ in range(DEPTH + 1):
        yield level
        level = [child for parent in level for child in folders_in(parent)]


def _splits(root: Path, readers: Sequence[Reader]) -> list[Split]:
    """Return the splits of the first layout that is recognised here; none if none is."""
    for recognise in (*coco_layouts.READERS, *readers):
        if splits := recognise(root):
            return splits
    return []


def _layout(root: Path, splits: list[Split]) -> Layout:
    names = [split.name for split in splits]
    for name in names:
        if names.count(name) > 1:
            raise PullError(f"{root} holds the split '{name}' {names.count(name)} times; keep one")
    notes = (p for p in sorted(root.iterdir()) if p.name.lower().startswith(NOTES) and is_file(p))
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
