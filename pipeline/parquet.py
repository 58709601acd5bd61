"""[disk] Large tables as Parquet, read back as the CSV of the same table would be.

A CSV of a million rows is slow to write and no spreadsheet opens it. The path of such a table stays
and becomes a folder that holds one Parquet file, which pandas, DuckDB, Polars and Spark take for a
table. fastparquet writes and reads it, and is loaded only then. It is not pyarrow because pandas
loads that wherever it is installed, into every stage, and then keeps texts in another form.
"""

from __future__ import annotations

import csv
import os
import zlib
from collections.abc import Iterator
from io import StringIO
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from pipeline.columns import Columns
from pipeline.errors import TableError
from pipeline.whole import member, whole

if TYPE_CHECKING:
    import pandas as pd

MAGIC = b"PAR1"  # begins every file, https://parquet.apache.org/docs/file-format/
SEAL = b"crc32:"  # then the checksum of the file, itself taken as eight zeros
BLANK = b"0" * 8
TAIL = 4096  # bytes at the file's end in which the seal is, as the last thing but the writer's name
PIECE = 1 << 20  # bytes that are read at a time
ROWS = 100_000  # of a row group: all that is converted and packed at a time
DIGITS = "%.6g"  # of a number in a table
LEAST, MOST = 1e-16, 1e21  # within, the power of ten that leaves six digits is a float64 exactly
WHOLE = 1e6  # from here on six digits are written with an exponent, and so are no whole number
SIX = "six digits"  # of a float64 column, which the CSV would round
MISSING = {SIX, "float64", "Int64", "boolean"}  # types of which a value may be missing


def found(path: Path) -> Path | None:
    """Return the Parquet file of a table; None if the table has another form, or is not there.

    Args:
        path: of the table, or of a copy of its one file under any name, as DVC's cache has it.

    Raises:
        TableError: it is a folder without its Parquet file.
    """
    if path.is_dir():
        if not member(path).is_file():
            raise TableError(f"{path} is a folder without {member(path).name}; run dvc repro")
        return member(path)
    if not path.is_file():
        return None
    with path.open("rb") as file:
        return path if file.read(len(MAGIC)) == MAGIC else None


def write(path: Path, frame: pd.DataFrame, columns: Columns) -> None:
    """Write a table as a folder with one Parquet file; whole or not at all, same bytes each run.

    Texts are UTF8, whole numbers INT64, other numbers DOUBLE of six digits as in the CSV, true and
    false BOOLEAN; a number that is missing is null, a text is empty. Further columns have the type
    that pandas would find in the CSV. Beside the frame one row group is held.

    Args:
        path: of the table; the folder takes the place of a CSV.
        frame: one row or more, checked by ``columns``.
        columns: those promised.
    """
    from fastparquet import writer  # noqa: PLC0415  # as above

    frame, types = _typed(frame, columns)
    blocks = _blocks(frame, types)
    first = next(blocks)
    described = writer.make_metadata(
        first,
        has_nulls=[name for name in types if types[name] in MISSING or frame[name].hasnans],
        object_encoding="utf8",
    )
    seal = writer.parquet_thrift.KeyValue(key="segment-restore", value=(SEAL + BLANK).decode())
    described.key_value_metadata = [*described.key_value_metadata, seal]
    with whole(path, table=True) as beside:
        beside.mkdir(exist_ok=True)
        with (beside / member(path).name).open("w+b") as file:
            writer.write_simple(file, chain([first], blocks), described, compression="ZSTD")
            place = _seal(file)
            told = _sum(file, place)
            file.seek(place)
            file.write(told)


def read(file: Path, columns: Columns) -> pd.DataFrame:
    """Read a Parquet file as ``store.read_table`` reads the CSV of the same table.

    Raises:
        TableError: the file is damaged, or is none that ``write`` wrote.
    """
    import pandas as pd  # noqa: PLC0415  # as in columns
    from fastparquet import ParquetFile  # noqa: PLC0415  # as above

    # Of what is damaged fastparquet reads other values, or brings the process down.
    with file.open("rb") as opened:
        place = _seal(opened)
        opened.seek(max(place, 0))
        if place < 0 or opened.read(len(BLANK)) != _sum(opened, place):
            raise TableError(f"{file} is damaged, or not as we wrote it; run dvc repro")
    frame = ParquetFile(str(file)).to_pandas(index=False)
    for name in frame:
        if frame[name].dtype in ("object", "boolean", "Int64"):
            frame[name] = _plain(frame[name], promised=name in columns)
    frame.columns = pd.Index(list(frame), dtype="str")
    return frame


def as_csv(frame: pd.DataFrame) -> str:
    """Return a table as CSV: LF, six digits, no index, rows as they come."""
    form = {"index": False, "lineterminator": "\n", "float_format": DIGITS}
    text = frame.to_csv(**form)
    if "\r" in text:  # which would end a row unless it is quoted
        text = frame.to_csv(**form, quoting=csv.QUOTE_ALL)
    return text


def six(values: np.ndarray) -> np.ndarray:
    """Return numbers as they are read back from six digits: bit by bit those of a CSV.

    Args:
        values: any float64; NaN, infinities and zeros stay.
    """
    size = np.abs(values)
    plain = (size >= LEAST) & (size <= MOST)
    size = np.where(plain, size, 1.0)
    places = 5 - np.floor(np.log10(size)).astype(np.int64)  # after the point, or less than none
    up, down = 10.0 ** np.maximum(places, 0), 10.0 ** np.maximum(-places, 0)
    digits = size * up / down  # 100000 to 999999, and what is beyond the sixth
    rounded = np.rint(digits)
    # What is close to a half, or to a logarithm's whole number, is left to the exact way.
    exact = np.abs(digits - np.floor(digits) - 0.5) > 1e-6
    exact &= (digits >= WHOLE / 10) & (rounded < WHOLE)
    result = np.where(plain & exact, np.copysign(rounded / up * down, values), values)
    odd = np.flatnonzero(~(plain & exact) & np.isfinite(values) & (values != 0))
    if odd.size:
        result[odd] = _through_text(values[odd])
    return result


def _seal(file: BinaryIO) -> int:
    """Return where the checksum stands; -1 if there is none."""
    size = file.seek(0, os.SEEK_END)
    start = max(0, size - TAIL)
    file.seek(start)
    at = file.read().rfind(SEAL)
    return start + at + len(SEAL) if at >= 0 else -1


def _sum(file: BinaryIO, place: int) -> bytes:
    """Return the checksum of a file, the one in it taken as zeros."""
    file.seek(0)
    total, left = 0, place
    while left:
        piece = file.read(min(left, PIECE))
        total, left = zlib.crc32(piece, total), left - len(piece)
    file.seek(len(BLANK), os.SEEK_CUR)
    total = zlib.crc32(BLANK, total)
    while piece := file.read(PIECE):
        total = zlib.crc32(piece, total)
    return b"%08x" % total


def _through_text(values: np.ndarray) -> np.ndarray:
    import pandas as pd  # noqa: PLC0415  # as in columns

    text = "\n".join(DIGITS % value for value in values.tolist())
    return pd.read_csv(StringIO(text), header=None, dtype="float64")[0].to_numpy()


def _typed(frame: pd.DataFrame, columns: Columns) -> tuple[pd.DataFrame, dict[str, str]]:
    """Return the frame, odd further columns as the CSV would give them, and each column's type."""
    frame = frame.copy(deep=False)
    types = {name: SIX if kind == "float64" else kind for name, kind in columns.dtypes().items()}
    for name in [name for name in types if types[name] == "str" and frame[name].hasnans]:
        frame[name] = frame[name].fillna("")  # the CSV knows no difference
    for name in frame.columns.difference(list(columns), sort=False):
        column = frame[name]
        kind = column.dtype.kind if isinstance(column.dtype, np.dtype) else "O"
        if kind == "b":
            types[name] = "bool"
        elif kind in "iu" and column.max() <= np.iinfo(np.int64).max:
            types[name] = "int64"
        elif kind == "f":
            types[name] = "int64" if _is_whole(column) else SIX
        else:
            frame[name] = _as_read(column)
            types[name] = str(frame[name].dtype)
    return frame, types


def _is_whole(column: pd.Series) -> bool:
    """Return whether six digits of all its numbers are written without point or exponent."""
    for start in range(0, len(column), ROWS):
        values = six(column.iloc[start : start + ROWS].to_numpy(np.float64))
        if not (np.isfinite(values) & (values == np.rint(values)) & (np.abs(values) < WHOLE)).all():
            return False
    return True


def _as_read(column: pd.Series) -> pd.Series:
    """Return a further column as pandas finds it in the CSV."""
    import pandas as pd  # noqa: PLC0415  # as in columns

    # Beside another column, for of one alone a missing value would be an empty line.
    text = as_csv(pd.DataFrame({"": 0, "it": column}))
    read = pd.read_csv(
        StringIO(text), keep_default_na=False, na_values={"it": [""]}, low_memory=False
    )["it"]
    read.index = column.index
    if read.dtype != "object":
        return read
    truths = read.isna() | read.isin([True, False])
    return read.astype("boolean" if truths.all() else "str")


def _blocks(frame: pd.DataFrame, types: dict[str, str]) -> Iterator[pd.DataFrame]:
    """Yield the row groups, every column of its type."""
    import pandas as pd  # noqa: PLC0415  # as in columns

    for start in range(0, len(frame), ROWS):
        part = frame.iloc[start : start + ROWS].reset_index(drop=True)
        yield pd.DataFrame({name: _column(part[name], types[name]) for name in frame})


def _column(part: pd.Series, kind: str) -> pd.Series:
    import pandas as pd  # noqa: PLC0415  # as in columns

    if kind == SIX:
        return pd.Series(six(part.to_numpy(np.float64)))
    if kind == "int64" and part.dtype.kind == "f":
        return pd.Series(six(part.to_numpy(np.float64)).astype(np.int64))
    return part.astype(kind)


def _plain(column: pd.Series, *, promised: bool) -> pd.Series:
    """Return a column that may lack values with the type it has in a CSV's frame."""
    if column.dtype == "object":
        return column.astype("str")
    if column.dtype == "boolean":
        return column.astype("object").where(column.notna(), np.nan)
    return column if promised else column.astype("float64")
