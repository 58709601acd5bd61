"""Segment the test photos with ready-made networks, and score them beside the trained one."""

from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from pipeline import coco, outcomes, parallel, params, rivals, scoring, store, tables, voc
from pipeline.rivals import DEEPLAB, OURS, SELFIE, SPLIT, CompareParams, Entrant
from stages import fetching, run
from stages.apart import apart

NOT_RUN = "not run: give {}"


def main(  # noqa: PLR0913  # one a path
    raw: Path, valid: Path, masks: Path, segments: Path, model: Path, drawn: Path, table: Path
) -> str:
    """Write a label mask a network and test photo, and the table that compares them."""
    settings = params.load(CompareParams, "compare")
    names = store.read_table(valid / "labels.csv", tables.LABELS)["name"].tolist()[1:]
    images = coco.load(valid).images
    photos = images[images["split"] == SPLIT]
    drawn.mkdir(parents=True, exist_ok=True)

    entrants = [_ours(model, segments, photos, names)]
    entrants.append(_deeplab(settings, photos, raw, drawn / DEEPLAB, names))
    entrants.append(_selfie(settings, photos, raw, drawn / SELFIE, names))

    compute = params.load(parallel.ComputeParams, "compute")
    folders = {OURS: segments, DEEPLAB: drawn / DEEPLAB, SELFIE: drawn / SELFIE}
    counted = {
        one.model: _counted(photos, masks, folders[one.model], len(names), compute)
        for one in entrants
        if one.labels
    }
    drawing = params.load(scoring.EvaluateParams, "evaluate")
    scored = rivals.table(entrants, counted, names, drawing)
    store.write_table(table, scored, outcomes.RIVALS)
    return _line(scored)


def _ours(model: Path, segments: Path, photos: pd.DataFrame, names: list[str]) -> Entrant:
    """The masks that the segment stage wrote; an absent one means it was told to leave test out."""
    if (kind := params.value(str, "segment", "model")) != OURS:
        return Entrant(OURS, note=f"not run: segment.model is {kind}")
    if not all(store.is_there(segments / SPLIT / f"{stem}.png") for stem in photos["stem"]):
        return Entrant(OURS, note=f"not run: segment.splits lacks {SPLIT}")
    side, parameters = apart(_about, model)
    return Entrant(OURS, f"{side}×{side}", parameters, tuple(range(1, len(names) + 1)))


def _about(model: Path) -> tuple[int, int]:
    """Return input side and parameters of the trained network; TensorFlow's process."""
    from pipeline import unet  # noqa: PLC0415  # TensorFlow, here alone

    network, card = unet.load(model)
    return card.size, network.count_params()


def _deeplab(
    settings: CompareParams, photos: pd.DataFrame, raw: Path, into: Path, names: list[str]
) -> Entrant:
    if settings.weights is None:
        return Entrant(DEEPLAB, note=NOT_RUN.format("compare.weights"))
    classes = voc.matched(names)
    note = rivals.unknown(names, tuple(classes))
    if not classes:
        return Entrant(DEEPLAB, note=f"not run: {note}")
    weights = fetching.local(settings.weights, settings.sha256)
    parameters = apart(_draw_deeplab, settings, weights, photos, raw, into, classes)
    return Entrant(DEEPLAB, f"shorter side {settings.size}", parameters, tuple(classes), note)


def _draw_deeplab(  # noqa: PLR0913  # one a thing it needs
    settings: CompareParams,
    weights: Path,
    photos: pd.DataFrame,
    raw: Path,
    into: Path,
    classes: dict[int, int],
) -> int:
    """Write DeepLabv3's mask of each photo, return its parameters; PyTorch's process."""
    import torch  # noqa: PLC0415  # here alone

    from pipeline import deeplab  # noqa: PLC0415

    torch.set_num_threads(settings.threads)
    network = deeplab.load(weights)
    labels = np.zeros(256, np.uint8)
    for label, place in sorted(classes.items(), reverse=True):  # of several, the first one
        labels[place] = label
    for photo in parallel.progress(photos.itertuples(), DEEPLAB, len(photos)):
        found = deeplab.classes(network, store.read_image(raw / photo.path), settings.size)
        store.write_mask(into / SPLIT / f"{photo.stem}.png", labels[found])
    return sum(numbers.numel() for numbers in network.parameters())


def _selfie(
    settings: CompareParams, photos: pd.DataFrame, raw: Path, into: Path, names: list[str]
) -> Entrant:
    if settings.selfie is None:
        return Entrant(SELFIE, note=NOT_RUN.format("compare.selfie"))
    people = voc.people(names)
    if not people:
        return Entrant(SELFIE, note="not run: it finds people, and no category is named so")
    parameters, sees = apart(_draw_selfie, settings, photos, raw, into, people[0])
    note = rivals.unknown(names, (people[0],))
    return Entrant(SELFIE, sees, parameters, (people[0],), note)


def _draw_selfie(
    settings: CompareParams, photos: pd.DataFrame, raw: Path, into: Path, label: int
) -> tuple[int, str]:
    """Write the selfie segmenter's mask of each photo; return its parameters and input size."""
    from pipeline import tflite  # noqa: PLC0415  # LiteRT, here alone

    finder = tflite.load(Path(settings.selfie).expanduser(), settings.threads)
    for photo in parallel.progress(photos.itertuples(), SELFIE, len(photos)):
        likely = tflite.probability(finder, store.read_image(raw / photo.path))
        mask = np.where(likely >= tflite.THRESHOLD, label, 0).astype(np.uint8)
        store.write_mask(into / SPLIT / f"{photo.stem}.png", mask)
    return finder.parameters, f"{finder.height}×{finder.width}"


def _counted(
    photos: pd.DataFrame, masks: Path, folder: Path, labels: int, compute: parallel.ComputeParams
) -> np.ndarray:
    """Return ``(5, images, K)``, first axis as ``scoring.COUNTED``."""
    count = partial(_count, masks=masks / SPLIT, folder=folder / SPLIT, labels=labels)
    rows = parallel.each(count, photos["stem"].tolist(), compute, "count pixels")
    return np.array(rows).reshape(len(rows), labels, len(scoring.COUNTED)).transpose(2, 0, 1)


def _count(stem: str, masks: Path, folder: Path, labels: int) -> np.ndarray:
    return scoring.counts(
        truth=store.read_mask(masks / f"{stem}.png"),
        predicted=store.read_mask(folder / f"{stem}.png"),
        labels=labels,
    )


def _line(scored: pd.DataFrame) -> str:
    parts = [
        f"{row.model} {row.iou:.3f}" if row.iou == row.iou else f"{row.model} {row.note}"
        for row in scored.drop_duplicates("model").itertuples()
    ]
    return ", ".join(parts)


if __name__ == "__main__":
    run(main)
