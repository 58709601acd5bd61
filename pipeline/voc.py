"""Names of categories that ready-made networks know, and which of a dataset's they are."""

import unicodedata

# The classes of PASCAL VOC 2012 in their order, as networks trained on them give them out.
CLASSES = (
    "background", "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair",
    "cow", "diningtable", "dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa",
    "train", "tvmonitor",
)  # fmt: skip
PERSON = "person"
# What datasets call them, in lower case without spaces, hyphens and accents, in the singular or
# as people write it.
ALIASES = {
    "aeroplane": {"airplane", "plane", "aircraft", "maybay"},
    "bicycle": {"bike", "cycle", "xedap"},
    "bird": {"birds", "chim"},
    "boat": {"ship", "boats", "thuyen"},
    "bottle": {"bottles", "chai"},
    "bus": {"buses", "xebuyt"},
    "car": {"cars", "auto", "automobile", "oto"},
    "cat": {"cats", "meo"},
    "chair": {"chairs", "ghe"},
    "cow": {"cows", "cattle", "bo"},
    "diningtable": {"table", "tables", "ban"},
    "dog": {"dogs", "cho"},
    "horse": {"horses", "ngua"},
    "motorbike": {"motorcycle", "motorbikes", "xemay"},
    "person": {
        "people", "persons", "human", "humans", "man", "men", "woman", "women", "pedestrian",
        "pedestrians", "tourist", "tourists", "nguoi", "connguoi",
    },
    "pottedplant": {"plant", "houseplant", "caycanh"},
    "sheep": {"cuu"},
    "sofa": {"couch", "settee"},
    "train": {"trains", "tauhoa"},
    "tvmonitor": {"tv", "television", "monitor", "tivi"},
}  # fmt: skip


def matched(names: list[str]) -> dict[int, int]:
    """Return label -> VOC class of the categories that VOC has, several to one class too.

    Args:
        names: of the labels 1..K.
    """
    known = {name: place for place, name in enumerate(CLASSES)}
    known |= {alias: known[name] for name, aliases in ALIASES.items() for alias in aliases}
    said = {label: known.get(_plain(name), 0) for label, name in enumerate(names, start=1)}
    return {label: place for label, place in said.items() if place}


def people(names: list[str]) -> list[int]:
    """Return the labels of 1..K whose category is a person by name."""
    person = CLASSES.index(PERSON)
    return [label for label, place in matched(names).items() if place == person]


def _plain(name: str) -> str:
    """Return lower case letters and digits alone; ``đ`` and accents lose their marks."""
    apart = unicodedata.normalize("NFKD", name.casefold().replace("đ", "d"))
    return "".join(letter for letter in apart if letter.isalnum())
