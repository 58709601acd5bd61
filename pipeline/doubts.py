"""Labels that a trained network doubts, as one more tag of their photos: ``suspect_label``.

The tag stage cannot know it: training reads what that stage chose. So it is joined to the table of
measurements where both are there.
"""

import pandas as pd

from pipeline.outcomes import SUSPECTS
from pipeline.rules import SUSPECT_LABEL, Rule
from pipeline.tables import SPLITS, TAGS

DOUBT = "doubt"  # the measurement: the largest excess of the photo's labels
WHOLE = "image"  # the kind of the rows that are no label


def rule(above: float) -> Rule:
    """Return the tag's rule; ``above`` is ``suspect.above`` of the run that judged."""
    return Rule(lambda of: of[DOUBT], "doubt_above", fixed=above, named="suspect.above")


def joined(measured: pd.DataFrame, suspects: pd.DataFrame) -> pd.DataFrame:
    """Return the measurements with the columns ``doubt`` and ``suspect_label`` after them.

    Args:
        measured: ``split`` and ``file_name`` of each photo, and more.
        suspects: columns as ``outcomes.SUSPECTS``; without rows nothing is known, nothing joined.

    Returns:
        ``doubt`` is the largest excess of the photo's labels and of what has none, 0..1; NaN of a
        photo that was not judged, which has no suspect label either.
    """
    rows = SUSPECTS.check(suspects, "suspects")
    if rows.empty:
        return measured
    keys = ["split", "file_name"]
    labels = rows[rows["kind"] != WHOLE].groupby(keys)
    judged = pd.MultiIndex.from_frame(rows[keys].drop_duplicates())
    worst = labels["excess"].max().reindex(judged, fill_value=0.0)
    wrong = labels["suspect"].any().reindex(judged, fill_value=False)
    photos = pd.MultiIndex.from_frame(measured[keys])
    return measured.assign(
        **{
            DOUBT: worst.reindex(photos).to_numpy(float),
            SUSPECT_LABEL: wrong.reindex(photos, fill_value=False).to_numpy(bool),
        }
    )


def counted(tags: pd.DataFrame, measured: pd.DataFrame) -> pd.DataFrame:
    """Return ``tables.TAGS`` with the row of ``suspect_label``, if ``measured`` has it."""
    if SUSPECT_LABEL not in measured:
        return tags
    found = measured.loc[measured[SUSPECT_LABEL], "split"]
    row = {"tag": SUSPECT_LABEL, "images": len(found), "share": len(found) / max(len(measured), 1)}
    row |= {split: int((found == split).sum()) for split in SPLITS}
    return TAGS.check(pd.concat([tags, TAGS.frame([row])], ignore_index=True), "tags")
