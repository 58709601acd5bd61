"""Several processes that train one network together, as ``TF_CONFIG`` tells them.

Each works on its share of every batch; gradients, running statistics and scores are summed over
all of them, so that every one holds the same weights after each step.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from pipeline.errors import TrainingError
from pipeline.quiet import quietly

with quietly():
    import tensorflow as tf


@dataclass(frozen=True)
class Team:
    """The processes that train together.

    Attributes:
        count: how many there are.
        rank: which one this is, from 0; 0 writes the results.
        strategy: that joins them; None for a single one.
    """

    count: int = 1
    rank: int = 0
    strategy: tf.distribute.Strategy | None = None

    def share(self, indices: np.ndarray) -> np.ndarray:
        """Return this process's part of a batch, which differ by one at most."""
        return indices[self.rank :: self.count]

    def together(self, work: Callable) -> Callable:
        """Compile work that calls ``summed``; alone it is compiled as it is."""
        if self.strategy is None:
            return work
        return lambda *values: self.strategy.run(work, args=values)

    def summed(self, tensors: list[tf.Tensor]) -> list[tf.Tensor]:
        """Return the sum of each tensor over all processes; only within ``together``."""
        if self.strategy is None or not tensors:
            return tensors
        context = tf.distribute.get_replica_context()
        here = [
            tf.identity(one) for one in tensors
        ]  # an argument has no device yet, a sum needs one
        return context.all_reduce(tf.distribute.ReduceOp.SUM, here)

    def totals(self, arrays: list[np.ndarray]) -> list[np.ndarray]:
        """Return the sum of each array over all processes; whole numbers below 2^53 stay exact."""
        if self.strategy is None:
            return arrays
        flat = np.concatenate([np.ravel(array).astype(np.float64) for array in arrays])
        work = tf.function(self.together(lambda one: self.summed([one])), autograph=False)
        (total,) = work(tf.constant(flat))
        ends = np.cumsum([np.size(array) for array in arrays])
        parts = zip(np.split(total.numpy(), ends[:-1]), arrays, strict=True)
        return [part.reshape(np.shape(of)).astype(np.asarray(of).dtype) for part, of in parts]

    def leaders(self, arrays: list[np.ndarray]) -> list[np.ndarray]:
        """Return the arrays of process 0; the others' only say of which shape and type they are."""
        mine = arrays if self.rank == 0 else [np.zeros_like(array) for array in arrays]
        return self.totals(mine)


ALONE = Team()


def gather() -> Team:
    """Join the processes that ``TF_CONFIG`` names, before any other work of TensorFlow.

    Without it, or with one worker in it, this process trains alone. Each process sees one GPU at
    most; several on one machine are a process each, told apart by ``CUDA_VISIBLE_DEVICES``.

    Raises:
        TrainingError: ``TF_CONFIG`` is no cluster of workers.
    """
    try:
        resolver = tf.distribute.cluster_resolver.TFConfigClusterResolver()
        cluster = resolver.cluster_spec().as_dict()
        kind, rank = resolver.task_type, resolver.task_id
    except (json.JSONDecodeError, ValueError, TypeError, KeyError) as error:
        raise TrainingError(f"TF_CONFIG cannot be read: {error}; {_CURE}") from error
    count = len(cluster.get("worker", []))
    if not cluster or (set(cluster) == {"worker"} and count == 1):
        tf.zeros(1)  # the first operation, which looks for a GPU
        return ALONE
    if set(cluster) != {"worker"} or kind != "worker" or rank not in range(count):
        raise TrainingError(
            f"TF_CONFIG has {', '.join(sorted(cluster))} and is told to be {kind} {rank}; {_CURE}"
        )
    tf.config.set_visible_devices(tf.config.list_physical_devices("GPU")[:1], "GPU")
    return Team(count, rank, tf.distribute.MultiWorkerMirroredStrategy())


_CURE = (
    'give {"cluster": {"worker": ["HOST:PORT", ...]}, "task": {"type": "worker", "index": 0}}, '
    "or unset it"
)
