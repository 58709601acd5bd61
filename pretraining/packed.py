"""Read what ``pretraining.pack`` packed."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np


def pictures(path: Path, name: str) -> list[np.ndarray]:
    """Return the decoded pictures of one name: ``(H, W, 3)`` uint8 RGB."""
    return _decoded(path, name, lambda raw: cv2.imdecode(raw, cv2.IMREAD_COLOR)[..., ::-1])


def masks(path: Path, name: str) -> list[np.ndarray]:
    """Return the decoded masks of one name: ``(H, W)`` uint8, 0 or 1."""
    return _decoded(
        path, name, lambda raw: (cv2.imdecode(raw, cv2.IMREAD_GRAYSCALE) > 0).view("u1")
    )


def _decoded(path: Path, name: str, decode) -> list[np.ndarray]:  # noqa: ANN001
    with np.load(path) as packed:
        content, ends = packed[name], packed[f"{name}_ends"]
    with ThreadPoolExecutor() as pool:
        return list(pool.map(decode, np.split(content, ends[:-1])))
