"""All pictures of an export, looked at: before tables are read, for that needs nothing of them."""

from functools import partial
from pathlib import Path

from pipeline import memory, raw
from pipeline.parallel import ComputeParams


def rows(folder: Path, compute: ComputeParams) -> list[dict]:
    """Return a row of ``raw.PICTURES`` a picture; of one that was looked at before, from memory.

    Args:
        folder: an export as it was pulled.
        compute: where to run.
    """
    paths = raw.picture_paths(folder)
    digests = memory.digests(lambda path: memory.content(folder / path), paths, compute, "checking")
    kept = memory.Memory(compute.cache, partial(raw.measure, folder), dict)
    known = list(zip(paths, digests, strict=True))
    measured = kept.each(known, digests, compute, "checking", threads=True)
    return [row | {"path": path} for row, path in zip(measured, paths, strict=True)]
