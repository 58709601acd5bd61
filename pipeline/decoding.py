"""One annotation file's text -> its lists of records, whatever is wrong with it."""

import gc
import json
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from typing import Any

import msgspec

LISTS = {
    "images": ("file_name", "width", "height"),
    "annotations": ("image_id", "category_id", "bbox", "area", "iscrowd", "segmentation"),
    "categories": ("name", "supercategory"),
}
PIECE = 1 << 22  # bytes of a file whose names are counted together

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


def segmentation(said: object) -> object:
    """Return what an annotation of ``decode`` has there as values; ``NaN`` may be among them."""
    if not isinstance(said, msgspec.Raw):
        return said
    try:
        return msgspec.json.decode(said)
    except msgspec.DecodeError:
        return json.loads(bytes(said))  # a number too large for a float is infinite


def decode(content: bytes) -> object:
    """Return a file as its lists of records or, if it is not quite what it should be, as values.

    Records keep outlines as they are written, which is most of a file: they are found to be JSON,
    but made numbers of only when they are asked for.
    """
    for reader in (_formed, msgspec.json.decode):
        try:
            return reader(content)
        except (msgspec.DecodeError, UnicodeDecodeError):
            continue
    return json.loads(content)  # slower, but knows NaN, Infinity, byte order marks and UTF-16


def _formed(content: bytes) -> msgspec.Struct:
    if not content.isascii():
        content.decode()  # msgspec does not look into text that it passes over
    return FILE.decode(content)


def names_again(content: bytes, said: object) -> int:
    """Return how many names are there again in one and the same object: readers see the last.

    Only a file that has a name more often than it has records is gone through for them.
    """
    counts, start = Counter(), 0
    while start < len(content):  # in pieces, for names take ten times the memory of the text
        end = content.find(b":", start + PIECE) + 1 or len(content)  # no name is cut in two there
        counts.update(KEYS.findall(content, start, end))
        start = end
    listed = {key: len(records(said, key) or []) for key in (*LISTS, "licenses")}
    most = dict.fromkeys(LISTS, 1) | {
        name: listed[key] for key, names in LISTS.items() for name in names
    }
    most["id"] = sum(listed.values())
    most["name"] = listed["categories"] + listed["licenses"] + counts[b"extra"]
    if all(counts[name.encode()] <= limit for name, limit in most.items()):
        return 0
    again = 0

    def seen(pairs: list[tuple[str, object]]) -> None:
        nonlocal again
        again += len(pairs) - len({key for key, _ in pairs})

    json.loads(content, object_pairs_hook=seen, parse_int=str)  # numbers may be of any length
    return again


def place(error: Exception, content: bytes) -> tuple[str, int | None]:
    """Return where reading ended, in words and as a byte offset."""
    if isinstance(error, UnicodeDecodeError):
        return f" byte {error.start}", error.start
    if isinstance(error, json.JSONDecodeError):
        byte = len(error.doc[: error.pos].encode("utf-8", "replace"))
        return f" line {error.lineno} column {error.colno} byte {byte}", byte
    return "", None if content else 0


def records(content: object, key: str) -> list | None:
    """Return one of a file's lists, None if it has none."""
    listed = content.get(key) if isinstance(content, dict) else getattr(content, key, None)
    return listed if isinstance(listed, list) else None
