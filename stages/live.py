"""Learning curves as they grow: a bar on the terminal and DVCLive's files for ``dvc plots``."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from dvclive import Live
from scmrepo.exceptions import SCMError
from tqdm import tqdm

from pipeline.errors import TrainingError


class Curve(NamedTuple):
    """Which columns of the rows are followed.

    Attributes:
        unit: what a row is, on the bar.
        total: how many rows there will be.
        step: the column that counts.
        logged: the columns to log; a value that is NaN is left out.
        shown: those that the bar shows.
    """

    unit: str
    total: int
    step: str
    logged: tuple[str, ...]
    shown: tuple[str, ...]


def follow(rows: Iterator[dict], curve: Curve, folder: Path) -> list[dict]:
    """Log each row as it comes and return them all.

    Raises:
        TrainingError: the project's git repository has no commit, which DVCLive asks for.
    """
    done = []
    bar = tqdm(rows, "train", curve.total, unit=curve.unit, disable=None, leave=False)
    with _open(folder) as log:
        for row in bar:
            done.append(row)
            bar.set_postfix({name: f"{row[name]:.3f}" for name in curve.shown})
            log.step = row[curve.step]
            for name in curve.logged:
                if not math.isnan(row[name]):
                    log.log_metric(name, row[name])
            log.make_summary()
    return done


def _open(folder: Path) -> Live:
    try:
        return Live(str(folder), save_dvc_exp=False, dvcyaml=None, report=None)
    except SCMError as error:
        raise TrainingError(
            "this git repository has no commit yet, and DVCLive logs beside one; "
            "run: git add -A && git commit -m start"
        ) from error
