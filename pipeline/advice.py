"""What to do next, from the numbers by rules; a rule that its numbers do not bear out is silent."""

import math

import pandas as pd

from pipeline import overlaps, prose
from pipeline.restorers import Compared
from pipeline.run import Run
from pipeline.words import Words

GOAL = 0.10  # of IoU: an interval this wide tells the first digit
WORTH = 0.005  # of IoU: a problem that costs less is not worth new photos
PATIENCE = 20  # times as many photos are no advice


def steps(say: Words, run: Run, compared: list[Compared]) -> list[str]:
    """Return what to do next, what makes scores untrue first, then what would raise them."""
    found = [
        _dropped(say, run),
        _leaks(say, run),
        _suspects(say, run),
        _interval(say, run),
        _gap(say, run),
        _cost(say, run),
        _rival(say, run),
        _learning(say, run),
        *(_restorer(say, each) for each in compared),
    ]
    return [sentence for sentence in found if sentence] or [say("advice.nothing", worth=WORTH)]


def _dropped(say: Words, run: Run) -> str | None:
    """Annotations that were lost are the dearest mistake: the work was done already."""
    lost = run.issues[(run.issues["action"] == "dropped") & (run.issues["severity"] != "info")]
    return say("advice.dropped", n=len(lost)) if len(lost) else None


def _leaks(say: Words, run: Run) -> str | None:
    return say("advice.leaks", n=len(run.leaks)) if len(run.leaks) else None


def _suspects(say: Words, run: Run) -> str | None:
    count = int(run.suspects["suspect"].sum())
    return say("advice.suspects", n=count) if count else None


def _whole(run: Run) -> tuple[str, dict] | None:
    split = overlaps.judged_split(run.iou)
    row = overlaps.overall(run.iou).get(split) if split else None
    return (split, row) if row and not math.isnan(row["iou"]) else None


def _interval(say: Words, run: Run) -> str | None:
    """An interval narrows with the root of the number of photos."""
    found = _whole(run)
    if found is None or found[0] == "train":
        return None
    split, row = found
    width = row["iou_high"] - row["iou_low"]
    need = math.ceil(row["images"] * (width / GOAL) ** 2)
    if width <= GOAL or need > PATIENCE * row["images"]:
        return None
    more = need - row["images"]
    return say("advice.interval", split=say(f"split.{split}"), n=more, goal=GOAL / 2)


def _gap(say: Words, run: Run) -> str | None:
    found, rows = _whole(run), overlaps.overall(run.iou)
    if found is None or "train" not in rows or found[0] == "train":
        return None
    gap = rows["train"]["iou"] - found[1]["iou"]
    return say("advice.gap", gap=gap) if gap > prose.GAP else None


def _cost(say: Words, run: Run) -> str | None:
    """The dearest problem, of those of photos enough, that costs something for certain."""
    rows = [
        row
        for row in overlaps.prices(run.costs)
        if row["gain_low"] > 0 and row["gain"] >= WORTH and row["tagged"] >= overlaps.ENOUGH
    ]
    if not rows:
        return None
    row = rows[0]
    return say(
        "advice.cost",
        tag=say.known("tag", row["tag"]),
        n=row["tagged"],
        gain=row["gain"],
        low=row["gain_low"],
        high=row["gain_high"],
    )


def _rival(say: Words, run: Run) -> str | None:
    """A ready-made network whose interval lies wholly above ours."""
    rows = run.rivals.dropna(subset="iou")
    ours, others = rows[rows["model"] == "unet"], rows[rows["model"] != "unet"]
    joined = others.merge(ours, on="category", suffixes=("", "_ours"))
    better = joined[joined["iou_low"] > joined["iou_high_ours"]]
    if better.empty:
        return None
    row = better.sort_values(["iou", "model"]).iloc[-1]
    return say("advice.rival", model=say.known("model", row["model"]), iou=row["iou"])


def _learning(say: Words, run: Run) -> str | None:
    """More photos would help if the last step of the curve lies beyond the first one's interval."""
    rows = run.learning
    split = overlaps.judged_split(rows)
    curve = rows[rows["split"] == split].sort_values("images")
    if len(curve) < 2 or pd.isna(curve["iou"]).any():
        return None
    before, last = curve.iloc[-2], curve.iloc[-1]
    rising = last["iou_low"] > before["iou"]
    return say("advice.learning" if rising else "advice.learnt", n=int(last["images"]))


def _restorer(say: Words, each: Compared) -> str | None:
    gain = each.gain()
    if gain is None or math.isnan(gain) or gain > -prose.EVEN:
        return None
    return say("advice.restorer", kind=say.known("kind", each.kind), gain=-gain)
