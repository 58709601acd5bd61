"""What changed since the last data and the last run: rows and photos for the report."""

from dataclasses import dataclass, replace

import pandas as pd

from pipeline import ranking
from pipeline.examples import Example, of_kind
from pipeline.run import Run
from pipeline.words import Words

# Metrics told whether or not they changed, with how they are written; the rest if they did.
HEAD = {
    "audit.images": "d",
    "iou.mean": ".3",
    "iou.valid.mean": ".3",
    "iou.train.mean": ".3",
    "iou.boundary": ".3",
    "restore.clean.deepfill.ssim": ".3",
    "restore.clean.deepfill.psnr": ".2",
    "restore.transplant.deepfill.ssim": ".3",
    "restore.remaining.share": "%",
}
SHARES = "audit.tags."  # of photos with a problem
BY_CATEGORY = "iou.category."


@dataclass(frozen=True)
class Beside:
    """This run beside an earlier one.

    Attributes:
        against: ``data`` or ``run``, as in ``tables.SINCE``.
        version: the earlier run's commit.
        rows: ``name, before, after, change, spec`` of each metric that is told.
        paired: rows of ``tables.SINCE``, a split each.
        photos: those that changed most, with their IoU before and after.
    """

    against: str
    version: str
    rows: list[dict]
    paired: list[dict]
    photos: list[Example]


def data(changes: pd.DataFrame, say: Words) -> list[str]:
    """Return how many changes of each kind the data has seen, a phrase a kind."""
    counts = changes["kind"].value_counts(sort=False)
    return [say(f"changed.{kind}", n=int(counts[kind])) for kind in dict.fromkeys(changes["kind"])]


def added(run: Run, count: int) -> list[Example]:
    """Return the first photos that are new in the data."""
    rows = run.changes[run.changes["kind"] == "image_added"]
    photos = ranking.photos(run.dataset, run.measured, [])
    return of_kind(photos.merge(rows[["split", "file_name"]]).head(count), "thumb")


def moved(run: Run) -> list[Example]:
    """Return every photo that ``beside`` shows."""
    photos = ranking.photos(run.dataset, run.measured, [])
    return _photos(photos, run.since[run.since["what"] == "photo"])


def beside(run: Run, say: Words) -> list[Beside]:
    """Return this run beside the last one on other data and the last run, if there are any."""
    photos = ranking.photos(run.dataset, run.measured, [])
    several = len(run.dataset.categories) > 1
    found = []
    for against in ("data", "run"):
        rows = run.since[run.since["against"] == against]
        if rows.empty:
            continue
        told = [_told(row, say, several=several) for row in rows.to_dict("records")]
        paired = rows[rows["what"] == "iou.paired"].to_dict("records")
        changed = rows[rows["what"] == "photo"]
        found.append(
            Beside(
                against,
                rows["version"].iloc[0],
                sorted(filter(None, told), key=lambda row: row["place"]),
                paired,
                _photos(photos, changed),
            )
        )
    return found


def _told(row: dict, say: Words, *, several: bool) -> dict | None:
    """Return a metric's row in words; ``None`` if it is not told."""
    what, change = row["what"], row["change"]
    if row["split"] or pd.isna(change):  # what only one of the runs measured is no change
        return None
    if what in HEAD:
        name, spec = say(f"metric_path.{what.replace('.', '_')}"), HEAD[what]
        place = list(HEAD).index(what)
    elif not change:
        return None
    elif what.startswith(SHARES):
        name = say("changes.share", tag=say.known("tag", what.removeprefix(SHARES)))
        spec, place = "%", len(HEAD)
    elif what.startswith(BY_CATEGORY) and several:
        name, spec, place = f"IoU, {what.removeprefix(BY_CATEGORY)}", ".3", len(HEAD) + 1
    else:
        return None
    told = {key: row[key] for key in ("before", "after", "change")}
    if say.signed(abs(change), spec) == say.signed(1e-12, spec):  # too little to be written
        told["change"] = 0.0
    return told | {"name": name, "spec": spec, "place": place}


def _photos(photos: pd.DataFrame, rows: pd.DataFrame) -> list[Example]:
    joined = rows[["split", "file_name", "before", "after"]].merge(photos, how="inner")
    return [
        replace(example, score=row.after, before=row.before)
        for example, row in zip(of_kind(joined, "outlines"), joined.itertuples(), strict=True)
    ]
