"""The network that ``inpaint.weights`` names, fetched if it must be, with a word on its licence."""

import sys
from pathlib import Path

from tqdm import tqdm

from pipeline import download, inpaint
from pipeline.deepfill import weights
from pipeline.deepfill.generator import Generator
from pipeline.inpaint import InpaintParams
from stages import fetching


def load(settings: InpaintParams, trained: Path) -> Generator:
    """Return the network to paint with; say on the error stream whose weights they are.

    Raises:
        WeightsError: the weights do not come, are not those that ``sha256`` names, or do not fit.
    """
    return licensed(weights.load(place(settings, trained)))


def place(settings: InpaintParams, trained: Path) -> Path:
    """Return the file or folder of the weights, brought from the network if they have an address.

    Raises:
        WeightsError: as ``load``.
    """
    if not download.is_url(settings.weights):
        return download.checked(inpaint.source(settings, trained), settings.sha256)
    return fetching.fetched(settings.weights, settings.sha256)


def licensed(generator: Generator) -> Generator:
    """Return the network; if its weights are somebody else's, say whose and under what licence."""
    if generator.notice:
        tqdm.write(f"weights: {generator.notice}", file=sys.stderr)
    return generator
