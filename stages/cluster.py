"""A Dask cluster on this machine alone: a scheduler and some workers, until Ctrl-C.

It shows what a cluster does, and tests it; see docs/cluster.md for one of several machines.
"""

import os
import signal
import sys
import threading

from pipeline import copies

QUIET = {
    "logging": {"distributed": "error", "distributed.nanny": "error"},
    # Workers only hand work on: nobody looks into them, and they hold nothing worth a disk.
    "distributed.worker.profile.enabled": False,
    "distributed.worker.memory.spill": False,
    "distributed.worker.memory.target": False,
    "distributed.scheduler.active-memory-manager.start": False,
    # What looks after itself 50 times a second takes 8 % of a processor from the work.
    "distributed.admin.tick.interval": "1s",
    "distributed.admin.tick.limit": "30s",
    "distributed.admin.system-monitor.interval": "5s",
    "distributed.worker.memory.monitor-interval": "1s",
}
MENDED = 10  # seconds from one look after the workers to the next
# Ctrl-C reaches workers too, which would complain of it; they end with the scheduler.
DEAF = "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\n"


def main(workers: int, port: int) -> None:
    """Start a cluster, say its address, and wait for the end; that of whoever began this will do.

    Args:
        workers: processes, each of one thread; one that dies is started anew.
        port: of the scheduler, on the loopback address; 0 takes any that is free.
    """
    copies.follow(os.getppid())
    import dask  # noqa: PLC0415  # which reads its logging when distributed is imported

    dask.config.set(QUIET)
    from distributed import LocalCluster  # noqa: PLC0415

    end = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: end.set())
    try:
        cluster = LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            processes=True,
            preload=[DEAF],
            host="127.0.0.1",
            scheduler_port=port,
            dashboard_address="127.0.0.1:0",  # no page, but numbers of the scheduler
            worker_dashboard_address="127.0.0.1:0",
        )
    except (OSError, RuntimeError) as error:
        sys.exit(
            f"cluster: no scheduler on port {port} ({error}); another one may run there: "
            "make cluster PORT=8787"
        )
    with cluster:
        address = cluster.scheduler_address
        say(f"cluster: {workers} workers at {address}; Ctrl-C ends them. In another terminal:")
        say(f"dvc exp run -S compute.backend=dask -S compute.scheduler={address}")
        while not end.wait(MENDED):
            cluster.scale(workers)  # of a worker that dies while it starts, none takes the place


def say(line: str) -> None:
    """Print a line at once, to a pipe too."""
    print(line, flush=True)  # noqa: T201  # what a person is told


if __name__ == "__main__":
    if len(sys.argv) != 3 or not all(word.isdecimal() for word in sys.argv[1:]):
        sys.exit("usage: python -m stages.cluster WORKERS PORT")
    main(*map(int, sys.argv[1:]))
