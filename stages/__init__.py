"""The shell around the library: read, call one step, write, and say one line."""

import errno
import inspect
import os
import platform
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

# Frameworks read these when they are imported, which a stage does after this package.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")  # 2.4 times faster training on CPU
os.environ.setdefault("KERAS_BACKEND", "tensorflow")
# PyTorch's threads sleep while they wait for each other: spinning, they take the processor from
# whatever else runs, and a training beside one other process took four times as long.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("DVC_NO_ANALYTICS", "1")
# Workers measure small pictures one after another: memory that is handed back after each costs a
# tenth of their time, and OpenCV's threads beside theirs gain nothing.
os.environ.setdefault("MALLOC_TRIM_THRESHOLD_", "268435456")
os.environ.setdefault("MALLOC_MMAP_THRESHOLD_", "268435456")
os.environ.setdefault("OPENCV_FOR_THREADS_NUM", "1")
# So do NumPy's: its library of linear algebra starts one a core, in the parent and in each copy of
# it, and they spin. Sixteen of them took four seconds of processors from a stage of three.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
# NumPy's exp and sin differ in the last bit between processors with AVX-512 and those without;
# without it the sample, the masks and the tags are the same bytes on either.
if platform.machine() in {"x86_64", "AMD64"}:
    os.environ.setdefault("NPY_DISABLE_CPU_FEATURES", "X86_V4 AVX512_ICL AVX512_SPR")

from pipeline.errors import PipelineError

FULL = {errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)}  # Windows has no quota's number


def run(main: Callable[..., str]) -> None:
    """Call ``main`` with the command line as its paths, one a parameter, and print its summary.

    A ``PipelineError`` ends the program with its message alone, as an error of the disk does: both
    are the user's to mend.
    """
    names = list(inspect.signature(main).parameters)
    stage = Path(sys.argv[0]).stem
    if len(sys.argv) - 1 != len(names):
        sys.exit(f"usage: python -m stages.{stage} {' '.join(names)}")
    try:
        summary = main(*map(Path, sys.argv[1:]))
    except PipelineError as error:
        sys.exit(f"{stage}: {error}")
    except OSError as error:
        sys.exit(f"{stage}: {of_disk(error)}")
    print(f"{stage}: {summary}")  # noqa: T201  # the one line a stage says


def of_disk(error: OSError) -> str:
    """Return one line of an error that the system reported: where, what, and the cure."""
    place = Path(error.filename if isinstance(error.filename, str) else ".").absolute()
    where = f"{error.filename}: " if error.filename else f"in {place}: "
    said = str(error.strerror or error)
    if error.errno in FULL:
        there = next((one for one in (place, *place.parents) if one.exists()), place)
        total, _, free = shutil.disk_usage(there)
        said += f" ({free / 1e6:.1f} of {total / 1e6:.0f} MB are free there)"
    cure = (
        "make room, or mend that; what was written before is whole, and a new run goes on from it"
    )
    return f"{where}{said}; {cure}"
