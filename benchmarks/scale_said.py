"""What the runs of ``benchmarks.scale`` come to: tables, ratios, fitted costs, a cluster's bill."""

from collections import defaultdict
from collections.abc import Iterable
from statistics import median

from benchmarks import cost_model
from benchmarks.cost_model import POWERS, STAGES, Run

MILLIONS = 100  # of images, in the bill
NODES, CORES, MEMORY = 64, 32, 256  # of the cluster; GB a node
STORAGE = 10e9  # bytes a second that its shared storage gives to all together
READ, WRITTEN = 3, 1  # how often a picture is read; files written an image
PICTURE = 100e3  # bytes of a picture of 640 pixels
EXPORT = 100_000  # images of each export, if the whole is parted
Way = tuple[str, int, str]  # backend, workers, detector


def say(line: str) -> None:
    """Print at once: a measurement takes minutes."""
    print(line, flush=True)  # noqa: T201


def line(run: Run) -> str:
    """Return one measured stage as a line."""
    return (
        f"{run.backend:5} {run.workers} {run.detector:8} {run.images:7} images  {run.stage:9}"
        f"{run.wall:9.2f} s {1e3 * run.wall / run.images:7.2f} ms an image  "
        f"processors {run.used:8.2f} s, own {run.own:7.2f} s  "
        f"driver {run.driver:5.0f} MB, workers {run.worker:4.0f} MB"
    )


def everything(runs: list[Run]) -> None:
    """Print the medians, the ratios that are to hold, the fitted costs and the bill."""
    middle = medians(runs)
    if not middle:
        return
    say("\nmedians")
    for run in middle:
        say("  " + line(run))
    ratios(middle)
    for detector in sorted({run.detector for run in middle}):
        costs(middle, detector)


def medians(runs: Iterable[Run]) -> list[Run]:
    """Return one run for all of the same stage, images and way; sorted."""
    same: dict[tuple, list[Run]] = defaultdict(list)
    for run in runs:
        same[run[:5]].append(run)
    rank = [*STAGES, *POWERS].index
    return [
        Run(*key, *(median(one[place] for one in same[key]) for place in range(5, 10)))
        for key in sorted(same, key=lambda one: (*one[:4], rank(one[4])))
    ]


def whole(runs: Iterable[Run]) -> dict[tuple[Way, int], dict[str, float]]:
    """Return wall, processors and memory of the three stages together, where all are there."""
    same: dict[tuple, list[Run]] = defaultdict(list)
    for run in runs:
        if run.stage in STAGES:
            same[run[:3], run.images].append(run)
    return {
        key: {
            "wall": sum(one.wall for one in each),
            "used": sum(one.used for one in each),
            "driver": max(one.driver for one in each),
            "worker": max(one.worker for one in each),
        }
        for key, each in same.items()
        if len(each) == len(STAGES)
    }


def ratios(middle: list[Run]) -> None:
    """Print what is asked of sizes, processes and backends."""
    sums = whole(middle)
    say("\nvalidate, rasterise and tag together")
    for ((backend, workers, detector), images), one in sums.items():
        say(
            f"  {backend:5} {workers} {detector:8} {images:7} images {one['wall']:9.2f} s "
            f"{images / one['wall']:7.1f} images/s  processors {one['used']:9.2f} s  "
            f"driver at most {one['driver']:5.0f} MB, workers {one['worker']:4.0f} MB"
        )
    say("\nratios")
    for way in sorted({way for way, _ in sums}):
        sizes = sorted(images for other, images in sums if other == way)
        few, many = sizes[0], sizes[-1]
        if few < many:
            rates = [[n / sums[way, n][key] for n in (few, many)] for key in ("wall", "used")]
            say(
                f"  {way[0]} {way[1]} {way[2]}: throughput at {many} images by that at {few}: "
                f"{rates[0][1] / rates[0][0]:.2f} by the wall, "
                f"{rates[1][1] / rates[1][0]:.2f} by processors"
            )
    for (way, images), one in sums.items():
        backend, workers, detector = way
        if workers > 1 and (alone := sums.get(((backend, 1, detector), images))):
            say(
                f"  {backend} {detector}, {images} images: {workers} processes "
                f"{alone['wall'] / one['wall']:.2f} x as fast as 1"
            )
        if backend == "dask" and (local := sums.get((("local", workers, detector), images))):
            say(
                f"  dask {workers} workers, {detector}, {images} images: "
                f"{local['wall'] / one['wall']:.2f} of local {workers} processes"
            )


def costs(runs: list[Run], detector: str) -> None:
    """Print what is fitted to the local runs, and what a cluster would take for very many."""
    stages = [run for run in runs if run.backend == "local" and run.stage in STAGES]
    stages = [run for run in stages if run.detector == detector]
    if len({run.images for run in stages}) < 2 or len({run.workers for run in stages}) < 2:
        say(f"\ncosts with detector {detector}: two sizes and two numbers of processes are needed")
        return
    known = [*stages, *(run for run in runs if run.stage in POWERS)]
    say(f"\ncosts with detector {detector}: start + n (serial + parallel / w) + pairs, "
        f"of {len(stages)} medians")  # fmt: skip
    for stage in STAGES:
        one = cost_model.seconds(known, stage)
        held = cost_model.memory(run for run in stages if run.stage == stage)
        say(
            f"  {stage:9} start {one.start:5.2f} s, serial {1e3 * one.serial:6.3f} ms, "
            f"parallel {1e3 * one.parallel:6.3f} ms, off by {one.off:.1%}; driver "
            f"{held.start:4.0f} MB + {1e3 * held.image:5.2f} KB an image, off by {held.off:.1%}"
        )
    for kind, power in POWERS.items():
        here = [run for run in known if run.stage == kind]
        said = ", ".join(f"{run.used:.2f} s of {run.images}" for run in here)
        say(f"  pairs of {cost_model.PART_OF[kind]}, {kind}: {said or 'not measured'}; n^{power}")
    bill(known)


def parts(known: list[Run], images: float, workers: float, threads: float) -> dict[str, float]:
    """Return the seconds of the three stages by what they go to.

    Args:
        known: runs of one detector, and of comparisons.
        images: how many.
        workers: processes.
        threads: of the driver's machine.
    """
    found: dict[str, float] = defaultdict(float)
    for stage in STAGES:
        one = cost_model.seconds(known, stage)
        found["starts"] += one.start
        found["driver, one process"] += one.serial * images
        found["workers"] += one.parallel * images / workers
    for kind in POWERS:
        found[f"driver, {kind}"] = cost_model.compared(known, kind, images, threads)
    return found


def bill(known: list[Run]) -> None:
    """Print what a cluster would take for 100 million images, and what it would wait for."""
    images, cores = MILLIONS * 1e6, NODES * CORES
    held = max(
        cost_model.memory([run for run in known if run.stage == stage]).image for stage in STAGES
    )
    storage = READ * images * PICTURE / STORAGE
    say(
        f"\n{MILLIONS} million images on {NODES} nodes of {CORES} cores and {MEMORY} GB, storage "
        f"of {STORAGE / 1e9:.0f} GB/s, pictures of {PICTURE / 1e3:.0f} KB"
    )
    found = parts(known, images, cores, CORES) | {"storage": storage}
    said = ", ".join(f"{name} {seconds / 3600:.2f} h" for name, seconds in found.items())
    say(f"  as one export: {said}")
    say(f"    bottleneck: {max(found, key=found.get)}; the driver would hold "
        f"{held * images / 1e6:.2f} TB, and a node has {MEMORY / 1e3:.2f}")  # fmt: skip
    times, together = images / EXPORT, min(cores / 2, images / EXPORT)
    each = sum(parts(known, EXPORT, 2, 2).values())
    work = times / together * each
    say(
        f"  as {times:.0f} exports of {EXPORT} (places and near copies are sought within each), "
        f"{together:.0f} at a time on 2 cores: {each / 60:.1f} minutes each, "
        f"{work / 3600:.2f} h in all, {work * 2 * together / 3600:.0f} core hours"
    )
    say(
        f"    bottleneck: {'storage' if storage > work else 'workers'} (storage "
        f"{storage / 3600:.2f} h); drivers hold {held * EXPORT / 1e3 * together / NODES:.1f} GB "
        "a node"
    )
