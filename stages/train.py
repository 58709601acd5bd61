"""Train the U-Net on the chosen images and their masks."""

from collections import deque
from pathlib import Path

import pandas as pd

from pipeline import (
    anatomy,
    outcomes,
    params,
    photos,
    recipes,
    starts,
    states,
    store,
    tables,
    train,
    unet,
    workers,
)
from pipeline.parallel import progress
from pipeline.photos import Photos
from stages import live, run
from stages.live import Curve

LOGGED = ("loss", "iou", "val_loss", "val_iou")


def main(  # noqa: PLR0913  # one a path
    raw: Path, valid: Path, masks: Path, chosen: Path, model: Path, history: Path, curves: Path
) -> str:
    """Read photos and masks, write the network, its learning curves and their live copy.

    Of several processes that train together the first alone writes.
    """
    shape = params.load(unet.UnetParams, "unet")
    settings = params.load(recipes.TrainParams, "train")
    team = unet.prepare(settings.seed, settings.threads, workers.gather)
    names = store.read_table(valid / "labels.csv", tables.LABELS)["name"].tolist()
    rows = store.read_table(chosen, tables.CHOSEN)
    network = unet.build(shape, len(names) - 1)
    start = starts.begin(network, shape)
    settings = recipes.recipe(settings, shape.preset, _count(rows) if start.fresh else None)
    side = photos.source_side(shape.size, settings.augment)
    learned = read(rows[rows["split"] == "train"], raw, masks, side)
    held = read(rows[rows["split"] == "valid"], raw, masks, shape.size)

    trainer = train.Trainer(network, unet.card(shape, names, None), settings, team)
    # Not among the outputs, which DVC removes before a run.
    kept = states.Kept(model.with_name(f".{model.name}.state"), trainer.digest(learned, held))
    epochs = trainer.fit(learned, held, kept)
    if team.rank > 0:
        deque(epochs, maxlen=0)
        return f"process {team.rank} of {team.count} is done; process 0 writes the network"

    follow = Curve("epoch", settings.epochs, "epoch", LOGGED, ("loss", "val_iou"))
    curve = outcomes.HISTORY.frame(live.follow(epochs, follow, curves))
    limit = train.threshold(trainer, held)
    unet.save(model, network, unet.card(shape, names, limit))
    anatomy.write(model, anatomy.of_keras(network, shape.size))
    store.write_table(history, curve, outcomes.HISTORY)
    kept.forget()
    best = curve.loc[curve["size"] == shape.size, "val_iou"].max()
    return (
        f"{shape.preset}, {network.count_params():,} parameters from {start.words}, "
        f"{len(learned)} images, {len(curve)} epochs: "
        f"IoU {best:.3f} on {len(held)} valid images"
    )


def _count(rows: pd.DataFrame) -> int:
    return int((rows["split"] == "train").sum())


def read(rows: pd.DataFrame, raw: Path, masks: Path, side: int) -> Photos:
    """Read the pictures and masks of ``tables.CHOSEN`` rows as squares of ``side`` pixels."""
    pairs = [
        photos.photo(
            store.read_image(raw / row.path),
            store.read_mask(masks / row.split / f"{row.stem}.png"),
            side,
        )
        for row in progress(rows.itertuples(), "read", len(rows))
    ]
    return photos.stack(pairs, side)


if __name__ == "__main__":
    run(main)
