"""[network] Weights by address: they come whole, are the ones that were asked for, and come once.

A file is known by its SHA-256 and kept under it; one that lies there is compared again before each
use. What stands behind an address may change, what stands behind a checksum cannot.
"""

import fcntl
import ipaddress
import re
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import file_digest
from pathlib import Path
from typing import Annotated
from urllib.parse import urljoin, urlsplit

import requests
from msgspec import Meta

from pipeline.door import Door, Errand, Patience, forget
from pipeline.errors import WeightsError
from pipeline.params import Params

SCHEMES = {"http", "https"}
ERRAND = Errand(
    WeightsError,
    "there is no such file any more, or not for everybody",
    "open the address in a browser and correct it",
    "download.finished_within",
)
Positive = Annotated[float, Meta(gt=0)]
Told = Callable[[int, int | None], None]


class DownloadParams(Params):
    """How long to try, and where files are kept; results depend on none of it."""

    attempts: Annotated[int, Meta(ge=1)]  # of each request
    stalled_after: Positive  # seconds without a byte that end an attempt
    finished_within: Positive  # seconds for a whole file
    folder: str  # where files are kept, by their checksum; ~ is the home folder


def is_url(name: str) -> bool:
    """Say whether a name is an address and not a path: it has a scheme of two letters or more."""
    return re.match(r"[A-Za-z][A-Za-z0-9+.-]+://", name) is not None


def fetch(url: str, sha256: str | None, params: DownloadParams, told: Told) -> Path:
    """Return the file of an address, from the folder if it lies there, from the network if not.

    Args:
        url: ``http`` or ``https``. It may be inside the user's own network; a redirect may not
            lead from outside into it, nor to another scheme.
        sha256: 64 hexadecimal digits of the file's SHA-256.
        params: how long to try, and the folder.
        told: called with the bytes that have come, and those in all if known.

    Raises:
        WeightsError: the address or the checksum is none; the file does not come, or is another.
    """
    address(url)
    if sha256 is None:
        raise WeightsError(
            f"the weights at {_host(url)} have no sha256 beside them; "
            "a file from the network is used only if its checksum is known"
        )
    wanted = digits(sha256)
    folder = Path(params.folder).expanduser()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _alone(folder / f"{wanted}.lock"):
            return _kept(folder / wanted) or _brought(url, folder / wanted, params, told)
    except OSError as error:
        raise WeightsError(
            f"{error.filename or folder}: {error.strerror or error}; mend that, or name another "
            "folder in download.folder"
        ) from error


def checked(path: Path, sha256: str | None) -> Path:
    """Return a file whose checksum is the one given, or any file if none is.

    Raises:
        WeightsError: it is not.
    """
    if sha256 is not None and path.is_file() and _digest(path) != digits(sha256):
        raise WeightsError(f"{path} is not the file that sha256 names; its own is {_digest(path)}")
    return path


def digits(sha256: str) -> str:
    """Return a checksum in small letters.

    Raises:
        WeightsError: it is none.
    """
    if not re.fullmatch(r"[0-9A-Fa-f]{64}", sha256):
        raise WeightsError(f"'{sha256}' is no SHA-256; that has 64 hexadecimal digits")
    return sha256.lower()


def address(url: str) -> None:
    """Refuse an address that is not one of the web.

    Raises:
        WeightsError: it has another scheme, or no host.
    """
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        raise WeightsError(f"'{url}' is no address ({error})") from error
    if parts.scheme.lower() not in SCHEMES or not parts.hostname:
        raise WeightsError(
            f"weights come by http or https, not from {parts.scheme}://{parts.hostname or ''}; "
            "give the path of a file that is here already"
        )


class _Careful(requests.Session):
    """A session whose redirects keep their scheme, and do not lead into the private network."""

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        """Return where an answer sends us, if it does; refuse where we do not go."""
        target = super().get_redirect_target(resp)
        if target is None:
            return None
        there, here = urlsplit(urljoin(resp.url, target)), urlsplit(resp.url)
        if there.scheme != here.scheme:
            raise WeightsError(
                f"{here.hostname} sends us from {here.scheme} on to {there.scheme}; "
                "give the address where the file itself is"
            )
        if _private(there.hostname or "") and not _private(here.hostname or ""):
            raise WeightsError(
                f"{here.hostname} sends us on to {there.hostname}, inside the private network; "
                "if that is meant, give that address itself"
            )
        return target


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    """Wait until no other process brings the same file, and keep others out meanwhile."""
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _kept(path: Path) -> Path | None:
    """Return a file that lies here, if it is still what its name says."""
    if path.is_file() and _digest(path) == path.name:
        return path
    path.unlink(missing_ok=True)
    return None


def _brought(url: str, path: Path, params: DownloadParams, told: Told) -> Path:
    """Bring a file; it gets its name only once it is known to be the right one."""
    part = path.with_name(f"{path.name}.part")
    patience = Patience(params.attempts, params.stalled_after, params.finished_within)
    Door(patience, ERRAND, _Careful()).download(url, part, told)
    found = _digest(part)
    if found != path.name:
        page = part.read_bytes()[:256].lstrip()[:1] == b"<"
        forget(part)
        came = "a web page came" if page else f"the SHA-256 of what came is {found}"
        raise WeightsError(
            f"{_host(url)} has not the file that sha256 names: {came}; "
            "correct inpaint.weights or inpaint.sha256"
        )
    part.replace(path)
    forget(part)  # its mark
    return path


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


def _host(url: str) -> str:
    return urlsplit(url).hostname or "the server"


def _private(host: str) -> bool:
    """Say whether a host has an address that is not one of the public network."""
    return any(not ipaddress.ip_address(one).is_global for one in _addresses(host))


def _addresses(host: str) -> list[str]:
    """Return the numeric addresses of a host; none if it is not known."""
    try:
        return sorted(
            {str(found[4][0]).partition("%")[0] for found in socket.getaddrinfo(host, None)}
        )
    except (OSError, UnicodeError):
        return []
