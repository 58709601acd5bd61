"""What a page was made from: data, weights, parameters and packages; no clock and no commit.

A commit cannot be named in what it holds: the page would be another with every commit, and DVC's
lock with it. The page says how to ask git for the commit whose lock names its hash, which is
the one that holds the code, the data and the parameters it was made from.
"""

import hashlib
import platform
from importlib import metadata
from pathlib import Path

from pipeline import params

# What computes numbers or pictures; the others can only fail.
PACKAGES = (
    "numpy", "pandas", "shapely", "opencv-python-headless", "scikit-image", "tensorflow", "keras",
    "torch", "altair", "dvc",
)  # fmt: skip
IDLE = ("compute",)  # sections on which no result depends
DIGITS = 12  # of a digest: so many tell any two apart that one will ever meet


def packages() -> list[tuple[str, str]]:
    """Return name and version of what is installed, Python first; builds for a device are one."""
    python = ".".join(platform.python_version_tuple()[:2])
    return [("Python", python), *((name, version) for name in PACKAGES if (version := _of(name)))]


def parameters(path: Path) -> list[tuple[str, list[tuple[str, object]]]]:
    """Return the sections of ``params.yaml`` that results depend on, each with its values.

    Raises:
        ParamsError: the file is no YAML.
    """
    sections = params.settings(path).sections
    return [
        (name, _flat(values)) for name, values in sections.items() if name not in IDLE and values
    ]


def seeds(sections: list[tuple[str, list[tuple[str, object]]]]) -> list[tuple[str, object]]:
    """Return the parameters that are seeds, by their whole names."""
    return [
        (f"{section}.{key}", value)
        for section, values in sections
        for key, value in values
        if key.rpartition(".")[2] == "seed"
    ]


def digest(files: list[Path]) -> str | None:
    """Return the beginning of the SHA-256 of files after each other; ``None`` without any."""
    if not files:
        return None
    total = hashlib.sha256()
    for path in files:
        total.update(path.read_bytes())
    return total.hexdigest()[:DIGITS]


def _of(name: str) -> str | None:
    try:
        return metadata.version(name).partition("+")[0]
    except metadata.PackageNotFoundError:
        return None


def _flat(values: object, prefix: str = "") -> list[tuple[str, object]]:
    if not isinstance(values, dict):
        return [(prefix.rstrip("."), values)]
    return [pair for key, value in values.items() for pair in _flat(value, f"{prefix}{key}.")]
