"""What a stranger's folder holds: its files, its pictures, and the split that a name speaks of."""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pipeline.names import PICTURES, is_junk, on_disk

SPLIT_OF = {
    "train": "train", "training": "train",
    "valid": "valid", "val": "valid", "validation": "valid",
    "test": "test", "testing": "test",
}  # fmt: skip
NOT_PICTURES = {  # folders whose pictures are none
    "masks", "mask", "labels", "annotations", "truth", "segmentationclass", "segmentationobject",
}  # fmt: skip
Files = tuple[tuple[Path, str], ...]  # where each is, and its path below the split's folder


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
        yield from (here / name for name in sorted(names) if is_file(here / name))


def is_file(path: Path) -> bool:
    """Return whether a path is an ordinary file and no litter; links are followed."""
    return path.is_file() and not is_junk(Path(path.name))


def folders_in(parent: Path) -> list[Path]:
    """Return the folders in a folder, sorted, without litter and hidden ones."""
    return sorted(
        child
        for child in parent.iterdir()
        if child.is_dir() and not child.name.startswith((".", "__MACOSX"))
    )


def split_in(name: str) -> str | None:
    """Return the split that a file or folder name speaks of: ``instances_val2017`` is valid."""
    words = re.split(r"[^a-z]+", name.lower())
    return next((SPLIT_OF[word] for word in words if word in SPLIT_OF), None)


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


def _fail(error: OSError) -> None:
    raise error
