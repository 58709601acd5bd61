"""[network] Fetch the zip of one pinned Roboflow version, through Roboflow's own SDK.

The SDK finds the account, the project, the version and the link of its export. Its ``download``
is not used: it waits for ever, reports success where the folder exists, and never looks at what
it fetched. So that nothing else waits for ever, and that the key is never shown, the SDK is
given a ``Door`` in place of the ``requests`` module, and is silenced.
"""

import io
import json
import logging
import os
import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Annotated, TypeVar

import msgspec

from pipeline import params
from pipeline.door import Door, Patience, Told
from pipeline.errors import ParamsError, PullError

FORMAT = "coco-segmentation"
POLL = 2.0  # seconds between two looks at what Roboflow is still making
KEY = re.compile(r"[A-Za-z0-9_-]+")
SAID_MOST = 200  # characters of the server's own words
SDK_ERRORS = (RuntimeError, LookupError, TypeError, ValueError, AttributeError, OSError)

Answer = TypeVar("Answer")
Slug = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_-]+$")]


class Pin(params.Params):
    """One immutable version of one Roboflow project, as its address in the browser names them."""

    workspace: Slug
    project: Slug
    version: Annotated[int, msgspec.Meta(ge=1)]


@dataclass(frozen=True)
class Account:
    """How to reach Roboflow.

    Attributes:
        key: the private API key; None or empty if there is none.
        told: called with the bytes that have come, and those in all if known.
    """

    key: str | None = field(repr=False)
    told: Told


def read(path: Path) -> Pin:
    """Read a pin: YAML with exactly ``workspace``, ``project`` and ``version``.

    Raises:
        ParamsError: it is not.
    """
    if not path.is_file():
        raise ParamsError(f"{path} does not exist; pull.export names it")
    try:
        values = msgspec.yaml.decode(path.read_bytes())
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        values = None
    if not isinstance(values, dict):  # the parser's own words would quote the file
        raise ParamsError(f"{path} is not YAML with the keys workspace, project and version")
    if any("key" in str(name).lower() for name in values):
        raise ParamsError(f"{path} holds a key; keep that in ROBOFLOW_API_KEY, out of any file")
    return params.convert(Pin, values, str(path))


def download(pin: Pin, into: Path, patience: Patience, account: Account) -> None:
    """Fetch the version's COCO Segmentation zip to the file ``into``.

    Raises:
        PullError: there is no key, or Roboflow refuses it; there is no such workspace, project
            or version; the version is not generated; the server fails or is too slow.
    """
    key = (account.key or "").strip()
    if not KEY.fullmatch(key):
        raise PullError(
            f"ROBOFLOW_API_KEY {'is not a key' if key else 'is not set'}; "
            "copy the Private API Key from Roboflow's Settings > API Keys into it"
        )
    door = Door(patience)
    try:
        with _unlogged():
            return door.download(_link(pin, key, door), into, account.told)
    except PullError as error:
        refusal = str(error).replace(key, "***")
    raise PullError(refusal)  # anew: what caused it holds addresses, and those hold the key


def _link(pin: Pin, key: str, door: Door) -> str:
    """Ask the SDK, step by step, for the address of the version's zip."""
    with _sdk(door) as (roboflow, rfapi):
        failures = (*SDK_ERRORS, rfapi.RoboflowError)
        ask = partial(_ask, door, failures)
        account = ask("the key", lambda: roboflow.Roboflow(api_key=key))
        workspace = ask(f"workspace '{pin.workspace}'", lambda: account.workspace(pin.workspace))
        what = f"project '{pin.project}' in workspace '{pin.workspace}'"
        project = ask(what, lambda: workspace.project(pin.project))
        _listed(pin, ask(what, lambda: _versions(project)))
        where = (key, pin.workspace, pin.project, str(pin.version))
        what = f"version {pin.version} of {what}"
        _await_version(
            lambda: ask(what, lambda: dict(rfapi.get_version(*where)["version"])), door, what
        )
        return _await_link(
            lambda: ask(what, lambda: dict(rfapi.get_version_export(*where, FORMAT))), door, what
        )


def _ask(
    door: Door, failures: tuple[type[Exception], ...], what: str, call: Callable[[], Answer]
) -> Answer:
    """Return the SDK's answer; translate its errors, whose kinds say little, by the status."""
    try:
        return call()
    except failures as error:
        said = _said(str(error))
    if door.status in {401, 403}:
        raise PullError(
            f"Roboflow refuses the key in ROBOFLOW_API_KEY for {what}{said}; "
            "copy the Private API Key of that workspace from Settings > API Keys"
        )
    if door.status == 404:
        raise PullError(
            f"Roboflow has no {what}, or not for this key{said}; "
            "correct the pin by the address in the browser: app.roboflow.com/WORKSPACE/PROJECT"
        )
    if door.status == 200:
        raise PullError(f"Roboflow's answer about {what} is not one that its SDK understands{said}")
    raise PullError(f"Roboflow answers {door.status} about {what}{said}; try again later")


def _said(text: str) -> str:
    """Return the server's own words, if it sent any in the JSON it sends, without addresses."""
    try:
        words = json.loads(text)["error"]
        words = words["message"] if isinstance(words, dict) else words
    except (ValueError, LookupError, TypeError):
        return ""
    plain = " ".join(re.sub(r"https?://\S+", "", str(words)).split())
    return f" ({plain[:SAID_MOST]})"


def _versions(project: object) -> list[int]:
    """Return the numbers of a project's versions; Roboflow calls them workspace/project/number."""
    listed = (about["id"].rsplit("/", 1)[-1] for about in project.get_version_information())
    return sorted(int(number) for number in listed if number.isdigit())


def _listed(pin: Pin, versions: list[int]) -> None:
    if pin.version in versions:
        return
    known = f"its last are {', '.join(map(str, versions[-5:]))}" if versions else "it has none yet"
    raise PullError(
        f"project '{pin.project}' has no version {pin.version}; {known}; "
        "correct the pin, or generate the version in Roboflow"
    )


def _await_version(look: Callable[[], dict], door: Door, what: str) -> None:
    """Return when Roboflow has generated the version."""
    while (about := look()).get("generating"):
        door.wait(POLL, f"{what} is still being generated{_share(about)}")
    if not about.get("images"):
        raise PullError(f"{what} holds no pictures; generate it in Roboflow, then pull again")


def _await_link(look: Callable[[], dict], door: Door, what: str) -> str:
    """Return the address of the zip when Roboflow has packed it."""
    while (about := look()).get("ready") is False:
        door.wait(POLL, f"{what} is still being packed{_share(about)}")
    link = about.get("export", {}).get("link") if isinstance(about.get("export"), dict) else None
    if not isinstance(link, str):
        raise PullError(f"Roboflow names no download for {what} as {FORMAT}; export it there once")
    return link


def _share(about: dict) -> str:
    done = about.get("progress")
    return f" ({done:.0%})" if isinstance(done, int | float) else ""


@contextmanager
def _sdk(door: Door) -> Iterator[tuple[ModuleType, ModuleType]]:
    """Import the SDK, take its voice, give it our door; yield it and its module of requests.

    It is imported here because it reads its configuration when imported, and only a pin needs
    it. It would take a key from a stray ``.env``, and fails where there is no home folder.
    """
    os.environ.setdefault("PYTHON_DOTENV_DISABLED", "1")
    os.environ.setdefault("HOME", tempfile.gettempdir())
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        try:
            import roboflow  # noqa: PLC0415
            from roboflow.adapters import rfapi  # noqa: PLC0415
            from roboflow.util import http  # noqa: PLC0415
        except (OSError, ValueError) as error:
            raise PullError(
                f"Roboflow's SDK cannot read its own configuration ({type(error).__name__}); "
                "mend or delete ~/.config/roboflow/config.json"
            ) from error
        theirs, http.requests = http.requests, door
        try:
            yield roboflow, rfapi
        finally:
            http.requests = theirs


@contextmanager
def _unlogged() -> Iterator[None]:
    """Keep ``urllib3`` from logging addresses, which hold the key."""
    logger = logging.getLogger("urllib3")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(level)
