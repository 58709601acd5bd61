"""The files of one split -> one: their ids and categories are brought to agree.

An id is its file's own wherever two files use it for different things, and else the split's.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import chain

from pipeline.said import spelt, whole

FAR = 2**52  # ids are counted on from less than this, so that sums stay exact as float64
NOWHERE = -(2**60)  # no record has this id
Columns = dict[str, list]  # name -> a value a record
Ids = list[int | None]  # one a record; None where what is said is no whole number


@dataclass(frozen=True)
class Part:
    """What one file says, or all files of a split.

    Attributes:
        split: of the export.
        path: of the file, below the export.
        images: ``export_id, file_name, width, height``, each as it is said.
        annotations: ``export_id, image_id, category_id, bbox, area, iscrowd, segmentation``.
        categories: ``export_id, name, supercategory``.
        lacks: which of the three lists are not there.
    """

    split: str
    path: str
    images: Columns
    annotations: Columns
    categories: Columns
    lacks: frozenset[str]


def joined(parts: Sequence[Part]) -> tuple[Part, list[tuple[str, int]]]:
    """Return the files of one split as one, and which categories have another id there.

    What records say stays; beside it stand the ids that hold in the whole split, in ``key``,
    ``image_key`` and ``category_key``, and ``shard``, the record's file.

    - Images: if two files give one id to different file names, all ids are their files' own and
      are counted on from file to file; an annotation's image is then in its own file. Else ids are
      the split's, and an annotation's image may be in any file.
    - Annotations: if two files have an id in common, ids are counted on from file to file.
    - Categories of one name are one; the first file that has it says the id. If a file differs,
      an annotation's category is the one that its own file means.

    Args:
        parts: of the files, in their order.

    Returns:
        The split as if one file held it; and the file and the id there of each category that is
        another one's, or has another id, in the files before.
    """
    image_keys, of_annotations = _image_keys(parts)
    categories, of_categories, moved = _categories(parts)
    keys = _counted_on([_wholes(part.annotations["export_id"]) for part in parts])
    images = [
        {**part.images, "key": key, "shard": [part.path] * len(key)}
        for part, key in zip(parts, image_keys, strict=True)
    ]
    annotations = [
        {
            **part.annotations,
            "key": keys[number],
            "image_key": of_annotations[number],
            "category_key": of_categories[number],
            "shard": [part.path] * len(keys[number]),
        }
        for number, part in enumerate(parts)
    ]
    first = parts[0]
    lacks = frozenset.intersection(*(part.lacks for part in parts))
    whole_split = Part(first.split, first.path, _one(images), _one(annotations), categories, lacks)
    return whole_split, moved


def _image_keys(parts: Sequence[Part]) -> tuple[list[Ids], list[Ids]]:
    """Return each file's ids of images, and those that its annotations name."""
    ids = [_wholes(part.images["export_id"]) for part in parts]
    asked = [_wholes(part.annotations["image_id"]) for part in parts]
    if not _differ(zip(ids, (part.images["file_name"] for part in parts), strict=True)):
        return ids, asked
    tables = _numbers(ids)
    return (
        [[None if one is None else table[one] for one in own]
         for own, table in zip(ids, tables, strict=True)],
        [[None if one is None else table.get(one, NOWHERE) for one in own]
         for own, table in zip(asked, tables, strict=True)],
    )  # fmt: skip


def _differ(files: Iterable[tuple[Ids, list]]) -> bool:
    """Say whether two files give one id to different names; what one file does is not asked."""
    before: dict[int, object] = {}
    for ids, names in files:
        said = {one: name for one, name in zip(ids, names, strict=True) if one is not None}
        if any(one in before and before[one] != name for one, name in said.items()):
            return True
        before |= said
    return False


def _counted_on(ids: list[Ids]) -> list[Ids]:
    """Return ids that no two files share: as they are or, if some do, counted on."""
    several = [{one for one in own if one is not None} for own in ids]
    if sum(map(len, several)) == len(set().union(*several)):
        return ids
    return [
        [None if one is None else table[one] for one in own]
        for own, table in zip(ids, _numbers(ids), strict=True)
    ]


def _numbers(ids: list[Ids]) -> list[dict[int, int]]:
    """Return for each file id -> number: in order of the ids, each file after the one before."""
    several = [sorted({one for one in own if one is not None}) for own in ids]
    begin = next((own[0] for own in several if own), 0)
    begin = begin if abs(begin) < FAR else 0
    tables = []
    for own in several:
        tables.append({one: begin + place for place, one in enumerate(own)})
        begin += len(own)
    return tables


def _categories(parts: Sequence[Part]) -> tuple[Columns, list[Ids], list[tuple[str, int]]]:
    """Return one table, the ids of each file's annotations in it, and what had to move."""
    ids = [_wholes(part.categories["export_id"]) for part in parts]
    book = _Book(
        {name: [] for name in (*parts[0].categories, "key", "shard")},
        free=1 + max((one for own in ids for one in own if one is not None), default=0),
    )
    meant = [book.enter(part) for part in parts]
    asked = [_wholes(part.annotations["category_id"]) for part in parts]
    if book.moved:
        asked = [
            [None if one is None else numbers.get(one, NOWHERE) for one in own]
            for own, numbers in zip(asked, meant, strict=True)
        ]
    return book.table, asked, book.moved


@dataclass
class _Book:
    """The category table of a split while its files are read.

    Attributes:
        table: columns of the records, ``key`` and ``shard``.
        free: an id that no file uses.
        keys: (id and name as a file says them) -> the table's id.
        named: name -> the table's id.
        moved: as ``joined`` returns it.
    """

    table: Columns
    free: int
    keys: dict[tuple, int | None] = field(default_factory=dict)
    named: dict[str, int] = field(default_factory=dict)
    moved: list[tuple[str, int]] = field(default_factory=list)

    def enter(self, part: Part) -> dict[int, int]:
        """Add what a file has that none before had; return its ids -> the table's."""
        keys, named, taken = dict(self.keys), dict(self.named), set(self.table["key"])
        meant: dict[int, int] = {}
        for row in zip(*part.categories.values(), strict=True):
            record = dict(zip(part.categories, row, strict=True))
            own, name = whole(record["export_id"]), spelt(record["name"])
            said = (own if own is not None else repr(record["export_id"]), name)
            sound, key = own is not None and name != "", own
            if said in keys:
                key = keys[said]
            elif sound and name in named:
                key = named[name]
            else:
                if sound and own in taken:
                    key, self.free = self.free, self.free + 1
                for column, value in {**record, "key": key, "shard": part.path}.items():
                    self.table[column].append(value)
            self.keys.setdefault(said, key)
            if sound:
                self.named.setdefault(name, key)
                meant.setdefault(own, key)
            if key != own:
                self.moved.append((part.path, own))
        return meant


def _wholes(values: list) -> Ids:
    return list(map(whole, values))


def _one(several: list[Columns]) -> Columns:
    return {name: [*chain.from_iterable(one[name] for one in several)] for name in several[0]}
