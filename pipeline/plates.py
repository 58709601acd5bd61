"""The pictures that explain: what a mask is, what the network is given, what IoU counts."""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from pipeline import masks, photos, pictures, store
from pipeline.errors import ImageError
from pipeline.pictures import PREDICTED, TRUTH, Drawer, Shot, fitted, mask_path, shrink, tint

SHARED = (0, 158, 115)  # RGB, green: where truth and prediction agree
EITHER = (204, 121, 167)  # RGB, pink: what either covers
PALE = 0.45  # of a grey photo under a set of pixels: it tells the place and does not compete


@dataclass(frozen=True)
class Plates(Drawer):
    """Draws what ``Drawer`` does and the explaining pictures.

    Attributes:
        net: side of the network's input, pixels; ``None`` if the run has no network.
    """

    net: int | None = None

    def draw(self, shot: Shot, side: int) -> np.ndarray:
        """Return one shot's picture; as ``Drawer.draw``."""
        if shot.kind in PLATES:
            return PLATES[shot.kind](self, shot, side)
        return super().draw(shot, side)

    def record(self, shot: Shot, side: int) -> np.ndarray:
        """Return the photo on which the page draws an outline's points."""
        return self.photo(shot, side)

    def traced(self, shot: Shot, side: int) -> np.ndarray:
        """Return the photo with the hand-drawn outlines as lines."""
        image = self.photo(shot, side)
        mask = fitted(store.read_mask(mask_path(self.folders.masks, shot)), image)
        return np.where(masks.outline(mask, pictures.LINE)[..., None], np.uint8(TRUTH), image)

    def mask(self, shot: Shot, side: int) -> np.ndarray:
        """Return the label mask, white on black where there is one label."""
        return shrink(self._coloured(store.read_mask(mask_path(self.folders.masks, shot))), side)

    def input(self, shot: Shot, side: int) -> np.ndarray:
        """Return what the network is given of the photo: its own few pixels, seen as squares."""
        return self._enlarged(self._given(shot)[0], side)

    def target(self, shot: Shot, side: int) -> np.ndarray:
        """Return the mask that the network is to answer with, likewise."""
        return self._enlarged(self._coloured(self._given(shot)[1]), side)

    def counted(self, shot: Shot, side: int) -> np.ndarray:
        """Return one of the sets of pixels that IoU counts, as the shot's kind says."""
        image = self.photo(shot, side)
        folders = (self.folders.masks, pictures.present(self.folders.segments))
        truth, predicted = (
            fitted(store.read_mask(mask_path(folder, shot)), image) > 0 for folder in folders
        )
        pixels, colour = {
            "iou_truth": (truth, TRUTH),
            "iou_predicted": (predicted, PREDICTED),
            "iou_shared": (truth & predicted, SHARED),
            "iou_either": (truth | predicted, EITHER),
        }[shot.kind]
        grey = cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
        pale = cv2.addWeighted(grey, PALE, np.full_like(grey, 255), 1 - PALE, 0)
        return tint(pale, pixels.astype(np.uint8), np.uint8([colour] * 256), 0.8)

    def _given(self, shot: Shot) -> tuple[np.ndarray, np.ndarray]:
        if self.net is None:
            raise ImageError("the run has no network; run dvc repro train")
        image = store.read_image(self.folders.raw / shot.path)
        return photos.photo(image, store.read_mask(mask_path(self.folders.masks, shot)), self.net)

    def _coloured(self, mask: np.ndarray) -> np.ndarray:
        colours = masks.palette().copy()
        colours[0] = 0
        if self.labels == 1:
            colours[1:] = 255
        return colours[mask]

    @staticmethod
    def _enlarged(image: np.ndarray, side: int) -> np.ndarray:
        times = max(1, side // max(image.shape[:2]))
        return image.repeat(times, axis=0).repeat(times, axis=1)


PLATES: dict[str, Callable[[Plates, Shot, int], np.ndarray]] = {
    "record": Plates.record,
    "traced": Plates.traced,
    "mask": Plates.mask,
    "input": Plates.input,
    "target": Plates.target,
    "iou_truth": Plates.counted,
    "iou_predicted": Plates.counted,
    "iou_shared": Plates.counted,
    "iou_either": Plates.counted,
}
