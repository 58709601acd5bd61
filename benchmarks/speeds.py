"""Images a second of the U-Net, learning and looking, beside plain Keras, in turns."""

import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import numpy as np

import stages  # noqa: F401  # isort: skip  # sets what TensorFlow reads when it is imported

from pipeline import feeding, params, photos, portable, recipes, starts, store, tables, train, unet
from pipeline.photos import Photos
from pipeline.quiet import quietly
from pipeline.recipes import TrainParams
from pipeline.unet import UnetParams
from stages.train import read

with quietly():
    import keras

PERSON = ["background", "person"]


def pictures(folder: Path, count: int, side: int) -> Photos:
    """Return ``count`` train photos of the export at a side, or as many of noise."""
    if (folder / "data/chosen.csv").exists():
        rows = store.read_table(folder / "data/chosen.csv", tables.CHOSEN)
        part = rows[rows["split"] == "train"].head(count)
        return read(part, folder / "data/raw", folder / "data/masks", side)
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (count, side, side, 3), dtype=np.uint8)
    return Photos(images, (rng.random((count, side, side)) < 0.3).astype(np.uint8))


def learning(folder: Path, count: int, repeats: int) -> Iterator[str]:
    """Yield images a second of the report's network by Keras and of ours, and ours' wait."""
    settings, shape = params.load(TrainParams, "train"), params.load(UnetParams, "unet")
    unet.prepare(settings.seed, settings.threads)
    waits, feeding.ahead = _watched(feeding.ahead)
    sizes = recipes.sizes(settings, shape.size)
    learned = pictures(folder, count, 160)
    turns = {"Keras fit of the report's network, 160 px, batch 16": _keras(learned)}
    names = {size: f"ours, {size} px, batch {settings.batch}" for size in sorted(set(sizes))}
    for size, name in names.items():
        at = msgspec.structs.replace(shape, size=size)
        still = msgspec.structs.replace(settings, small_share=0, epochs=repeats + 1)
        side = photos.source_side(size, settings.augment)
        turns[name] = _ours(at, still, photos.resized(learned, side))
    first, all_ = in_turns(turns, repeats)
    yield f"Training, {len(learned)} images an epoch, medians of {repeats} turns:"
    for name, value in all_.items():
        yield f"  {len(learned) / value:7.1f} images/s  {name}"
    mean = sum(all_[names[size]] for size in sizes) / len(sizes)
    times = next(iter(all_.values())) / mean
    yield f"  {len(learned) / mean:7.1f} images/s  ours, all {len(sizes)} epochs: {times:.1f} times"
    ours = sum(all_[name] for name in names.values()) * repeats
    ours += sum(first[name] for name in names.values())
    yield f"  {sum(waits) / ours:7.1%} of ours' time is waiting for pictures"


def looking(folder: Path, count: int, repeats: int) -> Iterator[str]:
    """Yield images a second one at a time, and how many pixels each way decides otherwise."""
    shape, threads = params.load(UnetParams, "unet"), params.value(int, "segment", "threads")
    unet.prepare(0, threads)
    network = unet.build(shape, 1)
    starts.begin(network, shape)
    card = unet.card(shape, PERSON, 0.5)
    inputs = unet.scaled(pictures(folder, count, shape.size).images, card)
    answers: dict[str, np.ndarray] = {}
    ways = _ways(folder, network, card, threads)
    turns = {name: _asked(name, way, inputs, answers) for name, way in ways.items()}
    _, seconds = in_turns(turns, repeats)
    (plain, slow), *_ = seconds.items()
    yield f"Looking, {len(inputs)} images, one at a time, medians of {repeats} turns:"
    for name, value in seconds.items():
        other = (answers[name] != answers[plain]).sum()
        yield (
            f"  {len(inputs) / value:7.1f} images/s, {slow / value:5.1f} times, "
            f"{other} of {answers[plain].size} pixels decided otherwise  {name}"
        )


def in_turns(turns: dict[str, Iterator], repeats: int) -> tuple[dict[str, float], dict[str, float]]:
    """Return the seconds of each one's first step, which compiles, and the median of the others."""
    seconds: dict[str, list[float]] = {name: [] for name in turns}
    for _ in range(repeats + 1):
        for name, one in turns.items():
            began = time.perf_counter()
            next(one)
            seconds[name].append(time.perf_counter() - began)
    medians = {name: statistics.median(taken[1:]) for name, taken in seconds.items()}
    return {name: taken[0] for name, taken in seconds.items()}, medians


def _watched(ahead: Callable) -> tuple[list[float], Callable]:
    """Return ``feeding.ahead`` with the seconds that each of its results was waited for."""
    waits: list[float] = []

    def watched(*args: object) -> Iterator:
        results = ahead(*args)
        while True:
            began = time.perf_counter()
            done = next(results, None)
            waits.append(time.perf_counter() - began)
            if done is None:
                return
            yield done

    return waits, watched


def _keras(learned: Photos) -> Iterator:
    """Yield after each epoch of what the report's notebook did, on the right masks."""
    network = unet.build(UnetParams(preset="seed", init="none", size=160), 1)
    network.compile(keras.optimizers.Adam(0.001), "binary_crossentropy")
    images = learned.images.astype(np.float32) / 255
    masks = learned.masks[..., None].astype(np.float32)
    while True:
        network.fit(images, masks, batch_size=16, epochs=1, verbose=0)
        yield


def _ours(shape: UnetParams, settings: TrainParams, learned: Photos) -> Iterator:
    trainer = train.Trainer(unet.build(shape, 1), unet.card(shape, PERSON, None), settings)
    return trainer.fit(learned, photos.stack([], shape.size))


def _ways(
    folder: Path, network: keras.Model, card: unet.Card, threads: int
) -> dict[str, Callable[[np.ndarray], np.ndarray]]:
    ways = {
        "Model.predict": lambda one: network.predict(one, verbose=0),
        "ours, as segment looks": unet.compiled(network, card.size),
    }
    for kind in ("tflite", "tflite-int8"):
        path = folder / f"{kind}.tflite"
        portable.write(network, card, kind, path)
        ways[f"export-model --format {kind}"] = portable.reader(path, kind, threads)
    return ways


def _asked(name: str, way: Callable, inputs: np.ndarray, answers: dict) -> Iterator:
    """Yield after each round of all pictures; the labels are left in ``answers``."""
    while True:
        likely = [np.asarray(way(inputs[at : at + 1])) for at in range(len(inputs))]
        answers[name] = unet.decided(np.concatenate(likely), 0.5)
        yield
