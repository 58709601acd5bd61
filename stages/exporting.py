"""Hand the checked dataset over to other tools, as one zip."""

from collections.abc import Iterator
from pathlib import Path

from pipeline import coco, handover, labelstudio, store, upright
from pipeline.errors import ExportError
from pipeline.handover import Package
from pipeline.parallel import progress

FORMATS = {
    "coco": handover.roboflow,
    "cvat": handover.cvat,
    "yolo": handover.yolo,
    "labelstudio": labelstudio.package,
}
NOTES = ("readme", "licen")  # files beside the pictures that say what they may be used for
TOLD = 3  # examples in a message


def export(valid: Path, pictures: Path, kind: str, output: Path) -> str:
    """Read the dataset and write the zip; return one line.

    Raises:
        ExportError: the format is not known, a picture is missing, or the zip cannot be written.
        TableError: there is no dataset.
    """
    if kind not in FORMATS:
        raise ExportError(f"--format {kind} is not known; choose {', '.join(FORMATS)}")
    dataset = coco.load(valid)
    package = FORMATS[kind](dataset)
    _refuse_missing(pictures, package)
    try:
        store.write_zip(output, _members(pictures, package))
    except OSError as error:
        raise ExportError(f"{output} cannot be written: {error.strerror or error}") from error
    return (
        f"{len(dataset.images)} pictures with {len(dataset.annotations)} objects as {kind} "
        f"in {output}"
    )


def _refuse_missing(pictures: Path, package: Package) -> None:
    if not pictures.is_dir():
        raise ExportError(f"{pictures} is no folder; say where the pictures are with --pictures")
    missing = [path for path in package.pictures.values() if not (pictures / path).is_file()]
    if missing:
        raise ExportError(
            f"{len(missing)} of {len(package.pictures)} pictures are not in {pictures}, such as "
            f"{', '.join(missing[:TOLD])}; say where they are with --pictures"
        )


def _members(pictures: Path, package: Package) -> Iterator[tuple[str, bytes]]:
    """Yield texts and notes, then pictures, each sorted by name.

    Pictures keep their bytes, but for EXIF's wish to be shown turned.
    """
    texts = {**_notes(pictures), **package.texts, "ABOUT.md": f"{package.about}\n".encode()}
    yield from sorted(texts.items())
    files = progress(sorted(package.pictures.items()), "packing", len(package.pictures))
    for name, path in files:
        yield name, upright.unturned(store.read_picture(pictures / path))


def _notes(pictures: Path) -> dict[str, bytes]:
    """Return the licence and notes that came with the pictures."""
    return {
        path.name: path.read_bytes()
        for path in sorted(pictures.iterdir())
        if path.is_file() and path.name.lower().startswith(NOTES)
    }
