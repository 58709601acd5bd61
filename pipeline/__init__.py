"""Segmentation datasets from Roboflow: audit, train, restore and report.

Verb modules are the steps of ``dvc.yaml``; noun modules are what the steps share. Steps
meet only through files, so no step imports another.

    >>> import pipeline
    >>> audit = pipeline.audit("../my-export")
    >>> audit.images[audit.images["far"]]
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipeline.auditing import Audit, audit

__all__ = ["Audit", "audit"]


def __getattr__(name: str) -> object:
    """Import the audit when it is asked for: a stage must not wait for code it does not use."""
    if name in __all__:
        from pipeline import auditing  # noqa: PLC0415

        return getattr(auditing, name)
    raise AttributeError(f"module 'pipeline' has no attribute '{name}'")
