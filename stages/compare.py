"""Table what changed since the last version of the dataset.

The last version is that of the last commit. DVC's rule that the same input gives the same bytes
asks for care, because a commit is no dependency that DVC knows:

- Before new data is committed it is compared with HEAD's, after that with what came before HEAD's:
  the table is the same, so ``dvc repro -f`` leaves ``dvc.lock`` as it is.
- A table that was committed for this very data is taken over as it is. So a clone, whose cache
  lacks the earlier version, comes to the same ``dvc.lock``.
- Where the earlier version is in no cache the table is empty, and the summary says why.
- The table is in git, not in DVC's cache: people read it there, and DVC does not hand out an
  earlier run's table for the same data, which was compared with something else.
- ``validate.previous`` names a folder instead, and then git is not asked. DVC does not watch that
  folder: it is a version that was put aside.
"""

from pathlib import Path

from pipeline import coco, compare, history, params, store
from pipeline.errors import TableError
from pipeline.history import Commit
from pipeline.tables import CHANGES, SPLITS, Dataset, TableParams
from stages import run

FILES = tuple(f"{split}.json" for split in SPLITS)
PARAM = "validate.previous"


def main(valid: Path, changes: Path) -> str:
    """Read both versions, write the table."""
    after = coco.load(valid)
    previous = params.value(compare.Previous, "validate", "previous")
    if previous:
        before, since = coco.load(Path(previous)), previous
    else:
        before, since = _last(valid, changes)
    if isinstance(before, bytes):
        store.put_table(changes, before)
        return f"as committed for this dataset in {since}"
    table = compare.changes(before, after) if before else CHANGES.empty()
    store.write_table(changes, table, CHANGES, params.load(TableParams, "tables").parquet_above)
    if not before:
        return since
    return f"{compare.summary(table)} since {since}{store.as_parquet(changes)}"


def _last(valid: Path, changes: Path) -> tuple[Dataset | bytes | None, str]:
    """Return the last version, or the table that was made of it; and what to call it."""
    for commit in history.commits(Path()):
        if commit.made(valid.as_posix()) is None:
            continue
        short = commit.name[:7]
        files = commit.files(valid.as_posix())
        if files is None:
            return None, f"the dataset of commit {short} is not in DVC's cache: nothing to compare"
        if _same(valid, files):
            table = _committed(commit, valid, changes)
            if table is not None:
                return table, short
            continue
        try:
            said = {split: store.read_json(files[f"{split}.json"]) for split in SPLITS}
            return coco.from_coco(said), short
        except (KeyError, TypeError, ValueError, TableError):
            return None, f"the dataset of commit {short} is of another form: nothing to compare"
    return None, "no earlier dataset to compare with"


def _same(valid: Path, files: dict[str, Path]) -> bool:
    """Return whether a version is the one that lies there now; tables beside it do not count."""
    return all(
        name in files and (valid / name).read_bytes() == files[name].read_bytes() for name in FILES
    )


def _committed(commit: Commit, valid: Path, changes: Path) -> bytes | None:
    """Return the table of a commit, if it was made there of the dataset that is there now."""
    stage, table = commit.stage("compare"), commit.table(changes)
    made = {one.get("path"): one.get("md5") for one in stage.get("deps", [])}
    told = {one.get("path"): one.get("md5") for one in stage.get("outs", [])}
    chosen = stage.get("params", {}).get("params.yaml", {})
    if table is None or made.get(valid.as_posix()) != commit.made(valid.as_posix()):
        return None
    content, digest = table
    whole = told.get(changes.as_posix()) == digest
    return content if whole and chosen.get(PARAM, "") is None else None


if __name__ == "__main__":
    run(main)
