"""Coverage-guided fuzzing of pull, validate and rasterise: whole exports, changed as such.

It needs Atheris, which is no dependency of this project, in an environment of its own that sees
this project's packages too::

    python3.11 -m venv /tmp/fuzz && /tmp/fuzz/bin/pip install atheris
    PYTHONPATH=.venv/lib/python3.11/site-packages /tmp/fuzz/bin/python tests/fuzz/export.py \
        /tmp/fuzz/corpus -max_total_time=600 -timeout=30 -rss_limit_mb=4000

The first run fills the folder with the cases of ``tests/corpus*.py``. Whatever is found belongs
there as a case. ``tests/test_fuzz.py`` runs some changes without Atheris in the test suite.
"""

import shutil
import sys
import tempfile
from pathlib import Path

import atheris

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[2])]
with atheris.instrument_imports(include=["pipeline"]):
    import pipeline.checks
    import pipeline.pull
    import pipeline.rasterise
    import pipeline.validate  # noqa: F401

import corpus_files  # noqa: E402
import corpus_json  # noqa: E402
from corpus import Box, through  # noqa: E402
from mutate import Export, mutated  # noqa: E402

SCRATCH = Path(
    tempfile.mkdtemp(prefix="fuzz", dir="/dev/shm" if Path("/dev/shm").is_dir() else None)
)
TABLES = ("TEXTS", "TOPS", "IMAGES", "ANNOTATIONS", "CATEGORIES", "RINGS", "MASKS", "SPLITS")


def one(text: bytes) -> None:
    """Take one export all the way; only what is said in rows or in one line is no finding."""
    try:
        export = Export.load(text)
        place = export.lay(SCRATCH / "in")
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, OSError):
        return  # no export at all
    try:
        outcome = through(place, SCRATCH / "out")
        if "\n" in outcome.error:
            raise RuntimeError(f"more than one line: {outcome.error}")
        if outcome.lost:
            raise RuntimeError(f"{outcome.lost} annotations are neither kept nor in a row")
    finally:
        shutil.rmtree(SCRATCH / "in", ignore_errors=True)
        shutil.rmtree(SCRATCH / "out", ignore_errors=True)


def change(text: bytes, most: int, seed: int) -> bytes:
    """Return another export that is like this one but for some changes."""
    try:
        export = Export.load(text)
    except (ValueError, KeyError, TypeError, AttributeError):
        export = Export.of(Box())
    for times in (1 + seed % 4, 1):
        changed = mutated(export, seed, times).dump()
        if len(changed) <= most:
            return changed
    return text


def seeds(folder: Path) -> None:
    """Write the cases of the corpus, to begin from."""
    folder.mkdir(parents=True, exist_ok=True)
    cases = [case for table in TABLES for case in getattr(corpus_json, table).values()]
    plants = [plant for plant, _ in [*cases, *corpus_files.PICTURES.values()]]
    for number, plant in enumerate([*plants, *corpus_files.FINE.values()]):
        box = Box()
        plant(box)
        text = Export.of(box).dump()
        if len(text) < 60_000:
            (folder / f"case{number:03}").write_bytes(text)


if __name__ == "__main__":
    folders = [word for word in sys.argv[1:] if not word.startswith("-")]
    if folders and not any(Path(folders[0]).glob("*")):
        seeds(Path(folders[0]))
    atheris.Setup([*sys.argv, "-max_len=65536"], one, custom_mutator=change)
    atheris.Fuzz()
