"""A dataset as other tools take it in: COCO as Roboflow or CVAT have it, and YOLO-seg.

Nothing is written here: each format is the text of its files, and where the pictures go.
"""

from collections import defaultdict
from dataclasses import dataclass

import msgspec
import numpy as np

from pipeline import bridges, coco, drawing
from pipeline.tables import SPLITS, Dataset

OUTLINES = """An object's parts are rings of their own; a hole is joined to its ring by a bridge of
no width, as Roboflow reads polygons only. pycocotools draws the same pixels."""
MASKS = """Objects with holes, and those that came as masks, are run-length encoded; the others are
rings, one a part."""
LINES = """A line an object: class, then x and y in shares of the picture's sides. All parts and
holes of an object are one ring, joined by bridges of no width. Crowd regions are objects."""


@dataclass(frozen=True)
class Package:
    """What goes into a zip.

    Attributes:
        texts: path in the zip -> content.
        pictures: path in the zip -> path below ``data/raw``.
        about: how holes and parts are written, for the person who unpacks it.
    """

    texts: dict[str, bytes]
    pictures: dict[str, str]
    about: str


def roboflow(dataset: Dataset) -> Package:
    """Return COCO Segmentation in Roboflow's layout: ``train/_annotations.coco.json`` and so on."""
    texts = {}
    for split, content in _coco(dataset).items():
        geometries = _geometries(dataset, split)
        for record in content["annotations"]:
            rings = bridges.keyholes(geometries[record["id"]])
            record["segmentation"] = [ring.ravel().tolist() for ring in rings]
        texts[f"{split}/_annotations.coco.json"] = json(content)
    pictures = {f"{split}/{name}": path for split, name, path in placed(dataset)}
    return Package(texts, pictures, OUTLINES)


def cvat(dataset: Dataset) -> Package:
    """Return COCO in CVAT's and Datumaro's layout: ``annotations/instances_train.json``."""
    texts = {
        f"annotations/instances_{split}.json": json(content)
        for split, content in _coco(dataset).items()
    }
    pictures = {f"images/{split}/{name}": path for split, name, path in placed(dataset)}
    return Package(texts, pictures, MASKS)


def yolo(dataset: Dataset) -> Package:
    """Return YOLO-seg in the layout of Ultralytics and Roboflow: ``train/labels/<stem>.txt``."""
    names = dataset.categories.sort_values("category_id")["name"].tolist()
    splits = [split for split in SPLITS if (dataset.images["split"] == split).any()]
    told = {("val" if split == "valid" else split): f"{split}/images" for split in splits}
    told |= {"nc": len(names), "names": names}
    texts = {"data.yaml": msgspec.yaml.encode(told)}
    lines = _lines(dataset)
    for image in dataset.images.itertuples():
        said = lines.get((image.split, image.image_id), [])
        text = "".join(f"{line}\n" for line in said)
        texts[f"{image.split}/labels/{image.stem}.txt"] = text.encode()
    pictures = {f"{split}/images/{name}": path for split, name, path in placed(dataset)}
    return Package(texts, pictures, LINES)


def placed(dataset: Dataset) -> list[tuple[str, str, str]]:
    """Return split, name to give and path below ``data/raw`` of each picture.

    The name is the stem, which is unique within the split, and the picture's own suffix.
    """
    return [
        (image.split, _name(image), image.path)
        for image in dataset.images.sort_values(["split", "image_id"]).itertuples()
    ]


def json(value: object) -> bytes:
    """Return a value as JSON text that a person can read too."""
    return msgspec.json.format(msgspec.json.encode(value), indent=1) + b"\n"


def _name(image: object) -> str:
    _, dot, suffix = image.file_name.rpartition(".")
    return f"{image.stem}{dot}{suffix}" if dot else image.stem


def _coco(dataset: Dataset) -> dict[str, dict]:
    """Return one COCO dictionary a split that has images; ``area`` counts the mask's pixels."""
    names = {(image.split, image.image_id): _name(image) for image in dataset.images.itertuples()}
    contents = {}
    for split, content in coco.to_coco(dataset).items():
        if not content["images"]:
            continue
        areas = _areas(dataset, split)
        images = [
            {"id": image["id"], "file_name": names[split, image["id"]]}
            | {side: image[side] for side in ("width", "height")}
            for image in content["images"]
        ]
        annotations = [
            {key: value for key, value in record.items() if key != "export_id"}
            | {"area": areas[record["id"]]}
            for record in content["annotations"]
        ]
        contents[split] = {
            "info": {"description": f"{split} split, checked and repaired by segment-restore"},
            "licenses": [],
            "categories": content["categories"],
            "images": images,
            "annotations": annotations,
        }
    return contents


def _areas(dataset: Dataset, split: str) -> dict[int, int]:
    """Return annotation id -> pixels of its mask."""
    areas = {}
    for image, annotations in per_image(dataset, split):
        drawn = [drawing.Drawn(1, one.geometry, one.rle) for one in annotations]
        runs = drawing.runs([drawing.Frame(drawn, image.height, image.width)])
        pixels = np.bincount(runs.owner, runs.after - runs.first, len(drawn)).astype(int)
        areas |= {
            one.annotation_id: size for one, size in zip(annotations, pixels.tolist(), strict=True)
        }
    return areas


def mask(annotation: object, image: object) -> np.ndarray:
    """Return the mask of an annotation, a row as its image is, ``(H, W)`` bool."""
    drawn = drawing.Drawn(1, annotation.geometry, annotation.rle)
    return drawing.label_mask([drawn], image.height, image.width) > 0


def per_image(dataset: Dataset, split: str) -> list[tuple[object, list]]:
    """Return each image of a split with its annotations, by their ids, all as rows."""
    annotations = dataset.annotations[dataset.annotations["split"] == split]
    rows = defaultdict(list)
    for one in annotations.sort_values("annotation_id").itertuples():
        rows[one.image_id].append(one)
    images = dataset.images[dataset.images["split"] == split].sort_values("image_id")
    return [(image, rows.get(image.image_id, [])) for image in images.itertuples()]


def _geometries(dataset: Dataset, split: str) -> dict[int, object]:
    of_split = dataset.annotations[dataset.annotations["split"] == split]
    return dict(zip(of_split["annotation_id"], of_split["geometry"], strict=True))


def _lines(dataset: Dataset) -> dict[tuple[str, int], list[str]]:
    """Return the lines of YOLO's text files by split and image."""
    classes = {
        number: place for place, number in enumerate(sorted(dataset.categories["category_id"]))
    }
    lines = {}
    for split in SPLITS:
        for image, annotations in per_image(dataset, split):
            sides = np.array([image.width, image.height])
            lines[split, image.image_id] = [
                _line(classes[one.category_id], bridges.outline(one.geometry), sides)
                for one in annotations
            ]
    return lines


def _line(number: int, points: np.ndarray, sides: np.ndarray) -> str:
    shares = _shares(points, sides).ravel().tolist()
    return " ".join([str(number), *map(_written, shares)])


def _shares(points: np.ndarray, sides: np.ndarray) -> np.ndarray:
    """Return points as shares of the sides, which times the sides are the points, or barely more.

    Many polygons have corners at odd tenths of a pixel, where pycocotools' rounding turns: the
    last digit less would lose a row of pixels.
    """
    shares = points / sides
    short = shares * sides < points
    shares[short] = np.nextafter(shares[short], np.inf)
    return np.clip(shares, 0, 1)


def _written(number: float) -> str:
    """Return the shortest decimal that is read as this number, never with an exponent."""
    text = repr(number)
    return np.format_float_positional(number, trim="-") if "e" in text else text
