"""A dataset as Label Studio takes it in: tasks with regions, and the labelling interface for them.

Source: https://labelstud.io/tags/polygonlabels and https://labelstud.io/tags/brushlabels
"""

from urllib.parse import quote
from xml.sax.saxutils import quoteattr

import numpy as np

from pipeline import handover, polygons
from pipeline.masks import palette
from pipeline.tables import SPLITS, Dataset

ABOUT = """An object of one part is a polygon in percent of the picture's sides; one of several
parts, with holes or that came as a mask is a brush region, pixel by pixel. Set Label Studio's
LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT to this folder and
LABEL_STUDIO_LOCAL_FILES_SERVING_ENABLED to true, paste labels.xml as the labelling interface, add
the folder images as local storage, without syncing it, then import tasks.json."""
SERVED = "/data/local-files/?d="  # where Label Studio shows files of its document root
CHANNELS = 4  # a brush region has red, green, blue and opacity for each pixel, all the same
SIZES = (3, 4, 8, 16)  # bits that a run's length can have in a brush region


def package(dataset: Dataset, address: str = SERVED) -> handover.Package:
    """Return ``tasks.json``, ``labels.xml`` and the pictures below ``images/``.

    Args:
        dataset: what to hand over.
        address: what a picture's path in the zip, quoted, is appended to.
    """
    names = dict(zip(dataset.categories["category_id"], dataset.categories["name"], strict=True))
    places = {path: f"images/{split}/{name}" for split, name, path in handover.placed(dataset)}
    tasks = [
        {
            "data": {"image": address + quote(places[image.path]), "split": split},
            "annotations": [{"result": _regions(image, annotations, names)}],
        }
        for split in SPLITS
        for image, annotations in handover.per_image(dataset, split)
    ]
    texts = {"tasks.json": handover.json(tasks), "labels.xml": _interface(dataset).encode()}
    return handover.Package(texts, {place: path for path, place in places.items()}, ABOUT)


def brush(mask: np.ndarray) -> list[int]:
    """Return a mask as Label Studio's run-length encoding, bytes 0..255.

    The text of bits begins with the count of values, 32 bits, the bits of a value less one, 5, and
    the four ``SIZES`` less one, 4 each. Every run is a one, the place of its size, 2 bits, its
    length less one and its value; zeros fill the last byte.

    Args:
        mask: ``(H, W)`` bool; a pixel is four values of 255 or of 0.

    Source:
        https://github.com/thi-ng/umbrella/tree/develop/packages/rle-pack
    """
    flat = mask.ravel()
    starts = np.concatenate([[0], np.flatnonzero(flat[1:] != flat[:-1]) + 1])
    lengths = CHANNELS * np.diff(starts, append=len(flat))
    most = 1 << SIZES[-1]
    pieces = -(-lengths // most)  # a run longer than that is several
    values = np.repeat(np.where(flat[starts], 255, 0), pieces)
    sizes = np.full(len(values), most)
    sizes[np.cumsum(pieces) - 1] = lengths - (pieces - 1) * most
    which = np.searchsorted(1 << np.array(SIZES), sizes)
    width = np.array(SIZES)[which]
    codes = (((4 + which) << width | (sizes - 1)) << 8) | values
    start = f"{CHANNELS * len(flat):032b}{7:05b}" + "".join(f"{size - 1:04b}" for size in SIZES)
    return np.packbits(
        np.concatenate([_bits(int(start, 2), 53), _bits(codes, width + 11)])
    ).tolist()


def _bits(numbers: np.ndarray | int, widths: np.ndarray | int) -> np.ndarray:
    """Return whole numbers in binary, one after the other, each as wide as asked."""
    places = np.arange(np.max(widths))[::-1]
    every = np.reshape(numbers, (-1, 1)) >> places & 1
    return every[places < np.reshape(widths, (-1, 1))].astype(np.uint8)


def _regions(image: object, annotations: list, names: dict[int, str]) -> list[dict]:
    regions = []
    for one in annotations:
        value = _value(one, image)
        kind = "brushlabels" if "rle" in value else "polygonlabels"
        region = {
            "id": f"a{one.annotation_id}",
            "type": kind,
            "from_name": kind.removesuffix("labels"),
            "to_name": "image",
            "original_width": image.width,
            "original_height": image.height,
            "image_rotation": 0,
            "value": value | {kind: [names[one.category_id]]},
        }
        regions.append(region | ({"meta": {"text": ["crowd"]}} if one.iscrowd else {}))
    return regions


def _value(one: object, image: object) -> dict:
    rings = polygons.to_rings(one.geometry, closed=False)
    whole = one.rle is None and len(rings) == 1
    if whole and not polygons.has_holes(np.array([one.geometry], dtype=object))[0]:
        percent = 100 * np.reshape(rings[0], (-1, 2)) / [image.width, image.height]
        return {"points": percent.tolist(), "closed": True}
    return {"format": "rle", "rle": brush(handover.mask(one, image))}


def _interface(dataset: Dataset) -> str:
    """Return the labelling interface; colours are those of the label masks."""
    colours = palette()
    labels = [
        f"    <Label value={quoteattr(row.name)} background={quoteattr(_hex(colours[row.label]))}/>"
        for row in dataset.labels.itertuples(index=False)
        if row.label
    ]
    lines = ["<View>", '  <Image name="image" value="$image" zoom="true"/>']
    for kind in ("Polygon", "Brush"):
        lines += [f'  <{kind}Labels name="{kind.lower()}" toName="image">', *labels]
        lines += [f"  </{kind}Labels>"]
    return "\n".join([*lines, "</View>", ""])


def _hex(colour: np.ndarray) -> str:
    return "#" + "".join(f"{int(part):02x}" for part in colour)
