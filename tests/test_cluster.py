"""What a Dask cluster does is what this process would have done, whoever dies meanwhile."""

import json
import os
import pickle
import signal
import socket
import subprocess
import sys
import threading
import time
from functools import partial
from itertools import count, pairwise
from pathlib import Path

import cloudpickle
import pytest
from distributed.comm import CommClosedError
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import cluster, connection, foreman, parallel, workman
from pipeline.errors import ParamsError, PipelineError

ROOT = Path(__file__).parents[1]
# Workers know the package, not these tests: their functions are sent whole, as a stage's own are.
cloudpickle.register_pickle_by_value(sys.modules[__name__])


class Started:
    """A cluster as ``make cluster`` starts it, in a folder that is nobody's."""

    def __init__(self, where, workers=2, environment=None):
        words = [sys.executable, "-m", "stages.cluster", str(workers), "0"]
        paths = os.pathsep.join(filter(None, [(environment or {}).get("PYTHONPATH"), str(ROOT)]))
        self.process = subprocess.Popen(
            words, cwd=where, env=os.environ | (environment or {}) | {"PYTHONPATH": paths},
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
        )  # fmt: skip
        self.line, self.hint = self.process.stdout.readline(), self.process.stdout.readline()
        self.address = self.line.partition(" at ")[2].partition(";")[0]

    def compute(self, **changes):
        given = {"backend": "dask", "workers": 0, "scheduler": self.address} | changes
        return parallel.ComputeParams(**given)

    def end(self, number=signal.SIGTERM):
        os.killpg(self.process.pid, number)
        return self.process.communicate(timeout=60)


def settled(path, seconds=60):
    """The address in a scheduler's file, once it is whole."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            return json.loads(path.read_text())["address"]
        except (FileNotFoundError, ValueError):
            time.sleep(0.1)
    raise TimeoutError(path)


@pytest.fixture(scope="module")
def started(tmp_path_factory):
    one = Started(tmp_path_factory.mktemp("cluster"))
    yield one
    one.end()


def square(number):
    return number * number


def squares(numbers):
    return [square(number) for number in numbers]


@pytest.mark.parametrize("items", [[], [3], range(500)], ids=["none", "one", "many"])
def test_results_are_those_of_each_item_in_order(started, items):
    assert parallel.each(square, items, started.compute(), "test") == squares(items)
    assert parallel.each(square, iter(items), started.compute(), "test") == squares(items)


@settings(max_examples=10)
@given(many=st.integers(0, 60), size=st.integers(1, 70), workers=st.integers(0, 3))
def test_items_that_go_together_give_the_results_of_each(started, many, size, workers):
    compute = started.compute(workers=workers)

    assert parallel.some(squares, range(many), compute, "test", size=size) == squares(range(many))


def here(_):
    time.sleep(0.01)  # so that no worker does it all
    return os.getpid(), os.getppid(), str(Path.cwd()), os.environ.get("MALLOC_TRIM_THRESHOLD_")


def test_work_is_done_in_the_drivers_folder_by_a_process_beside_each_worker(
    started, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MALLOC_TRIM_THRESHOLD_", "12345")  # Dask's own is another

    seen = {one for one in parallel.each(here, range(200), started.compute(), "test")}

    processes, workers, folders, settings_ = map(set, zip(*seen, strict=True))
    assert (folders, settings_) == ({str(tmp_path)}, {"12345"})
    assert len(processes) == len(workers) == 2
    assert not processes & (workers | {os.getpid()})


def test_a_large_function_is_sent_to_a_worker_once(started, monkeypatch):
    """It is not in what is sent with each batch."""
    large = os.urandom(1 << 20)
    sent, send = [], cluster.Client.submit

    def submit(client, function, *given, **named):
        sent.append(len(cloudpickle.dumps([one for one in given if isinstance(one, bytes)])))
        return send(client, function, *given, **named)

    monkeypatch.setattr(cluster.Client, "submit", submit)
    done = parallel.each(partial(first_byte, large), range(40), started.compute(), "test")

    assert done == [large[n] for n in range(40)]
    assert sum(size > 1 << 20 for size in sent) == 1
    assert len(sent) > 10


def first_byte(content, number):
    return content[number]


class Counted:
    """Items that tell how many of them were asked for."""

    def __init__(self):
        self.given = 0

    def __iter__(self):
        for number in count():
            self.given = number + 1
            yield number


@pytest.mark.parametrize("workers", [0, 1])
def test_of_endless_items_no_more_than_a_window_is_ever_on_its_way(started, workers):
    items, size = Counted(), 5
    window = workers or cluster.AHEAD * 2
    batches = cluster.each(squares, items, started.compute(workers=workers), size, "")

    for number in range(40):
        assert next(batches) == squares(range(size * number, size * (number + 1)))
        # Those taken, those on their way, and one that is drawn and waits to be sent.
        assert items.given <= size * (number + 1 + window + 1)
    batches.close()


def fails(number):
    if number == 77:
        raise ParamsError("seventy-seven")
    return number


def test_what_goes_wrong_there_is_raised_here(started):
    with pytest.raises(ParamsError, match=r"^seventy-seven$"):
        parallel.each(fails, range(100), started.compute(), "test")


def divides(number):
    return 1 / number


def test_a_mistake_of_the_code_comes_with_its_place(started):
    with pytest.raises(ZeroDivisionError) as raised:
        parallel.each(divides, range(10), started.compute(), "test")

    assert "in divides" in raised.value.__notes__[0]


class Odd:
    def __reduce__(self):
        raise TypeError("no way")


def test_results_that_cannot_be_sent_are_told_of(started):
    with pytest.raises(TypeError, match="no way"):
        parallel.each(lambda _: Odd(), range(3), started.compute(), "test")


def dies(number, once, whom):
    """End a process at the 30th item: the one that works, or the worker above it."""
    if number == 30 and not (once and once.exists()):
        if once:
            once.touch()
        os.kill(os.getpid() if whom == "workman" else os.getppid(), signal.SIGKILL)
        time.sleep(60)  # until it is noticed
    return number * number


@pytest.mark.parametrize("whom", ["workman", "worker"])
def test_work_of_a_process_that_is_killed_is_done_again(started, tmp_path, whom):
    work = partial(dies, once=tmp_path / "died", whom=whom)

    assert parallel.each(work, range(100), started.compute(), "test") == squares(range(100))
    assert (tmp_path / "died").exists()


@pytest.mark.parametrize("whom", ["workman", pytest.param("worker", marks=pytest.mark.slow)])
def test_work_that_kills_whoever_does_it_is_given_up_with_one_line(started, whom):
    with pytest.raises(PipelineError, match=r"died (twice|4 times) at the same") as raised:
        parallel.each(partial(dies, once=None, whom=whom), range(40), started.compute(), "test")

    assert "\n" not in str(raised.value)
    assert parallel.each(square, range(10), started.compute(), "test") == squares(range(10))


def loaded(_):
    return os.getpid(), sorted({"tensorflow", "torch"} & set(sys.modules))


def with_framework(name, numbers):
    sys.modules.setdefault(name, sys)  # a stand-in for seconds of loading
    return [loaded(number) for number in numbers]


def test_one_process_never_has_both_frameworks(started):
    seen = []
    for name in ("tensorflow", "torch", "tensorflow"):
        work = partial(with_framework, name)
        done = parallel.heavy(work, range(40), started.compute(), "test", size=4, framework=name)
        seen += done
    seen += parallel.each(loaded, range(40), started.compute(), "test")

    assert {tuple(names) for _, names in seen} == {("tensorflow",), ("torch",), ()}


class Network:
    """What is read once a process, and kept."""

    def __init__(self):
        self.pid = None

    def __call__(self, numbers):
        read = self.pid is None
        self.pid = os.getpid()
        return [(self.pid, read)] * len(numbers)


def test_a_network_is_read_once_a_process(started):
    work = parallel.heavy(Network(), range(60), started.compute(), "", size=2, framework="torch")
    done = list(work)

    read = [pid for pid, new in done[::2] if new]
    assert len(read) == len(set(read)) == len({pid for pid, _ in done})


def test_begun_work_goes_on_while_this_process_does_something_else(started):
    work = partial(parallel.each, square, range(50), started.compute(), "test")

    with parallel.ahead(work, started.compute()) as result:
        assert result() == squares(range(50))
    with (
        pytest.raises(ZeroDivisionError),
        parallel.ahead(lambda: 1 / 0, started.compute()) as result,
    ):
        result()


def test_nobody_who_listens_is_told_in_seconds_and_one_line(monkeypatch):
    monkeypatch.setattr(connection, "ANSWERS", 1.0)
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"tcp://127.0.0.1:{free.getsockname()[1]}"
    compute = parallel.ComputeParams(backend="dask", workers=0, scheduler=address)

    with pytest.raises(PipelineError, match=rf"compute.scheduler {address} does not answer") as one:
        parallel.each(square, [1], compute, "test")

    assert "make cluster" in str(one.value)
    assert "\n" not in str(one.value)


def test_somebody_who_listens_and_says_nothing_is_told_of_too(monkeypatch):
    """Another program's port; Dask's client alone would wait for its first word without end."""
    monkeypatch.setattr(connection, "ANSWERS", 1.0)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"tcp://127.0.0.1:{silent.getsockname()[1]}"
        compute = parallel.ComputeParams(backend="dask", workers=0, scheduler=address)
        with pytest.raises(PipelineError, match="does not answer within 1 s; start a cluster"):
            parallel.each(square, [1], compute, "test")


@pytest.mark.parametrize("address", ["nonsense://x:1", "tcp://127.0.0.1:port"])
def test_an_address_that_is_none_is_refused(monkeypatch, address):
    monkeypatch.setattr(connection, "ANSWERS", 1.0)
    compute = parallel.ComputeParams(backend="dask", workers=0, scheduler=address)

    with pytest.raises(PipelineError, match=r"compute.scheduler"):
        parallel.each(square, [1], compute, "test")


SLOW = """
import sys, time
from pipeline import parallel
from pipeline.errors import PipelineError
def slow(number):
    time.sleep(0.005)
    return number
compute = parallel.ComputeParams(backend="dask", workers=0, scheduler=sys.argv[1])
try:
    for number in parallel.stream(slow, range(10000), compute, "test"):
        print(number, flush=True)
except PipelineError as error:
    sys.exit(f"stage: {error}")
"""


def test_a_scheduler_that_goes_while_it_works_is_told_in_one_line(tmp_path):
    one = Started(tmp_path, workers=1)
    driver = subprocess.Popen(
        [sys.executable, "-c", SLOW, one.address],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT,
    )  # fmt: skip
    assert driver.stdout.readline() == "0\n"
    one.end(signal.SIGKILL)
    _, said = driver.communicate(timeout=60)

    assert driver.returncode == 1
    assert f"stage: compute.scheduler {one.address} is gone; start a cluster anew" in said
    assert len(said.strip().splitlines()) == 1


def test_so_is_one_that_goes_while_a_result_is_fetched(started, monkeypatch):
    def broken(future, timeout):
        raise CommClosedError("in <TCP (closed) ConnectionPool.gather>: reset by peer")

    monkeypatch.setattr(cluster.Future, "result", broken)
    with pytest.raises(PipelineError, match=rf"compute.scheduler {started.address} is gone; start"):
        parallel.each(square, [1], started.compute(), "test")


def test_so_is_one_that_went_before_a_batch_is_sent(started):
    def slow():
        """Items of which the second takes longer than Dask seeks its scheduler."""
        yield 1
        connection.client(started.compute()).close()
        yield 2

    with pytest.raises(PipelineError, match=rf"compute.scheduler {started.address} is gone; start"):
        list(cluster.each(squares, slow(), started.compute(), 1, ""))
    assert parallel.each(square, [3], started.compute(), "test") == [9]  # connected anew


def test_a_cluster_without_workers_is_waited_for_no_longer_than_asked(tmp_path):
    one = Started(tmp_path, workers=0)
    compute = one.compute(patience=2.0)
    try:
        with pytest.raises(PipelineError, match=r"no worker for 2 s \(compute.patience\)"):
            parallel.each(square, range(10), compute, "test")
    finally:
        one.end()


def test_make_cluster_says_what_to_do_listens_here_only_and_leaves_nothing(tmp_path):
    one = Started(tmp_path)
    assert one.line.startswith("cluster: 2 workers at tcp://127.0.0.1:")
    assert one.hint == (f"dvc exp run -S compute.backend=dask -S compute.scheduler={one.address}\n")
    seen = parallel.each(here, range(20), one.compute(), "test")
    mine = {str(pid) for pair in seen for pid in pair[:2]} | {str(one.process.pid)}
    listening = [line for line in _sockets() if line[0] in mine]
    assert listening
    assert {address.rpartition(":")[0] for _, address in listening} == {"127.0.0.1"}

    _, complaints = one.end(signal.SIGINT)  # to all of its processes, as Ctrl-C does

    assert (one.process.returncode, complaints) == (0, "")
    deadline = time.monotonic() + 60
    while any(Path("/proc", pid).exists() for pid in mine) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not [pid for pid in mine if Path("/proc", pid).exists()]


def _sockets():
    """Process and local address of every listening TCP socket of processes of ours."""
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    lines += [line.split() for line in Path("/proc/net/tcp6").read_text().splitlines()[1:]]
    by_inode = {line[9]: line[1] for line in lines if line[3] == "0A"}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            links = [str(one.readlink()) for one in (process / "fd").iterdir()]
        except OSError:
            continue
        for link in links:
            if link.startswith("socket:[") and (where := by_inode.get(link[8:-1])):
                host, _, port = where.rpartition(":")
                octets = bytes.fromhex(host)[::-1]
                name = ".".join(map(str, octets)) if len(octets) == 4 else host
                yield process.name, f"{name}:{int(port, 16)}"


def test_a_port_that_is_taken_is_one_line(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = subprocess.run(
            [sys.executable, "-m", "stages.cluster", "1", port],
            capture_output=True, text=True, cwd=ROOT, timeout=60,
        )  # fmt: skip

    assert done.returncode == 1
    assert f"no scheduler on port {port}" in done.stderr.strip().splitlines()[-1]


def order(**changes):
    """What a driver asks of a worker, as this process would."""
    mine = {"folder": str(ROOT), "environment": {}, "about": workman.about(""), "framework": ""}
    return foreman.Order(**(mine | {"digest": b"d"} | changes))


def answer(asked, function=len, items=(1, 2)):
    return pickle.loads(foreman.work(asked, pickle.dumps(function), pickle.dumps(items)))


@pytest.fixture
def alone():
    """Afterwards no process waits for work."""
    yield
    for one in foreman._WAITING:
        one.end()
    foreman._WAITING.clear()


@pytest.mark.parametrize("name", ["numpy", "python", "system", "segment-restore"])
def test_a_worker_that_would_give_other_results_is_refused_by_name(alone, name):
    there = workman.about("") | {name: "0.0"}

    results, error = answer(order(about=there))

    assert results is None
    assert isinstance(error, PipelineError)
    assert f"{name} {workman.about('')[name]} there, 0.0 here" in str(error)
    assert "install the same there" in str(error)


def test_the_code_of_this_project_counts_but_for_its_pages(tmp_path, monkeypatch):
    for name in ("pipeline", "stages"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "one.py").write_text("1")
    monkeypatch.setattr(workman, "__file__", str(tmp_path / "pipeline" / "workman.py"))
    found = []
    for change in ("stages/one.py", "pipeline/page.html", "pipeline/two.py", "pipeline/one.py"):
        (tmp_path / change).write_text("2")
        workman._code.cache_clear()
        found.append(workman._code())
    workman._code.cache_clear()

    assert [a == b for a, b in pairwise(found)] == [True, False, False]


def test_with_a_framework_its_version_and_the_processor_count_too():
    light, heavy = workman.about(""), workman.about("torch")

    assert set(heavy) - set(light) == {"keras", "processor", "safetensors", "tensorflow", "torch"}
    assert heavy["torch"] != "none"


def test_a_folder_that_a_worker_does_not_see_is_told(alone, tmp_path):
    _, error = answer(order(folder=str(tmp_path / "elsewhere")))

    assert "cannot work in" in str(error)
    assert "docs/cluster.md" in str(error)


def test_a_process_that_had_nothing_to_do_for_long_is_replaced(alone):
    assert answer(order()) == (2, None)
    (process,) = foreman._WAITING
    process._process.kill()
    process._process.wait()
    process._process.returncode = workman.LEFT  # as if it had gone by itself

    assert answer(order()) == (2, None)
    assert process not in foreman._WAITING


def test_a_worker_without_this_package_is_refused_with_one_line(tmp_path):
    """Here the worker's ``pipeline`` is somebody else's."""
    (tmp_path / "pipeline").mkdir()
    words = "raise ModuleNotFoundError(\"No module named 'pipeline'\")"
    (tmp_path / "pipeline" / "__init__.py").write_text(words)
    environment = os.environ | {
        "PYTHONPATH": str(tmp_path),
        "DASK_LOGGING__DISTRIBUTED": "critical",
    }
    scheduler = subprocess.Popen(
        [sys.executable, "-m", "distributed.cli.dask_scheduler", "--host", "127.0.0.1",
         "--port", "0", "--no-dashboard", "--scheduler-file", str(tmp_path / "s.json")],
        env=environment, cwd=tmp_path, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    worker = subprocess.Popen(
        [sys.executable, "-m", "distributed.cli.dask_worker", "--no-nanny", "--nthreads", "1",
         "--scheduler-file", str(tmp_path / "s.json"), "--no-dashboard"],
        env=environment, cwd=tmp_path, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        address = settled(tmp_path / "s.json")
        compute = parallel.ComputeParams(backend="dask", workers=0, scheduler=address)
        with pytest.raises(PipelineError, match="the cluster cannot run segment-restore") as raised:
            parallel.each(square, range(10), compute, "test")
        assert "\n" not in str(raised.value)
    finally:
        for process in (worker, scheduler):
            process.kill()
            process.wait()


def test_no_thread_of_ours_is_left_waiting(started):
    before = threading.active_count()
    batches = cluster.each(squares, count(), started.compute(), 3, "")
    next(batches)
    batches.close()

    assert threading.active_count() <= before + 1


PROGRAM = """
import sys
from typing import NamedTuple
from pipeline import parallel
class Pair(NamedTuple):
    number: int
    square: int
def pair(number):
    return Pair(number, number * number)
compute = parallel.ComputeParams(backend="dask", workers=0, scheduler=sys.argv[1])
done = parallel.each(pair, range(50), compute, "test")
print(done == [pair(number) for number in range(50)], {type(one) is Pair for one in done})
"""


def test_results_may_be_of_classes_of_the_program_itself(started, tmp_path):
    """A stage is the program that DVC starts; its classes have no module that others know."""
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    done = subprocess.run(
        [sys.executable, str(program), started.address],
        capture_output=True, text=True, env=os.environ | {"PYTHONPATH": str(ROOT)},
    )  # fmt: skip

    assert (done.stdout, done.stderr) == ("True {True}\n", "")
