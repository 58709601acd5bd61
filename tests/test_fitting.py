"""What benchmarks/ fits the shipped numbers with; benchmarks are no part of the package."""

import numpy as np
import pandas as pd
import pytest
from exports import content, write
from test_contours import SIZE, figure

from pipeline.silhouettes import draw


@pytest.fixture(scope="module")
def fitting():
    """The modules of benchmarks/ by name."""
    from benchmarks import boosting, fit_hidden, planting, tags

    several = boosting, fit_hidden, planting, tags
    return {module.__name__.rpartition(".")[2]: module for module in several}


def learnt(boosting, values, truth, **given):
    settings = {"trees": 60, "depth": 3, "rate": 0.2, "seed": 0} | given
    return boosting.fit(values, truth, np.ones(len(truth)), **settings)


def test_a_forest_learns_what_no_single_value_tells(fitting):
    rng = np.random.default_rng(0)
    values = rng.normal(size=(800, 3))
    truth = (values[:, 0] > 0) != (values[:, 1] > 0)
    forest = learnt(fitting["boosting"], values[:400], truth[:400], trees=150)

    right = (forest(values[400:]) > 0) == truth[400:]

    assert right.mean() > 0.85


def test_a_forest_of_noise_says_how_often_it_is_so(fitting):
    rng = np.random.default_rng(1)
    truth = rng.random(600) < 0.2
    forest = learnt(fitting["boosting"], rng.normal(size=(600, 4)), truth, trees=3)

    assert 1 / (1 + np.exp(-forest(np.zeros((1, 4)))))[0] == pytest.approx(0.2, abs=0.1)


def test_rows_and_columns_drawn_depend_on_the_seed_alone(fitting):
    rng = np.random.default_rng(2)
    values, truth = rng.normal(size=(200, 5)), rng.random(200) < 0.5
    one, two, other = (learnt(fitting["boosting"], values, truth, seed=seed) for seed in (3, 3, 4))

    assert (one(values) == two(values)).all()
    assert (one(values) != other(values)).any()


def test_a_written_forest_reads_back(fitting):
    rng = np.random.default_rng(5)
    values = rng.normal(size=(200, 4))
    forest = learnt(fitting["boosting"], values, values[:, 0] > 0.3, trees=8).rounded(4)
    names = {}
    exec(fitting["fit_hidden"].written(forest), names)  # what it wrote itself

    np.testing.assert_array_equal(names["FOREST"](values), forest(values))


def test_what_is_planted_hides_a_fair_part_of_every_kind(fitting):
    planting = fitting["planting"]
    rng, mask = np.random.default_rng(0), draw(figure(), SIZE, 1.0)
    kinds = set()
    for _ in range(120):
        kind, thing = planting.obstacle(mask, mask, rng)
        kinds.add(kind)
        if kind:
            assert planting.HIDES[0] < (thing & mask).sum() / mask.sum() < planting.HIDES[1], kind

    assert kinds >= set(planting.KINDS)


def test_a_bent_person_keeps_about_its_size_and_the_others_come_along(fitting):
    planting, rng = fitting["planting"], np.random.default_rng(0)
    people = [figure(), figure(np.s_[100:])]
    whole = draw(people[0], SIZE, 1.0).sum()

    shares = [planting.warped(people, 0, SIZE, rng)[0].sum() / whole for _ in range(40)]

    assert 0.75 < np.median(shares) < 1.2
    assert all(len(planting.warped(people, 0, SIZE, rng)) == 2 for _ in range(3))


def test_a_traced_mask_is_drawn_back(fitting):
    mask = draw(figure(), SIZE, 1.0)
    rings = fitting["planting"].traced(mask, 0.5, 0.0, np.random.default_rng(0))
    again = draw(rings, SIZE, 1.0)

    assert (mask & again).sum() / (mask | again).sum() > 0.97


def test_an_export_is_measured_and_scored_by_halves(fitting, tmp_path):
    export = write(tmp_path, train=content(4, "a"), valid=content(2, "b"))
    found = fitting["tags"].measured(export)
    answers = pd.DataFrame(
        {"split": found["split"], "file_name": found["file_name"], "far": [True, False] * 3}
    ).astype({"far": "boolean"})

    table = fitting["tags"].compare(found, answers).set_index("part")

    assert table.loc["all", "images"] == 6
    assert table.loc[["calibrate", "report"], "images"].sum() == 6
    assert table.loc["all", "truth"] == 3
