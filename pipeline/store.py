"""[disk] One read and one write for each kind of file; nothing else opens a file.

Whole files are written to a neighbour and then renamed, so that a killed run leaves no
half-written file under a finished name.
"""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Iterable
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import cv2
import msgspec
import numpy as np
import simplejpeg
from PIL import Image, ImageOps

from pipeline import masks, packs, parquet
from pipeline.columns import Columns
from pipeline.errors import FormError, ImageError, TableError
from pipeline.whole import member, whole

if TYPE_CHECKING:
    import pandas as pd

JPEG = (b"\xff\xd8\xff",)
Kind = TypeVar("Kind")
TEXTS = (".json", ".md", ".txt", ".xml", ".yaml")


def write_bytes(path: Path, content: bytes) -> None:
    """Write a whole file or nothing; folders are made."""
    with whole(path) as beside:
        beside.write_bytes(content)


def read_table(path: Path, columns: Columns) -> pd.DataFrame:
    """Read a table by its schema, a CSV or Parquet; further columns keep the type pandas finds.

    The frame is the same whichever form ``write_table`` gave the table.

    Raises:
        TableError: the file is missing or damaged, or lacks a column, or a value does not fit.
    """
    import pandas as pd  # noqa: PLC0415  # 0.2 s that those who read pictures need not wait

    packed = parquet.found(path)
    if packed is not None:
        return columns.check(parquet.read(packed, columns), str(path), cast=True)
    if not path.is_file():
        raise TableError(f"{path} does not exist; run dvc repro")
    kinds = columns.dtypes()
    text = [name for name, dtype in kinds.items() if dtype == "str"]
    # As float64, which pandas takes where one is missing, the largest whole numbers are others.
    typed = {name: dtype for name, dtype in kinds.items() if dtype in {"str", "Int64"}}
    try:
        header = pd.read_csv(path, nrows=0).columns
        frame = pd.read_csv(
            path,
            keep_default_na=False,  # a category may be named "NA"
            dtype=typed,
            na_values={name: [""] for name in header if name not in text},
        )
    except ValueError as error:
        raise FormError(f"{path} is no CSV: {error}; run dvc repro") from error
    return columns.check(frame, str(path), cast=True)


def write_table(
    path: Path, frame: pd.DataFrame, columns: Columns, above: int | None = None
) -> None:
    """Write a CSV: LF, six digits, no index, rows as they come; text of bytes is the same each run.

    A table of more rows than ``above`` is Parquet instead, in a folder of the CSV's name; see
    ``parquet.write``. Either form takes the place of the other.

    Args:
        path: the table; folders are made.
        frame: its rows.
        columns: those promised.
        above: rows, ``tables.parquet_above``; None for a table that does not grow with the data.

    Raises:
        TableError: ``frame`` does not hold ``columns``, or ``path`` is a folder of other files.
    """
    checked = columns.check(frame, path.name, cast=True)
    if above is not None and len(checked) > above:
        parquet.write(path, checked, columns)
        return
    put_table(path, parquet.as_csv(checked).encode("utf-8"))


def put_table(path: Path, content: bytes) -> None:
    """Write a table of which the bytes are known, as those of an earlier one, in their form."""
    with whole(path, table=True) as beside:
        if content.startswith(parquet.MAGIC):
            beside.mkdir(exist_ok=True)
            (beside / member(path).name).write_bytes(content)
        else:
            beside.write_bytes(content)


def as_parquet(*tables: Path) -> str:
    """Return the words a stage adds to its line if some of its tables are Parquet; else none."""
    packed = [path.name for path in tables if path.is_dir()]
    return f"; {', '.join(packed)} as Parquet" if packed else ""


def write_zip(path: Path, members: Iterable[tuple[str, bytes]]) -> None:
    """Write a zip; the same names and contents, in one order, give the same bytes.

    Times and owners are left out. Text is packed, all else, which is pictures, is stored as it is.

    Args:
        path: the zip; folders are made.
        members: name in the zip, with /, and content; taken one at a time.
    """
    with whole(path) as beside, zipfile.ZipFile(beside, "w") as archive:
        for name, content in members:
            info = zipfile.ZipInfo(name)  # its time is that of the format's beginning, 1980
            info.create_system, info.external_attr = 3, 0o644 << 16
            if name.endswith(TEXTS):
                info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, content)


def read_json(path: Path, kind: type[Kind] = object) -> Kind:
    """Read a JSON file this project wrote.

    Args:
        path: the file.
        kind: what it holds, as ``msgspec`` knows types; by default any value.

    Raises:
        TableError: the file is missing, is not JSON or holds something else.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except FileNotFoundError as error:
        raise TableError(f"{path} does not exist; run dvc repro") from error
    except OSError as error:
        raise TableError(f"{path} cannot be read: {error.strerror}") from error
    except msgspec.ValidationError as error:
        raise TableError(f"{path} is not as we write it: {error}; run dvc repro again") from error
    except msgspec.DecodeError as error:
        raise TableError(f"{path} is not JSON: {error}; run dvc repro again") from error


def write_json(path: Path, value: object) -> None:
    """Write JSON with sorted keys, one space of indentation and a last newline."""
    plain = msgspec.json.encode(value, order="sorted")
    write_bytes(path, msgspec.json.format(plain, indent=1) + b"\n")


def write_records(path: Path, lists: dict[str, Iterable[list]]) -> None:
    """Write JSON of some lists as ``write_json`` does, but hold no more than a part of them.

    Args:
        path: the file.
        lists: by name; each in parts, one after the other.
    """
    head, tail = len(b'{\n "": ['), len(b"\n ]\n}")
    with whole(path) as beside, beside.open("wb") as file:
        for number, name in enumerate(sorted(lists)):
            file.write(b'%b\n "%b": [' % (b"," if number else b"{", name.encode()))
            full = False
            for part in filter(None, lists[name]):
                plain = b'{"":' + msgspec.json.encode(part, order="sorted") + b"}"
                file.write(b"," * full + msgspec.json.format(plain, indent=1)[head:-tail])
                full = True
            file.write(b"\n ]" if full else b"]")
        file.write(b"\n}\n" if lists else b"{}\n")


def read_image(path: Path) -> np.ndarray:
    """Read a picture as ``(H, W, 3)`` uint8 RGB, as its pixels lie: EXIF is not applied.

    Raises:
        ImageError: the file is missing or no picture.
    """
    return decode_image(read_picture(path), str(path))


def read_picture(path: Path) -> bytes:
    """Read a picture's file as it is, for those who decode it in a way of their own.

    If there is no such file, the archive that stands for its folder is looked into: the one way
    to what ``write_pictures`` wrote.

    Raises:
        ImageError: the file is missing or cannot be read, or the archive is damaged.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        packed = packs.read(path)
        if packed is None:
            raise ImageError(f"{path}: {error.strerror}; run dvc repro") from error
        return packed


def is_there(path: Path) -> bool:
    """Say whether ``read_picture`` finds a picture."""
    return path.is_file() or path.name in packs.members(path.parent)


def write_pictures(folder: Path, pictures: Iterable[tuple[str, bytes]], *, packed: bool) -> None:
    """Write pictures into a folder or, packed, into one archive beside it that stands for it.

    The archive, ``train.zip`` for ``train``, is there whole or not at all; its members are stored
    as they are, in order, without times, so that the same pictures give the same bytes.

    Args:
        folder: is made; the other form, if it is there, is removed first.
        pictures: name and content; taken one at a time.
        packed: write the archive.
    """
    archive = packs.of(folder)
    if packed:
        shutil.rmtree(folder, ignore_errors=True)
        write_zip(archive, pictures)
        return
    archive.unlink(missing_ok=True)
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in pictures:
        write_bytes(folder / name, content)


def read_photo(path: Path) -> np.ndarray:
    """Read a person's own photo as ``(H, W, 3)`` uint8 RGB, upright: EXIF orientation is applied.

    Raises:
        ImageError: the file is missing or no picture.
    """
    try:
        with Image.open(path) as image:
            return np.array(ImageOps.exif_transpose(image).convert("RGB"))
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise ImageError(f"{path} is not a picture that can be read: {error}") from error


def decode_image(content: bytes, name: str) -> np.ndarray:
    """Decode a picture's bytes as ``read_image`` does; ``name`` begins the message of a refusal."""
    if content.startswith(JPEG):
        try:
            return simplejpeg.decode_jpeg(content, "RGB")
        except ValueError:
            pass  # CMYK and broken files: OpenCV reads the one and refuses the other
    flags = cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION
    try:
        image = cv2.imdecode(np.frombuffer(content, np.uint8), flags) if content else None
    except cv2.error:  # a header that speaks of more pixels than OpenCV will hold
        image = None
    if image is None:
        raise ImageError(f"{name} is not a picture that can be read; replace the file")
    return image


def write_image(path: Path, image: np.ndarray) -> None:
    """Write ``(H, W, 3)`` uint8 RGB as PNG or, if the name ends so, as JPEG of quality 90."""
    write_bytes(path, encode_image(image, path.suffix))


def encode_image(image: np.ndarray, suffix: str = ".png", quality: int = 90) -> bytes:
    """Encode ``(H, W, 3)`` uint8 RGB as ``.png`` or ``.jpg``; same pixels, same bytes."""
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
        raise ImageError(f"expected (H, W, 3) uint8 RGB, got {image.shape} {image.dtype}")
    if suffix.lower() in {".jpg", ".jpeg"}:
        return simplejpeg.encode_jpeg(np.ascontiguousarray(image), quality, "RGB", "420")
    done, content = cv2.imencode(".png", image[..., ::-1], [cv2.IMWRITE_PNG_COMPRESSION, 3])
    if not done:
        raise ImageError(f"cannot encode {image.shape} as {suffix}")
    return content.tobytes()


def read_mask(path: Path) -> np.ndarray:
    """Read a label mask, ``(H, W)`` uint8.

    Raises:
        ImageError: the file is missing or is not an 8-bit PNG of one channel.
    """
    try:
        with Image.open(BytesIO(read_picture(path))) as image:
            if image.mode not in {"P", "L"}:
                raise ImageError(
                    f"{path} has mode {image.mode}, a label mask has P or L; "
                    "save it as an 8-bit greyscale PNG"
                )
            return np.array(image)
    except (OSError, SyntaxError) as error:
        raise ImageError(f"{path}: {error}") from error


def write_mask(path: Path, mask: np.ndarray) -> None:
    """Write a label mask as a palette PNG: its values are the labels, its colours for people."""
    write_bytes(path, masks.encode(mask))
