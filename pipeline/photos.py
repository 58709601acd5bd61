"""Pictures and masks of one split as small squares in memory, and batches of their variations."""

from dataclasses import dataclass

import cv2
import numpy as np

from pipeline import augment
from pipeline.augment import AugmentParams
from pipeline.errors import ImageError, MaskError


@dataclass(frozen=True)
class Photos:
    """Square pictures and masks, small enough to stay in memory.

    Attributes:
        images: ``(N, S, S, 3)`` uint8 RGB.
        masks: ``(N, S, S)`` uint8 labels.
    """

    images: np.ndarray
    masks: np.ndarray

    def __len__(self) -> int:
        return len(self.images)


def photo(image: np.ndarray, mask: np.ndarray, side: int) -> tuple[np.ndarray, np.ndarray]:
    """Stretch one picture and its mask, of any shape, to squares of ``side`` pixels.

    Raises:
        MaskError: the two are of different size.
    """
    if image.shape[:2] != mask.shape:
        raise MaskError(
            f"image is {image.shape[:2]} but its mask is {mask.shape}; run dvc repro rasterise"
        )
    return square(image, side), shrink(mask, side)


def square(image: np.ndarray, side: int) -> np.ndarray:
    """Stretch a picture of any shape to ``(side, side, 3)`` uint8.

    Raises:
        ImageError: ``image`` is not ``(H, W, 3)`` uint8.
    """
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
        raise ImageError(
            f"expected (H, W, 3) uint8 RGB, got {image.shape} {image.dtype}; "
            "read images with store.read_image"
        )
    return cv2.resize(image, (side, side), interpolation=_method(image, side))


def shrink(mask: np.ndarray, side: int) -> np.ndarray:
    """Stretch a label mask to ``(side, side)``: each pixel takes the label that fills most of it.

    Nearest neighbour would drop what is thinner than a pixel of the result.
    """
    if mask.shape == (side, side):
        return mask
    present = np.unique(mask)
    cover = [
        cv2.resize(
            (mask == label).astype(np.float32), (side, side), interpolation=_method(mask, side)
        )
        for label in present
    ]
    return present[np.argmax(cover, axis=0)]


def _method(image: np.ndarray, side: int) -> int:
    return cv2.INTER_AREA if min(image.shape[:2]) >= side else cv2.INTER_LINEAR


def stack(pairs: list[tuple[np.ndarray, np.ndarray]], side: int) -> Photos:
    """Put squares of ``side`` pixels, as ``photo`` gives them, together; none are allowed too."""
    images = np.array([image for image, _ in pairs], dtype=np.uint8)
    masks = np.array([mask for _, mask in pairs], dtype=np.uint8)
    return Photos(images.reshape(-1, side, side, 3), masks.reshape(-1, side, side))


def resized(photos: Photos, side: int) -> Photos:
    """Return the photos at another side."""
    if photos.images.shape[1] == side:
        return photos
    pairs = zip(photos.images, photos.masks, strict=True)
    return stack([photo(image, mask, side) for image, mask in pairs], side)


def source_side(size: int, limits: AugmentParams) -> int:
    """Side at which to keep pictures, so that enlarging them finds real detail, up to half more."""
    return round(size * min(max(limits.scale_to, 1), 1.5))


def batches(images: int, batch: int, seed: list[int]) -> list[np.ndarray]:
    """Return the indices of each step of an epoch: every image once, in steps of equal length."""
    order = np.random.default_rng(seed).permutation(images)
    return np.array_split(order, -(-images // batch))


def variations(
    photos: Photos, chosen: np.ndarray, size: int, limits: AugmentParams, seed: list[int]
) -> tuple[np.ndarray, np.ndarray]:
    """Return ``(n, size, size, 3)`` and ``(n, size, size)`` uint8 of the chosen photos, varied.

    A photo's variation depends on ``seed`` and its index alone, not on its place in the batch;
    what ``limits`` lays over it comes from all of ``photos``.
    """
    pairs = [
        augment.vary(
            photos.images[index],
            photos.masks[index],
            size,
            limits,
            np.random.default_rng([*seed, int(index)]),
            (photos.images, photos.masks),
        )
        for index in chosen
    ]
    return np.stack([image for image, _ in pairs]), np.stack([mask for _, mask in pairs])
