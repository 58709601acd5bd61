"""Validate and tag one export, with no training and no DVC: tables and a page."""

from pathlib import Path

from pipeline.auditing import audit


def write(export: Path, output: Path) -> list[str]:
    """Write ``issues.csv``, ``images.csv``, ``tags.csv``, ``tag_accuracy.csv`` and the page.

    Returns:
        What is to be said of it.
    """
    found = audit(export)
    page = found.write(output)
    return [*found.summary, f"report: {page.resolve().as_uri()}"]
