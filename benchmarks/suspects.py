"""Are wrong labels found? Sound ones of photos that the network never saw are spoilt and ranked.

    python -m benchmarks.suspects [--seeds 0 1] [--data FOLDER]

A trained network is needed (`dvc repro train`). In every fourth valid and test photo one person's
label is spoilt: taken away, moved by a quarter of its size, exchanged for its box, or another is
drawn where nobody is. Each seed begins at another photo, spoils in another order and draws anew.
Printed of each: by kind how many were planted, how many are suspect by the shipped limit, how many
are among the first so many rows as were planted in all, and how often a planted one ranks above a
sound one (area under the ROC curve); how many sound labels are suspect; and how many of both would
be by other limits. The limit is chosen on one seed and quoted for others.
"""

import argparse
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import shapely
from shapely import affinity

from benchmarks.outlines import auc
from pipeline import coco, outcomes, params, store, tables
from pipeline.suspect import SuspectParams
from pipeline.tables import Dataset
from stages import suspect as stage

EVERY = 4
LIMITS = (0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4)
WAYS = ("taken away", "moved", "box", "nobody there")
TRIES = 50


def spoil(dataset: Dataset, seed: int) -> tuple[Dataset, pd.DataFrame]:
    """Return the dataset with wrong labels, and what was done: ``split, file_name, way, id``."""
    chance = np.random.default_rng(seed)
    images = tables.ordered(dataset.images[dataset.images["split"] != "train"])
    frame = dataset.annotations[~dataset.annotations["iscrowd"]].reset_index(drop=True)
    done = []
    for place, image in enumerate(images.iloc[seed % EVERY :: EVERY].itertuples()):
        theirs = frame[(frame["split"] == image.split) & (frame["image_id"] == image.image_id)]
        if theirs.empty:
            continue
        row = theirs.index[int(np.argmax([shape.area for shape in theirs["geometry"]]))]
        way = WAYS[(place + seed) % len(WAYS)]
        about = {"split": image.split, "file_name": image.file_name, "way": way, "id": pd.NA}
        if way == "taken away":
            frame = frame.drop(index=row).reset_index(drop=True)
        else:
            wrong = _wrong(way, frame.at[row, "geometry"], theirs["geometry"], image, chance)
            if wrong is None:
                continue
            if way == "nobody there":
                number = frame.loc[frame["split"] == image.split, "annotation_id"].max() + 1
                more = frame.loc[[row]].assign(annotation_id=number)
                frame = pd.concat([frame, more], ignore_index=True)
                row = frame.index[-1]
            frame.at[row, "geometry"], frame.at[row, "rle"] = wrong, None
            about["id"] = frame.at[row, "annotation_id"]
        done.append(about)
    return replace(dataset, annotations=frame), pd.DataFrame(done)


def _wrong(
    way: str,
    shape: shapely.Geometry,
    taken: pd.Series,
    image: tuple,
    chance: np.random.Generator,
) -> shapely.Geometry | None:
    """Return a label spoilt; None where there is no room for it."""
    if way == "box":
        return shapely.box(*shape.bounds)
    if way == "moved":
        turn, far = chance.uniform(0, 2 * np.pi), np.sqrt(shape.area) / 4
        moved = affinity.translate(shape, far * np.cos(turn), far * np.sin(turn))
        return moved.intersection(shapely.box(0, 0, image.width, image.height))
    return _elsewhere(shape, taken, (image.width, image.height), chance)


def _elsewhere(
    shape: shapely.Geometry,
    taken: pd.Series,
    size: tuple[int, int],
    chance: np.random.Generator,
) -> shapely.Geometry | None:
    """Return the shape, at most a third as wide as the photo, where no person is."""
    left, top, right, bottom = shape.bounds
    scale = min(1.0, size[0] / 3 / (right - left), size[1] / 3 / (bottom - top))
    small = affinity.translate(affinity.scale(shape, scale, scale, origin=(left, top)), -left, -top)
    wide, high = small.bounds[2:]
    for _ in range(TRIES):
        x, y = chance.uniform(0, size[0] - wide), chance.uniform(0, size[1] - high)
        moved = affinity.translate(small, x, y)
        if not any(moved.intersects(each) for each in taken):
            return moved
    return None


def excesses(found: pd.DataFrame, planted: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return planted errors with ``row`` (NA if none tells it), and the rows of sound photos."""
    held = found[found["held_out"] & (found["kind"] != "image")].reset_index(drop=True)
    where = pd.array([_row(held, each) for each in planted.itertuples()], dtype="Int64")
    wrong_photos = set(zip(planted["split"], planted["file_name"], strict=True))
    photo = list(zip(held["split"], held["file_name"], strict=True))
    sound = held[[each not in wrong_photos for each in photo]]
    told = planted.assign(row=where)
    rank = told["row"].dropna().astype(int)
    told["excess"] = held.loc[rank, "excess"].set_axis(rank.index).reindex(told.index).fillna(0)
    return told, sound


def compare(told: pd.DataFrame, sound: pd.DataFrame, limit: float) -> pd.DataFrame:
    """Return a row a way of spoiling, and one of sound labels."""
    rows = [
        {
            "way": way,
            "planted": len(group),
            "suspect": int((group["excess"] > limit).sum()),
            "first": int((group["row"] < len(told)).sum()),
            "auc": auc(group["excess"].to_numpy(), sound["excess"].to_numpy()),
        }
        for way, group in told.groupby("way", sort=False)
    ]
    rest = {"way": "sound", "planted": len(sound), "suspect": int((sound["excess"] > limit).sum())}
    return pd.DataFrame([*rows, rest])


def limits(told: pd.DataFrame, sound: pd.DataFrame) -> pd.DataFrame:
    """Return of each limit how many planted and sound labels would be suspect."""
    rows = [
        {
            "limit": limit,
            "planted": f"{(told['excess'] > limit).sum()} of {len(told)}",
            "sound": f"{(sound['excess'] > limit).sum()} of {len(sound)}",
        }
        for limit in LIMITS
    ]
    return pd.DataFrame(rows)


def _row(held: pd.DataFrame, planted: tuple) -> int | None:
    """Return the place, from 0, of the row that tells a planted error; None if there is none."""
    rows = held[(held["split"] == planted.split) & (held["file_name"] == planted.file_name)]
    wanted = (
        rows["kind"] == "missing" if pd.isna(planted.id) else rows["annotation_id"] == planted.id
    )
    found = rows.index[wanted.fillna(False).to_numpy(bool)]
    return int(found[0]) if len(found) else None


def main() -> None:
    """Print the tables of each seed."""
    asked = argparse.ArgumentParser(prog="python -m benchmarks.suspects")
    asked.add_argument("--seeds", type=int, nargs="+", default=[0])
    asked.add_argument("--data", type=Path, default=Path("data"))
    said = asked.parse_args()
    raw, masks, chosen, model = (
        said.data / name for name in ("raw", "masks", "chosen.csv", "model")
    )
    limit = params.load(SuspectParams, "suspect").above
    for seed in said.seeds:
        with tempfile.TemporaryDirectory() as scratch:
            spoilt, planted = spoil(coco.load(said.data / "valid"), seed)
            coco.save(Path(scratch, "valid"), spoilt)
            out = Path(scratch, "suspects.csv")
            line = stage.main(raw, Path(scratch, "valid"), masks, chosen, model, out)
            found = store.read_table(out, outcomes.SUSPECTS)
        told, sound = excesses(found, planted)
        print(f"\nseed {seed}, limit {limit:g}: {line}")  # noqa: T201
        for table in (compare(told, sound, limit), limits(told, sound)):
            print(table.to_string(index=False, float_format="{:.3f}".format))  # noqa: T201


if __name__ == "__main__":
    main()
