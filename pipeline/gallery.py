"""Show every photo with what came of it: truth, prediction, difference, restoration, doubts.

The page of ``browse`` once more, after the networks: its small pictures are shown again, and a
photo's own file is shown large where it still lies beside the page.
"""

from dataclasses import dataclass

import pandas as pd

from pipeline import overlays, parallel, ranking, restorers, tables, thumbs, wall, words
from pipeline.page import render
from pipeline.parallel import ComputeParams
from pipeline.run import Run
from pipeline.words import Words

SCRIPTS = ("wall", "address", "judge", "photo", "outcome", "begin")  # of the page, in this order
SAID = (  # texts that only this page's scripts name
    "all_categories", "all_labels", "any_suspect", "sort_low", "sort_high", "over_predicted",
    "over_difference", "view_predicted", "view_difference", "view_restored", "only_truth",
    "only_predicted", "mistaken", "iou", "edge", "missed", "invented", "not_scored", "doubts",
    "doubt", "own_judge", "restoration", "remains", "alt_before", "alt_after", "suspect_badge",
    "slider", "no_problem",
)  # fmt: skip
KINDS = ("missing", "extra", "category", "boundary")  # of outcomes.SUSPECTS
METHOD = "deepfill"


@dataclass(frozen=True)
class Beside:
    """Where the page finds what others have written.

    Attributes:
        thumbs: address of the folder of small pictures, from the page.
        drawn: names of the small pictures there are.
    """

    thumbs: str
    drawn: frozenset[str]


def page(
    run: Run,
    setting: wall.Setting,
    drawer: overlays.Drawer,
    compute: ComputeParams,
    beside: Beside,
) -> str:
    """Draw what lies over the photos and return the page that shows them.

    Args:
        run: tables of a whole run.
        setting: limits, language and neighbours of the page.
        drawer: where the pictures lie, and the page.
        compute: where to draw.
        beside: where the page finds what others have written.
    """
    images = tables.ordered(run.dataset.images).reset_index(drop=True)
    plan = [
        overlays.Photo(
            thumbs.asset(row.split, row.path).removesuffix(".jpg"),
            row.path,
            row.split,
            row.stem,
            (row.width, row.height),
        )
        for row in images.itertuples()
    ]
    made = parallel.each(drawer, plan, compute, "drawing", threads=True)
    doubted = set(run.suspects.loc[run.suspects["suspect"], "kind"])
    data = wall.wall(run, setting.limits)
    data |= {
        "folder": beside.thumbs,
        "raw": setting.raw._asdict(),
        "single": drawer.single,
        "kinds": [kind for kind in KINDS if kind in doubted],
    }
    data["photos"] |= {
        "broken": [row for row, one in enumerate(plan) if f"{one.name}.jpg" not in beside.drawn],
        "bare": [row for row, one in enumerate(made) if not one.bands],
        "pair": [row for row, one in enumerate(made) if one.pair],
        **_scores(images, run),
        "doubts": _doubts(images, run, data["kinds"]),
        "restored": _restored(images, run),
    }
    contexts = [
        {"t": say, "words": _words(run, say, data["kinds"]), "pages": setting.pages}
        | {"scored": len(run.counts) > 0, "photos": len(images)}
        for say in words.both(setting.language)
    ]
    return render("gallery.html", contexts, extras=SCRIPTS, data=data)


def _words(run: Run, say: Words, kinds: list[str]) -> dict[str, object]:
    said = wall.words(run, say, (*wall.SAID, *SAID))
    restored = run.restored[run.restored["method"] == METHOD]
    return said | {
        "kinds": [say.known("suspect", kind) for kind in kinds],
        "holes": {kind: say.known("kind_title", kind) for kind in sorted(set(restored["kind"]))},
    }


def _scores(images: pd.DataFrame, run: Run) -> dict[str, list[float | None]]:
    """Return of each photo IoU and boundary IoU, mean over labels, and shares missed, invented."""
    photos = ranking.photos(run.dataset, run.measured, [])
    each = ranking.scored(photos, run.counts)
    keys = ["split", "file_name"]
    sums = run.counts.groupby(keys, sort=False)[["tp", "fp", "fn"]].sum().reset_index()
    edges = run.counts[run.counts["edge_either"] > 0]
    edges = edges.assign(edge=edges["edge_shared"] / edges["edge_either"])
    edge = edges.groupby(keys, sort=False)["edge"].mean().reset_index()
    joined = images[keys].merge(each[[*keys, "iou"]].drop_duplicates(keys), on=keys, how="left")
    joined = joined.merge(sums, on=keys, how="left").merge(edge, on=keys, how="left")
    truth, drawn = joined["tp"] + joined["fn"], joined["tp"] + joined["fp"]
    return {
        "iou": wall.plain(joined["iou"]),
        "edge": wall.plain(joined["edge"]),
        "missed": wall.plain(joined["fn"] / truth.where(truth > 0)),
        "invented": wall.plain(joined["fp"] / drawn.where(drawn > 0)),
    }


def _doubts(images: pd.DataFrame, run: Run, kinds: list[str]) -> list[list[list]]:
    """Return each photo's suspect labels: kind by place, score, usual, held out, and the box."""
    rows = wall.placed(images, "split")
    found = run.suspects[run.suspects["suspect"] & run.suspects["kind"].isin(kinds)]
    each: list[list[list]] = [[] for _ in range(len(images))]
    for one in found.itertuples():
        if (row := rows.get((one.split, one.file_name))) is not None:
            box = [int(edge) for edge in (one.left, one.top, one.right, one.bottom)]
            scores = [round(float(one.score), 3), round(float(one.expected), 3)]
            each[row].append([kinds.index(one.kind), *scores, int(one.held_out), *box])
    return each


def _restored(images: pd.DataFrame, run: Run) -> dict[str, dict[str, object]]:
    """Return how each restored photo scored, by row: a list a kind of hole, and what remained."""
    rows = wall.placed(images, "split")
    scores: dict[str, dict[str, object]] = {}
    ours = run.restored[run.restored["method"] == METHOD]
    values = [wall.plain(ours[name]) for name in restorers.RESTORING]
    for name, kind, *measured in zip(ours["file_name"], ours["kind"], *values, strict=True):
        if (row := rows.get(("test", name))) is not None:
            scores.setdefault(str(row), {"holes": []})["holes"].append([kind, *measured])
    for one in run.remains.itertuples():
        if (row := rows.get(("test", one.file_name))) is not None:
            said = scores.setdefault(str(row), {"holes": []})
            said["remains"] = [int(one.before), int(one.after)]
    return scores
