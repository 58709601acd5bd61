"""Random changes of an export: of its JSON's values, of its files' bytes, of its zip's members.

What a change does depends on the export and the generator alone, so a run can be repeated.
"""

import base64
import contextlib
import copy
import io
import json
import random
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from corpus import JSON, Box, write
from corpus_files import FINE

NUMBERS = [
    0, 1, -1, 2, 3, 7, 16, 20, 255, 256, 0.0, -0.0, 0.5, 1.0, 1e-300, 1e6, 1e6 + 1, 1e16, 1e300,
    2**31, 2**53, 2**63, 2**64, -(2**63), 10**400, float("nan"), float("inf"), float("-inf"),
]  # fmt: skip
TEXTS = [
    "", " ", "0", "1", "x", "train", "../a.png", "/a.png", "C:\\a", "a\\b.png", "\0", "\ud800",
    "\n", "\r\n", '"', ",", "NA", "nan", "é", "e\u0301", "\u202e", "a" * 300 + ".png", ".png",
    "a.png/", "people", "PERSON", " person", "oo", "0", "o" * 40, "PP`4", "01", "images", "=1+1",
]  # fmt: skip
OTHERS = [None, True, False, [], {}, [[]], [{}], {"size": [16, 20], "counts": [20, 40, 260]}]
NAMES = ["train/a.png", "../a.png", "/a.png", "train/", "train", "x/train/a.png", "a\\b.png", "."]


@dataclass
class Export:
    """An export that can be changed, written down and read again.

    Attributes:
        coco: split -> its JSON as a dictionary, or as text once that has been changed as text.
        files: path -> bytes of its other files.
        zipped: whether it is given as a zip.
        members: names of further members of the zip.
        flips: places in the zip's bytes, as shares of its length, and what is put there.
    """

    coco: dict
    files: dict[str, bytes]
    zipped: bool = False
    members: list[str] = field(default_factory=list)
    flips: list[tuple[float, int]] = field(default_factory=list)

    @classmethod
    def of(cls, box: Box) -> "Export":
        texts = {
            split: box.files[f"{split}/{JSON}"].decode("latin-1")
            for split in box.coco
            if f"{split}/{JSON}" in box.files
        }
        files = {path: text for path, text in box.files.items() if not path.endswith(JSON)}
        return cls({**copy.deepcopy(box.coco), **texts}, files)

    def dump(self) -> bytes:
        files = {path: base64.b64encode(text).decode() for path, text in self.files.items()}
        return json.dumps({**vars(self), "files": files}).encode()

    @classmethod
    def load(cls, text: bytes) -> "Export":
        """Read what ``dump`` wrote.

        Raises:
            ValueError, KeyError, TypeError, AttributeError: it is nothing of the kind.
        """
        values = json.loads(text)
        files = {path: base64.b64decode(text) for path, text in values["files"].items()}
        return cls(**{**values, "files": files})

    def lay(self, where: Path) -> Path:
        """Write the export and return what ``pull.export`` would name."""
        texts = {f"{split}/{JSON}": _text(said) for split, said in self.coco.items()}
        files = {**texts, **self.files}
        if not self.zipped:
            # a disk, unlike a zip, has no file that is a folder as well
            safe = {p: c for p, c in files.items() if _safe(p)}
            clear = {p: c for p, c in safe.items() if not any(str(up) in safe for up in _above(p))}
            return write(where / "export", clear)
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as opened:
            for path, content in [*files.items(), *((name, b"?") for name in self.members)]:
                opened.writestr(path, content)
        content = bytearray(packed.getvalue())
        for place, value in self.flips:
            content[int(place * (len(content) - 1))] = value
        where.mkdir(parents=True, exist_ok=True)
        (where / "export.zip").write_bytes(content)
        return where / "export.zip"


def _text(said: object) -> bytes:
    return said.encode("latin-1") if isinstance(said, str) else json.dumps(said).encode()


def _above(path: str) -> list[PurePosixPath]:
    """The folders that a path goes through."""
    return list(PurePosixPath(path).parents)


def _safe(path: str) -> bool:
    parts = path.split("/")
    return "\0" not in path and all(
        part not in {"", ".", ".."} and len(part.encode("utf-8", "surrogatepass")) < 250
        for part in parts
    )


def mutated(export: Export, seed: int, times: int = 1) -> Export:
    """Return the export with some random changes; ``export`` stays as it is."""
    generator, changed = random.Random(seed), copy.deepcopy(export)
    for _ in range(times):
        change: Callable[[Export, random.Random], None] = generator.choices(
            [_value, _text_bytes, _picture, _zip, _file], weights=[16, 2, 4, 2, 1]
        )[0]
        change(changed, generator)
    return changed


def _value(export: Export, generator: random.Random) -> None:
    """Change one value of a split's JSON, wherever in it."""
    splits = [split for split, said in export.coco.items() if isinstance(said, dict)]
    if not splits:
        return
    places = list(_places(export.coco[generator.choice(splits)]))
    if not places:
        return
    holder, key = generator.choice(places)
    how = generator.randrange(6)
    if how == 0:
        del holder[key]
    elif how == 1:
        other, there = generator.choice(places)
        holder[key] = copy.deepcopy(other[there])
    elif how == 2 and isinstance(holder, list):
        holder.insert(key, copy.deepcopy(holder[key]))
    elif how == 3 and isinstance(holder[key], int | float):
        with contextlib.suppress(OverflowError):  # a number of 400 digits and a half
            holder[key] += generator.choice([1, -1, 0.5, 1e-9, 20, -20])
    else:
        kind = generator.choice([NUMBERS, NUMBERS, TEXTS, OTHERS])
        holder[key] = copy.deepcopy(generator.choice(kind))


def _places(value: object):
    """Yield every list or dictionary with a key into it; outer ones first, few of each list."""
    waiting = [value]
    while waiting:
        holder = waiting.pop()
        if isinstance(holder, dict | list):
            for key in list(holder) if isinstance(holder, dict) else range(len(holder)):
                yield holder, key
                waiting.append(holder[key])


def _text_bytes(export: Export, generator: random.Random) -> None:
    """Change the JSON's text: cut it, or change, double or lose a few bytes."""
    split = generator.choice(sorted(export.coco))
    text = _damaged(_text(export.coco[split]), generator)
    export.coco[split] = text.decode("latin-1")


def _picture(export: Export, generator: random.Random) -> None:
    """Change a picture's bytes, or put one of another kind there."""
    if not export.files:
        return
    path = generator.choice(sorted(export.files))
    if generator.random() < 0.3:
        box = Box()
        FINE[generator.choice(sorted(FINE))](box)
        export.files[path] = generator.choice(list(box.files.values()))
    elif generator.random() < 0.2:
        export.files[path] = generator.choice(list(export.files.values()))
    else:
        export.files[path] = _damaged(export.files[path], generator)


def _damaged(content: bytes, generator: random.Random) -> bytes:
    start = generator.randrange(len(content) + 1)
    length = generator.choice([1, 1, 2, 4, 16, 64])
    how = generator.randrange(5)
    if how == 0:
        return content[:start]
    if how == 1:
        return content[:start] + content[start + length :]
    if how == 2:
        return content[: start + length] + content[start:]
    if how == 3:
        return content[:start] + bytes(length) + content[start + length :]
    return content[:start] + generator.randbytes(length) + content[start + length :]


def _zip(export: Export, generator: random.Random) -> None:
    export.zipped = True
    how = generator.randrange(3)
    if how == 0:
        export.members.append(generator.choice(NAMES + TEXTS[4:10]))
    elif how == 1:
        export.flips.append((generator.random(), generator.randrange(256)))


def _file(export: Export, generator: random.Random) -> None:
    """Take a file away, call it otherwise, or lay one more beside it."""
    if not export.files:
        return
    path = generator.choice(sorted(export.files))
    how = generator.randrange(3)
    if how == 0:
        del export.files[path]
    elif how == 1:
        folder = path.rpartition("/")[0]
        export.files[f"{folder}/{generator.choice(TEXTS)}"] = export.files.pop(path)
    else:
        export.files[f"{path}{generator.choice(['.json', '.jpg', '/b.png', '~'])}"] = b"{}"
