"""Outline the people of unlabelled photos for correction by hand, most instructive photo first."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from pipeline import coco, parallel, params, prelabel, store, tables, upright
from pipeline.errors import ExportError, ImageError, PipelineError, TableError
from pipeline.handover import Package
from pipeline.parallel import progress
from pipeline.prelabel import Found, PrelabelParams
from stages import exporting, restoring

PEOPLE = ["background", "person"]  # what a ready-made network finds, where no dataset says more
TOP = 10  # photos that are told of


def write(
    folder: Path, output: Path, kind: str, model: Path, labelled: tuple[Path, Path]
) -> list[str]:
    """Write the zip; return the lines to say.

    Args:
        folder: of photos, without those in folders below it.
        output: the zip.
        kind: a key of ``exporting.FORMATS``.
        model: folder of the trained network.
        labelled: folders of the checked dataset and of its pictures, to know what is labelled; they
            need not exist.

    Raises:
        ExportError: the format is not known, or the zip cannot be written.
        ImageError: there is no photo, or none can be read.
        WeightsError: there is no network.
    """
    if kind not in exporting.FORMATS:
        raise ExportError(f"--format {kind} is not known; choose {', '.join(exporting.FORMATS)}")
    paths, _ = restoring.find([folder])
    known = _dataset(labelled[0])
    settings = params.load(PrelabelParams, "prelabel")
    found, names, failures = _look(paths, model, _names(labelled[0]), settings)
    if not found:
        raise ImageError(f"none of {len(paths)} pictures in {folder} can be read: {failures[0]}")
    looks, files = _labelled(known, labelled[1])
    ranking = prelabel.rank(found, looks, files)
    stems = _stems([one.file_name for one in found])
    made = prelabel.dataset(found, stems, names)
    package = exporting.FORMATS[kind](made)
    try:
        store.write_zip(output, _members(folder, package, ranking))
    except OSError as error:
        raise ExportError(f"{output} cannot be written: {error.strerror or error}") from error
    return [
        *failures,
        *_told(ranking, len(files)),
        f"{len(found)} photos with {len(made.annotations)} objects as {kind} in {output}",
    ]


def _look(
    paths: list[Path], model: Path, labels: list[str], settings: PrelabelParams
) -> tuple[list[Found], list[str], list[str]]:
    """Return the photos looked at, the names of the labels 1..K and a line for each failure."""
    from pipeline import segment, unet  # noqa: PLC0415  # TensorFlow, which --help need not load

    seeing = params.load(segment.SegmentParams, "segment")
    if seeing.model == "unet":
        unet.prepare(0, seeing.threads)
    eye = segment.eye(seeing, model, labels)
    found, failures = [], []
    for path in progress(paths, "find people", len(paths)):
        try:
            image = store.read_photo(path)
            (likely,) = eye.look([image])
            mask = unet.decided(likely, eye.threshold)
            found.append(
                Found(
                    path.name,
                    *image.shape[:2],
                    prelabel.objects(mask, settings),
                    prelabel.uncertainty(likely, settings.unsure),
                    prelabel.looks(image),
                )
            )
        except PipelineError as error:
            failures.append(f"{path.name} is left out: {error}")
    return found, eye.labels[1:], failures


def _dataset(valid: Path) -> pd.DataFrame:
    """Return the images of the labelled dataset, none if there is none."""
    try:
        return coco.load(valid).images
    except TableError:
        return tables.IMAGES.empty()


def _names(valid: Path) -> list[str]:
    try:
        return store.read_table(valid / "labels.csv", tables.LABELS)["name"].tolist()
    except TableError:
        return PEOPLE


def _labelled(images: pd.DataFrame, pictures: Path) -> tuple[np.ndarray, list[str]]:
    """Return looks and names of the labelled pictures that are there."""
    rows = images.drop_duplicates("path")
    work = [path for path in rows["path"] if (pictures / path).is_file()]
    compute = params.load(parallel.ComputeParams, "compute")
    seen = parallel.each(
        partial(_looks, pictures=pictures), work, compute, "look at what is labelled", threads=True
    )
    kept = [(look, path) for look, path in zip(seen, work, strict=True) if look is not None]
    looks = np.array([look for look, _ in kept], np.float32)
    return looks, [path for _, path in kept]


def _looks(path: str, pictures: Path) -> np.ndarray | None:
    try:
        return prelabel.looks(store.read_photo(pictures / path))
    except ImageError:
        return None


def _stems(names: list[str]) -> list[str]:
    """Return a stem a name; photos that differ in their suffix only get a number."""
    taken: dict[str, int] = {}
    stems = []
    for name in names:
        stem = Path(name).stem
        taken[stem] = taken.get(stem, 0) + 1
        stems.append(stem if taken[stem] == 1 else f"{stem}.{taken[stem]}")
    return stems


def _members(folder: Path, package: Package, ranking: pd.DataFrame) -> Iterator[tuple[str, bytes]]:
    """Yield texts, then pictures, each sorted by name."""
    table = ranking.to_csv(index=False, lineterminator="\n", float_format="%.6g")
    texts = {**package.texts, "ABOUT.md": f"{package.about}\n".encode()}
    yield from sorted((texts | {"ranking.csv": table.encode("utf-8", "replace")}).items())
    files = progress(sorted(package.pictures.items()), "packing", len(package.pictures))
    for name, path in files:
        yield name, _packed(folder / path)


def _packed(path: Path) -> bytes:
    """Return a photo's bytes; one whose EXIF asks for a turn is turned, as it was looked at."""
    content = store.read_picture(path)
    if upright.unturned(content) == content:
        return content
    return store.encode_image(store.read_photo(path), path.suffix, quality=95)


def _told(ranking: pd.DataFrame, labelled: int) -> Iterator[str]:
    yield (
        f"label these first; unsure × unlike the {labelled} labelled pictures:"
        if labelled
        else "label these first; nothing is labelled here, so unlike means unlike each other:"
    )
    for row in ranking.head(TOP).itertuples():
        yield (
            f"{row.rank:>3}  {row.score:.3f} = {row.uncertainty:.2f} × {row.unlike:.2f}  "
            f"{row.objects} found  {row.file_name}"
        )
