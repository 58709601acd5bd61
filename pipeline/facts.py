"""What the report and the audit page both say first: counts, problems, issues, scores."""

from dataclasses import fields

from pipeline import findings, overlaps, prose, restorers
from pipeline.run import Run
from pipeline.tables import Dataset
from pipeline.words import Words


def facts(run: Run, say: Words) -> dict[str, object]:
    """Return what the sections that both pages have name."""
    counts = {each.name: len(getattr(run.dataset, each.name)) for each in fields(Dataset)}
    severe = findings.severities(run.issues)
    return {
        "t": say,
        "splits": findings.per_split(run.dataset),
        "counts": counts,
        "severe": severe,
        "summary": prose.summary(say, counts, severe),
        "categories": run.dataset.categories["name"].tolist(),
        "problems": findings.problems(run.tags),
        "accuracy": findings.accuracies(run.accuracy),
        "issues": findings.issue_codes(run.issues),
        "places": int(run.measured["place"].replace("", None).nunique()),
        "overall": overlaps.overall(run.iou),
        "judged": overlaps.judged_split(run.iou),
        "restored": restorers.restorations(run.restored),
        "cards": run.cards,
        "fingerprint": findings.fingerprint(run.dataset),
    }
