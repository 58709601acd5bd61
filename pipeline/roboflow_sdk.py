"""[network] Roboflow's own SDK, made quiet, patient and discreet.

Left alone it waits for ever, prints, and shows the key in its errors. So it is given a ``Door`` in
place of the ``requests`` module, and its errors are told again without addresses.
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
from types import ModuleType
from typing import TypeVar

from pipeline.door import Door, Told
from pipeline.errors import PipelineError, PullError

KEY = re.compile(r"[A-Za-z0-9_-]+")
SAID_MOST = 200  # characters of the server's own words
SDK_ERRORS = (RuntimeError, LookupError, TypeError, ValueError, AttributeError, OSError)

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Account:
    """How to reach Roboflow.

    Attributes:
        key: the private API key; None or empty if there is none.
        told: called with the bytes that have come, and those in all if known.
    """

    key: str | None = field(repr=False)
    told: Told


@dataclass(frozen=True)
class Desk:
    """Where questions are asked of the SDK.

    Attributes:
        door: what the SDK goes through.
        failures: what the SDK raises.
        error: what is raised instead.
        cure: what to do if Roboflow knows no such thing.
    """

    door: Door
    failures: tuple[type[Exception], ...]
    error: type[PipelineError]
    cure: str

    def ask(self, what: str, call: Callable[[], Answer]) -> Answer:
        """Return the SDK's answer; translate its errors, whose kinds say little, by the status."""
        try:
            return call()
        except self.failures as error:
            said = _said(str(error))
        if self.door.status in {401, 403}:
            raise self.error(
                f"Roboflow refuses the key in ROBOFLOW_API_KEY for {what}{said}; "
                "copy the Private API Key of that workspace from Settings > API Keys"
            )
        if self.door.status == 404:
            raise self.error(f"Roboflow has no {what}, or not for this key{said}; {self.cure}")
        if self.door.status == 200:
            raise self.error(
                f"Roboflow's answer about {what} is not one that its SDK understands{said}"
            )
        raise self.error(f"Roboflow answers {self.door.status} about {what}{said}; try again later")


def checked(key: str | None) -> str:
    """Return a key that can be one.

    Raises:
        PullError: there is none, or it cannot be one.
    """
    key = (key or "").strip()
    if not KEY.fullmatch(key):
        raise PullError(
            f"ROBOFLOW_API_KEY {'is not a key' if key else 'is not set'}; "
            "copy the Private API Key from Roboflow's Settings > API Keys into it"
        )
    return key


def discreetly(key: str, call: Callable[[], Answer]) -> Answer:
    """Return what a call gives; raise what it raises anew, without the key; log no addresses."""
    try:
        with _unlogged():
            return call()
    except PipelineError as error:
        kind, refusal = type(error), str(error).replace(key, "***")
    raise kind(refusal)  # anew: what caused it holds addresses, and those hold the key


@contextmanager
def sdk(door: Door) -> Iterator[tuple[ModuleType, ModuleType]]:
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


def _said(text: str) -> str:
    """Return the server's own words, if it sent any in the JSON it sends, without addresses."""
    try:
        words = json.loads(text)["error"]
        words = words["message"] if isinstance(words, dict) else words
    except (ValueError, LookupError, TypeError):
        return ""
    plain = " ".join(re.sub(r"https?://\S+", "", str(words)).split())
    return f" ({plain[:SAID_MOST]})"
