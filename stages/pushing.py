"""Write the tags of an audit, or of the pipeline's run, to a Roboflow project."""

import os
from pathlib import Path

import pandas as pd

from pipeline import doubts, params, push, roboflow_pin, store
from pipeline.auditing import audit
from pipeline.door import Patience
from pipeline.errors import ParamsError
from pipeline.outcomes import SUSPECTS
from pipeline.pull import PIN, PullParams
from pipeline.push import Pushed, Target
from pipeline.rules import RULES
from pipeline.tables import MEASURED

IMAGES, DOUBTED = "images.csv", "suspects.csv"


def tags(source: Path, project: str | None, *, dry: bool) -> Pushed:
    """Push the tags of ``source`` to ``project``.

    Args:
        source: a folder with ``images.csv``, as the pipeline and the audit write it, and after
            training ``suspects.csv``, for ``suspect_label``; or an export or a pin, which is
            audited first.
        project: ``WORKSPACE/PROJECT``; None if ``source`` is a pin, which names it.
        dry: change nothing.

    Raises:
        PipelineError: as ``pipeline.push.push`` and ``pipeline.audit`` say.
    """
    to = _target(source, project)
    limits = params.load(PullParams, "pull")
    patience = Patience(limits.attempts, limits.stalled_after, limits.finished_within)
    tagged, key = _tagged(source), os.environ.get("ROBOFLOW_API_KEY")
    keep = push.unknown(tagged)
    return push.push(push.wanted(tagged), to, key, patience, dry=dry, keep=keep)


def _target(source: Path, project: str | None) -> Target:
    if project is not None:
        return push.target(project)
    if source.name.endswith(PIN):
        pin = roboflow_pin.read(source)
        return Target(pin.workspace, pin.project)
    raise ParamsError("--project WORKSPACE/PROJECT is missing; only a pin names it itself")


def _tagged(source: Path) -> pd.DataFrame:
    if not (source / IMAGES).exists():
        return audit(source).images
    found = store.read_table(source / IMAGES, MEASURED)
    if not set(RULES) & set(found):
        raise ParamsError(f"{source / IMAGES} has no tags; run dvc repro tag, or audit anew")
    if not (source / DOUBTED).exists():
        return found
    return doubts.joined(found, store.read_table(source / DOUBTED, SUSPECTS))
