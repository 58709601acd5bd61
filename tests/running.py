"""Stages run one by one as DVC runs them, under limits and on small disks: ``tests/faults``."""

import hashlib
import os
import resource
import shutil
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]
TOLD = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
BALLAST = "ballast"


def python(*words, where, largest=None, memory=None, **environment):
    """Run our code in a project's folder; it may write files of ``largest`` bytes at most."""

    def limit():
        if largest is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (largest, largest))
        if memory is not None:
            resource.setrlimit(resource.RLIMIT_AS, (memory, memory))

    plain = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "HOME": str(where)}
    plain["PYTHONDONTWRITEBYTECODE"] = "1"  # compiled code cut off would stay
    return subprocess.run(
        [sys.executable, *words], cwd=where, env=plain | environment, capture_output=True,
        text=True, preexec_fn=limit,
    )  # fmt: skip


def run(stage, where, **limits):
    """Run a stage by the arguments of ``dvc.yaml``, with the parameters that it fills in."""
    filled = {"${pull.export}": "export", "${tag.truth}": "data/truth"}
    words = [filled.get(word, word) for word in TOLD[stage]["cmd"].split()[1:]]
    return python(*words, where=where, **limits)


def outs(stage):
    """Return the paths that a stage writes, as dvc.yaml says."""
    every = [*TOLD[stage]["outs"], *TOLD[stage].get("metrics", [])]
    return [next(iter(one)) if isinstance(one, dict) else one for one in every]


def tree(folder):
    """Path -> checksum of every file below a folder."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def prepared(where, export, before):
    """A project folder in which the stages before one have run."""
    where.mkdir(exist_ok=True)
    (where / "export").symlink_to(export)
    for stage in before:
        done = run(stage, where)
        assert done.returncode == 0, done.stderr
    return where


def one_line(done):
    """What was said of a failure: one line, and no traceback."""
    assert done.returncode == 1, done.stdout + done.stderr
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, done.stderr
    return lines[0]


def jumping(folder):
    """Return an environment in which the time of day jumps; None where no C compiler makes it."""
    library = folder / "clock.so"
    compiler = shutil.which("cc")
    if not compiler or sys.platform != "linux":
        return None
    source = Path(__file__).with_name("clock.c")
    words = [compiler, "-shared", "-fPIC", "-O1", "-o", str(library), str(source)]
    subprocess.run(words, check=True)
    changed = {"LD_PRELOAD": str(library), "TZ": "Pacific/Kiritimati"}
    asked = "import time; print(*(time.time_ns() // 10**17 for _ in range(3)))"
    said = python("-c", asked, where=folder, **changed).stdout.split()
    assert len(set(said)) == 3, said
    return changed


@contextmanager
def mounted(where, megabytes):
    """A small file system in memory; yields why there is none, or nothing.

    Whoever may not mount may still do so in a space of his own: `unshare -rm make test-faults`.
    """
    where.mkdir(parents=True)
    size = f"size={megabytes}m"
    words = ["mount", "-t", "tmpfs", "-o", size, "tmpfs", str(where)]
    try:
        done = subprocess.run(words, capture_output=True, text=True)
        why = done.stderr.strip() if done.returncode else ""
    except FileNotFoundError:
        why = "there is no mount"
    try:
        yield f"{why}; try unshare -rm make test-faults" if why else ""
    finally:
        if not why:
            subprocess.run(["umount", "-l", str(where)], check=True)


def free(where):
    """Return how many bytes can still be written."""
    told = os.statvfs(where)
    return told.f_bavail * told.f_frsize


def fill(where, left):
    """Fill a file system until so many bytes are free."""
    with (where / BALLAST).open("wb") as file:
        file.write(bytes(max(0, free(where) - left)))


def empty(where):
    """Make room again."""
    (where / BALLAST).unlink()
