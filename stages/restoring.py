"""Find and remove people in photos: TensorFlow looks in one process, PyTorch paints in another."""

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

from pipeline import params, store
from pipeline.errors import ImageError, PipelineError
from pipeline.parallel import progress

TRAINED = Path("data/inpainter")  # what inpaint.weights: trained is, in a project's folder
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
    work: Callable[[list[Photo], Path | None], list[Photo]], photos: list[Photo], model: Path | None
) -> list[Photo]:
    """Do the work in a fresh process, so that the two frameworks never share one.

    Raises:
        PipelineError: the process raised one, or died.
    """
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        try:
            return pool.submit(work, photos, model).result()
        except BrokenProcessPool as error:
            raise PipelineError(
                f"{work.__name__} died, most likely for want of memory; give smaller photos"
            ) from error


def segment(photos: list[Photo], model: Path) -> list[Photo]:
    """Write the label mask of each photo; TensorFlow's process."""
    from pipeline import segment, unet  # noqa: PLC0415  # TensorFlow, here alone

    settings = params.load(segment.SegmentParams, "segment")
    unet.prepare(0, settings.threads)
    segmenter = segment.load(model)

    def look(photo: Photo) -> None:
        image = store.read_photo(photo.path)
        store.write_mask(photo.mask, segment.predict(segmenter, image, flip=settings.flip))

    return [_attempt(look, photo) for photo in progress(photos, "find people", len(photos))]


def inpaint(photos: list[Photo], model: Path | None) -> list[Photo]:
    """Write each photo without what its mask marks; PyTorch's process.

    Args:
        photos: with masks written.
        model: the weights; None for those that ``inpaint.weights`` names.
    """
    from pipeline import inpaint, masks  # noqa: PLC0415  # PyTorch, here alone
    from pipeline.deepfill import runtime, weights  # noqa: PLC0415

    settings = params.load(inpaint.InpaintParams, "inpaint")
    runtime.prepare(settings.seed, settings.threads)
    generator = weights.load(model or inpaint.source(settings, TRAINED))

    def paint(photo: Photo) -> None:
        image = store.read_photo(photo.path)
        mask = masks.resize(store.read_mask(photo.mask), *image.shape[:2])
        hole = inpaint.hole_of([mask], range(1, 256), settings, image)
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
