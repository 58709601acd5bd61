"""Find and remove people in photos: TensorFlow looks in one process, PyTorch paints in another."""

import glob
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from pipeline import feeding, originals, params, store
from pipeline.errors import ImageError, PipelineError
from pipeline.originals import Original
from pipeline.parallel import progress
from stages.apart import each_apart

PICTURES = {
    *(".jpg", ".jpeg", ".jfif", ".png", ".bmp", ".webp", ".tif", ".tiff", ".gif"),
    *(".heic", ".heif", ".avif"),
}
TRAINED = Path("data/inpainter")  # what inpaint.weights: trained is, in a project's folder
# What one photo may fail with while the others go on; torch says RuntimeError for want of memory.
FAILURES = (PipelineError, OSError, MemoryError, RuntimeError, cv2.error)


class Photo(NamedTuple):
    """One photo on its way: where it is, its mask, and what went wrong so far.

    Attributes:
        path: the photo.
        mask: the label mask that is, or will be, of its size.
        restored: where the result goes.
        beside: where photo and result go in one picture; None = nowhere.
        failure: why it cannot be restored; empty while it can.
    """

    path: Path
    mask: Path
    restored: Path
    beside: Path | None = None
    failure: str = ""


def find(paths: list[Path]) -> tuple[list[Path], list[Path]]:
    """Return the photos, and the paths at which there is none.

    Files as named; folders as the pictures in them; patterns such as ``trip/*.jpg``, which not
    every shell expands, as the pictures they match; folders and patterns sorted, no file twice.

    Raises:
        ImageError: there is no picture at all.
    """
    found, missing = [], []
    for path in paths:
        if path.is_dir():
            found += sorted(file for file in path.iterdir() if file.suffix.lower() in PICTURES)
        elif path.is_file():
            found.append(path)
        else:
            # Path.glob wants a folder to start from, and a pattern may be absolute.
            matching = sorted(map(Path, glob.glob(str(path), recursive=True)))  # noqa: PTH207
            found += [file for file in matching if file.suffix.lower() in PICTURES]
            missing += [] if matching else [path]
    if not found and missing:
        raise ImageError(f"{missing[0]} does not exist; name photos or folders of photos")
    if not found:
        raise ImageError(f"no picture in {', '.join(map(str, paths))}")
    return list(dict.fromkeys(found)), missing


def read(photo: Photo) -> Original:
    """Read a photo of any kind that ``originals.decode`` knows.

    Raises:
        ImageError: it is none, or cannot be read.
    """
    try:
        return originals.decode(photo.path.read_bytes(), str(photo.path))
    except OSError as error:
        raise ImageError(f"{photo.path}: {error.strerror}") from error


def alone(
    work: Callable[[list[Photo], Path | None], Iterable[Photo]],
    photos: list[Photo],
    model: Path | None,
) -> list[Photo]:
    """Do the work in a fresh process, so that the two frameworks never share one.

    A photo on which the process dies, as when memory runs out, is a failed one.

    Raises:
        PipelineError: the process raised one, or none lived.
    """
    return each_apart(work, photos, model, lambda photo, why: photo._replace(failure=why))


def segment(photos: list[Photo], model: Path) -> Iterator[Photo]:
    """Write the label mask of each photo, and yield it; TensorFlow's process.

    The next photos are read, which takes longest, while the network looks at one.
    """
    from pipeline import segment, unet  # noqa: PLC0415  # TensorFlow, here alone

    settings = params.load(segment.SegmentParams, "segment")
    if settings.model == "unet":
        unet.prepare(0, settings.threads)
    eye = segment.eye(settings, model, ["background", "person"])
    pictures = feeding.ahead(_picture, photos, settings.threads)

    def look(photo: Photo, image: np.ndarray | Exception) -> None:
        if isinstance(image, Exception):
            raise image
        (likely,) = eye.look([image])
        store.write_mask(photo.mask, unet.decided(likely, eye.threshold))

    pairs = zip(progress(photos, "find people", len(photos)), pictures, strict=True)
    for photo, image in pairs:
        yield _attempt(partial(look, image=image), photo)


def _picture(photo: Photo) -> np.ndarray | Exception:
    try:
        return read(photo).rgb
    except FAILURES as error:
        return error


def inpaint(photos: list[Photo], model: Path | None) -> Iterator[Photo]:
    """Write each photo without what its mask marks, and yield it; PyTorch's process.

    Args:
        photos: with masks written.
        model: the weights; None for those that ``inpaint.weights`` names.
    """
    from pipeline import inpaint, masks  # noqa: PLC0415  # PyTorch, here alone
    from pipeline.deepfill import runtime, weights  # noqa: PLC0415
    from stages import weighing  # noqa: PLC0415

    settings = params.load(inpaint.InpaintParams, "inpaint")
    runtime.prepare(settings.seed, settings.threads)
    if model:
        generator = weighing.licensed(weights.load(model))
    else:
        generator = weighing.load(settings, TRAINED)

    def paint(photo: Photo) -> None:
        original = read(photo)
        image = original.rgb
        mask = masks.resize(store.read_mask(photo.mask), *image.shape[:2])
        hole = inpaint.hole_of([mask], range(1, 256), settings, image)
        filled = inpaint.fill(generator, image, hole, settings)
        store.write_bytes(photo.restored, originals.restored(original, filled, hole))
        if photo.beside:
            store.write_image(photo.beside, np.hstack([image, filled]))

    for photo in progress(photos, "restore", len(photos)):
        yield _attempt(paint, photo)


def _attempt(work: Callable[[Photo], None], photo: Photo) -> Photo:
    """Do the work, or note why it failed; a photo that failed before is left alone."""
    if photo.failure:
        return photo
    try:
        work(photo)
    except FAILURES as error:
        return photo._replace(failure=" ".join(str(error).split()) or type(error).__name__)
    return photo
