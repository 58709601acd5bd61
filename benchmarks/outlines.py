"""Are loose outlines and boxes told from careful ones? Careful ones are spoilt here, and ranked.

    python -m benchmarks.outlines [RAW VALID]

Every main person of an export (data/raw and data/valid unless named) is measured as drawn and
spoilt in seven ways. Photos fall into halves as in benchmarks.tags; the weights of
``tracing.LOOSE`` were fitted on the first half of the sample and of the 293 labelled photos, of
which the second is printed: the area under the ROC curve of ``loose``, and the share of outlines
beyond the shipped limits. What is told of outlines as drawn counts them all as careful.
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import shapely
from shapely import affinity

from benchmarks.tags import half
from pipeline import coco, images, measurements, params, rules, silhouettes, tag, tracing
from pipeline.tables import Dataset

WAYS = {
    "as drawn": lambda shape, size, turn: shape,
    "grown": lambda shape, size, turn: shape.buffer(0.06 * size),
    "few corners": lambda shape, size, turn: shape.simplify(0.06 * size),
    "wide, few corners": lambda shape, size, turn: shape.buffer(0.05 * size).simplify(0.07 * size),
    "hull": lambda shape, size, turn: shape.convex_hull,
    "shifted": lambda shape, size, turn: affinity.translate(
        shape, 0.08 * size * np.cos(turn), 0.08 * size * np.sin(turn)
    ),
    "box": lambda shape, size, turn: shapely.box(*shape.bounds),
    "ten corners": lambda shape, size, turn: _ring(*shape.bounds),
}


def _ring(left: float, top: float, right: float, bottom: float) -> shapely.Polygon:
    angle = np.arange(10) * np.pi / 5
    wide, high = (right - left) * 0.52, (bottom - top) * 0.52
    middle = np.array([(left + right) / 2, (top + bottom) / 2])
    return shapely.Polygon(middle + np.stack([wide * np.cos(angle), high * np.sin(angle)], axis=1))


def spoilt(dataset: Dataset, raw: Path) -> pd.DataFrame:
    """Return ``file_name, way`` and what ``tracing`` measures, a row a person and way."""
    chance = np.random.default_rng(0)
    single = dataset.annotations[~dataset.annotations["iscrowd"]]
    theirs = single.groupby(["split", "image_id"])["geometry"].apply(list)
    rows = []
    for photo, image in zip(
        tag.photos(dataset, raw, []), tag.order(dataset.images).itertuples(), strict=True
    ):
        people = theirs.get((image.split, image.image_id), [])
        grey = images.luma(measurements.look(photo)[0])
        scale = measurements.scale(photo, grey)
        frame = shapely.box(0, 0, image.width, image.height)
        for shape in people:
            turn = chance.uniform(0, 2 * np.pi)
            if shape.area < silhouettes.MAIN * max(each.area for each in people):
                continue
            for way, change in WAYS.items():
                spoiled = change(shape, np.sqrt(shape.area), turn).intersection(frame)
                rings, areas = [silhouettes.rings(spoiled)], [spoiled.area]
                found = tracing.measure(rings, areas, grey, scale)
                rows.append({"file_name": image.file_name, "way": way} | found)
    return pd.DataFrame(rows).dropna(subset="loose")


def auc(bad: np.ndarray, good: np.ndarray) -> float:
    """Return how often a bad one ranks above a good one: the area under the ROC curve."""
    below = np.searchsorted(np.sort(good), bad, side="left")
    upto = np.searchsorted(np.sort(good), bad, side="right")
    return float((below + upto).mean() / 2 / len(good)) if len(bad) and len(good) else float("nan")


def main(raw: Path, valid: Path) -> None:
    """Print a row a way of spoiling."""
    limits = params.load(rules.TagParams, "tag")
    found = spoilt(coco.load(valid), raw)
    found = found[found["file_name"].map(half) == 1]
    good = found.loc[found["way"] == "as drawn", "loose"].to_numpy()
    rows = [
        {
            "way": way,
            "outlines": len(group),
            "auc": auc(group["loose"].to_numpy(), good),
            "loose_polygon": (group["loose"] > limits.loose_above).mean(),
            "box_like": (group["box"] > limits.box_above).mean(),
        }
        for way, group in found.groupby("way", sort=False)
    ]
    text = pd.DataFrame(rows).to_string(index=False, float_format=lambda number: f"{number:.3f}")
    print(text)  # noqa: T201  # a benchmark's result


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:] or ("data/raw", "data/valid")))
