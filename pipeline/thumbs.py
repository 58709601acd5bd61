"""Small pictures of every photo, and their outlines as paths to be drawn over them."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import shapely

from pipeline import images, pictures, store
from pipeline.errors import ImageError
from pipeline.tables import Dataset

FOLDER = "thumbs"  # of the small pictures, beside the page that draws them
SIDE = 320  # px, longer side; half as large on the page, so sharp where a point is two pixels
QUALITY = 78  # of JPEG: 12 kB a photo
STRAY = 0.7  # px of the small picture that a simpler outline may stray: not seen


class Thumb(NamedTuple):
    """One photo to draw small.

    Attributes:
        asset: name of its JPEG, of plain letters whatever the photo is called.
        path: the photo below ``data/raw``.
        width: of the photo, pixels.
        height: of the photo, pixels.
        outlines: label and geometry of each object, in the photo's pixels.
    """

    asset: str
    path: str
    width: int
    height: int
    outlines: list[tuple[int, shapely.Geometry]]


@dataclass(frozen=True)
class Drawn:
    """What the page needs of a small picture.

    Attributes:
        size: width and height, pixels; None if the photo cannot be read.
        outlines: label and SVG path of each object, in pixels of ``size``.
    """

    size: tuple[int, int] | None
    outlines: list[tuple[int, str]]


@dataclass(frozen=True)
class Drawer:
    """Draws small pictures of the photos in ``raw`` into a folder."""

    raw: Path
    into: Path

    def __call__(self, thumb: Thumb) -> Drawn:
        """Write one small picture; return its size and outlines."""
        try:
            content = store.read_picture(self.raw / thumb.path)
            image = images.reduced(content)  # libjpeg's eighths: the cost of a quarter or less
            image = store.decode_image(content, thumb.path) if image is None else image
        except ImageError:
            return Drawn(None, [])
        small = pictures.shrink(image, SIDE)
        store.write_bytes(self.into / thumb.asset, store.encode_image(small, ".jpg", QUALITY))
        scale = small.shape[1] / thumb.width
        paths = ((label, outline(shape, scale)) for label, shape in thumb.outlines)
        return Drawn(small.shape[1::-1], [(label, path) for label, path in paths if path])


def plan(dataset: Dataset, ordered: pd.DataFrame) -> list[Thumb]:
    """Return what to draw, one a row of ``ordered``, which holds the dataset's images."""
    labels = dataset.labels.set_index("category_id")["label"]
    shapes: dict[tuple[str, int], list] = {}
    for one in dataset.annotations.itertuples():
        label = int(labels[one.category_id])
        shapes.setdefault((one.split, one.image_id), []).append((label, one.geometry))
    return [
        Thumb(
            asset=asset(row.split, row.path),
            path=row.path,
            width=row.width,
            height=row.height,
            outlines=shapes.get((row.split, row.image_id), []),
        )
        for row in ordered.itertuples()
    ]


def digest(path: str) -> str:
    """Return twelve hexadecimal digits that name a photo wherever a page shows it.

    Args:
        path: of the photo below ``data/raw``; any text.
    """
    return hashlib.sha256(path.encode("utf-8", "surrogatepass")).hexdigest()[:12]


def asset(split: str, path: str) -> str:
    """Return the name of a photo's picture, of plain letters whatever the photo is called."""
    return f"{split}-{digest(path)}.jpg"


def outline(geometry: shapely.Geometry, scale: float) -> str:
    """Return a polygon's rings as an SVG path of whole numbers; nothing if there are none.

    Args:
        geometry: polygon or multipolygon, in the photo's pixels.
        scale: pixels of the small picture to one of the photo.
    """
    scaled = shapely.transform(geometry, lambda points: points * scale)
    parts = shapely.get_parts(shapely.simplify(scaled, STRAY, preserve_topology=False))
    polygons = parts[shapely.get_type_id(parts) == shapely.GeometryType.POLYGON]
    return "".join(_closed(ring) for part in polygons for ring in shapely.get_rings(part))


def _closed(ring: shapely.Geometry) -> str:
    """Return one ring: its first point, then how far each next one lies from the last."""
    points = np.rint(shapely.get_coordinates(ring)[:-1]).astype(int)
    steps = [step for step in np.diff(points, axis=0).tolist() if any(step)]
    if not steps:
        return ""
    drawn = " ".join(f"{x} {y}" for x, y in steps).replace(" -", "-")
    return f"M{points[0, 0]} {points[0, 1]}l{drawn}z"
