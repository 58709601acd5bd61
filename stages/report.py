"""Bind tables and pictures into one HTML page."""

from pathlib import Path

from pipeline import anatomy, coco, doubts, outcomes, params, provenance, report, store, tables
from pipeline.examples import ReportParams
from pipeline.parallel import ComputeParams
from pipeline.pictures import QUALITY, Folders
from pipeline.run import FILLING, LEAKS, Run
from stages import run


def main(  # noqa: PLR0913  # one parameter a path of dvc.yaml
    raw: Path,
    valid: Path,
    masks: Path,
    segments: Path,
    filled: Path,
    transplanted: Path,
    model: Path,
    rivals: Path,
    reports: Path,
) -> str:
    """Read the run's tables, write the page, its short version and their pictures."""
    settings = params.load(ReportParams, "report")
    suspects = store.read_table(reports / "suspects.csv", outcomes.SUSPECTS)
    measured = store.read_table(reports / "images.csv", tables.MEASURED)
    measured = doubts.joined(measured, suspects)
    tables_of_run = Run(
        dataset=coco.load(valid),
        issues=store.read_table(reports / "issues.csv", tables.ISSUES),
        measured=measured,
        tags=doubts.counted(store.read_table(reports / "tags.csv", tables.TAGS), measured),
        accuracy=store.read_table(reports / "tag_accuracy.csv", tables.TAG_ACCURACY),
        history=store.read_table(reports / "history.csv", outcomes.HISTORY),
        filling=store.read_table(reports / "history_inpaint.csv", FILLING),
        counts=store.read_table(reports / "counts.csv", outcomes.COUNTS),
        iou=store.read_table(reports / "iou.csv", outcomes.IOU),
        costs=store.read_table(reports / "costs.csv", outcomes.COSTS),
        suspects=suspects,
        restored=store.read_table(reports / "restored.csv", outcomes.RESTORED),
        scores=store.read_table(reports / "scores.csv", outcomes.SCORES),
        confusion=store.read_table(reports / "confusion.csv", outcomes.CONFUSION),
        calibration=store.read_table(reports / "calibration.csv", outcomes.CALIBRATION),
        worst=store.read_table(reports / "worst.csv", outcomes.WORST),
        rivals=store.read_table(reports / "rivals.csv", outcomes.RIVALS),
        learning=store.read_table(reports / "learning_curve.csv", outcomes.LEARNING),
        gains=store.read_table(reports / "restoration.csv", outcomes.RESTORATION),
        remains=store.read_table(reports / "remains.csv", outcomes.REMAINS),
        refilled=_stems(filled / "test"),
        transplanted=_stems(transplanted / "test"),
        cards={"unet": _card(model), "deepfill": _card(filled)},
        leaks=store.read_table(valid / "leaks.csv", LEAKS),
        changes=store.read_table(reports / "changes.csv", tables.CHANGES),
        since=store.read_table(reports / "since.csv", tables.SINCE),
        provenance=_provenance(model),
        layers={"unet": anatomy.read(model), "deepfill": anatomy.read(filled)},
    )
    folders = Folders(raw, masks, segments, filled, transplanted, rivals)
    compute = params.load(ComputeParams, "compute")
    contexts = report.bound(tables_of_run, folders, reports, settings, compute)
    html = report.html(contexts)
    store.write_bytes(reports / "index.html", html.encode("utf-8", "replace"))
    choice, labels = contexts[0]["choice"], len(tables_of_run.dataset.categories)
    opening = report.opening(choice, folders, labels)
    store.write_bytes(reports / "report.jpg", store.encode_image(opening, ".jpg", QUALITY))
    short = report.short(contexts[0], has_picture=opening.size > 3)
    store.write_bytes(reports / "report.md", short.encode("utf-8", "replace"))
    sheet = report.sheet(choice, folders, labels)
    store.write_bytes(reports / "restored.jpg", store.encode_image(sheet, ".jpg", QUALITY))
    pictures = sum(1 for _ in (reports / report.ASSETS).glob("*.jpg"))
    return f"{reports / 'index.html'}, {len(html) / 1e6:.1f} MB and {pictures} pictures"


def _provenance(model: Path) -> dict[str, list]:
    """Return what the run was made with; ``params.yaml`` is a dependency of the stage."""
    sections = provenance.parameters(Path("params.yaml"))
    weights = provenance.digest(sorted(model.glob("*.h5")))
    return {
        "packages": provenance.packages(),
        "parameters": sections,
        "seeds": provenance.seeds(sections),
        "weights": [("unet", weights)] if weights else [],
    }


def _stems(folder: Path) -> frozenset[str]:
    return frozenset(path.stem for path in folder.glob("*.png"))


def _card(folder: Path) -> dict:
    """Return what a network says of itself in its JSON files: plain values, two levels deep."""
    found: dict = {}
    for path in sorted(folder.glob("*.json")):
        content = store.read_json(path)
        if isinstance(content, dict):
            for value in (content, *content.values()):
                found |= value if isinstance(value, dict) else {}
    return {key: found[key] for key in sorted(found) if not isinstance(found[key], dict)}


if __name__ == "__main__":
    run(main)
