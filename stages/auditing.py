"""Validate and tag one export, with no training and no DVC: tables and a page."""

from pathlib import Path

from pipeline.auditing import audit


def write(
    export: Path,
    output: Path,
    formats: list[str],
    truth: Path | None,
    suspects: Path | None = None,
) -> list[str]:
    """Write ``issues.csv``, ``images.csv``, ``tags.csv``, ``tag_accuracy.csv`` and the page.

    Args:
        export: a folder, a zip or a pin.
        output: the folder.
        formats: annotation tools that get the tags too.
        truth: known answers; None = those of the parameters or of the export.
        suspects: ``suspects.csv`` of a run on this export; None = no tag ``suspect_label``.

    Returns:
        What is to be said of it.
    """
    found = audit(export, truth=truth, suspects=suspects)
    page = found.write(output, formats)
    return [*found.summary, f"report: {page.resolve().as_uri()}"]
