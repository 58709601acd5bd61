"""[disk] How far a training has come, on disk, so that a killed one goes on where it was.

The file stands outside what DVC removes before a run. It is bound to all that decides about the
result by a digest: after an edit, another photo or another parameter it is of no use and is passed
over.
"""

import hashlib
import shutil
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np
import safetensors
import safetensors.numpy

from pipeline import store

FILE = "state.safetensors"
PACKAGES = ("keras", "numpy", "opencv-python-headless", "tensorflow")


@dataclass(frozen=True)
class Kept:
    """Where the state of one training is kept.

    Attributes:
        folder: of this training alone; made and removed here.
        digest: of ``digest``; a state of another one is not recalled.
    """

    folder: Path
    digest: str

    def recall(self) -> dict[str, np.ndarray] | None:
        """Return what ``keep`` was last given; None if nothing was, or for another training."""
        try:
            with safetensors.safe_open(self.folder / FILE, framework="numpy") as file:
                if file.metadata() != {"digest": self.digest}:
                    return None
                return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        except (OSError, safetensors.SafetensorError):
            return None

    def keep(self, arrays: dict[str, np.ndarray]) -> None:
        """Replace what was kept; killed meanwhile, the earlier state stands."""
        content = safetensors.numpy.save(arrays, {"digest": self.digest})
        store.write_bytes(self.folder / FILE, content)

    def forget(self) -> None:
        """Remove everything; once the training's results are written."""
        shutil.rmtree(self.folder, ignore_errors=True)


def digest(parts: Iterable[bytes | np.ndarray]) -> str:
    """Return the SHA-256 of ``parts``, of our code that is loaded and of the packages it uses.

    Args:
        parts: in a fixed order; an array counts by its bytes, so give its shape beside it.
    """
    found = hashlib.sha256()
    files = {
        name: module.__file__
        for name, module in sys.modules.items()
        if name.startswith("pipeline.") and getattr(module, "__file__", None)
    }
    ours = [Path(files[name]).read_bytes() for name in sorted(files)]
    for part in [*ours, *(version(name).encode() for name in PACKAGES), *parts]:
        content = np.ascontiguousarray(part).data if isinstance(part, np.ndarray) else part
        found.update(len(part).to_bytes(8))
        found.update(content)
    return found.hexdigest()
