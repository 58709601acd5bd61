"""Fill holes in photos of any size: crop around them, paint at the network's scale, paste back."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Literal, NamedTuple

import cv2
import numpy as np
import pandas as pd
import torch
from msgspec import Meta
from torch import Tensor, nn

from pipeline import holes, shadows
from pipeline.deepfill import blend, weights
from pipeline.deepfill.layout import STRIDE
from pipeline.errors import ImageError, MaskError, ParamsError
from pipeline.params import Params

Share = Annotated[float, Meta(ge=0, le=1)]
Pixels = Annotated[int, Meta(ge=0)]


class Baselines(Params):
    """Paths of weights that others paint with, beside ours; null leaves one out."""

    partial: str | None  # Partial Convolution's, as naoto0804 writes them
    deepfill1: str | None  # the first DeepFill's, as daa233 writes them
    lama: str | None  # LaMa as a TorchScript program, big-lama.pt


class InpaintParams(Params):
    """How holes are chosen, cut out and filled; ``params.yaml`` section ``inpaint``."""

    weights: str  # embedded = this package's; trained = train_inpaint's; or a path or an address
    sha256: str | None  # of the file of weights; needed by an address, compared with a path's
    baselines: Baselines
    precision: Literal["float32", "bfloat16"]  # of the convolutions; the attention has float32
    mask: Literal["predicted", "annotated", "union"]
    remove: tuple[str, ...]  # category names; none = every category
    grow: Share  # rim around an object, share of its diagonal
    grow_least: Pixels  # the least rim, pixels
    shadow: bool  # remove the shadow that an object casts on the ground too
    shadow_reach: Annotated[float, Meta(ge=0, le=2)]  # how far it is looked for, of the height
    feather: Pixels  # width inside the hole over which the painting fades in, pixels
    grain: Annotated[float, Meta(ge=0, le=2)]  # noise laid over paintings, share of the photo's own
    margin: Annotated[float, Meta(gt=0, le=4)]  # surroundings a side, share of the hole's side
    margin_least: Pixels  # the least surroundings a side, pixels at the network's scale
    hole_side: Annotated[int, Meta(ge=16)]  # a longer hole is scaled down to this, pixels
    merge_side: Annotated[int, Meta(ge=16)]  # holes in one crop are together at most this, pixels
    batch: Annotated[int, Meta(ge=1)]  # crops painted at a time
    threads: Annotated[int, Meta(ge=1)]  # another number gives other rounding
    seed: Annotated[int, Meta(ge=0)]  # of the transplants
    transplant_least: Annotated[int, Meta(ge=8)]  # longer side of the smallest transplant, pixels


class _Scaled(NamedTuple):
    """A crop at the network's scale, padded; ``size`` is what it measures without the padding."""

    image: np.ndarray  # (h, w, 3) uint8, zero in the hole
    hole: np.ndarray  # (h, w) bool
    size: tuple[int, int]


def source(params: InpaintParams, trained: Path) -> Path:
    """Return where the weights are that ``params.weights`` names, no address."""
    return weights.located(params.weights, trained)


def removed_labels(labels: pd.DataFrame, remove: Sequence[str]) -> list[int]:
    """Return the labels to remove, every one but the background if no name is given.

    Args:
        labels: columns as ``tables.LABELS``.
        remove: category names.

    Raises:
        ParamsError: a name is no category's.
    """
    objects = labels[labels["label"] > 0]
    unknown = sorted(set(remove) - set(objects["name"]))
    if unknown:
        raise ParamsError(
            f"inpaint.remove names {', '.join(map(repr, unknown))}; "
            f"the categories are {', '.join(map(repr, objects['name']))}"
        )
    chosen = objects[objects["name"].isin(remove)] if remove else objects
    return [int(label) for label in chosen["label"]]


def hole_of(
    masks: Sequence[np.ndarray],
    labels: Sequence[int],
    params: InpaintParams,
    image: np.ndarray | None = None,
) -> np.ndarray:
    """Return the grown hole, ``(H, W)`` bool: where any of the masks holds one of the labels.

    Args:
        masks: ``(H, W)`` uint8 label masks of one picture: predicted, annotated or both.
        labels: what to remove.
        params: how far to grow.
        image: ``(H, W, 3)`` uint8 RGB; with it the objects' shadows belong to the hole, if
            ``params.shadow`` is set.

    Raises:
        MaskError: the masks, or they and the image, are of different size.
    """
    sizes = sorted(
        {mask.shape for mask in masks} | ({image.shape[:2]} if image is not None else set())
    )
    if len(sizes) != 1:
        raise MaskError(f"the masks of one picture are {sizes}; they must be of the picture's size")
    objects = np.any([np.isin(mask, labels) for mask in masks], axis=0)
    hole = holes.grown(objects, params.grow, params.grow_least)
    if image is not None and params.shadow:
        hole |= shadows.cast(image, objects, params.shadow_reach)
    return hole


def fill(
    generator: nn.Module, image: np.ndarray, hole: np.ndarray, params: InpaintParams
) -> np.ndarray:
    """Return the image with its hole painted.

    Args:
        generator: in evaluation mode; a ``Generator``, or what is called as one.
        image: ``(H, W, 3)`` uint8 RGB. What lies in the hole is never read.
        hole: ``(H, W)`` bool, already grown; see ``hole_of``.
        params: how to cut, scale and blend.

    Returns:
        ``(H, W, 3)`` uint8 RGB; pixels outside the hole are those of ``image``, bit for bit.

    Raises:
        ImageError: ``image`` is not ``(H, W, 3)`` uint8, or nothing of it is known.
        MaskError: ``hole`` is not bool or not of the image's size.
    """
    _check(image, hole)
    if not hole.any():
        return image.copy()
    patches = holes.patches(hole, partial(_margin, params=params), params.merge_side)
    numbers, _ = holes.parts(hole)
    scaled = [_scaled(image, hole, patch.box, params.hole_side) for patch in patches]
    filled = image.copy()
    speckled = _speckles(image, hole, params)
    for patch, painting in zip(patches, _painted(generator, scaled, params), strict=True):
        place = patch.box.slices
        box, blended = blend.blended(image[place], hole[place], painting, params.feather)
        own = np.isin(numbers[place][box.slices], patch.objects)
        if speckled is not None:
            blended = blended + speckled[place][box.slices]
        filled[place][box.slices][own] = np.clip(np.rint(blended[own]), 0, 255)
    return filled


def _speckles(image: np.ndarray, hole: np.ndarray, params: InpaintParams) -> np.ndarray | None:
    """Return noise as strong as the photo's, ``(H, W, 1)`` float32; None if none is wanted."""
    if not params.grain:
        return None
    sigma = params.grain * blend.grain(image, hole)
    rng = np.random.default_rng(params.seed)
    return rng.standard_normal((*hole.shape, 1), np.float32) * np.float32(sigma)


def _margin(longest: int, params: InpaintParams) -> float:
    """Return how much of the photo the network sees beside a hole of this longer side, pixels."""
    shrunk = max(1.0, longest / params.hole_side)
    return max(params.margin * longest, params.margin_least * shrunk)


def transplant(
    mask: np.ndarray,
    shapes: Sequence[np.ndarray],
    params: InpaintParams,
    rng: np.random.Generator,
) -> np.ndarray | None:
    """Return an object-shaped hole on ground without objects, where the truth is known.

    Args:
        mask: ``(H, W)`` uint8 labels of the truth.
        shapes: outlines of objects, each ``(h, w)`` bool.
        params: how far holes grow, and the least size.
        rng: chooses outline and place.

    Returns:
        ``(H, W)`` bool, grown as the hole of a real object and clear of every grown object; None
        if there is no outline or no room.
    """
    if not shapes:
        return None
    shape = shapes[rng.integers(len(shapes))]
    rim = max(params.grow_least, round(params.grow * np.hypot(*shape.shape)))
    objects = holes.grown(mask > 0, params.grow, params.grow_least)
    wider = holes.grown(np.pad(shape, rim), params.grow, params.grow_least)
    return holes.transplanted(objects, wider, params.transplant_least, rng)


def _check(image: np.ndarray, hole: np.ndarray) -> None:
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
        raise ImageError(f"expected (H, W, 3) uint8 RGB, got {image.shape} {image.dtype}")
    if hole.shape != image.shape[:2] or hole.dtype != bool:
        raise MaskError(
            f"image is {image.shape[:2]} but hole is {hole.shape} {hole.dtype}; "
            "give a bool array of the image's size"
        )
    if hole.all():
        raise ImageError("the hole is the whole picture; nothing is left to paint it from")


def _scaled(image: np.ndarray, hole: np.ndarray, box: holes.Box, hole_side: int) -> _Scaled:
    """Cut a crop out and shrink it until its longest hole fits; pad it to what the network takes.

    A small pixel belongs to the hole if any part of it does, so nothing of the hole leaks.
    """
    crop, cut = image[box.slices].copy(), hole[box.slices]
    crop[cut] = 0
    rows, columns = np.nonzero(cut.any(1))[0], np.nonzero(cut.any(0))[0]
    longest = max(rows[-1] - rows[0], columns[-1] - columns[0]) + 1
    factor = min(1.0, hole_side / longest)
    height, width = (max(1, round(side * factor)) for side in cut.shape)
    if factor < 1:
        crop = cv2.resize(crop, (width, height), interpolation=cv2.INTER_AREA)
        share = cv2.resize(cut.astype(np.float32), (width, height), interpolation=cv2.INTER_AREA)
        cut = share > 0
    pad = ((0, -height % STRIDE), (0, -width % STRIDE))
    return _Scaled(
        np.pad(crop, (*pad, (0, 0)), mode="symmetric"),
        np.pad(cut, pad, mode="symmetric"),
        (height, width),
    )


def _painted(
    generator: nn.Module, scaled: list[_Scaled], params: InpaintParams
) -> list[np.ndarray]:
    """Paint crops, equal sizes together; returns ``(h, w, 3)`` float32 of 0..255, unpadded."""
    by_size: dict[tuple[int, ...], list[int]] = {}
    for index, crop in enumerate(scaled):
        by_size.setdefault(crop.hole.shape, []).append(index)
    done: dict[int, np.ndarray] = {}
    for alike in by_size.values():
        for start in range(0, len(alike), params.batch):
            some = alike[start : start + params.batch]
            for index, painting in zip(
                some, _run(generator, [scaled[i] for i in some], params.precision), strict=True
            ):
                height, width = scaled[index].size
                done[index] = painting[:height, :width]
    return [done[index] for index in range(len(scaled))]


def _run(generator: nn.Module, crops: list[_Scaled], precision: str) -> np.ndarray:
    images = _tensor(np.stack([crop.image for crop in crops])) / 127.5 - 1
    cut = torch.from_numpy(np.stack([crop.hole for crop in crops])[:, None]).float()
    short = torch.autocast("cpu", torch.bfloat16, enabled=precision == "bfloat16")
    with torch.inference_mode(), short:
        _, refined = generator(images, cut, near_only=True)
        painted = torch.where(cut > 0, refined, images)
    return ((painted + 1) * 127.5).permute(0, 2, 3, 1).contiguous().numpy()


def _tensor(images: np.ndarray) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(images.transpose(0, 3, 1, 2))).float()
