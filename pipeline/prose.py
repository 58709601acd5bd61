"""Sentences written from the numbers by rules; each says only what its numbers bear out."""

import pandas as pd

from pipeline import overlaps
from pipeline.restorers import Compared
from pipeline.words import Words

WIDE = 0.10  # of IoU: an interval wider than this leaves the score's first digit open
GAP = 0.05  # of IoU between train and judged split, above which a network has learnt by heart
FEW = 30  # images below which a mean of them is hardly more than anecdote
SAMPLE = "data/sample"  # pull.export of the built-in sample, which the first stage draws
EVEN = 0.25  # dB: a difference in PSNR smaller than this cannot be seen


def summary(words: Words, counts: dict[str, int], severe: dict[str, int]) -> str:
    """Return the sentence under the title; ``counts`` has ``images, annotations, categories``."""
    parts = [words(f"summary.{name}", n=counts[name]) for name in ("images", "annotations")]
    if counts["categories"] > 1:
        parts[1] = words("summary.categories", objects=parts[1], n=counts["categories"])
    faults, notes = severe["error"] + severe["warning"], severe["info"]
    key = "issues" if faults else "notes" if notes else "no_issues"
    found = words(f"summary.{key}", n=faults or notes)
    return words("summary.sentence", parts=words.join(parts), issues=found)


def segmentation(words: Words, iou: pd.DataFrame) -> list[str]:
    """Return what the scores say: the judged split's IoU, and which problems lower it."""
    split = overlaps.judged_split(iou)
    whole = overlaps.overall(iou).get(split) if split else None
    if whole is None:
        return [words("verdict.no_iou")]
    says = [words("verdict.iou", split=words(f"split.{split}"), n=whole["images"], **_range(whole))]
    costly, scarce = overlaps.costly(iou, split)
    if costly:
        says.append(words("verdict.cost", tags=_named(words, "verdict.cost_one", costly)))
    elif (overlaps.costs(iou, split)["images"] >= overlaps.ENOUGH).any():
        says.append(words("verdict.no_cost", few=overlaps.ENOUGH))
    if scarce:
        named = _named(words, "verdict.scarce_one", scarce)
        says.append(words("verdict.scarce", tags=named, few=overlaps.ENOUGH))
    return says


def _named(words: Words, key: str, rows: list[dict]) -> str:
    return words.join(
        [
            words(key, tag=words.known("tag", row["tag"]), n=row["images"], **_range(row))
            for row in rows
        ]
    )


def problems(words: Words, rows: list[dict]) -> str:
    """Return which problem is commonest, or that none was found."""
    found = [row for row in rows if row["images"]]
    if not found:
        return words("verdict.no_problem")
    most = max(found, key=lambda row: row["share"])
    name = words.known("tag", most["tag"])
    return words("verdict.problem", tag=name, share=most["share"], n=most["images"])


def restoration(words: Words, compared: list[Compared], gains: pd.DataFrame) -> list[str]:
    """Return how the trained restorer does against the best simple method, a sentence a kind.

    Args:
        words: the language.
        compared: as ``restorers.restorations`` gives it.
        gains: columns as ``outcomes.RESTORATION``, of the same run: what the verdict rests on.
    """
    if not compared:
        return [words("verdict.no_restoration")]
    return [said for each in compared if (said := _restored(words, each, gains))]


def _restored(words: Words, each: Compared, gains: pd.DataFrame) -> str | None:
    same = (gains["kind"] == each.kind) & (gains["against"] == each.best())
    found = gains[same & (gains["metric"] == "psnr") & (gains["tag"] == "")]
    if found.empty:
        return None
    row = found.iloc[0]
    kind, method = words.known("kind", each.kind), words.known("method", row["against"])
    if row["images"] < overlaps.ENOUGH:
        return words("verdict.restored_few", kind=kind, n=row["images"])
    low, high = row["gain_low"], row["gain_high"]
    side = "better" if low > 0 else "worse" if high < 0 else "open"
    side = "even" if abs(row["gain"]) < EVEN else side
    sign = -1 if side == "worse" else 1
    ends = sorted((sign * low, sign * high))
    return words(
        f"verdict.restored_{side}",
        kind=kind,
        method=method,
        n=row["images"],
        gain=sign * row["gain"],
        low=ends[0],
        high=ends[1],
    )


def limits(
    words: Words, iou: pd.DataFrame, compared: list[Compared], parameters: dict[str, object]
) -> list[str]:
    """Return what a reader must not conclude from this run, worst first.

    Args:
        words: the language.
        iou: columns as ``outcomes.IOU``.
        compared: as ``restorers.restorations`` gives it.
        parameters: of the run, by their whole names; those not known make no sentence.
    """
    says = _source_limits(words, parameters)
    says += [*_score_limits(words, iou), *_category_limits(words, iou)]
    for each in compared:
        gain = each.gain()
        if gain is not None and gain < EVEN:
            says.append(words("limits.restorer", kind=words.known("kind", each.kind)))
    if {each.kind for each in compared} == {"transplant"}:
        says.append(words("limits.transplant"))
    return [*says, words("limits.tags"), words("limits.truth")]


def _source_limits(words: Words, parameters: dict[str, object]) -> list[str]:
    """Return what the scores owe to where the photos and the first weights come from."""
    drawn = parameters.get("pull.export") == SAMPLE
    begun = parameters.get("unet.init") == "embedded" and parameters.get("unet.preset") != "seed"
    says = [words("limits.sample")] if drawn else []
    if begun:
        says.append(words("limits.begun_sample" if drawn else "limits.begun"))
    return says


def _score_limits(words: Words, iou: pd.DataFrame) -> list[str]:
    rows = overlaps.overall(iou)
    split = overlaps.judged_split(iou)
    if split is None or split not in rows:
        return [words("limits.no_scores")]
    whole, says = rows[split], []
    if split == "train":
        says.append(words("limits.only_train"))
    elif "train" in rows and rows["train"]["iou"] - whole["iou"] > GAP:
        gap = rows["train"]["iou"] - whole["iou"]
        says.append(words("limits.gap", gap=gap, split=words(f"split.{split}")))
    if whole["images"] < FEW or whole["iou_high"] - whole["iou_low"] > WIDE:
        says.append(
            words("limits.wide", n=whole["images"], split=words(f"split.{split}"), **_range(whole))
        )
    return says


def _category_limits(words: Words, iou: pd.DataFrame) -> list[str]:
    split = overlaps.judged_split(iou)
    rows = overlaps.categories(iou)
    rows = rows[rows["split"] == split]
    if len(rows) < 2:
        return []
    rare = rows.loc[rows["images"] < FEW / 3, "category"].tolist()
    if not rare:
        return []
    return [words("limits.rare", names=words.join(rare[:8]), n=len(rare), below=FEW // 3)]


def _range(row: dict) -> dict[str, float]:
    return {"iou": row["iou"], "low": row["iou_low"], "high": row["iou_high"]}
