import numpy as np

from pipeline.hidden_trees import FOREST
from pipeline.trees import Forest


def by_hand(forest, row):
    """The sum of one row, branch by branch."""
    total = forest.start
    for features, limits, leaves in zip(forest.features, forest.limits, forest.leaves, strict=True):
        branch = 0
        while branch < len(features):
            branch = 2 * branch + 1 + int(row[features[branch]] > limits[branch])
        total += leaves[branch - len(features)]
    return total


def test_a_tree_of_two_questions_answers_each_way():
    tree = Forest(
        1.0, np.array([[0, 1, 1]]), np.array([[0.5, 10.0, 20.0]]), np.array([[1.0, 2, 3, 4]])
    )

    found = tree(np.array([[0.5, 10], [0.5, 11], [0.6, 20], [0.6, 21]]))

    assert found.tolist() == [2, 3, 4, 5]


def test_many_rows_are_summed_as_each_alone():
    rows = np.random.default_rng(0).normal(0.3, 0.5, (20, FOREST.features.max() + 1))

    np.testing.assert_allclose(FOREST(rows), [by_hand(FOREST, row) for row in rows])


def test_no_rows_have_no_sums():
    assert FOREST(np.zeros((0, 60))).shape == (0,)


def test_rounding_keeps_significant_digits():
    tree = Forest(
        0.123456, np.array([[0]]), np.array([[1234.56]]), np.array([[0.0012345, -9.8765]])
    )

    found = tree.rounded(3)

    assert (found.start, found.limits.tolist()) == (0.123, [[1230.0]])
    assert found.leaves.tolist() == [[0.00123, -9.88]]
