"""What Parquet is worth: a table of a million photos, written and read in either form.

`python -m benchmarks.tables --rows 1000000 --repeats 3`: rows with the columns of a run's
`reports/images.csv`, numbers varied and names of their own. Every turn is a process of its own;
seconds are medians of turns taken one after the other, memory is the most above what the process
held before (the frame to be written, or nothing but the libraries), ratios are CSV by Parquet. The
frames that are read are compared, and the two files' sizes are told.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

from pipeline import store
from pipeline.tables import MEASURED

FORMS = {"CSV": sys.maxsize, "Parquet": 0}  # and `tables.parquet_above`
NAME = "images.csv"


def main() -> None:
    """Print the table; or, called by itself, take one turn."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, required=True)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--run", type=Path, default=Path("reports") / NAME)
    parser.add_argument("--turn", nargs=3, metavar=("TITLE", "FORM", "FOLDER"))
    asked = parser.parse_args()
    if asked.turn:
        title, form, folder = asked.turn
        say("{:.3f} {:.0f}".format(*turn(title, form, Path(folder), asked)))
        return
    with tempfile.TemporaryDirectory() as scratch:
        for title in ("write", "read"):
            found: dict[str, list[tuple[float, float]]] = {form: [] for form in FORMS}
            for _ in range(asked.repeats):
                for form in FORMS:
                    found[form].append(apart(title, form, Path(scratch), asked))
            say(line(title, "s", [statistics.median(s for s, _ in found[form]) for form in FORMS]))
            say(line("", "MB", [statistics.median(m for _, m in found[form]) for form in FORMS]))
        paths = [Path(scratch, form, NAME) for form in FORMS]
        first, second = (store.read_table(path, MEASURED) for path in paths)
        pd.testing.assert_frame_equal(first, second, check_exact=True)
        packed = paths[1] / "images.parquet"
        say(line("size", "MB", [path.stat().st_size / 1e6 for path in (paths[0], packed)]))


def apart(title: str, form: str, scratch: Path, asked: argparse.Namespace) -> tuple[float, float]:
    """Take one turn in a process of its own; seconds and megabytes."""
    words = ["--rows", str(asked.rows), "--run", str(asked.run)]
    words += ["--turn", title, form, str(scratch / form)]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.tables", *words],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    seconds, megabytes = map(float, done.stdout.split())
    return seconds, megabytes


def turn(title: str, form: str, folder: Path, asked: argparse.Namespace) -> tuple[float, float]:
    """Write or read the table; return the seconds and the most memory above what was held."""
    frame = made(asked.run, asked.rows) if title == "write" else None
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    before, begun = held("VmHWM"), time.perf_counter()
    if frame is None:
        frame = store.read_table(folder / NAME, MEASURED)
    else:
        store.write_table(folder / NAME, frame, MEASURED, FORMS[form])
    return time.perf_counter() - begun, held("VmHWM") - before


def made(run: Path, rows: int) -> pd.DataFrame:
    """Return the table of a run, repeated; numbers with points are varied."""
    known = store.read_table(run, MEASURED)
    frame = pd.concat([known] * (rows // len(known) + 1), ignore_index=True).head(rows)
    frame["file_name"] = [f"photo_{row:08}_jpg.rf.jpg" for row in range(rows)]
    chance = np.random.default_rng(0)
    for name in frame.select_dtypes("float64"):
        frame[name] *= 1 + 0.01 * chance.random(rows)
    return frame


def held(what: str) -> float:
    """Return megabytes of this process, as Linux tells them."""
    status = Path("/proc/self/status").read_text("utf-8")
    (told,) = [line.split()[1] for line in status.splitlines() if line.startswith(f"{what}:")]
    return int(told) / 1000


def line(title: str, unit: str, values: list[float]) -> str:
    """Return a line of the table."""
    csv, packed = values
    return (
        f"{title:6}{csv:9.1f} {unit} as CSV {packed:9.1f} {unit} as Parquet {csv / packed:7.1f} x"
    )


def say(text: str) -> None:
    """Print a line at once."""
    print(text, flush=True)  # noqa: T201  # a benchmark's result


if __name__ == "__main__":
    main()
