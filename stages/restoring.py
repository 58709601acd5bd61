"""Find and remove people in photos: TensorFlow looks in one process, PyTorch paints in another."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from pipeline import feeding, params, store
from pipeline.errors import ImageError, PipelineError
from pipeline.parallel import progress
from stages.apart import apart

PICTURES = {".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff"}


class Photo(NamedTuple):
    """One photo on its way: where it is, its mask, and what went wrong so far."""

    path: Path
    mask: Path
    restored: Path
    failure: str = ""


def find(paths: list[Path]) -> list[Path]:
    """Return the photos: files as named, folders as the pictures in them, sorted.

    Raises:
        ImageError: a path does not exist, or there is no picture at all.
    """
    found = []
    for path in paths:
        if path.is_dir():
            found += sorted(file for file in path.iterdir() if file.suffix.lower() in PICTURES)
        elif path.is_file():
            found.append(path)
        else:
            raise ImageError(f"{path} does not exist; name photos or folders of photos")
    if not found:
        raise ImageError(f"no picture in {', '.join(map(str, paths))}")
    return found


def alone(
    work: Callable[[list[Photo], Path], list[Photo]], photos: list[Photo], model: Path
) -> list[Photo]:
    """Do the work in a fresh process, so that the two frameworks never share one.

    Raises:
        PipelineError: the process raised one, or died.
    """
    return apart(work, photos, model)


def segment(photos: list[Photo], model: Path) -> list[Photo]:
    """Write the label mask of each photo; TensorFlow's process.

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
    return [_attempt(partial(look, image=image), photo) for photo, image in pairs]


def _picture(photo: Photo) -> np.ndarray | Exception:
    try:
        return store.read_photo(photo.path)
    except (PipelineError, OSError) as error:
        return error


def inpaint(photos: list[Photo], model: Path) -> list[Photo]:
    """Write each photo without what its mask marks; PyTorch's process."""
    from pipeline import inpaint, masks  # noqa: PLC0415  # PyTorch, here alone
    from pipeline.deepfill import runtime, weights  # noqa: PLC0415
    from stages import weighing  # noqa: PLC0415

    settings = params.load(inpaint.InpaintParams, "inpaint")
    runtime.prepare(settings.seed, settings.threads)
    generator = weighing.licensed(weights.load(model))

    def paint(photo: Photo) -> None:
        image = store.read_photo(photo.path)
        mask = masks.resize(store.read_mask(photo.mask), *image.shape[:2])
        hole = inpaint.hole_of([mask], range(1, 256), settings)
        store.write_image(photo.restored, inpaint.fill(generator, image, hole, settings))

    return [_attempt(paint, photo) for photo in progress(photos, "restore", len(photos))]


def _attempt(work: Callable[[Photo], None], photo: Photo) -> Photo:
    """Do the work, or note why it failed; a photo that failed before is left alone."""
    if photo.failure:
        return photo
    try:
        work(photo)
    except (PipelineError, OSError) as error:
        return photo._replace(failure=str(error))
    return photo
