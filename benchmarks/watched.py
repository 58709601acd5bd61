"""One program run and watched: seconds of the wall and of the processors, and peak memory.

A process's peak is what Linux calls VmHWM, which begins anew with each program and each copy of a
process. It is looked at some ten times a second, of the program and of all it starts.
"""

import os
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

EVERY = 0.1  # seconds between looks
TICK = os.sysconf("SC_CLK_TCK")  # of the processors' time, a second


class Watched(NamedTuple):
    """What a program took.

    Attributes:
        wall: seconds.
        own: seconds of processors that the program itself took.
        used: the same with all it started, and with the processes that worked for it.
        driver: MB, the most that the program itself had.
        worker: MB, the most that any other process of its had; 0 without one.
        said: its standard output.
    """

    wall: float
    own: float
    used: float
    driver: float
    worker: float
    said: str


def run(
    words: list[str], folder: Path, env: dict[str, str], helpers: Iterable[int] = ()
) -> Watched:
    """Run a program in a folder to its end.

    Args:
        words: of the command.
        folder: where it runs.
        env: its environment.
        helpers: processes that work for it besides, such as a cluster's, with what they started.

    Raises:
        SystemExit: the program failed; with the end of what it said.
    """
    helpers = list(helpers)
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as errors:
        before, began = sum(map(with_others, helpers)), time.perf_counter()
        child = subprocess.Popen(words, cwd=folder, env=env, stdout=out, stderr=errors, text=True)
        with _Look(child.pid, helpers) as seen:
            _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        wall = time.perf_counter() - began
        out.seek(0)
        errors.seek(0)
        if child.returncode:
            raise SystemExit(f"{' '.join(words)}\n{out.read()[-1000:]}{errors.read()[-3000:]}")
        used = usage.ru_utime + usage.ru_stime + sum(map(with_others, helpers)) - before
        return Watched(wall, seen.own, used, seen.driver, seen.worker, out.read().strip())


class _Look:
    """Watches a process and what it starts from a thread, while it is entered."""

    def __init__(self, pid: int, helpers: list[int]) -> None:
        self.driver = self.worker = self.own = 0.0
        self._pid, self._helpers, self._end = pid, helpers, threading.Event()
        self._thread = threading.Thread(target=self._on, daemon=True)

    def __enter__(self) -> "_Look":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()

    def _on(self) -> None:
        while True:
            self.driver = max(self.driver, peak(self._pid))
            self.own = max(self.own, seconds(self._pid))
            roots = [self._pid, *self._helpers]
            others = {*self._helpers, *(one for root in roots for one in below(root))}
            self.worker = max(self.worker, max(map(peak, others), default=0.0))
            if self._end.wait(EVERY):
                return


def peak(pid: int) -> float:
    """Return the most memory that a process had so far, MB; 0 if it has ended."""
    with suppress(OSError, StopIteration):
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
        return next(int(one.split()[1]) / 1024 for one in lines if one.startswith("VmHWM"))
    return 0.0


def seconds(pid: int, *, ended: bool = False) -> float:
    """Return the processors' seconds of a process, 0 if it has ended.

    Args:
        pid: the process.
        ended: count those of the processes too that it started and that have ended.
    """
    with suppress(OSError):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return sum(map(int, fields[11 : 15 if ended else 13])) / TICK
    return 0.0


def with_others(pid: int) -> float:
    """Return the processors' seconds of a process and of all that it started, ended or not."""
    return sum(seconds(one, ended=True) for one in (pid, *below(pid)))


def below(pid: int) -> list[int]:
    """Return the processes that a process started, and those they did."""
    found = []
    with suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            with suppress(OSError):
                found += map(int, (task / "children").read_text().split())
    return found + [one for child in found for one in below(child)]
