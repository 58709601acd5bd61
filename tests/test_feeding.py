"""Batches made ahead: the same ones, in the same order, and no more than are wanted soon."""

import threading

import pytest

from pipeline import feeding


@pytest.mark.parametrize("threads", [1, 2, 5])
@pytest.mark.parametrize("count", [0, 1, 3, 40])
def test_results_come_in_order_whatever_finishes_first(threads, count):
    def slow_at_first(item):
        threading.Event().wait(0.02 if item % 3 == 0 else 0)
        return item * item

    assert list(feeding.ahead(slow_at_first, range(count), threads)) == [
        item * item for item in range(count)
    ]


def test_the_next_is_made_while_this_one_is_used():
    begun = threading.Semaphore(0)

    def make(item):
        begun.release()
        return item

    results = feeding.ahead(make, range(10), 1)
    next(results)

    assert begun.acquire(timeout=10)
    assert begun.acquire(timeout=10), "the second is made before it is asked for"
    assert list(results) == list(range(1, 10))


def test_no_more_is_made_than_twice_the_threads():
    made = []
    results = feeding.ahead(lambda item: made.append(item) or item, range(100), 2)

    next(results)
    next(results)

    assert len(made) <= 6
    results.close()
    assert len(made) < 100


def test_a_mistake_while_making_comes_out_where_the_result_would():
    results = feeding.ahead(lambda item: 1 // item, [1, 0, 1], 2)

    assert next(results) == 1
    with pytest.raises(ZeroDivisionError):
        next(results)
