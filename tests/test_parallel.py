import asyncio
import ctypes
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pipeline import parallel
from pipeline.errors import ParamsError


def square(number):
    return number * number


def squares(numbers):
    return [square(number) for number in numbers]


def process(_):
    return os.getpid()


@pytest.mark.parametrize("workers", [1, 2])
def test_results_come_in_the_order_of_the_items_on_any_number_of_workers(workers):
    compute = parallel.ComputeParams(backend="local", workers=workers, scheduler=None)

    assert parallel.each(square, range(50), compute, "test") == [n * n for n in range(50)]


def test_two_workers_are_other_processes():
    compute = parallel.ComputeParams(backend="local", workers=2, scheduler=None)

    assert os.getpid() not in parallel.each(process, range(4), compute, "test")


def fails(number):
    if number == 7:
        raise ParamsError("seven")
    return number


def test_what_goes_wrong_in_another_process_is_raised_here():
    with pytest.raises(ParamsError, match="seven"):
        parallel.each(fails, range(20), local(2), "test")


def test_no_items_give_no_results():
    assert parallel.each(square, [], local(2), "test") == []


def test_processes_share_no_thread_of_opencv():
    """A copy of a process would wait forever for threads that stayed behind."""
    done = subprocess.run(
        [sys.executable, "-c", SPLIT], capture_output=True, text=True, timeout=60,
        cwd=Path(__file__).parents[1],
    )  # fmt: skip

    assert (done.stdout.split(), done.stderr) == (["2", "True", "2"], "")


SPLIT = """
import os
import cv2
import numpy as np
from pipeline import parallel
image = np.zeros((2000, 2000, 3), np.uint8)
cv2.setNumThreads(2)
def blurred(number):
    cv2.GaussianBlur(image, (0, 0), 9)
    return os.getpid()
blurred(0)
compute = parallel.ComputeParams(backend="local", workers=2, scheduler=None)
found = parallel.each(blurred, range(2), compute, "test")
print(len(set(found)), os.getpid() not in found, cv2.getNumThreads())
"""


def test_workers_live_on_when_a_thread_that_began_them_ends_and_end_in_silence(tmp_path):
    (tmp_path / "work.py").write_text(THREAD)
    done = subprocess.run(
        [sys.executable, "work.py"], capture_output=True, text=True, timeout=120, cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])},
    )  # fmt: skip

    said = ["elsewhere", "alive", "elsewhere", "alive"]
    assert (done.stdout.split(), done.stderr, done.returncode) == (said, "", 0)


THREAD = """
import os
import threading
import time
from pipeline import copies, parallel
copies.can_split = lambda: False  # as where a framework is loaded
compute = parallel.ComputeParams(backend="local", workers=2, scheduler=None)
def process(_):
    return os.getpid()
def work():
    found = set(parallel.each(process, range(40), compute, "test"))
    print("here" if os.getpid() in found else "elsewhere")
    return found
if __name__ == "__main__":
    found = []
    for begin in (lambda: found.extend(work()), work):
        one = threading.Thread(target=begin)
        one.start()
        one.join()
        time.sleep(0.5)  # in which workers would end
        for pid in found:
            os.kill(pid, 0)  # raises where there is none
        print("alive")
"""


def test_a_progress_bar_leaves_no_thread_behind(monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    before = threading.active_count()

    assert parallel.each(square, range(40), local(1), "test") == squares(range(40))

    assert threading.active_count() == before


def test_threads_stay_in_this_process_and_give_the_same_results():
    compute = parallel.ComputeParams(backend="local", workers=2, scheduler=None)

    assert set(parallel.each(process, range(4), compute, "test", threads=True)) == {os.getpid()}
    assert parallel.each(square, range(50), compute, "test", threads=True) == squares(range(50))


@pytest.mark.skipif(sys.platform != "linux", reason="threads are files on Linux only")
def test_threads_are_gone_for_good_when_their_work_is_done():
    """Native code puts away what it kept for a thread after Python has called that one ended.

    Here it takes a fifth of a second; a copy of this process made meanwhile would inherit its lock.
    """
    compute = parallel.ComputeParams(backend="local", workers=2, scheduler=None)
    c, key = ctypes.CDLL(None), ctypes.c_uint()
    c.pthread_key_create(ctypes.byref(key), c.usleep)  # called with the key's value, microseconds

    def work(_):
        c.pthread_setspecific(key, ctypes.c_void_p(200_000))
        return threading.get_native_id()

    used = parallel.each(work, range(40), compute, "test", threads=True)
    there = [one for one in set(used) if Path(f"/proc/self/task/{one}").exists()]
    c.pthread_key_delete(key)

    assert len(used) == 40
    assert not there


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("size", [1, 7, 50, 99])
def test_items_that_go_together_give_the_results_of_each(workers, size):
    compute = parallel.ComputeParams(backend="local", workers=workers, scheduler=None)

    done = parallel.some(squares, range(50), compute, "test", size=size)

    assert done == squares(range(50))


def test_a_cluster_without_an_address_is_refused():
    compute = parallel.ComputeParams(backend="dask", workers=1, scheduler=None)

    with pytest.raises(ParamsError, match="compute.scheduler"):
        parallel.each(square, [1], compute, "test")


@pytest.fixture
def dask():
    """A cluster of one worker, in a thread of this process."""
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=1, processes=False, dashboard_address=None
    ) as cluster:
        address = cluster.scheduler_address
        yield parallel.ComputeParams(backend="dask", workers=0, scheduler=address)


def test_a_cluster_gives_the_same_results(dask):
    done = parallel.each(square, range(10), dask, "test")

    assert done == [n * n for n in range(10)]


def test_a_cluster_is_reached_from_a_thread_that_runs_a_loop_as_a_notebook_s_does(dask):
    async def cell():
        return parallel.each(square, range(10), dask, "test")

    with ThreadPoolExecutor(1) as aside:  # a browser test may have left a loop in this one
        assert aside.submit(asyncio.run, cell()).result() == [n * n for n in range(10)]


def local(workers):
    return parallel.ComputeParams(backend="local", workers=workers, scheduler=None)


@pytest.mark.skipif(sys.platform != "linux", reason="a process is split in two on Linux only")
def test_work_that_is_begun_ahead_is_done_by_another_process():
    # In a process of its own: pytest's may have threads, and then nothing is begun ahead.
    done = subprocess.run(
        [sys.executable, "-c", AHEAD], capture_output=True, text=True, cwd=Path(__file__).parents[1]
    )

    assert (done.stdout.split(), done.stderr) == (["other", "42", "raised"], "")


AHEAD = """
import os
import subprocess
import sys
import threading
from pathlib import Path
from pipeline import parallel
compute = parallel.ComputeParams(backend="local", workers=2, scheduler=None)
with parallel.ahead(os.getpid, compute) as result:
    print("same" if result() == os.getpid() else "other")
here = os.getpid()
def fails_there():
    if os.getpid() != here:
        os._exit(1)
    return 42
with parallel.ahead(fails_there, compute) as result:
    print(result())
def fails():
    raise ValueError
try:
    with parallel.ahead(fails, compute) as result:
        result()
except ValueError:
    print("raised")
with parallel.ahead(lambda: __import__("time").sleep(600), compute) as result:
    pass  # who does not wait is not kept waiting
"""


def test_one_worker_begins_nothing_ahead():
    with parallel.ahead(os.getpid, local(1)) as result:
        assert result() == os.getpid()
