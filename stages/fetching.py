"""Weights by address, brought from the network with a bar on the terminal."""

from functools import partial
from pathlib import Path

from tqdm import tqdm

from pipeline import download, params


def local(name: str, sha256: str | None) -> Path:
    """Return where the file of a path or an address lies here.

    Args:
        name: a path, ~ for the home folder; or an ``http`` or ``https`` address.
        sha256: 64 hexadecimal digits; an address must have them, a path may.

    Raises:
        WeightsError: the file does not come, or is not the one that ``sha256`` names.
    """
    if download.is_url(name):
        return fetched(name, sha256)
    return download.checked(Path(name).expanduser(), sha256)


def fetched(url: str, sha256: str | None) -> Path:
    """Return the file of an address, brought from the network unless it lies here.

    Raises:
        WeightsError: as ``download.fetch``.
    """
    limits = params.load(download.DownloadParams, "download")
    with tqdm(
        desc="fetching weights", unit="B", unit_scale=True, disable=None, leave=False, delay=0.5
    ) as bar:
        return download.fetch(url, sha256, limits, partial(_show, bar))


def _show(bar: tqdm, done: int, total: int | None) -> None:
    bar.total = total
    bar.update(done - bar.n)
