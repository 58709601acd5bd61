"""What a table's columns are: the schema check, the CSV reader's types, the words of the docs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from pipeline.errors import TableError

if TYPE_CHECKING:  # pandas takes 0.2 s to load, and who only wants names need not wait for it
    import pandas as pd


class Columns(Mapping[str, tuple[str, str]]):
    """Column name -> (pandas dtype, meaning with unit and range), in the order they are written."""

    def __init__(self, columns: dict[str, tuple[str, str]]) -> None:
        self._columns = dict(columns)

    def __getitem__(self, name: str) -> tuple[str, str]:
        return self._columns[name]

    def __iter__(self):  # noqa: ANN204  # Mapping's own
        return iter(self._columns)

    def __len__(self) -> int:
        return len(self._columns)

    def dtypes(self) -> dict[str, str]:
        """Return the dtype of each column."""
        return {name: dtype for name, (dtype, _) in self._columns.items()}

    def empty(self) -> pd.DataFrame:
        """Return a frame of these columns and no rows."""
        import pandas as pd  # noqa: PLC0415  # as above

        return pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in self.dtypes().items()})

    def frame(self, rows: list[dict]) -> pd.DataFrame:
        """Return the rows as a frame of exactly these columns and types; no rows give ``empty()``.

        Raises:
            TableError: a row lacks a column, or a value does not fit its type.
        """
        import pandas as pd  # noqa: PLC0415  # as above

        if not rows:
            return self.empty()
        return self.check(pd.DataFrame.from_records(rows), "rows", cast=True)

    def check(self, frame: pd.DataFrame, name: str, *, cast: bool = False) -> pd.DataFrame:
        """Return ``frame`` with these columns first, in order; further columns are kept after them.

        Raises:
            TableError: a column is missing or of another type; ``name`` begins the message.
        """
        missing = [column for column in self if column not in frame]
        if missing:
            raise TableError(f"{name} lacks {', '.join(missing)}; it has {', '.join(frame)}")
        if cast:
            try:
                frame = frame.astype(self.dtypes())
            except (TypeError, ValueError) as error:
                raise TableError(f"{name}: {error}") from error
        wrong = [
            f"{column} is {frame[column].dtype}, not {dtype}"
            for column, dtype in self.dtypes().items()
            if frame[column].dtype != dtype
        ]
        if wrong:
            raise TableError(f"{name}: {'; '.join(wrong)}")
        return frame[[*self, *(column for column in frame if column not in self)]]
