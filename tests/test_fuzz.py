"""Several defects at once, and changes that nobody thought of, end in rows or in one line."""

import tempfile
from pathlib import Path

import corpus_files
import corpus_json
import pytest
from corpus import Box, through
from hypothesis import given, settings
from hypothesis import strategies as st
from mutate import Export, mutated

JSON = ("TEXTS", "TOPS", "IMAGES", "ANNOTATIONS", "CATEGORIES", "RINGS", "MASKS", "SPLITS")
TABLES = [getattr(corpus_json, table) for table in JSON] + [corpus_files.PICTURES]
PLANTS = [plant for table in TABLES for plant, _ in table.values()]
NAMES = [f"{number}: {name}" for number, table in enumerate(TABLES) for name in table]
PLANT = dict(zip(NAMES, PLANTS, strict=True))


def survive(export):
    """Take an export all the way, twice; anything but a PipelineError fails."""
    with tempfile.TemporaryDirectory() as folder:
        place = export.lay(Path(folder))
        first, again = (through(place, Path(folder) / name) for name in ("a", "b"))
    assert "\n" not in first.error
    assert first.lost == 0
    assert again == first
    return first


def broken(names):
    """A sound export with several defects of the corpus, as far as one leaves room for the next."""
    box = Box()
    for name in names:
        try:
            PLANT[name](box)
        except (TypeError, AttributeError, KeyError, IndexError, StopIteration):
            continue
    return Export.of(box)


names = st.lists(st.sampled_from(NAMES), min_size=1, max_size=6)
seeds = st.lists(st.integers(0, 2**31), max_size=3)


@given(names=names, seeds=seeds)
@settings(max_examples=25)
def test_defects_together_and_random_changes_are_survived_and_nothing_is_lost(names, seeds):
    export = broken(names)
    for seed in seeds:
        export = mutated(export, seed, 1 + seed % 3)

    survive(export)


@pytest.mark.slow
@given(names=names, seeds=seeds)
@settings(max_examples=2000, derandomize=False)
def test_many_more_are_survived(names, seeds):
    test_defects_together_and_random_changes_are_survived_and_nothing_is_lost.hypothesis.inner_test(
        names, seeds
    )


@pytest.mark.parametrize("seed", range(3))
def test_an_export_that_is_written_down_is_read_again_as_it_was(seed):
    export = mutated(Export.of(Box()), seed, 9)

    assert repr(Export.load(export.dump())) == repr(export)


def test_a_crash_would_be_noticed(monkeypatch):
    def crash(*_):
        raise ZeroDivisionError

    monkeypatch.setattr("pipeline.polygons.from_rings", crash)
    with pytest.raises(ZeroDivisionError):
        survive(Export.of(Box()))
