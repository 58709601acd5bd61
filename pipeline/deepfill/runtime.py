"""How PyTorch computes: the same bytes on every run, on a processor at least."""

import os

import torch


def prepare(seed: int, threads: int) -> None:
    """Fix PyTorch's random numbers, its number of threads and the order of its sums.

    PyTorch keeps these for the whole process; call it once, from a stage. On a GPU the order of
    sums is asked for and not promised: not every operation has a steady form there.
    """
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # NVIDIA's condition for steadiness
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(mode=True, warn_only=torch.cuda.is_available())
    torch.manual_seed(seed)
