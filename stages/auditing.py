"""Validate and tag one export, with no training and no DVC: tables and a page."""

from collections.abc import Sequence
from pathlib import Path

from pipeline import params, store
from pipeline.auditing import FILES, GROWING, audit


def write(  # noqa: PLR0913  # one a word of the command
    export: Path,
    output: Path,
    formats: list[str],
    truth: Path | None,
    suspects: Path | None = None,
    changes: Sequence[str] = (),
) -> list[str]:
    """Write ``issues.csv``, ``images.csv``, ``tags.csv``, ``tag_accuracy.csv`` and the page.

    Args:
        export: a folder, a zip or a pin.
        output: the folder.
        formats: annotation tools that get the tags too.
        truth: known answers; None = those of the parameters or of the export.
        suspects: ``suspects.csv`` of a run on this export; None = no tag ``suspect_label``.
        changes: other values than those of ``params.yaml``, each as ``tag.far_below=0.05``.

    Returns:
        What is to be said of it.
    """
    found = audit(export, params.said(changes), truth=truth, suspects=suspects)
    page = found.write(output, formats)
    packed = store.as_parquet(*(output / FILES[name] for name in sorted(GROWING)))
    said = [*found.summary, *filter(None, [packed.removeprefix("; ")])]
    return [*said, f"report: {page.resolve().as_uri()}"]
