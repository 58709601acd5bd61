"""What benchmarks.scale measures with, measures by, and makes of it."""

import sys

import numpy as np
import pytest
from exports import examine

from pipeline import params, places
from pipeline.rules import TagParams


@pytest.fixture(scope="module")
def export(tmp_path_factory):
    from benchmarks import snapshots

    return snapshots.export(tmp_path_factory.mktemp("made"), 60)


def test_generated_photos_are_sound_and_half_of_their_places_are_named(export):
    found = examine(export)[1]
    names = found.dataset.images["file_name"].tolist()

    told = places.by_name(names, params.load(TagParams, "tag").place_pattern)

    codes = {"group_category", "area_wrong", "leak_alike", "image_bare"}
    assert set(found.issues["code"]) <= codes
    assert len(names) == len(set(names)) == 60
    assert len(set(told) - {""}) == 4  # of eight places
    assert told.count("") in range(28, 33)


def test_a_generated_export_is_the_same_each_time_and_no_two_photos_are_alike(export, tmp_path):
    from benchmarks import snapshots

    again = snapshots.export(tmp_path, 60, workers=1)

    files = sorted(path.relative_to(export) for path in export.rglob("*.*"))
    assert files == sorted(path.relative_to(again) for path in again.rglob("*.*"))
    contents = [(export / path).read_bytes() for path in files]
    assert contents == [(again / path).read_bytes() for path in files]
    assert len(set(contents)) == len(files)


def test_a_program_is_watched_with_what_it_starts(tmp_path):
    from benchmarks import watched

    hold = "import time; held = bytearray({} << 20); time.sleep(0.4)"
    more = f"import subprocess, sys; subprocess.run([sys.executable, '-c', '{hold.format(300)}'])"

    seen = watched.run([sys.executable, "-c", f"{more}; {hold.format(100)}"], tmp_path, {})

    assert 300 < seen.worker < 360
    assert 100 < seen.driver < 160
    assert 0 < seen.own <= seen.used < seen.wall + 1


def test_a_program_that_fails_ends_the_measurement_with_what_it_said(tmp_path):
    from benchmarks import watched

    with pytest.raises(SystemExit, match="no such sky"):
        watched.run([sys.executable, "-c", "raise OSError('no such sky')"], tmp_path, {})


def runs(start, serial, parallel, pairs=0.0):
    """Runs of a stage that take what they should; MB as 100 and 10 KB an image."""
    from benchmarks.cost_model import Run

    stages = [
        Run("local", workers, "none", images, stage,
            start + images * (serial + parallel / workers) + pairs * images**2, 1, 2,
            100 + 0.01 * images, 50)
        for stage in ("validate", "rasterise", "tag")
        for images in (1000, 10_000, 100_000)
        for workers in (1, 2)
    ]  # fmt: skip
    tied = [
        Run("local", 1, "none", images, "tied", 1, 1, pairs * images**2, 1, 0)
        for images in (1000, 10_000, 100_000)
    ]
    return [*stages, *tied]


@pytest.mark.parametrize("pairs", [0.0, 2e-9])
def test_costs_that_a_run_was_made_of_are_found_again(pairs):
    from benchmarks import cost_model

    known = runs(1.5, 2e-4, 6e-3, pairs)

    found = cost_model.seconds(known, "validate")
    held = cost_model.memory([one for one in known if one.stage == "tag"])

    np.testing.assert_allclose(found, (1.5, 2e-4, 6e-3, 0), atol=1e-9)
    np.testing.assert_allclose(held, (100, 0.01, 0), atol=1e-9)


def test_medians_ratios_and_a_bill_are_said_of_what_was_measured(capsys):
    from benchmarks import scale_said

    known = runs(0.0, 0.0, 6e-3)
    slow = [one._replace(wall=9 * one.wall) for one in known]
    dask = [one._replace(backend="dask", wall=one.wall * 1.25) for one in known[:18]]

    scale_said.everything([*known, *known, *slow, *dask])

    said = capsys.readouterr().out
    assert "local none, 100000 images: 2 processes 2.00 x as fast as 1" in said
    assert "dask 2 workers, none, 100000 images: 0.80 of local 2 processes" in said
    assert "local 2 none: throughput at 100000 images by that at 1000: 1.00 by the wall" in said
    assert "parallel  6.000 ms, off by 0.0%" in said
    assert "the driver would hold 1.00 TB" in said
    assert "driver at most  1100 MB" in said
