"""A repository of one's own to run the pipeline in, with our code."""

import shutil
from pathlib import Path

ROOT = Path(__file__).parents[1]


def fresh(where):
    """Copy our code, ``dvc.yaml`` and the parameters into a folder, which is made; no outputs."""
    without = shutil.ignore_patterns("__pycache__")
    for name in ("pipeline", "stages"):
        shutil.copytree(ROOT / name, where / name, ignore=without, symlinks=True)
    for name in ("dvc.yaml", "params.yaml", ".dvcignore"):
        shutil.copy(ROOT / name, where / name)
    return where
