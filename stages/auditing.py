"""Validate and tag one export, with no training and no DVC: tables and a page."""

import tempfile
from pathlib import Path

from pipeline import coco, params, report, store, tables
from pipeline.errors import ExportError
from pipeline.examples import ReportParams
from pipeline.findings import Run
from pipeline.parallel import ComputeParams
from pipeline.pictures import Folders
from stages import pull, rasterise, tag, validate


def audit(export: Path, output: Path) -> list[str]:
    """Write ``issues.csv``, ``images.csv``, ``tags.csv``, ``index.html`` and ``assets/``.

    Returns:
        The summary line of each step.
    """
    with tempfile.TemporaryDirectory() as scratch:
        raw, truth, valid, masks, chosen = (
            Path(scratch) / name for name in ("raw", "truth", "valid", "masks", "chosen.csv")
        )
        issues, images, tags = (output / f"{name}.csv" for name in ("issues", "images", "tags"))
        said = [pull.main(export, raw, truth), validate.main(raw, valid, issues)]
        said.append(_drawn(valid, masks))
        said.append(tag.main(raw, valid, images, tags, chosen))
        found = Run(
            dataset=coco.load(valid),
            issues=store.read_table(issues, tables.ISSUES),
            measured=store.read_table(images, tables.MEASURED),
            tags=store.read_table(tags, tables.TAGS),
        )
        html = report.audit_page(
            found,
            Folders(raw, masks),
            output,
            params.load(ReportParams, "report"),
            params.load(ComputeParams, "compute"),
        )
    store.write_bytes(output / "index.html", html.encode("utf-8", "replace"))
    return [line for line in said if line]


def _drawn(valid: Path, masks: Path) -> str:
    """Draw the masks; an export of boxes alone has none, and is audited all the same."""
    try:
        return rasterise.main(valid, masks)
    except ExportError as error:
        return str(error)
