"""One section of ``params.yaml`` -> one frozen struct, strictly."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import msgspec

from pipeline.errors import ParamsError

Section = TypeVar("Section", bound=msgspec.Struct)
Value = TypeVar("Value")


class Params(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Base of every section: frozen, no unknown keys, no defaults.

    ``params.yaml`` is the only place a value comes from, so ``dvc params diff`` tells the
    whole truth.
    """


# The file that `params.yaml` was when this package was built: what commands use outside a project.
SHIPPED = Path(__file__).with_name("params.yaml")


def load(kind: type[Section], section: str, path: Path = Path("params.yaml")) -> Section:
    """Read one section of the parameter file.

    Args:
        kind: the section's struct; its fields are the section's keys.
        section: the top-level key.
        path: the parameter file; DVC's default name in the working directory, and where there is
            none the one shipped with this package.

    Raises:
        ParamsError: the section is missing, a key is missing or unknown, or a
            value is of the wrong type or out of range.
    """
    path, values = _section(section, path)
    return convert(kind, values, f"{path}: {section}")


def value(kind: type[Value], section: str, key: str, path: Path = Path("params.yaml")) -> Value:
    """Read one value of a section that is another step's.

    Raises:
        ParamsError: as ``load``.
    """
    path, values = _section(section, path)
    if not isinstance(values, dict) or key not in values:
        raise ParamsError(f"{path}: {section} lacks '{key}'")
    try:
        return msgspec.convert(values[key], kind)
    except msgspec.ValidationError as error:
        raise ParamsError(f"{path}: {section}.{key}: {error}") from error


@dataclass(frozen=True)
class Settings:
    """All sections of a parameter file, some values changed by a caller.

    Attributes:
        where: begins the message of a refusal.
        sections: by name; plain values.
    """

    where: str
    sections: dict[str, object]

    def load(self, kind: type[Section], section: str) -> Section:
        """Return one section.

        Raises:
            ParamsError: as ``load`` of this module.
        """
        if section not in self.sections:
            raise ParamsError(
                f"{self.where} has no section '{section}'; add it, see README: Parameters"
            )
        return convert(kind, self.sections[section], f"{self.where}: {section}")


def settings(source: str | Path | Mapping | None = None) -> Settings:
    """Return every parameter, from a file or from the usual one with changes.

    Args:
        source: the path of a file; or values that replace those of ``params.yaml`` in the working
            directory, or of the one shipped with this package: ``{"tag": {"far_below": 0.05}}``
            or ``{"tag.far_below": 0.05}``; or None for no change.

    Raises:
        ParamsError: there is no such file, it is no YAML, or a change is of no parameter.
    """
    if source is not None and not isinstance(source, Mapping):
        path = Path(source)
        if not path.is_file():
            raise ParamsError(f"{path} is not a file; give the path of a params.yaml, or a dict")
        return Settings(str(path), _everything(path))
    path = Path("params.yaml") if Path("params.yaml").is_file() else SHIPPED
    sections = _everything(path)
    for section, key, value in _changes(source or {}):
        if not isinstance(sections.get(section), dict) or key not in sections[section]:
            raise ParamsError(f"there is no parameter '{section}.{key}'; {path} has them all")
        sections[section][key] = value
    return Settings(str(path), sections)


def said(changes: Sequence[str]) -> dict[str, object]:
    """Return changes as people write them in a shell: ``tag.far_below=0.05``, values as in YAML.

    Raises:
        ParamsError: one has no name or no ``=``, or its value is no YAML.
    """
    result = {}
    for change in changes:
        name, equals, value = change.partition("=")
        section, _, key = name.strip().partition(".")
        if not (section and key and equals):
            raise ParamsError(
                f"'{change}' is no change; write SECTION.KEY=VALUE, tag.far_below=0.05"
            )
        try:
            result[f"{section}.{key}"] = msgspec.yaml.decode(value.encode("utf-8", "replace"))
        except msgspec.DecodeError as error:
            raise ParamsError(f"'{change}': the value is not YAML: {error}") from error
    return result


def _changes(source: Mapping) -> list[tuple[str, str, object]]:
    """Return section, key and value of each change, however it is written."""
    found = []
    for name, value in source.items():
        if isinstance(value, Mapping):
            found += [(str(name), str(key), inner) for key, inner in value.items()]
        else:
            section, _, key = str(name).partition(".")
            found.append((section, key, value))
    return found


def _section(section: str, path: Path) -> tuple[Path, object]:
    """Return the file that was read and what it holds under ``section``."""
    if not path.is_file():
        path = SHIPPED
    everything = _everything(path)
    if section not in everything:
        raise ParamsError(f"{path} has no section '{section}'; add it, see README: Parameters")
    return path, everything[section]


def _everything(path: Path) -> dict[str, object]:
    try:
        everything = msgspec.yaml.decode(path.read_bytes())
    except msgspec.DecodeError as error:
        raise ParamsError(f"{path} is not YAML: {error}") from error
    return everything if isinstance(everything, dict) else {}


def convert(kind: type[Section], values: object, where: str) -> Section:
    """Check plain values against a struct; ``where`` begins the message of a refusal.

    Raises:
        ParamsError: as ``load``.
    """
    fields = msgspec.structs.fields(kind)
    expected = sorted(field.encode_name for field in fields)
    required = {field.encode_name for field in fields if field.required}
    if isinstance(values, dict):
        unknown = sorted(set(values) - set(expected), key=str)
        missing = sorted(required - set(values))
        if unknown or missing:
            parts = []
            if unknown:
                parts.append(f"does not know {', '.join(map(repr, unknown))}")
            if missing:
                parts.append(f"lacks {', '.join(map(repr, missing))}")
            raise ParamsError(f"{where} {' and '.join(parts)}; its keys are {', '.join(expected)}")
    try:
        return msgspec.convert(values, kind)
    except msgspec.ValidationError as error:
        raise ParamsError(f"{where}: {error}") from error
