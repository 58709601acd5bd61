"""[process] What runs in a worker of a cluster: it hands work on to processes of this project's.

See ``workman`` for why. A worker keeps one such process a thread, for as long as work of the same
kind comes: a network is read once, and TensorFlow and PyTorch never share a process.
"""

import os
import pickle
import platform
import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from typing import NamedTuple

from pipeline import workman
from pipeline.errors import PipelineError

# What the results or the speed of work depend on, and what Dask sets for its workers.
SHAPING = (
    *("CUBLAS_WORKSPACE_CONFIG", "KERAS_BACKEND", "MALLOC_MMAP_THRESHOLD_"),
    *("MALLOC_TRIM_THRESHOLD_", "MKL_NUM_THREADS", "NPY_DISABLE_CPU_FEATURES"),
    *("OMP_NUM_THREADS", "OMP_WAIT_POLICY", "OPENBLAS_NUM_THREADS", "OPENCV_FOR_THREADS_NUM"),
    *("PYTHONHASHSEED", "TF_CPP_MIN_LOG_LEVEL", "TF_ENABLE_ONEDNN_OPTS"),
)
BEGIN = "from pipeline import workman; workman.main()"
DEATHS = 2  # of its process, at the same work, after which work is given up


class Order(NamedTuple):
    """How work is to be done.

    Attributes:
        folder: the driver's, in which relative paths lie.
        environment: the driver's, of ``SHAPING``.
        about: what the driver's ``workman.about`` says.
        framework: that the work brings, "" for none.
        digest: of the function, pickled.
    """

    folder: str
    environment: dict[str, str]
    about: dict[str, str]
    framework: str
    digest: bytes

    @property
    def kind(self) -> tuple:
        """What a process must have been begun for; one with a framework does one work only."""
        return (*self[:4], self.digest if self.framework else b"")


def environment(of: Mapping[str, str]) -> dict[str, str]:
    """Return what of an environment a process that works must have too."""
    return {name: of[name] for name in SHAPING if name in of}


def work(order: Order, function: bytes, items: bytes) -> bytes:
    """Have work done by a process beside this one.

    Args:
        order: how.
        function: of a list, pickled.
        items: the list, pickled.

    Returns:
        Results and None, pickled; or None and what was raised: by the function, or a PipelineError
        because this machine would give other results, or two processes died at the work.
    """
    try:
        for _ in range(DEATHS):
            answer = _answer(order, function, items)
            if answer is not None:
                return answer
    except PipelineError as error:
        return pickle.dumps((None, error))
    died = PipelineError(
        f"a process of {platform.node()} died twice at the same work, most likely for want of "
        "memory; give the workers more, or let fewer run on one machine"
    )
    return pickle.dumps((None, died))


def _answer(order: Order, function: bytes, items: bytes) -> bytes | None:
    """Return what a process answers; None if it died."""
    while True:
        process = _hired(order)
        answer = process.do(order.digest, function, items)
        if answer is not None:
            with _LOCK:
                _WAITING.append(process)
            return answer
        if process.end() != workman.LEFT:  # else it had gone, as nothing was to be done
            return None


class Process:
    """A ``workman`` and the pipes to it.

    Args:
        order: that it is begun for.

    Raises:
        PipelineError: it cannot begin, or would not give the driver's results.
    """

    def __init__(self, order: Order) -> None:
        inherited = {name: text for name, text in os.environ.items() if name not in SHAPING}
        inherited["PYTHONPATH"] = os.pathsep.join(filter(None, sys.path))
        self.kind = order.kind
        self._digest = b""
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-c", BEGIN, order.framework],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                cwd=order.folder,
                env=inherited | order.environment,
            )
        except OSError as error:
            raise PipelineError(
                f"{platform.node()} cannot work in {order.folder}: {error.strerror}; workers need "
                "the driver's folder at the same path, see docs/cluster.md"
            ) from error
        try:
            there = pickle.load(self._process.stdout)
        except (EOFError, OSError, pickle.UnpicklingError) as error:
            self.end()
            raise PipelineError(
                f"{platform.node()} cannot begin segment-restore; install this version of it there "
                "and start its workers anew"
            ) from error
        if told := _unlike(order.about, there):
            self.end()
            raise PipelineError(told)

    def do(self, digest: bytes, function: bytes, items: bytes) -> bytes | None:
        """Return the process's answer; None if it is gone."""
        message = (digest, None if digest == self._digest else function, items)
        try:
            pickle.dump(message, self._process.stdin, pickle.HIGHEST_PROTOCOL)
            self._process.stdin.flush()
            answer = pickle.load(self._process.stdout)
        except (EOFError, OSError, pickle.UnpicklingError):
            return None
        self._digest = digest
        return answer

    def end(self) -> int:
        """Let it end, if it has not; return its exit status, 0 if it was asked to."""
        for pipe in (self._process.stdin, self._process.stdout):
            with suppress(OSError):  # what was written could not be sent
                pipe.close()
        return self._process.wait()


_LOCK = threading.Lock()
_WAITING: list[Process] = []


def _hired(order: Order) -> Process:
    """Return a process for the work: one that waits, or a new one.

    Others that wait are let go, so that a network which is not wanted now holds no memory.
    """
    with _LOCK:
        fit = [one for one in _WAITING if one.kind == order.kind]
        others = [one for one in _WAITING if one.kind != order.kind]
        _WAITING[:] = fit[1:]
    for one in others:
        one.end()
    return fit[0] if fit else Process(order)


def _unlike(here: dict[str, str], there: dict[str, str]) -> str:
    """Return what to say of a machine on which results would not be the same; nothing if so."""
    unlike = [
        f"{name} {there.get(name)} there, {mine} here"
        for name, mine in here.items()
        if there.get(name) != mine
    ]
    if not unlike:
        return ""
    return (
        f"{platform.node()} would give other results: {'; '.join(unlike)}; install the same there "
        "(pip install -c constraints.txt), or take its workers off the cluster"
    )
