"""How PyTorch computes: the same bytes on every run."""

import torch


def prepare(seed: int, threads: int) -> None:
    """Fix PyTorch's random numbers, its number of threads and the order of its sums.

    PyTorch keeps these for the whole process; call it once, from a stage.
    """
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(mode=True)
    torch.manual_seed(seed)
