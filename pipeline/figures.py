"""The figures that explain the method on this run's own data: chosen and computed by rule."""

import json
from dataclasses import dataclass

import numpy as np
import pandas as pd
import shapely

from pipeline import overlaps, polygons, ranking, store
from pipeline.errors import PipelineError
from pipeline.examples import Example
from pipeline.pictures import Folders, Shot, mask_path
from pipeline.run import Run
from pipeline.words import Words

IDEAL = 0.2  # of its photo: an object of this size shows its outline and the scene around it
POINTS = 160  # at most, of an outline to show: more are a line, not points
CELLS = 24  # pixels a side of the magnified piece
LEAST = 0.03  # of the photo: in a smaller object a wrong pixel weighs too much for an example
PAIRS_A_LINE = 3  # of coordinates in the record, so that a line fits a narrow column
MASKS = ("traced", "mask", "input", "target")
SETS = ("iou_truth", "iou_predicted", "iou_shared", "iou_either")


@dataclass(frozen=True)
class Record:
    """One annotation as it is recorded, beside its photo.

    Attributes:
        example: the photo.
        size: its width and height, pixels.
        category: what the object is.
        text: the COCO record, JSON.
        points: ``(N, 2)`` x and y of the outline's corners, pixels.
    """

    example: Example
    size: tuple[int, int]
    category: str
    text: str
    points: np.ndarray

    @property
    def path(self) -> str:
        """Return the outline as an SVG path."""
        return svg(self.points)


@dataclass(frozen=True)
class Grid:
    """A piece of a mask, so near that its pixels are seen, with the outline that made it.

    Attributes:
        left: of the piece, pixels of the photo.
        top: likewise.
        bars: x, y and length of each run of object pixels, in the piece.
        path: the outline as an SVG path, in the piece.
    """

    left: int
    top: int
    bars: list[tuple[int, int, int]]
    path: str


@dataclass(frozen=True)
class Overlap:
    """IoU of one photo, computed.

    Attributes:
        example: the photo with its four sets of pixels.
        tp: pixels of both.
        fp: of the prediction alone.
        fn: of the truth alone.
    """

    example: Example
    tp: int
    fp: int
    fn: int

    @property
    def either(self) -> int:
        """Return how many pixels are in truth or prediction."""
        return self.tp + self.fp + self.fn

    @property
    def iou(self) -> float:
        """Return the quotient."""
        return self.tp / self.either


def record(run: Run) -> Record | None:
    """Return the object whose size is nearest ``IDEAL`` of its photo; ``None`` if none fits.

    Outlines of one ring and at most ``POINTS`` corners are asked, of the split to judge by if it
    has any.
    """
    keys = ["split", "image_id"]
    rows = run.dataset.annotations.merge(run.dataset.images, on=keys)
    shapes = rows["geometry"].to_numpy()
    plain = (shapely.get_type_id(shapes) == shapely.GeometryType.POLYGON) & rows["rle"].isna()
    rows = rows[plain & (shapely.get_num_coordinates(shapes) <= POINTS)]
    judged = overlaps.judged_split(rows)
    if judged is None:
        return None
    rows = rows[rows["split"] == judged]
    share = polygons.areas(rows["geometry"].to_numpy()) / (rows["width"] * rows["height"])
    row = rows.iloc[int((share - IDEAL).abs().to_numpy().argmin())]
    names = run.dataset.categories.set_index("category_id")["name"]
    points = shapely.get_coordinates(row["geometry"].exterior)[:-1]
    shot = Shot("record", row["split"], row["stem"], row["path"], row["file_name"])
    return Record(
        Example((shot,)),
        (int(row["width"]), int(row["height"])),
        str(names.get(row["category_id"], "")),
        _written(row),
        points,
    )


def masked(found: Record | None, *, net: bool) -> Example | None:
    """Return the same photo from outline to mask, and to the network's own pixels if it has any."""
    if found is None:
        return None
    shot = found.example.shots[0]
    kinds = MASKS if net else MASKS[:2]
    return Example(
        tuple(Shot(kind, shot.split, shot.stem, shot.path, shot.file_name) for kind in kinds)
    )


def grid(found: Record | None, folders: Folders) -> Grid | None:
    """Return the mask's pixels around the corner that has most others near; ``None`` without it."""
    if found is None:
        return None
    shot = found.example.shots[0]
    try:
        mask = store.read_mask(mask_path(folders.masks, shot))
    except PipelineError:
        return None
    apart = np.abs(found.points[:, None] - found.points[None]).max(axis=2)
    x, y = found.points[(apart < CELLS / 2).sum(axis=1).argmax()]
    left, top = (
        int(max(0, min(round(at) - CELLS // 2, limit - CELLS)))
        for at, limit in ((x, mask.shape[1]), (y, mask.shape[0]))
    )
    piece = mask[top : top + CELLS, left : left + CELLS] > 0
    bars = [
        (int(start), row, int(end - start))
        for row, line in enumerate(piece)
        for start, end in np.flatnonzero(np.diff(np.r_[0, line, 0])).reshape(-1, 2)
    ]
    return Grid(left, top, bars, svg(found.points - (left, top), 2))


def overlap(run: Run, folders: Folders) -> Overlap | None:
    """Return the photo of median IoU, of those to judge by with an object that is not tiny.

    Pixels of all categories are one set, object against background. ``None`` if nothing was scored
    or the masks are not there.
    """
    photos = ranking.photos(run.dataset, run.measured, [])
    ranked = ranking.scored(photos, run.counts)
    rows = ranked[ranked["split"] == overlaps.judged_split(ranked)]
    large = rows[(rows["share"] >= LEAST) & (rows["removed"] > 0)]
    if large.empty or folders.segments is None:
        return None
    row = large.iloc[(len(large) - 1) // 2]
    shots = tuple(
        Shot(kind, row["split"], row["stem"], row["path"], row["file_name"]) for kind in SETS
    )
    try:
        truth, predicted = (
            store.read_mask(mask_path(folder, shots[0])) > 0
            for folder in (folders.masks, folders.segments)
        )
    except PipelineError:
        return None
    sets = (truth & predicted, predicted & ~truth, truth & ~predicted)
    return Overlap(Example(shots), *(int(pixels.sum()) for pixels in sets))


@dataclass(frozen=True)
class Explained:
    """The explaining figures; ``None`` where the run has nothing to show.

    Attributes:
        record: an annotation.
        masked: its photo, from outline to mask.
        grid: a piece of that mask.
        overlap: IoU computed.
    """

    record: Record | None
    masked: Example | None
    grid: Grid | None
    overlap: Overlap | None

    def shots(self) -> list[Shot]:
        """Return the pictures to draw."""
        found = [self.record and self.record.example, self.masked]
        found += [self.overlap and self.overlap.example]
        return [shot for example in found if example for shot in example.shots]


def explain(run: Run, folders: Folders, *, net: bool) -> Explained:
    """Return the explaining figures; ``net`` says whether the run has a network."""
    one = record(run)
    return Explained(one, masked(one, net=net), grid(one, folders), overlap(run, folders))


def numbered(say: Words, context: dict) -> list[tuple[str, str, str]]:
    """Return number, place on the page and name of what the student report shows, in its order.

    What this run has nothing to show of leads to the section that says so.
    """
    shown, choice, networks = context["shown"], context["choice"], context["networks"]
    found = [
        ("2", "figure-2" if choice.strip else "overview", "result"),
        ("3, 19", "figure-3" if networks["unet"] else "segmentation", "unet"),
        ("10", "figure-10" if networks["deepfill"] else "restoration", "deepfill"),
        ("", "table-1" if context["problems"] else "problems", "problems"),
        ("11", "figure-11" if context["problems"] else "problems", "examples"),
        ("14", "figure-14" if shown.record else "masks", "record"),
        ("15–17", "figure-15" if shown.record else "masks", "masks"),
        ("18", "figure-18" if shown.overlap else "segmentation", "iou"),
        ("22–23", "figure-22", "curves"),
        ("24", "figure-24" if context["overall"] else "segmentation", "predictions"),
        ("25", "figure-25" if context["closer"]["rivals"] else "scrutiny", "rivals"),
        ("26", "figure-26" if choice.restored else "restoration", "restored"),
    ]
    return [
        (say("figure.short", n=number) if number else say("figure.table"), anchor, name)
        for number, anchor, name in ((n, a, say(f"figure.name_{name}")) for n, a, name in found)
    ]


def svg(points: np.ndarray, digits: int = 1) -> str:
    """Return a ring, ``(N, 2)`` pixels, as an SVG path."""
    return "M" + "L".join(f"{x:.{digits}f} {y:.{digits}f}" for x, y in points) + "Z"


def _written(row: pd.Series) -> str:
    """Return an annotation as COCO writes it, with its outline a few points a line."""
    left, top, right, bottom = row["geometry"].bounds
    area = float(polygons.areas(np.array([row["geometry"]], dtype=object))[0])
    plain = {
        "id": int(row["annotation_id"]),
        "image_id": int(row["image_id"]),
        "category_id": int(row["category_id"]),
        "bbox": [round(one, 3) for one in (left, top, right - left, bottom - top)],
        "area": round(area, 3),
        "iscrowd": int(row["iscrowd"]),
    }
    numbers = [round(float(one), 3) for one in polygons.to_rings(row["geometry"])[0]]
    step = 2 * PAIRS_A_LINE
    lines = [json.dumps(numbers[at : at + step])[1:-1] for at in range(0, len(numbers), step)]
    head = [f"  {json.dumps(key)}: {json.dumps(value)}," for key, value in plain.items()]
    ring = ",\n    ".join(lines)
    return "\n".join(["{", *head, f'  "segmentation": [[\n    {ring}\n  ]]', "}"])
