"""A tiny project of every stage, and how it is killed: for ``tests/faults``."""

import contextlib
import hashlib
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

import repository
import yaml
from running import TOLD, outs

PATH = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
STAGES = tuple(TOLD)
TINY = {
    "compute": {
        "cache": "cache"
    },  # killed as all else is; its file holds counters, so not compared
    "sample": {"images": 8, "size": 96},
    "unet": {"size": 32},
    "train": {"epochs": 2, "fresh_epochs": 2, "fresh_steps": 0},
    "learning_curve": {"shares": [1.0]},
    "deepfill": {"width": 8},
    "train_inpaint": {"from": "none", "steps": 3, "crop": 32, "batch": 2}
    | {"report_every": 1, "sheet_every": 2},
    "inpaint": {"weights": "trained", "mask": "annotated"},
    "evaluate": {"resamples": 50},
}
PASSED_OVER = (".git", "site", "cache", "tmp", "said.txt", ".dvc/tmp", ".dvc/cache")
SLOWEST = 600  # seconds that no stage of the tiny project takes on the busiest machine
END = 60  # seconds in which what a dead process leaves behind must be gone


class Times(NamedTuple):
    """How long a stage takes when nobody disturbs it, seconds since DVC began it."""

    first_write: float
    end: float


class Kill(NamedTuple):
    """What one kill was and what came of it.

    Attributes:
        stage: its name.
        number: of the kills of this stage.
        victim: "all" processes at once, or the one: "dvc", "stage", or "worker" below it.
        phase: "before its first write", "while it writes", or "while DVC saves".
        mended: whether the next `dvc repro` stopped at a half file of DVC's own, as it may.
        wrong: what is not as it was without a kill; empty = all is.
    """

    stage: str
    number: int
    victim: str
    phase: str
    mended: bool
    wrong: list[str]


def environment(where):
    """Everything that a run leaves anywhere lies below the project."""
    (where / "tmp").mkdir(exist_ok=True)
    return {
        **os.environ,
        "PATH": PATH,
        "DVC_NO_ANALYTICS": "1",
        "DVC_SITE_CACHE_DIR": str(where / "site"),
        "TMPDIR": str(where / "tmp"),
    }


def create(where):
    """Make a fresh repository with our code and tiny parameters; nothing has been run."""
    repository.fresh(where)
    settings = yaml.safe_load((where / "params.yaml").read_text(encoding="utf-8"))
    for section, changed in TINY.items():
        settings[section] |= changed
    (where / "params.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")
    who = ["-c", "user.name=x", "-c", "user.email=x@x"]
    for words in (
        ["git", "init", "-q"],
        ["dvc", "init", "-q"],
        ["git", "add", "dvc.yaml", "params.yaml", ".dvc"],
        ["git", *who, "commit", "-q", "-m", "start"],
    ):
        subprocess.run(words, cwd=where, env=environment(where), check=True)


def copied(before, where):
    """Copy a project, with the times of its files, as it stands."""
    shutil.rmtree(where, ignore_errors=True)
    subprocess.run(["cp", "-a", str(before), str(where)], check=True)
    return where


def begun(where, *stages):
    """Begin `dvc repro` in a session of its own; what it says is in ``said.txt``."""
    with (where / "said.txt").open("wb") as said:
        return subprocess.Popen(
            ["dvc", "repro", *stages], cwd=where, env=environment(where),
            stdout=said, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip


def finished(where, *stages):
    """Run `dvc repro` to its end; return what it said, and whether it came to a good one."""
    running = begun(where, *stages)
    running.wait(SLOWEST)
    return (where / "said.txt").read_text(encoding="utf-8"), running.returncode == 0


def mend(where):
    """Do what `make repro` does before `dvc repro`; return what was said."""
    words = [sys.executable, "-m", "stages.mending", "."]
    done = subprocess.run(words, cwd=where, capture_output=True, text=True, check=True)
    return done.stdout


def verified(where):
    """Do what `make verify` does; return what was said."""
    words = [sys.executable, "-m", "stages.verifying", "."]
    return subprocess.run(words, cwd=where, capture_output=True, text=True, check=True).stdout


def told(where, stage):
    """Return the words that DVC would run a stage by, without the interpreter."""
    settings = yaml.safe_load((where / "params.yaml").read_text(encoding="utf-8"))
    filled = {
        "${pull.export}": settings["pull"]["export"],
        "${tag.truth}": settings["tag"]["truth"],
    }
    return [filled.get(word, word) for word in TOLD[stage]["cmd"].split()[1:]]


def waited(where, running, ready):
    """Wait until ``ready()``; return False if the run ended before."""
    until = time.monotonic() + SLOWEST
    while running.poll() is None and time.monotonic() < until:
        if ready():
            return True
        time.sleep(0.002)
    return False


def starts(where, stage):
    """Return a question: has DVC begun this stage?"""
    words = f"Running stage '{stage}'".encode()
    return lambda: words in (where / "said.txt").read_bytes()


def writes(where, stage):
    """Return a question: has anything appeared where this stage writes?"""
    folders = {(where / out).parent for out in outs(stage)}
    shown = {folder: _changed(folder) for folder in folders}
    return lambda: any(_changed(folder) != shown[folder] for folder in folders)


def _changed(folder):
    return folder.stat().st_mtime_ns if folder.exists() else 0


def timed(where, stage):
    """Run a stage undisturbed; return its times."""
    running = begun(where, stage)
    assert waited(where, running, starts(where, stage)), (where / "said.txt").read_text()
    start = time.monotonic()
    waited(where, running, writes(where, stage))
    written = time.monotonic() - start
    running.wait(SLOWEST)
    assert running.returncode == 0, (where / "said.txt").read_text()
    return Times(written, time.monotonic() - start)


def below(pid):
    """Processes that a process started, and those that they did; itself first."""
    done = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True)
    return [pid, *(deeper for child in done.stdout.split() for deeper in below(int(child)))]


def living(where):
    """Processes that work in a project, whoever started them."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            inside = (entry / "cwd").readlink() == where
            state = (entry / "stat").read_text().rsplit(")", 1)[1].split()[0]
        except OSError:
            continue
        if inside and state != "Z":
            found.append(int(entry.name))
    return found


def arguments(pid):
    """Return a process's command line; empty once it is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""


def strike(where, stage, times, number, draw):
    """Kill a run of one stage at a random moment; return whom it hit and when, None if nobody.

    Every second kill is drawn from the whole length, the others from the first write on, which
    otherwise few would hit; two of three end all processes, as a power cut does, the others one
    of them, as the system does for want of memory.
    """
    wrote = writes(where, stage)
    running = begun(where, stage)
    if not waited(where, running, starts(where, stage)):
        return None
    length = times.end
    if number % 2:
        waited(where, running, wrote)
        length = times.end - times.first_write
    time.sleep(draw.random() * length)
    if running.poll() is not None:
        return None
    every = below(running.pid)
    at_work = [pid for pid in every[1:] if f"stages.{stage}" in arguments(pid)]
    phase = "while it writes" if wrote() else "before its first write"
    phase = phase if at_work else "while DVC saves"
    victim = "all"
    if number % 3 == 2:
        pid = draw.choice(every)
        kind = "stage" if pid in at_work[:1] else "worker"
        victim = "dvc" if pid == running.pid else kind
        os.kill(pid, signal.SIGKILL)
    else:
        os.killpg(running.pid, signal.SIGKILL)
    running.wait(SLOWEST)
    return victim, phase


def killed(before, where, stage, number, seed, times, expected):
    """Kill a run of a stage, run it again, and compare everything."""
    draw = random.Random(f"{seed} {stage} {number}")
    for _ in range(10):  # a run that was faster than the one that was timed is no kill
        copied(before, where)
        hit = strike(where, stage, times, number, draw)
        if hit:
            break
    else:
        raise AssertionError(f"{stage}: no kill of ten hit anything")
    so_far = STAGES[: STAGES.index(stage) + 1]
    said, good = finished(where, *so_far)
    mended = not good and "half written" in mend(where)
    if mended:
        said, good = finished(where, *so_far)
    mend(where)  # which also clears away what DVC tried its links with
    wrong = [] if good else [f"the next run failed: {said[-500:]}"]
    wrong += left(where) + differences(state(where), expected)
    shutil.rmtree(where / "site", ignore_errors=True)
    if not wrong:
        shutil.rmtree(where)
    return Kill(stage, number, *hit, mended, wrong)


def again_and_again(where, longest, seed, most):
    """Kill a whole run, and the next, and the next, ``most`` times or until one ends; count."""
    draw = random.Random(f"{seed} again")
    for hits in range(most):
        running = begun(where)
        with contextlib.suppress(subprocess.TimeoutExpired):
            running.wait(draw.random() * longest)
            return hits
        os.killpg(running.pid, signal.SIGKILL)
        running.wait()
    return most


def state(where):
    """Path -> checksum of all that a project holds, and the names of what DVC keeps."""
    found = {}
    for path in sorted(where.rglob("*")):
        name = path.relative_to(where).as_posix()
        over = any(name == one or name.startswith(f"{one}/") for one in PASSED_OVER)
        if not over and "__pycache__" not in name:
            found[name] = _content(path) if path.is_file() else "a folder"
    for path in sorted((where / ".dvc/cache").rglob("*")):
        found[path.relative_to(where).as_posix()] = "kept"
    for path in (where / ".dvc/cache").glob("[0-9a-f][0-9a-f]/*.dir"):
        # Of a listing that it had not saved DVC keeps a copy where its second version had them.
        if hashlib.md5(path.read_bytes()).hexdigest() == path.parent.name + path.stem:
            found.pop(path.relative_to(where).as_posix())
            found.pop(path.parent.relative_to(where).as_posix(), None)
    return found


def _content(path):
    """Return a file's checksum; of two in which DVC's order is another from run to run, sorted."""
    if path.name == "dvc.lock":
        lock = yaml.load(path.read_text(encoding="utf-8"), yaml.CSafeLoader)
        return hashlib.sha256(json.dumps(lock, sort_keys=True).encode()).hexdigest()
    if path.name == ".gitignore":
        return hashlib.sha256("".join(sorted(path.open(encoding="utf-8"))).encode()).hexdigest()
    return checksum(path)


def checksum(path):
    """Return the SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def differences(found, expected):
    """Return one line for each path that is not the same."""
    return [
        f"{path}: {found.get(path, 'is not there')[:12]}, not {expected.get(path, 'nothing')[:12]}"
        for path in sorted({*found, *expected})
        if found.get(path) != expected.get(path)
    ]


def left(where):
    """Return a line for each process, lock or half file that a kill left behind."""
    until = time.monotonic() + END
    while living(where) and time.monotonic() < until:
        time.sleep(0.1)
    wrong = [f"still running: {arguments(pid)}" for pid in living(where)]
    for path in (where / ".dvc/cache/files/md5").glob("*/*"):
        content = hashlib.md5(path.read_bytes()).hexdigest()  # DVC's own digest
        if content != (path.parent.name + path.name).removesuffix(".dir"):
            wrong.append(f"{path.relative_to(where)}: damaged")
    lock = where / ".dvc/tmp/rwlock"  # those of the dead DVC passes over
    held = re.findall(r'"pid": (\d+)', lock.read_text()) if lock.exists() else []
    wrong += [f"a lock of process {pid}" for pid in held if int(pid) in living(where)]
    return wrong


def table(kills):
    """Return lines: of each stage how many kills hit it, whom and when, and what differed."""
    columns = ("all", "dvc", "stage", "worker")
    columns += ("before its first write", "while it writes", "while DVC saves")
    lines = [f"{'stage':15}{'kills':>6}" + "".join(f"{one:>{len(one) + 2}}" for one in columns)]
    lines[0] += "  mended  not identical"
    for stage in (*STAGES, "together"):
        some = [kill for kill in kills if stage in (kill.stage, "together")]
        told = [sum(one in (kill.victim, kill.phase) for kill in some) for one in columns]
        row = f"{stage:15}{len(some):6}"
        row += "".join(f"{n:{len(one) + 2}}" for n, one in zip(told, columns, strict=True))
        ends = sum(kill.mended for kill in some), sum(bool(kill.wrong) for kill in some)
        lines.append(f"{row}{ends[0]:8}{ends[1]:15}")
    return "\n".join(lines)
