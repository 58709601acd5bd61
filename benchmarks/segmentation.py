"""The U-Net's claims: images a second in training and in use, and what each part of it is worth.

    python -m benchmarks.segmentation [EXPORT] [--only train look] [--repeats N] [--photos N]
    python -m benchmarks.segmentation EXPORT --only rows --rows default seed ...

``train``: an epoch of plain Keras ``fit`` of the report's network at its size and batch, and of
ours at each of its sizes, in turns; medians. ``look``: ``Model.predict`` a photo at a time, and the
ways we look, in turns; masks are compared pixel by pixel. ``rows``: a training a row, by the stages
themselves. EXPORT is a folder or zip as ``pull.export`` takes it; without one the photos of the
first two are noise, as the speed does not depend on them.
"""

import argparse
import tempfile
from pathlib import Path

from benchmarks import runs

SPEEDS = ("train", "look")


def main() -> None:
    """Print the tables that are asked for."""
    asked = argparse.ArgumentParser(prog="python -m benchmarks.segmentation")
    asked.add_argument("export", type=Path, nargs="?", help="a folder or zip of an export")
    asked.add_argument("--only", choices=(*SPEEDS, "rows"), nargs="+", default=SPEEDS)
    asked.add_argument("--rows", choices=runs.ROWS, nargs="+", default=["default", "seed"])
    asked.add_argument("--repeats", type=int, default=5, help="turns")
    asked.add_argument("--photos", type=int, default=96, help="an epoch, or a round")
    said = asked.parse_args()
    if "rows" in said.only and said.export is None:
        asked.error("rows are of an export; name one")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if said.export is not None:
            runs.prepare(said.export, folder)
        for table in (one for one in SPEEDS if one in said.only):
            from benchmarks import speeds  # noqa: PLC0415  # TensorFlow, which rows do not need

            measure = {"train": speeds.learning, "look": speeds.looking}[table]
            for line in measure(folder, said.photos, said.repeats):
                print(line, flush=True)  # noqa: T201
        if "rows" in said.only:
            print(f"{runs.HEADER}\n{'|---' * runs.HEADER.count(' | ')}|---|")  # noqa: T201
            for row in said.rows:
                print(runs.row(folder, row), flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
