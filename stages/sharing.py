"""Hand the trained network over to other programs, and say what the format costs."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from pipeline import coco, losses, params, portable, segment, store, unet
from pipeline.errors import WeightsError
from pipeline.parallel import progress
from pipeline.segment import Segmenter, SegmentParams


def share(model: Path, kind: str, output: Path, data: Path) -> Iterator[str]:
    """Write the network of ``model``; yield lines of what was written and of its IoU.

    Args:
        model: a folder that training wrote.
        kind: of ``portable.FORMATS``; empty = by the ending of ``output``.
        output: the file, or for ``savedmodel`` the folder.
        data: the folder of ``raw``, ``valid`` and ``masks``, whose test split is scored.

    Raises:
        WeightsError: there is no network, the format is not known or does not go with the name.
    """
    kind = kind or {".h5": "h5", ".tflite": "tflite"}.get(output.suffix.lower(), "savedmodel")
    if kind not in portable.FORMATS:
        known = ", ".join(portable.FORMATS)
        raise WeightsError(f"--format {kind} is not known; choose {known}")
    threads = params.load(SegmentParams, "segment").threads
    unet.prepare(0, threads)
    network, card = unet.load(model)
    portable.write(network, card, kind, output)
    yield f"{output} ({kind}, {_megabytes(output):.1f} MB) and {output.with_suffix('.json').name}"
    if not (data / "masks" / "test").is_dir():
        yield f"IoU not measured: no masks of test images in {data}; see --check"
        return
    pairs = list(_pairs(data))
    ours, images = _overlap(segment.load(model), pairs)
    theirs, _ = _overlap(Segmenter(card, portable.reader(output, kind, threads)), pairs)
    yield (
        f"IoU {theirs:.4f} on {images} test images without mirror images, "
        f"{ours - theirs:+.4f} lost of the trained network's {ours:.4f}"
    )


def _megabytes(path: Path) -> float:
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file()) / 1e6


def _pairs(data: Path) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    images = coco.load(data / "valid").images
    for row in images[images["split"] == "test"].itertuples():
        mask = store.read_mask(data / "masks" / "test" / f"{row.stem}.png")
        yield store.read_image(data / "raw" / row.path), mask


def _overlap(segmenter: Segmenter, pairs: list[tuple[np.ndarray, np.ndarray]]) -> tuple[float, int]:
    """Return the mean IoU per image at its own size, 0..1, and how many images have one.

    It is NaN if none has: if neither mask nor answer hold a category in any image.
    """
    labels = len(segmenter.card.labels)
    scores = [
        losses.ious(truth[None], segment.predict(segmenter, image)[None], labels)[0]
        for image, truth in progress(pairs, "score", len(pairs))
    ]
    numbers = [score for score in scores if not np.isnan(score)]
    return (float(np.mean(numbers)) if numbers else np.nan), len(numbers)
