"""How often is a tag right? Precision, recall and F1 of each tag against known answers.

Answers are a table of ``file_name``, ``split`` if names repeat, and a column a tag: 1, 0 or empty.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from pipeline import store
from pipeline.columns import Columns
from pipeline.errors import FormError, TableError
from pipeline.rules import RULES
from pipeline.tables import TAG_ACCURACY

ANSWERS = Columns({"file_name": ("str", "the picture's name")})
YES = {"1", "1.0", "true", "yes"}
NO = {"0", "0.0", "false", "no"}
Z = 1.96  # of the normal distribution, two-sided 95 %
ENDS = (0.025, 0.975)
ROUNDS = 2000  # of the bootstrap; the ends of an interval then stand to two digits


def read(path: Path) -> pd.DataFrame:
    """Read answers: ``split`` (empty if unknown), ``file_name``, and a ``boolean`` column a tag.

    Args:
        path: a CSV, or a folder that may hold one as ``tags.csv``; without one nothing is known.

    Raises:
        TableError: the file is missing, has no ``file_name``, no tag, an answer that is none, or
            two rows about one image.
    """
    if path.is_dir():
        path = path / "tags.csv"
        if not path.exists():
            return pd.DataFrame({"split": [], "file_name": []}, dtype="str")
    try:
        frame = store.read_table(path, ANSWERS)
    except (FormError, OSError) as error:
        why = error.__cause__ or error  # the cure is another one: people write this table
        raise TableError(f"{path} is no CSV of answers: {why}; see README: Tables") from error
    tags = [name for name in RULES if name in frame]
    if not tags:
        raise TableError(f"{path} answers for no tag; give it columns of {', '.join(RULES)}")
    split = frame["split"].astype("object").fillna("").astype("str") if "split" in frame else ""
    answers = {tag: _answers(frame[tag], tag, path) for tag in tags}
    frame = frame[["file_name"]].assign(split=split, **answers)
    if len(twice := frame[frame.duplicated(["split", "file_name"])]):
        name = twice["file_name"].iloc[0]
        raise TableError(f"{path} answers for {name!r} more than once; keep one row")
    return frame


def compare(tagged: pd.DataFrame, answers: pd.DataFrame) -> pd.DataFrame:
    """Score every tag that has answers; images without one are left out of that tag.

    Args:
        tagged: columns as ``tables.MEASURED``, then one boolean column a tag.
        answers: as ``read`` gives them.

    Returns:
        Columns as ``tables.TAG_ACCURACY``, tags in the order of ``rules.RULES``.
    """
    known = matched(tagged, answers)
    rows = []
    for tag in (name for name in RULES if name in answers and name in tagged):
        told = known[tag].notna().to_numpy()
        if told.any():
            truth = known.loc[told, tag].to_numpy(bool)
            rows.append({"tag": tag} | score(tagged.loc[told, tag].to_numpy(bool), truth))
    return TAG_ACCURACY.frame(rows)


def summary(table: pd.DataFrame, tagged: pd.DataFrame, answers: pd.DataFrame) -> str:
    """Return one line: F1 of each tag, and how many answers are about no image.

    Args:
        table: as ``compare`` gives it.
        tagged: as of ``compare``.
        answers: as of ``compare``.
    """
    known = table.dropna(subset="f1")
    said = ", ".join(f"{row.tag} {row.f1:.2f}" for row in known.itertuples())
    lost = len(answers) - int(answers["file_name"].isin(tagged["file_name"]).sum())
    about = f"; {lost} of {len(answers)} known answers are about no image here" if lost else ""
    return f"F1 against known answers: {said or 'none'}{about}"


def matched(tagged: pd.DataFrame, answers: pd.DataFrame) -> pd.DataFrame:
    """Return the answers of each image of ``tagged``, indexed as it; NA where there is none.

    An answer is that of the same split and file name, or, because splits may have been made anew,
    of a file name that occurs once on either side.
    """
    tags = [tag for tag in RULES if tag in answers]
    keys = ["split", "file_name"]
    exact = answers.drop_duplicates(keys).set_index(keys)[tags]
    found = exact.reindex(pd.MultiIndex.from_frame(tagged[keys])).set_axis(tagged.index)
    single = answers[~answers.duplicated("file_name", keep=False)].set_index("file_name")[tags]
    alone = ~tagged.duplicated("file_name", keep=False)
    by_name = single.reindex(tagged["file_name"]).set_axis(tagged.index)
    return found.where(found.notna() | ~alone.to_numpy()[:, None], by_name)


def score(found: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    """Return one row of ``tables.TAG_ACCURACY`` but its tag.

    Args:
        found: ``(N,)`` bool, what was tagged.
        truth: ``(N,)`` bool, what is so.
    """
    hits, said, so = int((found & truth).sum()), int(found.sum()), int(truth.sum())
    rest = len(truth) - said - so + hits
    row = {"images": len(truth), "truth": so, "found": said, "hits": hits}
    row |= _named("precision", _ratio(hits, said), wilson(hits, said))
    row |= _named("recall", _ratio(hits, so), wilson(hits, so))
    ends = bootstrap(hits, said - hits, so - hits, rest)
    return row | _named("f1", _ratio(2 * hits, said + so), ends)


def f1(found: np.ndarray, truth: np.ndarray) -> float:
    """Return F1 of two ``(N,)`` bool; NaN where neither holds one."""
    return _ratio(2 * int((found & truth).sum()), int(found.sum()) + int(truth.sum()))


def wilson(hits: int, of: int) -> tuple[float, float]:
    """Return the 95 % interval of a proportion; all of 0..1 when nothing was counted.

    Source:
        Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22,
        1927, https://doi.org/10.1080/01621459.1927.10502953
    """
    if not of:
        return 0.0, 1.0
    share, weight = hits / of, Z**2 / of
    middle = (share + weight / 2) / (1 + weight)
    width = Z * np.sqrt(share * (1 - share) / of + weight / of / 4) / (1 + weight)
    return max(0.0, float(middle - width)), min(1.0, float(middle + width))


def bootstrap(tp: int, fp: int, fn: int, tn: int) -> tuple[float, float]:
    """Return the 95 % percentile interval of F1 over images drawn again; NaN where there is none.

    Only how often each of the four cases is drawn matters, so the cases are drawn, not the images.

    Source:
        Efron and Tibshirani, "An introduction to the bootstrap", 1993, section 13.3.
    """
    counts = np.array([tp, fp, fn, tn])
    if not counts[:3].sum():
        return float("nan"), float("nan")
    rng = np.random.default_rng(0)
    drawn = rng.multinomial(counts.sum(), counts / counts.sum(), size=ROUNDS).astype(float)
    whole = 2 * drawn[:, 0] + drawn[:, 1] + drawn[:, 2]
    scores = 2 * drawn[whole > 0, 0] / whole[whole > 0]
    low, high = np.quantile(scores, ENDS).tolist()
    return low, high


def _answers(column: pd.Series, tag: str, path: Path) -> pd.Series:
    text = column.astype("str").str.strip().str.lower()
    known = column.notna() & (text != "")
    wrong = text[known & ~text.isin(YES | NO)]
    if len(wrong):
        raise TableError(f"{path}: {tag} is {wrong.iloc[0]!r} in a row; write 1, 0 or nothing")
    return text.isin(YES).astype("boolean").mask(~known)


def _named(name: str, value: float, ends: tuple[float, float]) -> dict[str, float]:
    return {name: value, f"{name}_low": ends[0], f"{name}_high": ends[1]}


def _ratio(part: int, whole: int) -> float:
    return part / whole if whole else float("nan")
