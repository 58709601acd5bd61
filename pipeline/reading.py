"""An export's annotation files as they are -> Export; nothing is promised of what they say.

They are read one by one: of each its columns stay, its text and its records go.
"""

from collections.abc import Callable, Iterable, Sequence
from itertools import chain
from operator import attrgetter
from pathlib import PurePosixPath

import msgspec
import pandas as pd

from pipeline import decoding, joining
from pipeline.decoding import LISTS
from pipeline.errors import ExportError
from pipeline.joining import Columns, Part
from pipeline.tables import ISSUES, SHARD, Export

# What `read` itself finds; code -> severity, what is done, meaning. Later findings are `checks`'.
READING = {
    "json_unreadable": ("error", "dropped", "a file is no JSON; value = byte where reading ends"),
    "list_missing": ("error", "dropped", "a split lacks images, annotations or categories"),
    "key_twice": (
        "error",
        "dropped",
        "a name is twice in an object, the last counts; value = names",
    ),
    "category_renumbered": ("warning", "merged", "shards differ about an id; value = here"),
}


@decoding.uncollected()
def read(
    files: Iterable[tuple[str, str, bytes]],
    outlines: Callable[[Sequence[object]], list[object]] = list,
) -> Export:
    """Read an export's annotation files.

    Args:
        files: the split, the path below ``data/raw`` and the content of each, one split after the
            other; taken one at a time, so that no two texts need be there at once.
        outlines: what to make of a file's outlines before its text goes.

    Returns:
        Values as in the JSON, None for what is missing; ``images.path`` is ``file_name`` seen from
        the file's folder. Outlines, most of a file, may be as they are written:
        ``decoding.segmentation`` reads one. A record that is no object has None only. ``NaN`` and
        ``Infinity``, which some writers produce, are read. ``issues`` has the codes of ``READING``.
        If a split has several files there are the columns of ``joining.joined`` too, and
        ``issues`` has ``SHARD``.

    Raises:
        ExportError: no file can be read.
    """
    parts: dict[str, list[Part]] = {}
    issues, faults, places = [], [], []
    for split, path, content in files:
        places.append(split)
        try:
            said = decoding.decode(content)
            if again := decoding.names_again(content, said):
                issues.append(_issue(split, path, "key_twice", again))
        except (ValueError, RecursionError) as error:
            where, byte = decoding.place(error, content)
            faults.append(f"{path}{where}: {error}")
            issues.append(_issue(split, path, "json_unreadable", byte))
        else:
            parts.setdefault(split, []).append(_part(split, path, said, outlines))
            del said
        del content  # before there is the next one
    if not parts:
        raise ExportError(f"{'; '.join(faults)}; export the version from Roboflow again")
    return _together(parts, issues, sharded=len(places) > len(set(places)))


def _part(
    split: str, path: str, said: object, outlines: Callable[[Sequence[object]], list[object]]
) -> Part:
    """Return the columns of one file's lists."""
    lists = {key: decoding.records(said, key) for key in LISTS}
    tables = {key: _columns(lists[key] or [], fields) for key, fields in LISTS.items()}
    tables["images"]["path"] = _paths(path, tables["images"]["file_name"])
    written = tables["annotations"]["segmentation"]
    tables["annotations"]["segmentation"] = outlines(written)
    lacks = frozenset(key for key, records in lists.items() if records is None)
    return Part(split, path, **tables, lacks=lacks)


def _together(parts: dict[str, list[Part]], issues: list[dict], *, sharded: bool) -> Export:
    """Return what all files say."""
    splits = []
    for split, several in parts.items():
        part, moved = joining.joined(several) if sharded else (several[0], [])
        splits.append(part)
        issues += [_issue(split, path, "list_missing", None) for path in _lacking(several)]
        issues += [_issue(split, path, "category_renumbered", own) for path, own in moved]
    found = ISSUES.frame(issues)
    if sharded and SHARD not in found:
        found[SHARD] = pd.Series(dtype="str")
    return Export(
        **{key: _frame(splits, key) for key in LISTS},
        issues=found if sharded else found[[*ISSUES]],
    )


def _lacking(several: list[Part]) -> list[str]:
    """Return a file for each list that none of a split's has, and thrice one that has no list."""
    nowhere = frozenset.intersection(*(part.lacks for part in several))
    paths = [several[0].path] * (len(nowhere) if len(nowhere) < len(LISTS) else 0)
    return paths + [part.path for part in several for _ in LISTS if len(part.lacks) == len(LISTS)]


def _frame(splits: list[Part], key: str) -> pd.DataFrame:
    columns = [getattr(part, key) for part in splits]
    names = [
        [part.split] * len(one["export_id"]) for part, one in zip(splits, columns, strict=True)
    ]
    frame = {"split": pd.Series([*chain.from_iterable(names)], dtype="str")}
    for name in columns[0]:
        values = [*chain.from_iterable(one[name] for one in columns)]
        frame[name] = pd.Series(values, dtype="object")
    return pd.DataFrame(frame, copy=False)  # columns apart, so that one can be let go


def _columns(records: list, fields: tuple[str, ...]) -> Columns:
    """Return what records say under each name; None where they are no objects or lack it."""
    named = {"export_id": "id", **{name: name for name in fields}}
    if not isinstance(next(iter(records), None), msgspec.Struct):
        known = [record if isinstance(record, dict) else {} for record in records]
        return {column: [one.get(name) for one in known] for column, name in named.items()}
    return {column: list(map(attrgetter(name), records)) for column, name in named.items()}


def _paths(file: str, names: list) -> list[str | None]:
    folder = str(PurePosixPath(file).parent)
    return [_below(folder, name) for name in names]


def _below(folder: str, name: object) -> str | None:
    if not isinstance(name, str):
        return None
    if folder != "." and "/" not in name and "\\" not in name and name not in {"", "."}:
        return f"{folder}/{name}"  # as below, but fifty times faster
    return (PurePosixPath(folder) / name.replace("\\", "/")).as_posix()


def _issue(split: str, path: str, code: str, value: float | None) -> dict:
    severity, action, _ = READING[code]
    return {
        "split": split,
        "image_id": None,
        "file_name": "",
        "annotation_id": None,
        "code": code,
        "severity": severity,
        "value": value,
        "limit": None,
        "action": action,
        SHARD: path,
    }
