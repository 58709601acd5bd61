"""Which photos the page shows: chosen by rule, never by eye."""

from dataclasses import dataclass, replace
from typing import Annotated

import msgspec
import pandas as pd

from pipeline import findings, overlaps, ranking, words
from pipeline.params import Params
from pipeline.pictures import Shot
from pipeline.run import Run

RIVALS = {"deeplabv3_resnet101": "deeplab", "selfie": "selfie"}  # model -> kind of picture
STRIP = 3  # rows of the opening figure: it is to be taken in at one glance


class ReportParams(Params):
    """What the page shows, and in which language."""

    language: words.Language
    gallery: Annotated[int, msgspec.Meta(ge=1, le=60)]  # photos shown a problem
    examples: Annotated[int, msgspec.Meta(ge=1, le=20)]  # photos each of best, median, worst
    restored: Annotated[int, msgspec.Meta(ge=0, le=40)]  # before-and-after pairs
    sheet: Annotated[int, msgspec.Meta(ge=0, le=100)]  # photos of restored.jpg
    small: Annotated[int, msgspec.Meta(ge=64, le=2000)]  # pixels, longer side of most pictures
    large: Annotated[int, msgspec.Meta(ge=64, le=4000)]  # pixels, longer side of before and after


@dataclass(frozen=True)
class Example:
    """Pictures of one photo, side by side, its score if it has one, and what is noted of it.

    ``before`` is its score in an earlier run.
    """

    shots: tuple[Shot, ...]
    score: float | None = None
    before: float | None = None
    notes: tuple[str, ...] = ()

    @property
    def file_name(self) -> str:
        """Return the photo's own name; any text."""
        return self.shots[0].file_name


@dataclass(frozen=True)
class Choice:
    """Which photos the page shows; each group in reading order.

    Attributes:
        strip: photo, truth, prediction, restored.
        modest: the strip's objects cover at most ``ranking.MODEST`` of their photos.
        problems: by tag, one photo an example.
        predictions: by best, median and worst: both outlines.
        doubted: photos with suspect labels, the worst first: both outlines.
        restored: before and after.
        removed: photo, what was removed, restored.
        proof: photo, transplanted hole, filled hole.
        rivals: truth, prediction, and what each ready-made network that was run drew.
        sheet: photo, what was removed, restored; for a picture of its own beside the page.
    """

    strip: list[Example]
    modest: bool
    problems: dict[str, list[Example]]
    predictions: dict[str, list[Example]]
    doubted: list[Example]
    restored: list[Example]
    removed: list[Example]
    proof: list[Example]
    rivals: list[Example]
    sheet: list[Example]

    def shots(self) -> list[Shot]:
        """Return every picture to draw, once, sorted."""
        groups = [*self.problems.values(), *self.predictions.values()]
        groups += [self.doubted, self.strip, self.restored, self.removed, self.proof, self.rivals]
        found = {shot for group in groups for example in group for shot in example.shots}
        return sorted(found, key=lambda shot: (shot.asset, shot.path))


def choose(run: Run, settings: ReportParams) -> Choice:
    """Choose the photos to show by rule, never by eye: see the captions of each group."""
    photos = ranking.photos(run.dataset, run.measured, run.tags["tag"].tolist())
    ranked = ranking.scored(photos, run.counts)
    judged = overlaps.judged_split(ranked)
    ranked = ranked[ranked["split"] == judged]
    strip, modest = _strip(ranked, run.refilled)
    shown = min(STRIP, settings.restored)
    thirds = ranking.best_median_worst(ranked, settings.examples)
    return Choice(
        strip=strip,
        modest=modest,
        problems={
            tag: of_kind(photos[photos[tag]].head(settings.gallery), "thumb")
            for tag in run.tags["tag"]
        },
        predictions={name: of_kind(rows, "outlines") for name, rows in thirds.items()},
        doubted=_doubted(photos, run.suspects, settings.gallery),
        restored=_restored(photos, ranked, run.refilled, settings.restored, "before", "after"),
        removed=_restored(photos, ranked, run.refilled, shown, "photo", "removed", "filled"),
        proof=_proof(run, photos),
        rivals=_rivals(run, ranked, settings.examples),
        sheet=_restored(photos, ranked, run.refilled, settings.sheet, "photo", "removed", "filled"),
    )


def _strip(ranked: pd.DataFrame, refilled: frozenset[str]) -> tuple[list[Example], bool]:
    """Return the opening figure's rows, and whether they are of modest objects only."""
    modest = ranked[(ranked["share"] > 0) & (ranked["share"] <= ranking.MODEST)]
    ready = ranked["stem"].isin(refilled) & (ranked["split"] == "test")
    groups = (modest[ready.loc[modest.index]], ranked[ready], modest, ranked)
    place = next((place for place, rows in enumerate(groups) if len(rows)), 3)
    kinds = ["photo", "truth", "predicted", *(["filled"] if place < 2 else [])]
    return of_kind(groups[place].iloc[::-1].head(STRIP), *kinds), place % 2 == 0


def _doubted(photos: pd.DataFrame, suspects: pd.DataFrame, count: int) -> list[Example]:
    rows = findings.doubted(suspects).merge(photos, on=["split", "file_name"]).head(count)
    examples = of_kind(rows, "outlines")
    return [
        replace(example, notes=tuple(kinds))
        for example, kinds in zip(examples, rows["kinds"], strict=True)
    ]


def _restored(
    photos: pd.DataFrame, ranked: pd.DataFrame, refilled: frozenset[str], count: int, *kinds: str
) -> list[Example]:
    test = ranked[ranked["split"] == "test"]
    rows = test if len(test) else photos[photos["split"] == "test"].assign(iou=None)
    rows = rows[rows["stem"].isin(refilled)]
    if "removed" in rows:
        rows = rows[rows["removed"] >= ranking.SEEN]
    return of_kind(ranking.spread(rows.iloc[::-1], count), *kinds)


def _rivals(run: Run, ranked: pd.DataFrame, count: int) -> list[Example]:
    """Return photos evenly spaced from the best to the worst of ours, if others were run."""
    others = set(run.rivals.loc[run.rivals["iou"].notna(), "model"])
    kinds = [kind for model, kind in RIVALS.items() if model in others]
    if not kinds:
        return []
    test = ranked[ranked["split"] == "test"]
    return of_kind(ranking.spread(test.iloc[::-1], count), "truth", "predicted", *kinds)


def _proof(run: Run, photos: pd.DataFrame) -> list[Example]:
    made = run.restored[
        (run.restored["kind"] == "transplant") & (run.restored["method"] == "deepfill")
    ]
    test = photos[(photos["split"] == "test") & photos["stem"].isin(run.transplanted)]
    scores = made.drop_duplicates("file_name")[["file_name", "psnr", "hole"]]
    rows = test.merge(scores, on="file_name")
    rows = rows[rows["hole"] >= rows["hole"].median()].sort_values(["psnr", "file_name"])
    middle = rows.iloc[(len(rows) - 1) // 2 :].head(1).assign(iou=lambda row: row["psnr"])
    return of_kind(middle, "photo", "hole", "transplanted")


def twins(run: Run, count: int) -> list[Example]:
    """Return the first pairs of photos that are tied across splits, both photos each."""
    photos = ranking.photos(run.dataset, run.measured, []).drop_duplicates(["split", "file_name"])
    both = run.leaks[["split", "file_name", "other_split", "other"]].merge(photos)
    names = {"split": "other_split", "file_name": "other", "path": "other_path"}
    others = photos.rename(columns=names | {"stem": "other_stem"}).drop(columns="area")
    rows = both.merge(others, on=["other_split", "other"]).head(count)
    return [
        Example(
            (
                Shot("photo", row.split, row.stem, row.path, row.file_name),
                Shot("photo", row.other_split, row.other_stem, row.other_path, row.other),
            )
        )
        for row in rows.itertuples()
    ]


def of_kind(rows: pd.DataFrame, *kinds: str) -> list[Example]:
    """Return an example a row of ``ranking.photos``, a picture a kind; ``iou`` is its score."""
    return [
        Example(
            tuple(Shot(kind, row.split, row.stem, row.path, row.file_name) for kind in kinds),
            getattr(row, "iou", None),
        )
        for row in rows.itertuples()
    ]
