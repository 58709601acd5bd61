"""Work in another process, and what is left of it when that process dies."""

import pytest
from dying import work

from pipeline.errors import PipelineError
from stages.apart import apart, each_apart


def lost(item, why):
    return f"{item} lost: {why[:9]}"


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        (["a", "b"], ["a x", "b x"]),
        ([], []),
        (["a", "bomb", "b", "c"], ["a x", "bomb lost: work died", "b x", "c x"]),
        (["bomb"], ["bomb lost: work died"]),
        (["bomb"] * 4 + ["a"], ["bomb lost: work died"] * 4 + ["a x"]),
        (["a", "ahead", "b"], ["a x", "ahead lost: work died", "b x"]),
    ],
    ids=["all live", "none", "one dies", "the only one", "many first", "one that is read ahead"],
)
def test_a_process_that_dies_on_an_item_costs_that_item_alone(items, expected):
    assert each_apart(work, items, "x", lost) == expected


def test_a_process_that_dies_whatever_it_is_given_is_said_once():
    with pytest.raises(PipelineError, match="work died, most likely for want of memory"):
        each_apart(work, ["a", "b"], "dead", lost)
    with pytest.raises(PipelineError, match="work_list died"):
        apart(work_list, "dead")


def work_list(given):
    return list(work(["a"], given))


def test_what_the_work_refuses_is_raised_here():
    with pytest.raises(PipelineError, match="^no$"):
        each_apart(work, ["a", "refused"], "x", lost)
