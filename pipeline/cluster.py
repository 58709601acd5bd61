"""[network] A Dask cluster: batches of work go out, a bounded number at a time, results come back.

Dask finds a worker for each batch and gives a batch whose worker is lost to another. What it sends
around are bytes that mean nothing to it, so that nothing is looked into on the way. The work itself
is done beside its workers, see ``foreman``.
"""

import hashlib
import os
import pickle
import threading
import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sized
from contextlib import contextmanager
from itertools import islice
from typing import TYPE_CHECKING, TypeVar

from distributed import CancelledError, Client, Future
from distributed.client import ClosedClientError
from distributed.comm import CommClosedError
from distributed.protocol.pickle import dumps
from distributed.scheduler import KilledWorker

from pipeline import connection, foreman, workman
from pipeline.errors import PipelineError

if TYPE_CHECKING:
    from pipeline.parallel import ComputeParams

Item = TypeVar("Item")
Result = TypeVar("Result")

AHEAD = 4  # batches a worker of the cluster, sent before the first of them is taken back
ENDS = 8  # batches a worker at least, if there are so many items, so that none waits long at last
GLANCE = 1.0  # seconds between looks at whether there are workers ...
GLANCED = 16  # ... and batches, while there are results


def each(
    function: Callable[[list[Item]], Result],
    items: Iterable[Item],
    compute: "ComputeParams",
    most: int,
    framework: str,
) -> Iterator[Result]:
    """Yield the function of batches of items, in order.

    Args:
        function: pure; sent to a worker once, however large it is.
        items: looked at as they are needed.
        compute: whose cluster, and how many batches at a time: ``workers``, if that is not 0 and
            there are more.
        most: items a batch; a batch costs the driver and the scheduler some milliseconds.
        framework: that the function imports, "" for none; see ``foreman``.

    Raises:
        ParamsError: no scheduler is named.
        PipelineError: the scheduler does not answer, or is lost; there is no worker for long; the
            same batch ended its worker again and again; a worker would give other results.
    """
    client = connection.client(compute)
    batches = _batches(items, most, connection.threads(client))
    waiting: deque[Future] = deque()
    send, room = None, 0
    try:
        for number, batch in enumerate(batches):
            if number % GLANCED == 0:
                room = _room(client, compute)
            while len(waiting) >= room:
                yield _taken(client, waiting, compute.patience)
            try:
                send = send or _sender(client, function, framework)
                waiting.append(send(batch))
            except ClosedClientError as error:
                raise connection.lost(client) from error
        while waiting:
            yield _taken(client, waiting, compute.patience)
    finally:
        for future in waiting:  # of whoever wants no more
            future.release()


@contextmanager
def begun(function: Callable[[], Result]) -> Iterator[Callable[[], Result]]:
    """Begin work that a cluster does, and yield what waits for its result.

    Waiting for a cluster takes nothing of this process but a thread.
    """
    done: list[tuple[Result | None, BaseException | None]] = []

    def work() -> None:
        try:
            done.append((function(), None))
        except BaseException as error:  # noqa: BLE001  # whoever asks for the result is told
            done.append((None, error))

    def result() -> Result:
        thread.join()
        value, error = done[0]
        if error is not None:
            raise error
        return value

    thread = threading.Thread(target=work, daemon=True)  # one that nobody waits for may be left
    thread.start()
    yield result


def _room(client: Client, compute: "ComputeParams") -> int:
    """Return how many batches may be sent and not taken back; workers come and go."""
    threads = max(1, connection.threads(client))
    return compute.workers if 0 < compute.workers < threads else AHEAD * threads


def _batches(items: Iterable[Item], most: int, threads: int) -> Iterator[list[Item]]:
    size = most
    if isinstance(items, Sized):
        size = max(1, min(most, len(items) // (ENDS * max(1, threads))))
    left = iter(items)
    while batch := list(islice(left, size)):
        yield batch


def _sender(client: Client, function: Callable, framework: str) -> Callable[[list], Future]:
    """Return what sends a batch.

    The function lies on the cluster as a result on which every batch depends: fetched by each
    worker once, made again if it is lost, and gone with this process.
    """
    content = dumps(function)
    order = foreman.Order(
        os.getcwd(),  # noqa: PTH109  # text
        foreman.environment(os.environ),
        workman.about(framework),
        framework,
        hashlib.sha256(content).digest(),
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it is large: it is sent once
        held = client.submit(bytes, content, pure=False)
    return lambda batch: client.submit(foreman.work, order, held, dumps(batch), pure=False)


def _taken(client: Client, waiting: deque[Future], patience: float) -> Result:
    """Wait for the oldest batch and return its results, leaving it off the queue."""
    future, missing = waiting[0], 0.0
    try:
        while (content := _result(future)) is None:
            missing = 0.0 if connection.threads(client) else missing + GLANCE
            if missing >= patience:
                raise PipelineError(
                    f"the cluster has had no worker for {patience:g} s (compute.patience); start "
                    "some, see docs/cluster.md"
                )
        results, error = pickle.loads(content)  # of our own function
    except PipelineError:
        raise
    except (CancelledError, CommClosedError) as error:
        raise connection.lost(client) from error
    except KilledWorker as error:
        raise PipelineError(
            f"a worker died {error.allowed_failures + 1} times at the same batch, most likely for "
            "want of memory; give the workers more, or let fewer run on one machine"
        ) from error
    except Exception as error:  # what our own function raises does not come this way
        raise PipelineError(
            f"the cluster cannot run segment-restore ({connection.reason(error)}); install this "
            "version of it for the scheduler and the workers, and start them anew"
        ) from error
    if error is not None:
        raise error
    waiting.popleft()
    return results


def _result(future: Future) -> bytes | None:
    """Wait for a moment, and return the result if there is one.

    One that is there may be lost with its worker while it is fetched, and is made again; so never
    wait without end.
    """
    try:
        return future.result(timeout=GLANCE)
    except TimeoutError:
        return None
