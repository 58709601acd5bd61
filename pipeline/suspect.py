"""Labels and what a trained network sees -> which labels are probably wrong, worst first.

Every object is compared with what the network sees around it, and with how well the network does
on objects of that size: a network that misses all far people does not make far people suspect.
"""

from typing import Annotated, NamedTuple

import cv2
import msgspec
import numpy as np
import pandas as pd
import shapely

from pipeline.outcomes import SUSPECTS
from pipeline.params import Params
from pipeline.tables import Dataset

AROUND = 0.3  # of an object's size (root of its area): how far around it is looked
LEAST_AROUND = 3  # pixels of the network's input
SEAM = 2  # px beyond the labels that belong to them: no network is that exact
RIM = 0.08  # of an object's size: so near its outline nothing is compared, SEAM at most
SURE = 0.5  # probability from which the network sees an object
UNSEEN = 0.2  # mean probability on an object below which the network sees nothing there
PEERS = 0.25  # share of the objects, those nearest in size, that say what is usual
FEWEST_PEERS = 15
USUAL_MISSING = 0.25  # of the median object's area: a region of that size counts for half
NOTABLE = 0.05  # score below which a region without a label is not listed
IMAGE, MISSING, EXTRA, CATEGORY, BOUNDARY = KINDS = (
    "image", "missing", "extra", "category", "boundary",
)  # fmt: skip


class SuspectParams(Params):
    """When a label is suspect, and how often the network is trained again to tell."""

    folds: Annotated[int, msgspec.Meta(ge=0, le=20)]  # 0 = the one network judges its own lessons
    above: Annotated[float, msgspec.Meta(ge=0, le=1)]  # of excess


class Seen(NamedTuple):
    """One photo, at the size of the network's input, and what the network sees in it."""

    split: str
    file_name: str
    width: int  # of the photo itself, pixels
    height: int
    shapes: list[shapely.Geometry]  # its objects, pixels of the photo
    labels: list[int]  # of each, 1..K
    ids: list[int]  # annotation_id of each
    crowds: list[shapely.Geometry]  # regions of many objects, which cannot be judged one by one
    likely: np.ndarray  # (S, S, K + 1) float32, 0..1, background first; sums to 1
    held_out: bool  # the network did not learn from this photo


def shares(likely: np.ndarray) -> np.ndarray:
    """Return ``(S, S, K + 1)`` float32 that sum to 1, background first.

    Args:
        likely: ``(S, S, C)`` as networks give it: ``C`` is 1 for one category, else ``K + 1``.
    """
    if likely.shape[-1] > 1:
        return likely
    return np.concatenate([1 - likely, likely], axis=-1)


def folds(groups: list[str], count: int, seed: int) -> np.ndarray:
    """Deal photos out to folds, ``(N,)`` int64 of 0..count - 1; those of one group stay together.

    Args:
        groups: one a photo, such as the picture that several versions were made from.
        count: 2 or more.
        seed: of the dealing.
    """
    names = sorted(set(groups))
    order = np.random.default_rng(seed).permutation(len(names))
    fold = {names[which]: place % count for place, which in enumerate(order.tolist())}
    return np.array([fold[group] for group in groups], dtype=np.int64)


def objects(dataset: Dataset, images: pd.DataFrame) -> list[dict]:
    """Return of each image what ``Seen`` needs of its labels, by the names of its fields."""
    label = dataset.labels.set_index("category_id")["label"]
    theirs = dict(list(dataset.annotations.groupby(["split", "image_id"])))
    nobody = dataset.annotations.iloc[:0]
    found = []
    for row in images.itertuples():
        every = theirs.get((row.split, row.image_id), nobody).sort_values("annotation_id")
        single = every[~every["iscrowd"]]
        found.append(
            {
                "split": row.split,
                "file_name": row.file_name,
                "width": row.width,
                "height": row.height,
                "shapes": single["geometry"].tolist(),
                "labels": [int(label[one]) for one in single["category_id"]],
                "ids": single["annotation_id"].tolist(),
                "crowds": every.loc[every["iscrowd"], "geometry"].tolist(),
            }
        )
    return found


def score(photos: list[Seen], params: SuspectParams) -> pd.DataFrame:
    """Return a row an object, a region without label, and an image: columns as ``SUSPECTS``.

    An object's score is 1 less the soft IoU of its mask and the probabilities on and around it
    (sum of the smaller by the sum of the larger of both), but for a rim at its outline, where no
    network is exact; 0..1, and 0 where both see the same. A region that
    the network sees and nobody outlined scores its mean probability, the less the smaller it is.
    An image's is 1 less cleanlab's label quality. From it the score is taken that is usual for
    objects of that size (a running median, photos that were learnt from apart from the others);
    for regions nothing is usual. What is left, ``excess``, ranks.

    Source:
        Lad and Mueller, "Estimating label quality and errors in semantic segmentation data via any
        model", ICML workshop 2023, https://arxiv.org/abs/2307.05080
    """
    rows = [row for photo in photos for row in _objects(photo)]
    usual = float(np.median([row["area"] for row in rows])) if rows else 1.0
    rows += [row for photo in photos for row in _missing(photo, usual * USUAL_MISSING)]
    rows += _images(photos)
    frame = pd.DataFrame(rows)
    if frame.empty:
        return SUSPECTS.empty()
    frame["expected"] = _expected(frame)
    frame["excess"] = (frame["score"] - frame["expected"]).clip(lower=0)
    frame["suspect"] = (frame["excess"] > params.above) & (frame["kind"] != IMAGE)
    frame["annotation_id"] = frame["annotation_id"].astype("Int64")
    frame["area"] = frame["area"].astype("float64")
    ranked = frame.sort_values(
        ["excess", "split", "file_name", "kind", "annotation_id"],
        ascending=[False, True, True, True, True],
        kind="stable",
    )
    return SUSPECTS.check(ranked[list(SUSPECTS)].reset_index(drop=True), "suspects", cast=True)


def summary(found: pd.DataFrame) -> str:
    """Return one line: how many labels are suspect, and of which kinds."""
    rows = found[found["suspect"]]
    counts = ", ".join(f"{(rows['kind'] == kind).sum()} {kind}" for kind in KINDS[1:])
    photos = len(rows.drop_duplicates(["split", "file_name"]))
    own = ((found["kind"] == IMAGE) & ~found["held_out"]).sum()
    return (
        f"{len(rows)} suspect labels in {photos} photos: {counts}; "
        f"{own} photos were judged by a network that learnt from them"
    )


def drawn(shape: shapely.Geometry, photo: Seen) -> np.ndarray:
    """Return ``(S, S)`` bool: the shape on the photo as stretched to the network's input."""
    side = photo.likely.shape[0]
    mask = np.zeros((side, side), np.uint8)
    scale = np.array([side / photo.width, side / photo.height])
    for part in shapely.get_parts(shape):
        if shapely.get_type_id(part) == shapely.GeometryType.POLYGON:
            rings = [shapely.get_coordinates(ring) for ring in shapely.get_rings(part)]
            points = [np.rint((ring * scale - 0.5) * 16).astype(np.int32) for ring in rings]
            one = np.zeros_like(mask)  # parts may overlap, where two would cancel out
            cv2.fillPoly(one, points, 1, shift=4)
            mask |= one
    return mask > 0


def _objects(photo: Seen) -> list[dict]:
    masks = [drawn(shape, photo) for shape in photo.shapes]
    union = np.logical_or.reduce([np.zeros(photo.likely.shape[:2], bool), *masks])
    crowd = _union(photo, photo.crowds)
    rows = []
    for mask, label, number in zip(masks, photo.labels, photo.ids, strict=True):
        area = int(mask.sum())
        if not area:
            continue
        reach = max(LEAST_AROUND, round(AROUND * np.sqrt(area)))
        rim = round(min(RIM * np.sqrt(area), SEAM))
        beside = _grown(mask, reach) & ~_grown(mask, rim) & ~union & ~crowd
        core = mask & ~_grown(~mask, rim)
        core = core if core.any() else mask
        sure = photo.likely[..., label]
        apart = 1 - float(sure[core].sum()) / (core.sum() + float(sure[beside].sum()))
        rows.append(
            _about(photo)
            | {"annotation_id": number, "kind": _kind(photo, mask, label), "score": apart}
            | {"area": area}
            | _box(mask, photo)
        )
    return rows


def _kind(photo: Seen, mask: np.ndarray, label: int) -> str:
    mean = photo.likely[mask].mean(axis=0)
    if mean[label] >= UNSEEN:
        return BOUNDARY
    return CATEGORY if np.delete(mean, label)[1:].sum() >= SURE else EXTRA


def _missing(photo: Seen, half: float) -> list[dict]:
    """Return the regions that the network sees as objects and nobody outlined."""
    labelled = _union(photo, [*photo.shapes, *photo.crowds])
    sure = 1 - photo.likely[..., 0]
    free = ((sure >= SURE) & ~_grown(labelled, SEAM)).astype(np.uint8)
    free = cv2.morphologyEx(free, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    count, regions = cv2.connectedComponents(free)
    rows = []
    for number in range(1, count):
        mask = regions == number
        area = int(mask.sum())
        score = float(sure[mask].mean()) * area / (area + half)
        if score >= NOTABLE:
            rows.append(
                _about(photo)
                | {"annotation_id": None, "kind": MISSING, "score": score, "area": area}
                | _box(mask, photo)
            )
    return rows


def _images(photos: list[Seen]) -> list[dict]:
    """Return a row an image; its score is 1 less cleanlab's label quality (softmin of pixels)."""
    # Two seconds that nothing else waits for.
    from cleanlab.segmentation.rank import get_label_quality_scores  # noqa: PLC0415

    rows = []
    for photo in photos:
        label = np.zeros(photo.likely.shape[:2], np.int64)
        # As in the masks: smaller objects lie above larger ones.
        order = sorted(range(len(photo.shapes)), key=lambda which: -photo.shapes[which].area)
        for which in order:
            label[drawn(photo.shapes[which], photo)] = photo.labels[which]
        likely = np.ascontiguousarray(np.moveaxis(photo.likely, -1, 0)[None])
        quality = get_label_quality_scores(label[None], likely, n_jobs=1, verbose=False)[0][0]
        whole = {"left": 0, "top": 0, "right": photo.width, "bottom": photo.height}
        about = _about(photo) | {"annotation_id": None, "kind": IMAGE}
        rows.append(about | {"score": 1 - float(quality), "area": label.size} | whole)
    return rows


def _expected(frame: pd.DataFrame) -> pd.Series:
    """Return the score that is usual for an object of that size; 0 for regions without a label."""
    expected = pd.Series(0.0, index=frame.index)
    drawn = frame["kind"].isin([EXTRA, CATEGORY, BOUNDARY])
    for apart in (drawn, frame["kind"] == IMAGE):
        for _, group in frame[apart].groupby("held_out"):
            expected[group.index] = _usual(
                np.log(group["area"].to_numpy(float)), group["score"].to_numpy(float)
            )
    return expected


def _usual(size: np.ndarray, score: np.ndarray) -> np.ndarray:
    """Return for each object the median score of the ``PEERS`` nearest in size, itself included."""
    peers = min(len(size), max(FEWEST_PEERS, round(PEERS * len(size))))
    order = np.argsort(size, kind="stable")
    ranked, result = score[order], np.empty(len(size))
    for place, which in enumerate(order.tolist()):
        first = min(max(place - peers // 2, 0), len(size) - peers)
        result[which] = np.median(ranked[first : first + peers])
    return result


def _union(photo: Seen, shapes: list[shapely.Geometry]) -> np.ndarray:
    empty = np.zeros(photo.likely.shape[:2], bool)
    return np.logical_or.reduce([empty, *(drawn(shape, photo) for shape in shapes)])


def _grown(mask: np.ndarray, reach: int) -> np.ndarray:
    round_ = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    return cv2.dilate(mask.view(np.uint8), round_) > 0


def _about(photo: Seen) -> dict[str, object]:
    return {"split": photo.split, "file_name": photo.file_name, "held_out": photo.held_out}


def _box(mask: np.ndarray, photo: Seen) -> dict[str, int]:
    """Return the box around a mask of the network's size, pixels of the photo."""
    left, top, wide, high = cv2.boundingRect(mask.view(np.uint8))
    across, down = photo.width / mask.shape[1], photo.height / mask.shape[0]
    return {
        "left": round(left * across),
        "top": round(top * down),
        "right": round((left + wide) * across),
        "bottom": round((top + high) * down),
    }
