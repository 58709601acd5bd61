"""[disk] An audit of one export for a person: from a notebook or a shell, no training, no DVC.

Together with the command line the only module that calls several steps.
"""

import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pandas as pd

from pipeline import (
    accuracy,
    browse,
    doubts,
    looking,
    outcomes,
    params,
    pull,
    roboflow_pin,
    store,
    tables,
    tag,
    thumbs,
    validate,
    wall,
)
from pipeline.checks import ValidateParams
from pipeline.errors import ParamsError
from pipeline.examples import ReportParams
from pipeline.parallel import ComputeParams
from pipeline.pull import PullParams
from pipeline.rules import TagParams
from pipeline.run import Run
from pipeline.suspect import SuspectParams
from pipeline.tables import Dataset
from pipeline.tagfiles import FORMATS
from pipeline.thumbs import Drawer

TABLES = {
    "images": tables.MEASURED,
    "issues": tables.ISSUES,
    "tags": tables.TAGS,
    "accuracy": tables.TAG_ACCURACY,
}
GROWING = {"images", "issues"}  # with the export
FILES = {name: f"{name}.csv" for name in TABLES} | {"accuracy": "tag_accuracy.csv"}


@dataclass(frozen=True, eq=False)
class Audit:
    """What is known of an export. Its pictures are kept until the object is gone.

    Attributes:
        images: one row an image: ``split, file_name, width, height, place``, measurements, and
            a boolean column a tag.
        issues: one row a finding about an annotation, a picture or the export: its code, the
            measured value, the limit it crossed and what was done.
        tags: one row a tag: how many images have it, in all and by split.
        accuracy: one row a tag whose true answers are known: precision, recall and F1 with 95 %
            intervals; no rows without answers.
        leaks: one row a picture of which a later split holds a twin, a version or a look-alike.
        dataset: the images, annotations and categories that are sound.
        doubted: the excess from which a label is suspect, if ``images`` has ``suspect_label``.
        summary: a line each about the annotations, the pictures and, if known, the tags' accuracy.
    """

    images: pd.DataFrame
    issues: pd.DataFrame
    tags: pd.DataFrame
    accuracy: pd.DataFrame
    leaks: pd.DataFrame
    dataset: Dataset = field(repr=False)
    summary: tuple[str, ...]
    doubted: float | None
    _raw: Path = field(repr=False)
    _answers: pd.DataFrame = field(repr=False)
    _settings: params.Settings = field(repr=False)
    _scratch: tempfile.TemporaryDirectory = field(repr=False)

    def write(self, folder: str | Path, formats: Sequence[str] = ()) -> Path:
        """Write the four tables and the page with its pictures; return the page's path.

        A table of more rows than ``tables.parquet_above`` is Parquet, in a folder of its name.

        Args:
            folder: where to; it is made.
            formats: annotation tools for which to write the tags too, of ``tagfiles.FORMATS``.

        Raises:
            ParamsError: a format is not known.
        """
        folder = Path(folder)
        if unknown := sorted(set(formats) - set(FORMATS)):
            raise ParamsError(f"--format {unknown[0]} is not known; choose {', '.join(FORMATS)}")
        paths = tables.ordered(self.dataset.images)["path"].to_numpy()
        for name in formats:
            for file, content in FORMATS[name](self.images.assign(path=paths)).items():
                store.write_bytes(folder / file, content)
        settings = self._settings
        above = settings.load(tables.TableParams, "tables").parquet_above
        for name, columns in TABLES.items():
            rows = above if name in GROWING else None
            store.write_table(folder / FILES[name], getattr(self, name), columns, rows)
        html = browse.page(
            Run(
                self.dataset,
                self.issues,
                self.images,
                self.tags,
                accuracy=self.accuracy,
                leaks=self.leaks,
                answers=self._answers,
                doubted=self.doubted,
            ),
            wall.Setting(
                settings.load(TagParams, "tag"),
                settings.load(ReportParams, "report").language,
                pages=[],
                raw=wall.Raw(),  # it lies in a scratch folder
            ),
            Drawer(self._raw, folder / thumbs.FOLDER),
            settings.load(ComputeParams, "compute"),
        )
        store.write_bytes(folder / "index.html", html.encode("utf-8", "replace"))
        return folder / "index.html"

    def _repr_html_(self) -> str:
        """Return a table of the tags for notebooks; names from the data are escaped."""
        shown = self.tags.merge(
            self.accuracy[["tag", "precision", "recall", "f1"]], on="tag", how="left"
        )
        shown = shown[shown["images"] > 0].drop(columns=list(tables.SPLITS))
        body = shown.to_html(
            index=False,
            border=0,
            na_rep="",
            formatters={"share": "{:.1%}".format},
            float_format="{:.2f}".format,
        )
        said = pd.DataFrame({"": self.summary}).to_html(index=False, header=False, border=0)
        return said + body


def audit(
    export: str | Path,
    params: str | Path | Mapping | None = None,
    *,
    truth: str | Path | None = None,
    suspects: str | Path | None = None,
) -> Audit:
    """Check the annotations of an export, measure its pictures and name their problems.

    Args:
        export: a folder or ``.zip`` of an export in any format that ``pull.export`` takes, or a
            ``*.roboflow.yaml`` pin; the pin's key comes from ``ROBOFLOW_API_KEY``.
        params: a parameter file, or changes: ``{"tag": {"far_below": 0.05}}`` or
            ``{"tag.far_below": 0.05}``; see ``params.yaml`` for all of them.
        truth: known answers, as ``tag.truth``; without it those of the parameters, else those that
            came with the export.
        suspects: ``reports/suspects.csv`` of a run on the same export: what a trained network
            doubts, as the tag ``suspect_label``; without it there is no such tag.

    Raises:
        PipelineError: the export cannot be fetched or read, or a parameter is wrong; the message
            names the cure.
    """
    settings = _settings(params)
    limits, compute = settings.load(TagParams, "tag"), settings.load(ComputeParams, "compute")
    scratch = tempfile.TemporaryDirectory(prefix="segment-restore-", ignore_cleanup_errors=True)
    raw, beside = Path(scratch.name, "raw"), Path(scratch.name, "truth")
    account = roboflow_pin.Account(os.environ.get("ROBOFLOW_API_KEY"), lambda done, total: None)
    pull.pull(Path(export).expanduser(), raw, beside, settings.load(PullParams, "pull"), account)
    answers = accuracy.read(_truth(truth, limits.truth, beside))
    checks = settings.load(ValidateParams, "validate")
    read, sound = validate.run(raw, checks, partial(looking.rows, raw, compute))
    validate.refuse(sound, checks.fail_on)
    images = tag.run(sound.dataset, raw, limits, compute)
    right = accuracy.compare(images, answers)
    if suspects is not None:
        images = doubts.joined(images, store.read_table(Path(suspects), outcomes.SUSPECTS))
    shares = doubts.counted(tag.shares(images), images)
    summary = [validate.summary(read, sound), tag.summary(images, shares)]
    if len(answers):
        summary.append(accuracy.summary(right, images, answers))
    return Audit(
        images=images,
        issues=sound.issues,
        tags=shares,
        accuracy=right,
        leaks=sound.leaks,
        dataset=sound.dataset,
        doubted=_above(settings) if doubts.DOUBT in images else None,
        summary=tuple(summary),
        _raw=raw,
        _answers=answers,
        _settings=settings,
        _scratch=scratch,
    )


def _settings(source: str | Path | Mapping | None) -> params.Settings:
    return params.settings(source)


def _above(settings: params.Settings) -> float:
    return settings.load(SuspectParams, "suspect").above


def _truth(given: str | Path | None, named: str, beside: Path) -> Path:
    """Return where the answers are: given, else named by the parameters, else the export's own."""
    if given is not None:
        return Path(given).expanduser()
    return beside if named in {"", tag.BESIDE} else Path(named)
