"""Fetch the export; what lies in data/raw afterwards is never edited."""

import os
from functools import partial
from pathlib import Path

from tqdm import tqdm

from pipeline import params, pull, roboflow_pin
from stages import run


def main(export: Path, raw: Path, truth: Path) -> str:
    """Fetch the export into ``raw``, and the truth beside it, if there is any, into ``truth``.

    The key for a ``*.roboflow.yaml`` pin comes from the environment alone, because DVC writes
    parameters and commands into its lock file.
    """
    limits = params.load(pull.PullParams, "pull")
    with tqdm(
        desc="downloading", unit="B", unit_scale=True, disable=None, leave=False, delay=0.5
    ) as bar:
        account = roboflow_pin.Account(os.environ.get("ROBOFLOW_API_KEY"), partial(_show, bar))
        pulled = pull.pull(export, raw, truth, limits, account)
    counts = {split.name: len(split.files) for split in pulled.splits}
    splits = ", ".join(f"{name} {count}" for name, count in counts.items())
    without = f", {len(pulled.left_out)} without annotations left out" if pulled.left_out else ""
    return f"{sum(counts.values())} pictures ({splits}{without}) from {export}"


def _show(bar: tqdm, done: int, total: int | None) -> None:
    bar.total = total
    bar.update(done - bar.n)


if __name__ == "__main__":
    run(main)
