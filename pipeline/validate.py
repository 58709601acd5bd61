"""Export -> Dataset + issues: the one door into the pipeline."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from pipeline import checks, outlines, raw, reading
from pipeline.checks.base import ids, tuples
from pipeline.errors import ExportError
from pipeline.names import on_disk
from pipeline.said import spelt
from pipeline.tables import (
    ANNOTATIONS,
    CATEGORIES,
    IMAGES,
    MAX_LABELS,
    SHARD,
    SPLITS,
    Dataset,
    Export,
)

SEVERITIES = ("error", "warning", "info")


@dataclass(frozen=True)
class Sound:
    """What is left of an export, and what became of the rest.

    Attributes:
        dataset: images, annotations and categories that can be relied on.
        issues: every finding, columns as ``ISSUES``.
        repairs: every changed outline, columns as ``checks.REPAIRS``.
        leaks: every picture tied to one of an earlier split, columns as ``checks.LEAKS``.
        resplit: how to part none of them, columns as ``checks.RESPLIT``.
    """

    dataset: Dataset
    issues: pd.DataFrame
    repairs: pd.DataFrame
    leaks: pd.DataFrame
    resplit: pd.DataFrame


def run(
    folder: Path, params: checks.ValidateParams, looked: Callable[[], list[dict]]
) -> tuple[Export, Sound]:
    """Read an export as it was pulled and check it, and its pictures; see ``sound``.

    Args:
        folder: the export.
        params: the limits.
        looked: gives what ``looking.rows`` does of the folder, once it is asked.

    Returns:
        The export, of annotations no more than whose they are, and what is sound of it.
    """
    waiting = [_read(folder)]  # begun pictures are looked at meanwhile
    annotations = waiting[0].annotations[["split", "export_id"]]
    export = replace(waiting[0], annotations=annotations)

    def begun() -> checks.Tables:
        """Outlines are numbers until they are geometry, and nobody else must hold them then."""
        return checks.start(waiting.pop(), raw.pictures(looked()), params)

    return export, _sound(export, begun)


def _read(folder: Path) -> Export:
    """Return the export with outlines as numbers, of one file after the other."""
    files = raw.annotation_files(folder)
    return reading.read(
        (
            (split, path.relative_to(folder).as_posix(), raw.read(path))
            for split, paths in files.items()
            for path in paths
        ),
        outlines.read,
    )


def sound(export: Export, pictures: pd.DataFrame, params: checks.ValidateParams) -> Sound:
    """Check and repair an export; what cannot be repaired is set aside, each with a row.

    Args:
        export: as ``reading.read`` gives it.
        pictures: the files there are, columns as ``raw.PICTURES``.
        params: the limits.

    Returns:
        Images and annotations are numbered from 1 within their split, by file name and by the
        export's ids; categories from 1 in the export's order.

    Raises:
        ExportError: the export has more categories than a mask has labels.
    """
    return _sound(export, lambda: checks.start(export, pictures, params))


def _sound(export: Export, begun: Callable[[], checks.Tables]) -> Sound:
    tables, issues, repairs = checks.run(begun())
    categories = _categories(tables.categories)
    if len(categories) > MAX_LABELS:
        raise ExportError(
            f"the export has {len(categories)} categories, a mask can tell {MAX_LABELS} apart; "
            "merge or remove some in Roboflow"
        )
    images = _images(tables.images)
    dataset = Dataset(
        IMAGES.check(images, "images", cast=True)[list(IMAGES)],
        _annotations(tables.annotations, images, categories),
        CATEGORIES.check(categories, "categories", cast=True)[list(CATEGORIES)],
    )
    return Sound(
        dataset,
        _ordered(_whole_export(pd.concat([export.issues, issues]), export)),
        _ordered(repairs),
        checks.found_leaks(tables),
        checks.proposed(tables),
    )


def refuse(found: Sound, fail_on: list[str]) -> None:
    """Stop a run that has nothing to go on with, or that found what it shall not pass.

    Args:
        found: as ``sound`` gives it.
        fail_on: codes; an unknown one is refused too, for it would never stop anything.

    Raises:
        ExportError: as said.
    """
    known = {check.code for check in checks.CHECKS}
    if unknown := sorted(set(fail_on) - known):
        raise ExportError(f"validate.fail_on names {', '.join(unknown)}; codes are {sorted(known)}")
    counts = Counter(found.issues["code"])
    if not len(found.dataset.images):
        raise ExportError(f"no picture of the export can be used: {_listed(counts)}")
    if not len(found.dataset.categories):
        raise ExportError(f"the export has no category to learn: {_listed(counts)}")
    stopping = {code: counts[code] for code in fail_on if counts[code]}
    if stopping:
        raise ExportError(f"validate.fail_on stops the run: {_listed(Counter(stopping))}")


def summary(export: Export, found: Sound) -> str:
    """Return one line: what was kept and how many findings of each severity there are."""
    kept, counts = found.dataset, found.issues["severity"].value_counts()
    said = [
        f"{counts.get(one, 0)} {one}{'' if counts.get(one, 0) == 1 else 's'}" for one in SEVERITIES
    ]
    errors = Counter(found.issues.loc[found.issues["severity"] == "error", "code"])
    if errors:
        said[0] += f" ({_listed(errors)})"
    return (
        f"{len(kept.images)} images of {len(export.images)}, {len(kept.annotations)} annotations "
        f"of {len(export.annotations)} kept; {', '.join(said)}{_advice(found.issues)}"
    )


def _advice(issues: pd.DataFrame) -> str:
    """Return what to do about an export of boxes; most people who have one do not expect it."""
    lost = (issues["code"] == "segmentation_empty") & (issues["action"] == "dropped")
    if not lost.any():
        return ""
    return (
        f"; {int(lost.sum())} annotations are boxes without outlines: outline them in Roboflow "
        "(Smart Polygon), or set validate.boxes: outline to audit the boxes themselves"
    )


def _listed(counts: Counter) -> str:
    return ", ".join(f"{count} × {code}" for code, count in counts.most_common(5)) or "it is empty"


def _categories(categories: pd.DataFrame) -> pd.DataFrame:
    """Return one row for each name, numbered in the order in which the export has them."""
    names = categories["name"].map(spelt).astype("str")
    folded = names.str.casefold()
    first = ~folded.duplicated()
    return pd.DataFrame(
        {
            "category_id": np.arange(1, first.sum() + 1),
            "name": names[first],
            "supercategory": [spelt(name) for name in categories.loc[first, "supercategory"]],
            "folded": folded[first],
        }
    )


def _images(images: pd.DataFrame) -> pd.DataFrame:
    names = pd.Series([path.rpartition("/")[2] for path in images["path"]], images.index, "str")
    ordered = images.assign(
        export_split=images["split"],
        split=images["goes"],
        file_name=names,
        export_id=ids(images["key"]),
        width=images["file_width"],
        height=images["file_height"],
        rank=images["goes"].map(SPLITS.index),
    ).sort_values(["rank", "file_name", "path"], ignore_index=True)
    return ordered.assign(
        image_id=ordered.groupby("split").cumcount() + 1,
        stem=_stems(ordered),
    )


def _stems(images: pd.DataFrame) -> list[str]:
    """Return names without suffix, made unique within a split on any file system."""
    taken, stems = set(), []
    for split, name in tuples(images, "split", "file_name"):
        plain = name.rpartition(".")[0] or name
        stem, number = plain, 1
        while (split, stem.casefold()) in taken:
            number += 1
            stem = on_disk(f"{plain}-{number}.png").removesuffix(".png")
        taken.add((split, stem.casefold()))
        stems.append(stem)
    return stems


def _annotations(
    annotations: pd.DataFrame, images: pd.DataFrame, categories: pd.DataFrame
) -> pd.DataFrame:
    there = zip(
        tuples(images, "export_split", "export_id"),
        tuples(images, "split", "image_id"),
        strict=True,
    )
    places = dict(there)
    pairs = tuples(annotations, "split", "image_key")
    gone = pd.DataFrame(
        [places[pair] for pair in pairs], annotations.index, columns=["split", "image_id"]
    )
    labels = dict(zip(categories["folded"], categories["category_id"], strict=True))
    frame = annotations.assign(
        split=gone["split"].astype("str"),
        image_id=gone["image_id"],
        category_id=annotations["category"].map(labels),
        iscrowd=[bool(int(one)) for one in annotations["iscrowd"]],
        export_id=ids(annotations["key"]),
        rank=gone["split"].map({split: rank for rank, split in enumerate(SPLITS)}),
    ).sort_values(["rank", "image_id", "export_id"], kind="stable", ignore_index=True)
    frame["annotation_id"] = frame.groupby("split").cumcount() + 1
    return ANNOTATIONS.check(frame, "annotations", cast=True)[[*ANNOTATIONS, "closed"]]


def _whole_export(issues: pd.DataFrame, export: Export) -> pd.DataFrame:
    """Say once, for the whole export, what is said of the category table of each split."""
    codes = {check.code for check in checks.CHECKS if check.about == "categories"}
    tables = issues["code"].isin(codes)
    splits = export.categories["split"].nunique()
    about = issues[tables]
    times = about.groupby(["code", "value"], dropna=False)["split"].transform("nunique")
    everywhere = about[times == splits].drop_duplicates(["code", "value"]).assign(split="")
    if SHARD in everywhere:
        everywhere[SHARD] = ""
    return pd.concat([issues[~tables], about[times < splits], everywhere])


def _ordered(rows: pd.DataFrame) -> pd.DataFrame:
    columns = ["rank", "file_name", "image_id", "annotation_id", "code", "value", SHARD]
    ranked = rows.assign(rank=rows["split"].map(("", *SPLITS).index))
    by = [column for column in columns if column in ranked]
    return ranked.sort_values(by, ignore_index=True, na_position="first").drop(columns="rank")
