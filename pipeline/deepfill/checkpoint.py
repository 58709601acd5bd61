"""[disk] A training on disk, so that one that was killed goes on where it was."""

import hashlib
import io
import pickle
import shutil
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import torch

from pipeline import store

STATE = "state.pt"
SHEETS = "sheets"  # pictures of samples, a file a sheet


class Checkpoint:
    """The folder of one training, beside its output, where DVC neither looks nor deletes.

    Attributes:
        folder: its name holds a digest of all that the training depends on, so that a training of
            anything else never goes on from it.
    """

    def __init__(self, output: Path, parts: Iterable[bytes | np.ndarray]) -> None:
        """Name the folder.

        Args:
            output: the folder that the training writes in the end.
            parts: parameters, first weights and data, in a fixed order.
        """
        digest = hashlib.sha256()
        for part in parts:
            content = part if isinstance(part, bytes) else np.ascontiguousarray(part)
            shape = b"" if isinstance(part, bytes) else repr(part.shape).encode()
            digest.update(b"%d %s:" % (memoryview(content).nbytes, shape))
            digest.update(content)
        self.folder = output.parent / f".{output.name}.{digest.hexdigest()[:16]}.part"

    def write(self, state: dict) -> None:
        """Keep a state: tensors and plain values, dicts and lists of them."""
        content = io.BytesIO()
        torch.save(state, content)
        store.write_bytes(self.folder / STATE, content.getvalue())

    def read(self) -> dict | None:
        """Return the last state that was kept; None if there is none, or it is damaged."""
        path = self.folder / STATE
        if not path.is_file():
            return None
        try:
            return torch.load(path, map_location="cpu", weights_only=True)
        except (RuntimeError, EOFError, pickle.UnpicklingError):
            return None


def forget(output: Path) -> None:
    """Remove what trainings of this output kept, the abandoned ones' too."""
    for folder in output.parent.glob(f".{output.name}.*.part"):
        shutil.rmtree(folder)
