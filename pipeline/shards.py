"""Annotation files of one split: the one, or shards of it, and whether all of them are there.

Shards are ``_annotations.coco.<any>.json`` in one folder, or COCO files in a folder of their own.
"""

import json
import re
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import msgspec

from pipeline.errors import PullError
from pipeline.names import is_junk

ANNOTATIONS = "_annotations.coco.json"  # Roboflow's name for the one file of a split
PATTERN = "_annotations.coco*.json"  # that one and shards, as they lie in ``data/raw``
FOLDER = "annotations"  # whose files are shards, if there are several
NAMED = re.compile(r"_annotations\.coco(?:\.(.+))?\.json", re.IGNORECASE)
OF = re.compile(r"(\d+)-of-(\d+)", re.IGNORECASE)
COUNTED = re.compile(r"(?:.*[-_. ])?(?:part|shard|chunk)[-_. ]?\d+|\d+", re.IGNORECASE)
TOLD = 5  # examples in a message
MOST = 100_000  # files that a name may promise


def order(path: Path) -> tuple:
    """Sort names as people count, 2 before 10; the file of Roboflow's name is the first."""
    marked = NAMED.fullmatch(path.name)
    name = (marked[1] or "") if marked else path.stem
    parts = re.split(r"(\d+)", name.casefold())
    numbers = [(int(part), "") if part.isdecimal() else (-1, part) for part in parts if part]
    return path.parent.as_posix(), numbers, path.name


def beside(path: Path, several: int) -> str:
    """Return the name in ``data/raw`` of one of so many annotation files of a split."""
    marked = NAMED.fullmatch(path.name)
    if several == 1 or (marked and not marked[1]):
        return ANNOTATIONS
    return f"_annotations.coco.{marked[1] if marked else path.stem}.json"


def named(folder: Path, paths: Sequence[Path]) -> tuple[Path, ...]:
    """Return those files of a split that have Roboflow's name or a shard's, in order.

    Args:
        folder: of the split, for what is said of it.
        paths: below the folder.

    Raises:
        PullError: they lie in two folders; or a shard is missing, or may be a copy of the whole.
    """
    found = [path for path in paths if NAMED.fullmatch(path.name)]
    if len({path.parent for path in found}) > 1:
        raise several(folder, found)
    copies = [path for path in found if not re.search(r"\d", beside(path, 2))]
    if (
        len(found) > 1
        and len(copies) > 1
        and any(path.name.lower() == ANNOTATIONS for path in found)
    ):
        names = ", ".join(path.name for path in sorted(copies, key=order)[:TOLD])
        raise PullError(
            f"{folder} holds {names}: copies or shards? number shards "
            "(_annotations.coco.1.json), move copies away"
        )
    return complete(folder, found)


def apart(folder: Path, coco: Sequence[Path], home: Path) -> tuple[Path, ...]:
    """Return COCO files of any name, in order, if all lie in the folder of shards; else nothing.

    Args:
        folder: of the split or the export, for what is said of it.
        coco: the COCO files.
        home: the folder of shards.

    Raises:
        PullError: a shard is missing or broken.
    """
    found = [path for path in coco if of_objects(path)]
    if {path.parent for path in found} != {home}:
        return ()
    others = [path for path in sorted(home.glob("*.json")) if path not in coco]
    if broken := [path.name for path in others if not is_junk(path) and not _is_json(path)]:
        raise PullError(
            f"{folder} holds {len(found)} annotation files in {home.name} and {broken[0]}, which "
            "is no JSON; mend it or move it away"
        )
    return complete(folder, found)


def counted(paths: Sequence[Path]) -> bool:
    """Say whether names are those of shards wherever they lie: ``3-of-5``, ``part-3``, ``0003``."""
    return all(OF.search(path.stem) or COUNTED.fullmatch(path.stem) for path in paths)


def complete(folder: Path, paths: Sequence[Path]) -> tuple[Path, ...]:
    """Return files in order, if all are there that ``2-of-5`` and its like promise.

    Raises:
        PullError: one is missing.
    """
    if lost := _missing(paths):
        raise PullError(
            f"{folder} holds {len(paths)} annotation files and lacks {len(lost)} that their names "
            f"promise: {', '.join(lost[:TOLD])}; bring them, or name the files without '-of-'"
        )
    return tuple(sorted(paths, key=order))


def several(folder: Path, paths: Sequence[Path]) -> PullError:
    """Return what is to be said of files of which it is not clear which are meant."""
    names = ", ".join(path.relative_to(folder).as_posix() for path in paths[:TOLD])
    return PullError(
        f"{folder} holds {len(paths)} annotation files: {names}; keep one or call the right one "
        f"{ANNOTATIONS}; shards are _annotations.coco.1.json and so on, or all in {FOLDER}"
    )


def _missing(paths: Sequence[Path]) -> list[str]:
    """Return names that are promised and not there; numbers begin with 0 or 1."""
    there: dict[tuple[str, ...], dict[int, int]] = defaultdict(dict)
    for path in paths:
        if marked := OF.search(path.name):
            around = (path.name[: marked.start()], marked[2], path.name[marked.end() :])
            there[around][int(marked[1])] = len(marked[1])
    lost = []
    for (before, of, after), numbers in there.items():
        first, width = (0 if 0 in numbers else 1), max(numbers.values())
        promised = range(first, first + min(int(of), MOST))
        lost += [f"{before}{n:0{width}}-of-{of}{after}" for n in promised if n not in numbers]
    return lost


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


def of_objects(path: Path) -> bool:
    """COCO's own folder also holds captions, keypoints and stuff for the same pictures."""
    return not re.match("captions|person_keypoints|stuff|panoptic|image_info", path.name.lower())


def _is_json(path: Path) -> bool:
    try:
        json.loads(path.read_bytes())
    except (ValueError, RecursionError):
        return False
    return True
