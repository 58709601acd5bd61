"""[network] Requests that give up: each tried a few times, all of them within one bound.

Messages name the host and never an address: Roboflow's addresses carry the key.
"""

import base64
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import file_digest
from pathlib import Path
from urllib.parse import urlsplit

import requests
from urllib3.exceptions import HTTPError

from pipeline.errors import PipelineError, PullError

BACK_OFF = 0.5  # seconds before the second attempt; doubled before each further one
BACK_OFF_MOST = 30.0  # seconds
BUSY = {408, 425, 429, 500, 502, 503, 504}  # statuses that may pass
GONE = {400, 401, 403, 404, 410}  # what storage answers to a link that is no longer signed
ALL_THERE = 416  # what storage answers when asked for the bytes behind a file's last
CHUNK = 1 << 18  # bytes
ANSWER_MOST = 64 << 20  # bytes of an answer that is read into memory
TROUBLE = (requests.ConnectionError, requests.Timeout, HTTPError)  # the last: while a body is read
Told = Callable[[int, int | None], None]  # bytes so far, bytes in all if known


@dataclass(frozen=True)
class Patience:
    """How long to put up with a server.

    Attributes:
        attempts: of each request, at least 1.
        stalled_after: seconds without a byte that end an attempt.
        finished_within: seconds for everything together, from when the door is made.
    """

    attempts: int
    stalled_after: float
    finished_within: float


@dataclass(frozen=True)
class Errand:
    """What somebody goes out for, in the words of the messages.

    Attributes:
        error: what is raised.
        gone: that the storage has no such file.
        again: what to do then.
        bound: the parameter that bounds the time.
    """

    error: type[PipelineError]
    gone: str
    again: str
    bound: str


PULL = Errand(
    PullError, "the download link is not valid any more", "pull again", "pull.finished_within"
)


class Door:
    """The only way out to the network; ``get`` and ``post`` are those of ``requests``.

    Args:
        patience: how long to try.
        errand: in whose words to fail.
        session: another one, that follows redirects in a way of its own.
    """

    def __init__(
        self, patience: Patience, errand: Errand = PULL, session: requests.Session | None = None
    ) -> None:
        self.status = 0  # of the last answer
        self._patience, self._errand = patience, errand
        self._until = time.monotonic() + patience.finished_within
        self._session = session or requests.Session()

    def get(self, url: str, **options: object) -> requests.Response:
        """GET, as ``requests.get``."""
        return self._ask("GET", url, options)

    def post(self, url: str, **options: object) -> requests.Response:
        """POST, as ``requests.post``."""
        return self._ask("POST", url, options)

    def wait(self, seconds: float, why: str) -> None:
        """Sleep, or give up now if no time would be left to ask again; ``why`` begins the message.

        Raises:
            PipelineError: the errand's, as said.
        """
        if 2 * seconds >= self._left(why):
            raise self._errand.error(self._too_long(why))
        time.sleep(seconds)

    def download(self, url: str, path: Path, told: Told) -> None:
        """Fetch a file, taking up again where a connection broke off or a process was killed.

        What has come lies under ``path`` all the while, and beside it, as ``<path>.mark``, what
        tells this file from a later one of the same link; without that, or where the storage has
        another file by now, it is fetched anew. Attempts are counted anew whenever more of the
        file has come than ever before. Its length, and its MD5 where the storage tells that, are
        compared at the end.

        Raises:
            PipelineError: the errand's: the link is not valid any more, or the file does not come
            whole.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        failures, most = 0, 0
        while failures < self._patience.attempts:
            try:
                with self._open(url, path) as response:
                    if response.status_code != ALL_THERE:
                        self._save(response, path, told)
                    return self._compare(response, path)
            except TROUBLE as error:
                trouble = f"the download broke off after {_size(path):,} bytes ({_named(error)})"
            failures, most = (failures + 1 if _size(path) <= most else 1), max(most, _size(path))
            self.wait(_back_off(failures), trouble)
        raise self._errand.error(f"{trouble}, {failures} times in a row; try again later")

    def _ask(self, method: str, url: str, options: dict) -> requests.Response:
        """Return the answer, read whole unless ``stream``; the SDK judges its status."""
        host, streamed = _host(url), options.pop("stream", False)
        for attempt in range(1, self._patience.attempts + 1):
            pause = _back_off(attempt)
            try:
                response = self._send(method, url, options, streamed)
                if response.status_code not in BUSY:
                    return response
                trouble = f"{host} answers {response.status_code}"
                pause = max(pause, _retry_after(response))
            except TROUBLE as error:
                trouble = f"{host} does not answer ({_named(error)})"
            if attempt < self._patience.attempts:
                self.wait(pause, trouble)
        raise self._errand.error(f"{trouble}, {attempt} times in a row; try again later")

    def _send(self, method: str, url: str, options: dict, streamed: bool) -> requests.Response:
        timeout = min(self._patience.stalled_after, self._left(_host(url)))
        try:
            response = self._session.request(method, url, timeout=timeout, stream=True, **options)
        except TROUBLE:
            raise
        except requests.RequestException as error:
            raise self._errand.error(f"cannot ask {_host(url)} ({_named(error)})") from error
        self.status = response.status_code
        if not streamed:
            with response:
                response._content = self._read(response)  # where requests keeps it
        return response

    def _read(self, response: requests.Response) -> bytes:
        """Read an answer as it comes, so that one dripping byte by byte ends too."""
        body = bytearray()
        while chunk := response.raw.read1(CHUNK, decode_content=True):
            body += chunk
            self._left(_host(response.url))
            if len(body) > ANSWER_MOST:
                raise self._errand.error(
                    f"{_host(response.url)} answers with more than {ANSWER_MOST} bytes"
                )
        return bytes(body)

    def _open(self, url: str, path: Path) -> requests.Response:
        """Ask for the rest of a file, or for all of it where the rest cannot be told apart."""
        headers = {"Accept-Encoding": "identity"}  # lengths and ranges are those of the file
        size, mark = _size(path), _mark_of(path)
        if mark.exists() and size:
            headers |= {"Range": f"bytes={size}-", "If-Range": mark.read_text("latin-1")}
        response = self.get(url, headers=headers, stream=True)
        extent = response.headers.get("Content-Range", "")
        if response.status_code == ALL_THERE and extent == f"bytes */{size}":
            return response
        if response.status_code in {206, ALL_THERE} and not extent.startswith(f"bytes {size}-"):
            forget(path)
            raise requests.ConnectionError("the answer is not the rest of the file")
        if response.status_code in GONE:
            raise self._errand.error(
                f"{self._errand.gone} ({response.status_code}); {self._errand.again}"
            )
        if response.status_code not in {200, 206}:
            raise self._errand.error(f"{_host(url)} answers {response.status_code} to the download")
        return response

    def _save(self, response: requests.Response, path: Path, told: Told) -> None:
        """Write what comes behind what is there, or anew if the answer is the whole file.

        Fewer bytes than announced are an error of ``urllib3``'s, one of ``TROUBLE``.
        """
        done = _size(path) if response.status_code == 206 else _begin(response, path)
        length = response.headers.get("Content-Length", "")
        total = done + int(length) if length.isdigit() else None
        with path.open("ab", buffering=0) as file:  # what has come outlives a kill
            while chunk := response.raw.read1(CHUNK, decode_content=False):
                file.write(chunk)
                done += len(chunk)
                told(done, total)
                self._left("the download")

    def _compare(self, response: requests.Response, path: Path) -> None:
        """Compare the file's MD5 with the one that Google's storage, Roboflow's own, tells."""
        told = re.search(r"md5=([A-Za-z0-9+/]+=*)", response.headers.get("x-goog-hash", ""))
        if not told:
            return
        with path.open("rb") as file:
            found = base64.b64encode(file_digest(file, "md5").digest()).decode()
        if found != told[1]:
            forget(path)
            raise self._errand.error(
                "the download is not the file that was stored (its MD5 differs); "
                f"{self._errand.again}"
            )

    def _left(self, what: str) -> float:
        """Return the seconds that are left."""
        left = self._until - time.monotonic()
        if left <= 0:
            raise self._errand.error(self._too_long(what))
        return left

    def _too_long(self, what: str) -> str:
        within = f"{self._patience.finished_within:g} s"
        return f"{what}: not finished within {within}; try later, or raise {self._errand.bound}"


def _back_off(attempt: int) -> float:
    return min(BACK_OFF_MOST, BACK_OFF * 2 ** (attempt - 1))


def _retry_after(response: requests.Response) -> float:
    """Return the seconds a server asks to wait; 0 if none, or if it names a date instead."""
    asked = response.headers.get("Retry-After", "")
    return float(asked) if asked.isdigit() else 0.0


def _begin(response: requests.Response, path: Path) -> int:
    """Forget what has come, note what this file is told by, if anything, and return 0.

    In this order, so that no bytes ever lie beside the mark of another file.
    """
    tag = response.headers.get("ETag", "")
    mark = "" if tag.startswith("W/") else tag or response.headers.get("Last-Modified", "")
    forget(path)
    if mark:
        _mark_of(path).write_text(mark, "latin-1")
    return 0


def forget(path: Path) -> None:
    """Remove what has come of a file, and its mark."""
    path.unlink(missing_ok=True)
    _mark_of(path).unlink(missing_ok=True)


def _mark_of(path: Path) -> Path:
    return path.with_name(f"{path.name}.mark")


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _host(url: str) -> str:
    return urlsplit(url).hostname or "the server"


def _named(error: Exception) -> str:
    """Name a failure without its text, which holds the address and with it the key."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", type(error).__name__).lower()
