"""The page's pictures: small JPEG files, each drawn once from the folders of the run."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from pipeline import masks, store
from pipeline.errors import ImageError, PipelineError
from pipeline.smaller import read, shrink

TRUTH = (86, 180, 233)  # RGB, sky blue: what a person drew
PREDICTED = (230, 159, 0)  # RGB, orange: what the network drew
HOLE = (213, 94, 0)  # RGB, vermilion: what is to be filled
LINE = 2  # pixels each side of an edge, so that an outline shows on a telephone
QUALITY = 82  # of JPEG: no visible loss at thumbnail size, a third of the bytes of 95
GAP = 2  # white pixels around each picture of a sheet
THUMB = 300  # pixels, longer side of pictures that lie six in a row: 150 on a screen, so sharp
LARGE = {"before", "after", "record"}  # kinds drawn at the size of the before-and-after slider


@dataclass(frozen=True)
class Shot:
    """One picture to draw.

    Attributes:
        kind: a key of ``DRAWINGS``.
        split: train, valid or test.
        stem: name of what was derived from the photo.
        path: the photo below ``data/raw``.
        file_name: the photo's name; any text.
    """

    kind: str
    split: str
    stem: str
    path: str
    file_name: str

    @property
    def photo(self) -> str:
        """Name of the photo on the page of all photos, of plain letters whatever it is called."""
        digest = hashlib.sha256(self.path.encode("utf-8", "surrogatepass")).hexdigest()[:12]
        return f"{self.split}-{digest}"

    @property
    def asset(self) -> str:
        """Name of the JPEG: the photo's and the kind."""
        return f"{self.photo}-{self.kind}.jpg"


@dataclass(frozen=True)
class Folders:
    """Where pictures are drawn from; ``None`` if the run has no such folder."""

    raw: Path
    masks: Path
    segments: Path | None = None
    filled: Path | None = None
    transplanted: Path | None = None
    rivals: Path | None = None


@dataclass(frozen=True)
class Drawer:
    """Draws shots into a folder; picklable, so that it can be mapped over processes.

    Attributes:
        folders: where to read.
        into: the folder of the JPEG files.
        labels: number of labels without background; one label takes the colour of its role.
        small: longer side of most pictures, pixels.
        large: longer side of the slider's pictures, pixels.
    """

    folders: Folders
    into: Path
    labels: int
    small: int
    large: int

    def __call__(self, shot: Shot) -> tuple[str, int, int] | None:
        """Draw one shot and return ``(asset, width, height)``, or ``None`` if it cannot be read."""
        side = self.large if shot.kind in LARGE else self.small
        side = min(side, THUMB) if shot.kind == "thumb" else side
        try:
            image = self.draw(shot, side)
        except PipelineError:
            return None
        store.write_bytes(self.into / shot.asset, store.encode_image(image, ".jpg", QUALITY))
        return shot.asset, image.shape[1], image.shape[0]

    def draw(self, shot: Shot, side: int) -> np.ndarray:
        """Return one shot's picture, ``(H, W, 3)`` uint8 RGB.

        Raises:
            PipelineError: a file that it is made of is missing or damaged.
        """
        return DRAWINGS[shot.kind](self, shot, side)

    def photo(self, shot: Shot, side: int) -> np.ndarray:
        """Return the photo itself."""
        return read(self.folders.raw / shot.path, side)

    def truth(self, shot: Shot, side: int) -> np.ndarray:
        """Return the photo with what a person drew."""
        return self._tinted(shot, side, self.folders.masks, TRUTH)

    def predicted(self, shot: Shot, side: int) -> np.ndarray:
        """Return the photo with what the network drew."""
        return self._tinted(shot, side, present(self.folders.segments), PREDICTED)

    def deeplab(self, shot: Shot, side: int) -> np.ndarray:
        """Return the photo with what DeepLabv3 drew."""
        folder = present(self.folders.rivals) / "deeplabv3_resnet101"
        return self._tinted(shot, side, folder, PREDICTED)

    def selfie(self, shot: Shot, side: int) -> np.ndarray:
        """Return the photo with what the selfie segmenter drew."""
        return self._tinted(shot, side, present(self.folders.rivals) / "selfie", PREDICTED)

    def outlines(self, shot: Shot, side: int) -> np.ndarray:
        """Return the photo with both outlines, the prediction's above."""
        image = self.photo(shot, side)
        for folder, colour in ((self.folders.masks, TRUTH), (self.folders.segments, PREDICTED)):
            mask = fitted(store.read_mask(mask_path(present(folder), shot)), image)
            image = np.where(masks.outline(mask, LINE)[..., None], np.uint8(colour), image)
        return image

    def filled(self, shot: Shot, side: int) -> np.ndarray:
        """Return the restored photo."""
        return shrink(store.read_image(mask_path(present(self.folders.filled), shot)), side)

    def transplanted(self, shot: Shot, side: int) -> np.ndarray:
        """Return the photo with its transplanted hole filled."""
        return shrink(store.read_image(mask_path(present(self.folders.transplanted), shot)), side)

    def removed(self, shot: Shot, side: int) -> np.ndarray:
        """Return the photo with what was removed marked."""
        image = self.photo(shot, side)
        holes = present(self.folders.filled) / "holes"
        mask = fitted(store.read_mask(holes / f"{shot.stem}.png"), image)
        return tint(image, mask, np.uint8([HOLE] * 256), 0.6)

    def hole(self, shot: Shot, side: int) -> np.ndarray:
        """Return the photo with its transplanted hole marked."""
        image = self.photo(shot, side)
        holes = present(self.folders.transplanted) / "holes"
        mask = fitted(store.read_mask(holes / f"{shot.stem}.png"), image)
        return tint(image, mask, np.uint8([HOLE] * 256), 0.9)

    def _tinted(
        self, shot: Shot, side: int, folder: Path, colour: tuple[int, int, int]
    ) -> np.ndarray:
        image = self.photo(shot, side)
        mask = fitted(store.read_mask(mask_path(folder, shot)), image)
        colours = np.uint8([colour] * 256) if self.labels == 1 else masks.palette()
        return tint(image, mask, colours)


DRAWINGS: dict[str, Callable[[Drawer, Shot, int], np.ndarray]] = {
    "photo": Drawer.photo,
    "thumb": Drawer.photo,
    "truth": Drawer.truth,
    "predicted": Drawer.predicted,
    "deeplab": Drawer.deeplab,
    "selfie": Drawer.selfie,
    "outlines": Drawer.outlines,
    "filled": Drawer.filled,
    "before": Drawer.photo,
    "after": Drawer.filled,
    "transplanted": Drawer.transplanted,
    "hole": Drawer.hole,
    "removed": Drawer.removed,
}


def sheet(rows: list[list[np.ndarray]], side: int, across: int = 2) -> np.ndarray:
    """Lay pictures out as a table, each picture in a square.

    Args:
        rows: pictures, ``(H, W, 3)`` uint8 RGB each; every row has as many.
        side: of a square, pixels; pictures are shrunk into it and centred on white.
        across: rows that lie side by side.

    Returns:
        ``(H, W, 3)`` uint8 RGB; one white pixel if there is no row.
    """
    if not rows:
        return np.full((1, 1, 3), 255, np.uint8)
    strips = [np.hstack([_centred(image, side) for image in row]) for row in rows]
    strips += [np.full_like(strips[0], 255)] * (-len(strips) % across)
    gap = np.full((side, 3 * GAP, 3), 255, np.uint8)
    lines = [strips[start : start + across] for start in range(0, len(strips), across)]
    joined = [[line[0], *(part for strip in line[1:] for part in (gap, strip))] for line in lines]
    return np.vstack([np.hstack(line) for line in joined])


def _centred(image: np.ndarray, side: int) -> np.ndarray:
    small = shrink(image, side - 2 * GAP)
    canvas = np.full((side, side, 3), 255, np.uint8)
    top, left = ((side - length) // 2 for length in small.shape[:2])
    canvas[top : top + small.shape[0], left : left + small.shape[1]] = small
    return canvas


def mask_path(folder: Path, shot: Shot) -> Path:
    """Return where a derived PNG of the shot's photo lies."""
    return folder / shot.split / f"{shot.stem}.png"


def fitted(mask: np.ndarray, image: np.ndarray) -> np.ndarray:
    """Return the mask at the image's size."""
    return masks.resize(mask, *image.shape[:2])


def tint(
    image: np.ndarray, mask: np.ndarray, colours: np.ndarray, opacity: float = 0.5
) -> np.ndarray:
    """Tint an image by its labels and outline them.

    Args:
        image: ``(H, W, 3)`` uint8 RGB.
        mask: ``(H, W)`` uint8.
        colours: ``(256, 3)`` uint8 RGB, one a label.
        opacity: of the tint, 0..1.
    """
    painted = colours[mask]
    mixed = cv2.addWeighted(image, 1 - opacity, painted, opacity, 0)
    drawn = np.where((mask > 0)[..., None], mixed, image)
    return np.where(masks.outline(mask, 1)[..., None], painted, drawn)


def present(folder: Path | None) -> Path:
    """Return the folder.

    Raises:
        ImageError: the run has none.
    """
    if folder is None:
        raise ImageError("the run has no such pictures; run dvc repro")
    return folder
