"""Every sentence and name of the page, in every language, and how numbers are written in it.

The catalogues are ``templates/words/<language>.toml``: nested tables whose leaves are texts with
``{name:format}`` places. A leaf may be a table of ``one`` and ``other`` where a language has a
singular; the place ``n`` decides. Formats: ``d`` whole number, ``.2`` two decimals, ``%`` a share
of 0..1 in per cent, ``+.2`` signed; none is the text itself.
"""

import math
import string
import tomllib
from dataclasses import dataclass
from functools import cache
from typing import Literal

from pipeline import page

Language = Literal["en", "vi"]
LANGUAGES: tuple[Language, ...] = ("en", "vi")
ABSENT = "–"


@dataclass(frozen=True)
class Words(string.Formatter):
    """The catalogue of one language; call it with a key and the values of its places."""

    language: Language
    texts: dict[str, str | dict[str, str]]

    def __call__(self, key: str, **values: object) -> str:
        """Return the text of ``key`` with its places filled.

        Raises:
            KeyError: the catalogue lacks the key, or the call lacks a value.
        """
        text = self.texts[key]
        if isinstance(text, dict):
            text = text["one" if values.get("n") == 1 else "other"]
        return self.vformat(text, (), values)

    def known(self, group: str, name: str, fallback: str | None = None) -> str:
        """Return the text of ``group.name``, else the fallback, else the name in words.

        For names that come from data: a tag or issue code this catalogue does not know yet.
        """
        key = f"{group}.{name}"
        if isinstance(self.texts.get(key), str):
            return self(key)
        return name.replace("_", " ").capitalize() if fallback is None else fallback

    def join(self, parts: list[str]) -> str:
        """Return ``a, b and c``; no parts give the empty text."""
        if len(parts) < 2:
            return "".join(parts)
        return self("join.last", first=", ".join(parts[:-1]), last=parts[-1])

    def locale(self) -> dict[str, object]:
        """Return how charts write numbers, in the plotting library's own terms."""
        decimal, thousands = (",", ".") if self.language == "vi" else (".", ",")
        return {
            "decimal": decimal,
            "thousands": thousands,
            "grouping": [3],
            "currency": ["", ""],
        }

    def signed(self, value: float | None, spec: str) -> str:
        """Write a difference with its sign; of shares it is in percentage points."""
        if value is None or math.isnan(value):
            return ABSENT
        if spec == "%":
            text = self("changes.points", n=100 * abs(value))
        else:
            text = self.number(abs(value), spec)
        return f"{'+' if value > 0 else '−' if value < 0 else ''}{text}"

    def format_field(self, value: object, format_spec: str) -> str:
        """Write one value: text as it is, numbers as ``number`` does."""
        if not format_spec:
            return str(value)
        return self.number(value, format_spec)

    def number(self, value: float | None, spec: str) -> str:
        """Write a number: ``d``, ``.2``, ``+.2`` or ``%`` (0..1 in, per cent out)."""
        if value is None or math.isnan(value):
            return ABSENT
        text = percent(value) if spec == "%" else _plain(value, spec)
        if self.language == "vi":
            text = text.translate(str.maketrans(",.", ".,"))
        return text.replace("-", "−")


def percent(share: float) -> str:
    """Write a share of 0..1 in per cent: one decimal below ten, none above, 0 and 100 bare."""
    value = 100 * share
    if 0 < abs(value) < 9.95:
        return f"{max(value, 0.1) if value > 0 else value:.1f}%".replace(".0%", "%")
    return f"{value:.0f}%"


def _plain(value: float, spec: str) -> str:
    if spec == "d":
        return f"{value:,.0f}"
    sign = "+" if spec.startswith("+") else ""
    digits = int(spec.rpartition(".")[2])
    rounded = round(value, digits)
    return f"{rounded:{sign},.{digits}f}" if rounded else f"{0:.{digits}f}"  # no sign of nothing


@cache
def load(language: Language) -> Words:
    """Return the catalogue of a language; its keys are joined by dots."""
    return Words(language, dict(_flat(tomllib.loads(page.source(f"words/{language}.toml")))))


def both(first: Language) -> list[Words]:
    """Return every language, one before the others: what a page shows until it is asked."""
    return [load(first), *(load(other) for other in LANGUAGES if other != first)]


def _flat(table: dict, prefix: str = "") -> list[tuple[str, str | dict[str, str]]]:
    leaves = []
    for name, value in table.items():
        if isinstance(value, dict) and "other" not in value:
            leaves += _flat(value, f"{prefix}{name}.")
        else:
            leaves.append((prefix + name, value))
    return leaves
