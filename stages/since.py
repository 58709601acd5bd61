"""Set this run's scores beside those of the last one, and of the last one on other data.

Earlier runs are those that git's commits tell of: their ``metrics.json`` is in git, their counts of
pixels in DVC's cache. A commit is no dependency that DVC knows, so the table follows the rules of
``stages.compare``: what was committed for these very results is taken over as it is, and the same
results are set beside the same earlier run before and after they are committed.
"""

from collections.abc import Iterator
from hashlib import md5  # DVC's own digest
from pathlib import Path

import msgspec
import pandas as pd

from pipeline import history, params, since, store
from pipeline.errors import ParamsError, TableError
from pipeline.history import Commit
from pipeline.outcomes import COUNTS
from pipeline.since import SinceParams
from pipeline.tables import SINCE
from stages import run

PARAM = "since.previous"


def main(valid: Path, metrics: Path, counts: Path, out: Path) -> str:
    """Read this run's scores and the earlier ones, write the table."""
    settings = params.load(SinceParams, "since")
    found = list(_named(settings) if settings.previous else _earlier(valid, metrics, counts, out))
    if found and isinstance(found[0], bytes):
        store.write_bytes(out, found[0])
        return "as committed for these results"
    parts = [_beside(against, commit, metrics, counts, settings) for against, commit in found]
    table = pd.concat(parts, ignore_index=True) if parts else SINCE.empty()
    store.write_table(out, table, SINCE)
    said = [f"{commit.name[:7]} ({against})" for against, commit in found]
    return f"beside {', '.join(said)}" if said else "no earlier run to set this one beside"


def _named(settings: SinceParams) -> Iterator[tuple[str, Commit]]:
    commit = history.named(Path(), settings.previous)
    if commit is None:
        raise ParamsError(
            f"{PARAM}: git knows no commit, tag or experiment {settings.previous!r}; "
            "dvc exp list names the experiments, null takes the last committed run"
        )
    yield "run", commit


def _earlier(
    valid: Path, metrics: Path, counts: Path, out: Path
) -> Iterator[tuple[str, Commit] | bytes]:
    """Yield the last run with other results and the last one on other data.

    They may be one, which then is told as of other data; or the table that was committed.
    """
    now, data = store.read_picture(metrics), history.digest(valid)
    last = None
    for commit in history.commits(Path()):
        said = commit.read(metrics)
        if said is None:
            continue
        if said == now:
            table = None if last else _committed(commit, metrics, counts, out)
            if table is not None:
                yield table
                return
            continue
        last = last or commit
        if commit.made(valid.as_posix()) not in (None, data):
            if commit is not last:
                yield "run", last
            yield "data", commit
            return
    if last:
        yield "run", last


def _committed(commit: Commit, metrics: Path, counts: Path, out: Path) -> bytes | None:
    """Return the table of a commit, if it was made there of the results that are there now."""
    stage, table = commit.stage("since"), commit.read(out)
    made = {one.get("path"): one.get("md5") for one in stage.get("deps", [])}
    told = {one.get("path"): one.get("md5") for one in stage.get("outs", [])}
    chosen = stage.get("params", {}).get("params.yaml", {})
    same = all(made.get(path.as_posix()) == history.digest(path) for path in (metrics, counts))
    if table is None or not same or told.get(out.as_posix()) != md5(table).hexdigest():
        return None
    return table if chosen.get("since", {}).get("previous", "") is None else None


def _beside(
    against: str, commit: Commit, metrics: Path, counts: Path, settings: SinceParams
) -> pd.DataFrame:
    """Return the rows of one earlier run; where its counts are in no cache, its scores alone."""
    try:
        before = msgspec.json.decode(commit.read(metrics) or b"{}", type=dict)
    except msgspec.DecodeError as error:
        raise TableError(f"{metrics} of commit {commit.name[:7]}: {error}") from error
    rows = since.metrics(before, store.read_json(metrics, dict))
    cached = commit.file(counts.as_posix())
    if cached is not None:
        old, new = (store.read_table(path, COUNTS) for path in (cached, counts))
        resamples, seed = (params.value(int, "evaluate", key) for key in ("resamples", "seed"))
        confidence = params.value(float, "evaluate", "confidence")
        rows += since.paired(old, new, resamples, confidence, seed)
        rows += since.photos(old, new, settings.photos)
    return since.table(against, commit.name[:7], rows)


if __name__ == "__main__":
    run(main)
