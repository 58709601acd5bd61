"""[disk] Bring an export home: find it, put it in order, and let it arrive whole or not at all."""

import errno
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import file_digest, sha256
from pathlib import Path
from typing import Annotated

import msgspec

from pipeline import archive, foreign, layouts, roboflow_pin, shards, store
from pipeline.errors import PullError
from pipeline.folders import Split, files_below
from pipeline.layouts import Layout
from pipeline.names import on_disk
from pipeline.parallel import progress
from pipeline.params import Params
from pipeline.shards import ANNOTATIONS
from pipeline.tables import SPLITS

PIN = ".roboflow.yaml"
RECORD = "pulled.json"
Bring = Callable[[Path, Path], object]  # copies or moves a file
Positive = Annotated[float, msgspec.Meta(gt=0)]


NO_TRUTH = """This export brings no truth beside its annotations: no truth/tags.csv, no truth/clean.
"""


class PullParams(Params):
    """Where the data comes from, and how long and how much to put up with."""

    export: str  # a folder or .zip of an export, or a *.roboflow.yaml pin
    unpacked_at_most: Positive  # GB (10^9 bytes) that a zip may hold
    attempts: Annotated[int, msgspec.Meta(ge=1)]  # of each request to Roboflow
    stalled_after: Positive  # seconds without a byte
    finished_within: Positive  # seconds for a whole download, waiting for Roboflow included


def pull(
    export: Path,
    raw: Path,
    truth: Path,
    limits: PullParams,
    account: roboflow_pin.Account,
) -> Layout:
    """Fetch an export into ``raw`` and what is known beside it into ``truth``.

    All is built in a hidden folder beside ``raw`` and renamed at the end, ``raw`` last; a
    pull that was killed leaves nothing under either name. What it had downloaded stays in
    another hidden folder, and the next pull of that pin goes on there. Pictures and JSON keep
    their bytes.

    Args:
        export: a folder, a ``.zip`` or a ``*.roboflow.yaml`` pin.
        raw: will hold ``train``, ``valid`` and ``test``, those that exist, and ``pulled.json``.
        truth: will hold the export's ``truth`` folder, or nothing.
        limits: as ``PullParams``.
        account: how to reach Roboflow; used for a pin only.

    Returns:
        What was found, for the summary; its paths may be gone.

    Raises:
        PullError: the export cannot be fetched or read as one, or the disk is full.
    """
    try:
        with _bench(raw) as bench:
            layout, origin = _open(export, raw, bench, limits, account)
            _build(layout, origin, bench)
            _arrive(bench / "truth", truth)
            _arrive(bench / "raw", raw)
            shutil.rmtree(_kept(raw), ignore_errors=True)
    except OSError as error:
        raise PullError(_from_disk(error, raw)) from error
    return layout


@contextmanager
def _bench(raw: Path) -> Iterator[Path]:
    """Lend an empty hidden folder beside ``raw``; a killed pull's is cleared by the next."""
    bench = raw.parent / f".{raw.name}.part"
    shutil.rmtree(bench, ignore_errors=True)
    bench.mkdir(parents=True)
    try:
        yield bench
    finally:
        shutil.rmtree(bench, ignore_errors=True)


def _kept(raw: Path) -> Path:
    """Return the folder in which a download lies until it has arrived."""
    return raw.parent / f".{raw.name}.download"


def _open(
    export: Path, raw: Path, bench: Path, limits: PullParams, account: roboflow_pin.Account
) -> tuple[Layout, dict[str, object]]:
    """Return the export's layout, unpacked and downloaded if need be, and what its pin said."""
    if export.name.endswith(PIN):
        pin = roboflow_pin.read(export)
        kept = _kept(raw)
        zipped = kept / f"{pin.workspace}.{pin.project}.{pin.version}.zip"
        for other in kept.glob("*"):
            if not other.name.startswith(zipped.name):
                other.unlink()
        roboflow_pin.download(pin, zipped, _patience(limits), account)
        try:
            return _unzip(zipped, bench, limits), msgspec.to_builtins(pin)
        except PullError:
            shutil.rmtree(kept)  # whatever was wrong with it, it is not to be taken up again
            raise
    if export.is_dir():
        if raw.resolve().is_relative_to(export.resolve()):
            raise PullError(f"{export} holds {raw} itself; give the export's own folder")
        return layouts.find(export, foreign.READERS), {}
    if export.is_file():
        return _unzip(export, bench, limits), {}
    raise PullError(
        f"{export} does not exist; pull.export names a folder or .zip of an export, or a *{PIN} pin"
    )


def _unzip(zipped: Path, bench: Path, limits: PullParams) -> Layout:
    unpacked = bench / "unpacked"
    archive.unpack(zipped, unpacked, int(limits.unpacked_at_most * 1e9))
    try:
        return layouts.find(unpacked, foreign.READERS)
    except PullError as error:
        raise PullError(str(error).replace(str(unpacked), zipped.name)) from error


def _patience(limits: PullParams) -> roboflow_pin.Patience:
    return roboflow_pin.Patience(limits.attempts, limits.stalled_after, limits.finished_within)


def _build(layout: Layout, origin: dict[str, object], bench: Path) -> None:
    """Lay the export out on the bench as it will arrive."""
    raw = bench / "raw"
    bring = os.replace if layout.root.is_relative_to(bench) else shutil.copyfile
    for split in layout.splits:
        _build_split(split, raw / split.name, bring)
    for note in layout.notes:
        shutil.copyfile(note, raw / on_disk(note.name))
    _build_truth(layout.truth, bench / "truth")
    record = {**origin, "sha256": _digest(raw), "left_out": layout.left_out}
    store.write_json(raw / RECORD, record)


def _build_split(split: Split, folder: Path, bring: Bring) -> None:
    folder.mkdir(parents=True)
    for source, place in progress(split.files, f"pulling {split.name}", len(split.files)):
        (folder / place).parent.mkdir(parents=True, exist_ok=True)
        bring(source, folder / place)
    if isinstance(split.annotations, bytes):
        store.write_bytes(folder / ANNOTATIONS, split.annotations)
        return
    for path in split.annotations:
        bring(path, folder / on_disk(shards.beside(path, len(split.annotations))))


def _build_truth(source: Path | None, folder: Path) -> None:
    """Copy the truth, if there is any; the folder always holds a file, as DVC expects."""
    folder.mkdir()
    if source is None:
        (folder / "none.txt").write_text(NO_TRUTH, encoding="utf-8")
    for path in files_below(source) if source else ():
        place = folder.joinpath(*map(on_disk, path.relative_to(source).parts))
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, place)


def _digest(folder: Path) -> str:
    """Return one checksum of every split's names and bytes, whatever wrapped them."""
    whole = sha256()
    for path in files_below(folder):
        place = path.relative_to(folder)
        if place.parts[0] in SPLITS:
            with path.open("rb") as file:
                whole.update(f"{file_digest(file, 'sha256').hexdigest()}  {place}\n".encode())
    return whole.hexdigest()


def _arrive(built: Path, place: Path) -> None:
    """Put what was built in its place, in one step; what lay there goes to the bench first."""
    place.parent.mkdir(parents=True, exist_ok=True)
    if place.is_symlink():
        place.unlink()
    elif place.exists():
        place.rename(built.with_name(f"{built.name}.old"))
    built.rename(place)


def _from_disk(error: OSError, raw: Path) -> str:
    detail = f"{error.filename or raw}: {error.strerror or error}"
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return f"the disk that holds {raw.parent} is full ({detail}); free some space, pull again"
    return f"{detail}; mend that and pull again"
