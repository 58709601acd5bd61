"""Tables of a whole run over generated photos, by chance, for what the stage ``report`` costs."""

from pathlib import Path

import numpy as np
import pandas as pd

from pipeline import outcomes, store, tables
from pipeline.run import FILLING

MEASURES = ("iou", "dice", "precision", "recall", "boundary_iou")
EPOCHS = 10
MODEL = {"card": {"preset": "default", "size": 160}}


def write(
    reports: Path, model: Path, rows: pd.DataFrame, tags: list[str], names: list[str]
) -> None:
    """Write what ``train`` to ``since`` leave behind.

    Args:
        reports: folder of the tables; those of photos lie there already.
        model: folder of what the network says of itself.
        rows: columns as ``tables.IMAGES``.
        tags: of the problems.
        names: of the categories.
    """
    store.write_json(model / "card.json", MODEL)
    splits = list(dict.fromkeys(rows["split"]))
    groups = [
        {"split": split, "category": name, "tag": tag, "images": 30}
        for split in splits
        for name, tag in [("", ""), *((one, "") for one in names), *(("", one) for one in tags)]
    ]
    plain = {name: 0.5 for name in outcomes.IOU} | {"iou_low": 0.4, "iou_high": 0.6}
    test = rows[rows["split"] == "test"]
    worst = [{"rank": n, "file_name": name} for n, name in enumerate(test["file_name"].head(10), 1)]
    labels = ["", *names]
    made = {
        "history": [
            dict.fromkeys(outcomes.HISTORY, 0.5) | {"epoch": n, "size": 160}
            for n in range(1, EPOCHS + 1)
        ],
        "iou": [plain | group for group in groups],
        "scores": [
            dict.fromkeys(outcomes.SCORES, 0.5) | group | {"measure": measure}
            for group in groups
            for measure in MEASURES
        ],
        "costs": [
            dict.fromkeys(outcomes.COSTS, 0.1) | {"tag": one, "images": 60, "tagged": 9}
            for one in tags
        ],
        "confusion": [
            {
                "split": split,
                "truth": one,
                "predicted": other,
                "pixels": 9,
                "share": 1 / len(labels),
            }
            for split in splits
            for one in labels
            for other in labels
        ],
        "calibration": [
            {"split": split, "category": name, "bin_from": n / 15, "bin_to": (n + 1) / 15}
            | {"pixels": 9, "predicted": (n + 0.5) / 15, "observed": (n + 0.5) / 15}
            for split in splits
            for name in names
            for n in range(15)
        ],
        "worst": [
            dict.fromkeys(outcomes.WORST, 0.3) | one | {"split": "test", "tags": tags[0]}
            for one in worst
        ],
        "rivals": [],
        "learning_curve": [],
        "changes": [],
        "restoration": [
            dict.fromkeys(outcomes.RESTORATION, 0.5)
            | {
                "kind": "transplant",
                "tag": "",
                "against": against,
                "metric": metric,
                "images": len(test),
            }
            for against in ("telea", "ns")
            for metric in ("psnr", "ssim", "l1", "seam")
        ],
        "since": [
            dict.fromkeys(tables.SINCE, 0.5)
            | {
                "against": "run",
                "version": "0000000",
                "what": "iou.mean",
                "split": "",
                "file_name": "",
            }
            | {"images": None}
        ],
    }
    schemas = {"learning_curve": outcomes.LEARNING}
    for name, found in made.items():
        schema = (
            schemas.get(name)
            or getattr(outcomes, name.upper(), None)
            or getattr(tables, name.upper())
        )
        store.write_table(reports / f"{name}.csv", schema.frame(found), schema)
    steps = FILLING.frame([{"step": n, "l1": 0.1, "val_l1": 0.1} for n in np.arange(1, 9).tolist()])
    store.write_table(reports / "history_inpaint.csv", steps, FILLING)
