"""Small pictures that are drawn already, for a second page of all photos that knows more."""

from dataclasses import dataclass
from pathlib import Path

from pipeline import store
from pipeline.errors import ImageError
from pipeline.thumbs import Drawn, Thumb, outline


@dataclass(frozen=True)
class Redrawer:
    """Finds the small pictures that ``thumbs.Drawer`` drew into ``<page>/thumbs``."""

    into: Path

    @property
    def beside(self) -> str:
        """Return the folder as a page beside that page's own folder names it."""
        return "/".join(self.into.parts[-2:])

    def __call__(self, thumb: Thumb) -> Drawn:
        """Return size and outlines of one; a photo that could not be read has none."""
        try:
            small = store.read_image(self.into / thumb.asset)
        except ImageError:
            return Drawn(None, [])
        scale = small.shape[1] / thumb.width
        paths = ((label, outline(shape, scale)) for label, shape in thumb.outlines)
        return Drawn(small.shape[1::-1], [(label, path) for label, path in paths if path])
