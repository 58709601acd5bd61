"""[disk] Exports that are not COCO, read as COCO: YOLO polygons, and pictures of masks.

Pictures keep their bytes; only the JSON that Roboflow would have put beside them is made. What
is wrong with an object is passed on as it is, for ``validate`` to judge.
"""

import re
from collections.abc import Callable
from pathlib import Path

import cv2
import msgspec
import numpy as np
from PIL import Image

from pipeline import rle
from pipeline.errors import PullError
from pipeline.folders import Files, Split, pictures, split_in
from pipeline.parallel import progress
from pipeline.tables import MAX_LABELS

VOID = 255  # in palette masks: Pascal VOC's border between objects, which is no category
VOID_COLOUR = 0xE0E0C0  # the same border where the masks are colours
MASK_FOLDERS = ("masks", "SegmentationClass", "Masks", "mask")
CLASSES_MOST = 1 << 24  # far more than there are; a larger number is no class
UNREADABLE = (OSError, SyntaxError, ValueError, Image.DecompressionBombError)
Objects = Callable[[Path], list[dict]]  # picture -> what COCO says of its objects


def yolo(root: Path) -> list[Split]:
    """Read YOLO-seg: a text file a picture, a line an object, ``class x1 y1 x2 y2 …`` in 0..1.

    ``labels`` stands for ``images`` in the path of a label, or it lies beside its picture. Of
    a class and four numbers, a box, an object without a polygon is made.

    Returns:
        The splits; none if no picture has such a label.

    Raises:
        PullError: a line is not a class and numbers.
    """
    found = [
        (name, files) for name, files in _split_folders(root)
        if any(_starts_with_a_class(_label(path)) for path, _ in files)
    ]  # fmt: skip
    names = _yolo_names(root) if found else {}
    return [_split(name, files, _yolo_objects, names) for name, files in found]


def masks(root: Path) -> list[Split]:
    """Read pictures of masks: Roboflow's ``x_mask.png``, Pascal VOC's folders, or ``masks``.

    Each grey or palette value, or each colour, is a category, 0 or black is background. Each
    connected patch becomes an object: such exports do not say which patches belong together.
    Pictures without a mask are left out, because nothing is known about them.

    Returns:
        The splits; none if no picture has a mask.

    Raises:
        PullError: a mask cannot be read.
    """
    names, coloured = _mask_names(root)

    def objects(picture: Path) -> list[dict]:
        return _mask_objects(_mask(root, picture), coloured)

    found = []
    for name, files in _voc_splits(root) or _split_folders(root):
        masked = tuple((path, place) for path, place in files if _mask(root, path))
        if masked:
            found.append(_split(name, masked, objects, names))
    return found


READERS = (yolo, masks)


def _split(name: str, files: Files, objects: Objects, names: dict[int, str]) -> Split:
    """Return a split with the COCO JSON that says what ``objects`` finds."""
    images, annotations, used = [], [], set(names)
    bar = progress(files, f"reading {name}", len(files))
    for image_id, (path, place) in enumerate(bar, 1):
        width, height = _size(path)
        images.append({"id": image_id, "file_name": place, "width": width, "height": height})
        for found in objects(path):
            used.add(found["category_id"])
            ids = {"id": len(annotations) + 1, "image_id": image_id, "iscrowd": 0}
            annotations.append(ids | found | {"area": found["bbox"][2] * found["bbox"][3]})
    categories = [
        {"id": number, "name": names.get(number, f"class_{number}"), "supercategory": ""}
        for number in sorted(used)
    ]
    coco = {"categories": categories, "images": images, "annotations": annotations}
    return Split(name, msgspec.json.encode(coco), files)


def _split_folders(root: Path) -> list[tuple[str, Files]]:
    """Return each split's pictures: ``train/…`` or ``images/train/…``.

    A folder that itself holds pictures, or ``images``, is train; others may wrap an export.
    """
    for parent in (root, root / "images"):
        folders = sorted(path for path in parent.glob("*") if path.is_dir())
        named = [(split_in(path.name), pictures(path)) for path in folders]
        if found := [(name, files) for name, files in named if name and files]:
            return found
    files = pictures(root)
    near = any(re.match("[^/]+$|(jpeg)?images/", place, re.I) for _, place in files)
    return [("train", files)] if near else []


def _size(picture: Path) -> tuple[int, int]:
    """Return width and height by the header; 0, 0 if that cannot be read."""
    try:
        with Image.open(picture) as image:
            return image.size
    except UNREADABLE:
        return 0, 0


def _instead_of_images(picture: Path, folder: str) -> Path:
    """Return the picture's path with its last folder ``images`` called otherwise."""
    parts = list(picture.parts)
    for index in range(len(parts) - 2, -1, -1):
        if parts[index].lower() == "images":
            parts[index] = folder
            break
    return Path(*parts)


# YOLO


def _label(picture: Path) -> Path:
    return _instead_of_images(picture, "labels").with_suffix(".txt")


def _starts_with_a_class(label: Path) -> bool:
    if not label.is_file():
        return False
    with label.open(encoding="utf-8", errors="replace") as file:
        return bool(re.match(r"\d+(\s+-?[\d.]|$)", file.readline(200)))


def _yolo_objects(picture: Path) -> list[dict]:
    label = _label(picture)
    text = label.read_text("utf-8", "replace") if label.is_file() else ""
    size = _size(picture)
    return [
        _yolo_object(line.split(), size, f"{label}, line {number}")
        for number, line in enumerate(text.splitlines(), 1)
        if line.strip()
    ]


def _yolo_object(words: list[str], size_wh: tuple[int, int], where: str) -> dict:
    try:
        number, shares = int(float(words[0])), [float(word) for word in words[1:]]
    except (ValueError, OverflowError):
        number, shares = -1, []
    if not 0 <= number < CLASSES_MOST:
        raise PullError(f"{where}: expected a class and numbers, found {words[:3]}")
    values = [share * size_wh[place % 2] for place, share in enumerate(shares)]
    if len(values) == 4:
        x, y, width, height = values
        box, rings = [x - width / 2, y - height / 2, width, height], []
    else:
        xs, ys = values[0::2] or [0.0], values[1::2] or [0.0]
        box = [min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys)]
        rings = [values] if values else []
    return {"category_id": number + 1, "bbox": box, "segmentation": rings}


def _yolo_names(root: Path) -> dict[int, str]:
    """Return category id -> name, by the ``names`` of ``data.yaml`` or the lines of a text file."""
    for path in sorted((*root.glob("*.yaml"), *root.glob("*.yml"))):
        try:
            names = msgspec.yaml.decode(path.read_bytes())["names"]
            pairs = names.items() if isinstance(names, dict) else enumerate(names)
            return {int(number) + 1: _plain(name) for number, name in pairs}
        except (LookupError, TypeError, ValueError, ArithmeticError, RecursionError):
            continue  # another tool's file, or one without names
    for path in (root / "classes.txt", root / "obj.names"):
        if path.is_file():
            return dict(enumerate(path.read_text("utf-8", "replace").splitlines(), 1))
    return {}


def _plain(name: object) -> str:
    """Return a name as text; lists of aliases of lists would take all memory there is."""
    if isinstance(name, list | dict):
        raise TypeError("no name of a category")
    return str(name)


# Pictures of masks


def _mask(root: Path, picture: Path) -> Path | None:
    """Return a picture's mask: beside it, or under its name in a folder of masks."""
    beside = picture.with_name(f"{picture.stem}_mask.png")
    apart = (
        path.with_suffix(".png")
        for name in MASK_FOLDERS
        for path in (root / name / picture.name, _instead_of_images(picture, name))
        if path.parent != picture.parent
    )
    return next((path for path in (beside, *apart) if path.is_file()), None)


def _voc_splits(root: Path) -> list[tuple[str, Files]]:
    """Return the splits that Pascal VOC lists by stems; none if there are no lists."""
    lists = {path.stem: path for path in sorted(root.glob("ImageSets/Segmentation/*.txt"))}
    by_stem = {path.stem: (path, place) for path, place in pictures(root)} if lists else {}
    found = []
    for name, listed in lists.items():
        if (split := split_in(name)) and name != "trainval":
            stems = listed.read_text("utf-8", "replace").split()
            found.append((split, tuple(by_stem[stem] for stem in stems if stem in by_stem)))
    return found


def _mask_objects(path: Path, coloured: bool) -> list[dict]:
    values = _values(path, coloured)
    found, several = [], np.unique(values[values > 0]).tolist()
    if len(several) > MAX_LABELS:
        raise PullError(
            f"{path} holds {len(several)} values, a mask can tell {MAX_LABELS} categories apart; "
            "save it without smoothing, as a PNG whose values are the categories"
        )
    for value in several:
        patches = (values == value).astype(np.uint8)
        count, labels, stats, _ = cv2.connectedComponentsWithStats(patches, connectivity=8)
        for patch in range(1, count):
            box = [int(number) for number in stats[patch, :4]]
            text = rle.encode(labels == patch)
            found.append({"category_id": int(value), "bbox": box, "segmentation": text})
    return found


def _values(path: Path, coloured: bool) -> np.ndarray:
    """Return a mask's categories, ``(H, W)`` int64; a colour is the number 0xRRGGBB."""
    try:
        with Image.open(path) as image:
            if not coloured and image.mode in {"P", "L", "1", "I;16", "I"}:
                values = np.array(image).astype(np.int64)
                return np.where(values == VOID, 0, values) if image.mode == "P" else values
            red, green, blue = np.moveaxis(np.array(image.convert("RGB")).astype(np.int64), 2, 0)
    except UNREADABLE as error:
        raise PullError(f"{path} is a mask that cannot be read; replace it") from error
    values = red << 16 | green << 8 | blue
    return np.where(values == VOID_COLOUR, 0, values)


def _mask_names(root: Path) -> tuple[dict[int, str], bool]:
    """Return value -> name, and whether the values are colours.

    Roboflow's ``_classes.csv`` names grey values, CVAT's ``labelmap.txt`` colours.
    """
    for path in sorted((*root.glob("_classes.csv"), *root.glob("*/_classes.csv"))):
        rows = re.findall(
            r"^\s*(\d{1,9})\s*,\s*(.+?)\s*$", path.read_text("utf-8", "replace"), re.M
        )
        return {int(value): name for value, name in rows if int(value)}, False
    path = root / "labelmap.txt"
    if not path.is_file():
        return {}, False
    rows = re.findall(
        r"^([^#:]+):(\d{1,3}),(\d{1,3}),(\d{1,3}):", path.read_text("utf-8", "replace"), re.M
    )
    colours = {int(r) << 16 | int(g) << 8 | int(b): name for name, r, g, b in rows}
    return {colour: name for colour, name in colours.items() if colour}, True
