"""How the ways to restore a photo compare, by kind of hole."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

RESTORING = ("psnr", "ssim", "l1", "lpips")
METHODS = ("deepfill", "telea", "ns", "mean")


@dataclass(frozen=True)
class Compared:
    """Mean restoration scores of one kind of hole, columns ``method, holes`` and ``RESTORING``."""

    kind: str
    rows: pd.DataFrame

    def gain(self) -> float | None:
        """Return PSNR of deepfill above the best simple method, dB; ``None`` if one is absent."""
        psnr = self.rows.set_index("method")["psnr"]
        best = self.best()
        if "deepfill" not in psnr or best is None:
            return None
        return float(psnr["deepfill"] - psnr[best])

    def best(self) -> str | None:
        """Return the simple method of highest PSNR; ``None`` if there is none."""
        simple = self.rows.set_index("method")["psnr"].drop("deepfill", errors="ignore").dropna()
        return None if simple.empty else str(simple.idxmax())


def restorations(restored: pd.DataFrame) -> list[Compared]:
    """Return the mean scores of each kind of hole, methods in the order of ``METHODS``."""
    compared = []
    for kind, rows in restored.groupby("kind", sort=True):
        finite = rows.replace([np.inf, -np.inf], np.nan)
        means = finite.groupby("method")[list(RESTORING)].mean()
        means.insert(0, "holes", rows.groupby("method").size())
        order = [name for name in METHODS if name in means.index]
        order += sorted(set(means.index) - set(METHODS))
        compared.append(Compared(str(kind), means.loc[order].reset_index()))
    return compared


def gains(table: pd.DataFrame) -> list[dict]:
    """Return ``kind``, ``metrics`` and ``rows`` of the comparisons over all images.

    A row has ``against``, ``images`` and ``cells``: a row of ``table`` or ``None`` a metric. The
    mean colour is left out, it is too easy.
    """
    whole = table[(table["tag"] == "") & (table["against"] != "mean")]
    found = []
    for kind, rows in whole.groupby("kind", sort=True):
        metrics = list(dict.fromkeys(rows["metric"]))
        each = {(row["against"], row["metric"]): row for row in rows.to_dict("records")}
        names = rows.groupby("against", sort=False)["images"].max()
        found.append(
            {
                "kind": kind,
                "metrics": metrics,
                "rows": [
                    {"against": name, "images": int(images)}
                    | {"cells": [each.get((name, metric)) for metric in metrics]}
                    for name, images in names.items()
                ],
            }
        )
    return found
