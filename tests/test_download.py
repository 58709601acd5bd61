"""Weights by address, from a server on a loopback socket."""

import hashlib
import itertools
import multiprocessing
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from pipeline import download
from pipeline.download import DownloadParams
from pipeline.errors import WeightsError

FILE = bytes(n * n % 251 for n in range(300_000))  # the same in every process that tests
SHA = hashlib.sha256(FILE).hexdigest()


class Storage:
    """A server of one file, with knobs for faults; ``asked`` holds path and Range each time."""

    def __init__(self):
        self.file, self.etag = FILE, '"one"'
        self.break_after, self.statuses, self.asked = [], [], []
        self.to = None  # where a redirect leads
        handler = type("Handler", (_Handler,), {"storage": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}/weights.pth"

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        storage, asked = self.storage, self.headers["Range"] or ""
        storage.asked.append(f"{self.path} {asked}".strip())
        if storage.statuses:
            self._empty(storage.statuses.pop(0))
        elif self.path == "/moved":
            self._empty(302, Location=storage.to)
        else:
            same = self.headers["If-Range"] in {None, storage.etag}
            start = int(asked[6:-1]) if asked and same else 0
            self._send(start)

    def _empty(self, status, **headers):
        self.send_response(status)
        for name, value in {**headers, "Content-Length": "0"}.items():
            self.send_header(name, value)
        self.end_headers()

    def _send(self, start):
        storage = self.storage
        body = storage.file[start:]
        self.send_response(206 if start else 200)
        if start:
            whole = len(storage.file)
            self.send_header("Content-Range", f"bytes {start}-{whole - 1}/{whole}")
        self.send_header("ETag", storage.etag)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body[: storage.break_after.pop(0) if storage.break_after else len(body)])
        self.close_connection = True


@pytest.fixture
def storage(monkeypatch):
    monkeypatch.setattr("pipeline.door.BACK_OFF", 0.01)
    with Storage() as running:
        yield running


def params(folder, **changes):
    values = {"attempts": 3, "stalled_after": 2.0, "finished_within": 20.0, "folder": str(folder)}
    return DownloadParams(**(values | changes))


def fetch(folder, url, sha256=SHA, told=lambda done, total: None, **changes):
    return download.fetch(url, sha256, params(folder, **changes), told)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_file_comes_once_under_its_checksum(storage, tmp_path):
    shown = []

    first = fetch(tmp_path, storage.url, told=lambda done, total: shown.append((done, total)))
    again = fetch(tmp_path, storage.url, SHA.upper())

    assert first.read_bytes() == FILE
    assert first == again == tmp_path / SHA
    assert storage.asked == ["/weights.pth"]
    assert shown[-1] == (len(FILE), len(FILE))
    assert names(tmp_path) == [SHA, f"{SHA}.lock"]


def test_a_broken_connection_is_taken_up_where_it_broke(storage, tmp_path):
    storage.break_after = [100_000, 50_000]

    assert fetch(tmp_path, storage.url).read_bytes() == FILE
    assert storage.asked == [
        "/weights.pth",
        "/weights.pth bytes=100000-",
        "/weights.pth bytes=150000-",
    ]


def test_a_download_that_gave_up_is_taken_up_by_the_next(storage, tmp_path):
    storage.break_after = [100_000, 0, 0, 0]
    with pytest.raises(WeightsError, match="broke off after 100,000 bytes"):
        fetch(tmp_path, storage.url)

    assert fetch(tmp_path, storage.url).read_bytes() == FILE
    assert storage.asked[-1] == "/weights.pth bytes=100000-"


def test_a_file_that_changed_meanwhile_is_fetched_anew(storage, tmp_path):
    storage.file, storage.break_after = bytes(300_000), [100_000, 0, 0, 0]
    with pytest.raises(WeightsError):
        fetch(tmp_path, storage.url)
    storage.file, storage.etag = FILE, '"two"'

    assert fetch(tmp_path, storage.url).read_bytes() == FILE


def test_a_busy_server_is_asked_again(storage, tmp_path):
    storage.statuses = [503, 429]

    assert fetch(tmp_path, storage.url).read_bytes() == FILE
    assert len(storage.asked) == 3


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        (FILE[:-1] + b"!", "the SHA-256 of what came is [0-9a-f]{64}"),
        (b"\n<html>Too many downloads</html>", "a web page came"),
    ],
    ids=["another file", "a page"],
)
def test_another_file_is_refused_and_not_kept(storage, tmp_path, sent, said):
    storage.file = sent

    with pytest.raises(WeightsError, match=f"^127.0.0.1 has not the file .*: {said}"):
        fetch(tmp_path, storage.url)
    assert names(tmp_path) == [f"{SHA}.lock"]


def test_a_kept_file_that_is_damaged_is_fetched_anew(storage, tmp_path):
    (tmp_path / SHA).write_bytes(FILE[:-1])

    assert fetch(tmp_path, storage.url).read_bytes() == FILE


def test_two_processes_bring_a_file_once(storage, tmp_path):
    pool = multiprocessing.get_context("fork").Pool(2)  # a spawned one would import for seconds
    with pool:
        brought = pool.starmap(_brought, [(tmp_path, storage.url)] * 2)

    assert brought == [FILE, FILE]
    assert storage.asked == ["/weights.pth"]


def _brought(folder, url):
    return fetch(folder, url).read_bytes()


@pytest.mark.parametrize("status", [404, 410, 403])
def test_a_file_that_is_not_there_is_said_so(storage, tmp_path, status):
    storage.statuses = [status]

    with pytest.raises(WeightsError, match=rf"no such file .*\({status}\); open the address"):
        fetch(tmp_path, storage.url)


def test_no_network_is_said_in_one_line(storage, tmp_path):
    with Storage() as gone:
        url = gone.url

    with pytest.raises(WeightsError, match="127.0.0.1 does not answer") as caught:
        fetch(tmp_path, url)
    assert "\n" not in str(caught.value)
    assert "/weights.pth" not in str(caught.value)


def test_a_slow_server_is_given_up(storage, tmp_path):
    storage.statuses = [503] * 50

    with pytest.raises(WeightsError, match=r"raise download\.finished_within"):
        fetch(tmp_path, storage.url, attempts=50, finished_within=0.2)


def test_a_clock_that_is_set_ends_no_download_and_prolongs_none(storage, tmp_path, monkeypatch):
    """Ten years forward and back at every question; the time that passed is another clock's."""
    now, jumps = time.time, itertools.cycle([3e8, -3e8])
    monkeypatch.setattr(time, "time", lambda: now() + next(jumps))
    storage.statuses = [503, 503]

    assert fetch(tmp_path, storage.url).read_bytes() == FILE
    storage.statuses = [503] * 50
    with pytest.raises(WeightsError, match=r"raise download\.finished_within"):
        fetch(tmp_path / "other", storage.url, attempts=50, finished_within=0.2)


@pytest.mark.parametrize(
    "url",
    [
        "ftp://host.test/w.pth",
        "file:///etc/passwd",
        "data://x",
        "http://",
        "http://host.test:port/",
    ],
)
def test_an_address_that_is_not_of_the_web_is_refused(tmp_path, url):
    with pytest.raises(WeightsError, match="by http or https|is no address"):
        fetch(tmp_path, url)


def test_an_address_without_a_checksum_is_refused_before_anything_is_asked(storage, tmp_path):
    with pytest.raises(WeightsError, match="no sha256 beside them"):
        fetch(tmp_path, storage.url, None)
    assert storage.asked == []


@pytest.mark.parametrize("sha256", ["", "abc", SHA + "0", "g" * 64])
def test_a_checksum_that_is_none_is_refused(storage, tmp_path, sha256):
    with pytest.raises(WeightsError, match="is no SHA-256"):
        fetch(tmp_path, storage.url, sha256)


def test_a_redirect_of_the_same_kind_is_followed(storage, tmp_path):
    storage.to = "/weights.pth"

    assert fetch(tmp_path, storage.url.replace("weights.pth", "moved")).read_bytes() == FILE


@pytest.mark.parametrize("to", ["https://127.0.0.1/w", "ftp://127.0.0.1/w", "file:///etc/passwd"])
def test_a_redirect_to_another_scheme_is_refused(storage, tmp_path, to):
    storage.to = to

    with pytest.raises(WeightsError, match="sends us from http on to"):
        fetch(tmp_path, storage.url.replace("weights.pth", "moved"))


INSIDE = ["127.0.0.1", "10.1.2.3", "169.254.169.254", "0.0.0.0", "100.64.0.1", "::1", "fe80::1"]
INSIDE += ["::ffff:10.1.2.3", "fd00::1"]  # an address of old in the form of the new; a local one


@pytest.mark.parametrize("address", INSIDE)
def test_a_redirect_from_outside_into_the_private_network_is_refused(
    storage, tmp_path, monkeypatch, address
):
    known = {"127.0.0.1": ["93.184.215.14"], "inside.test": [address]}
    monkeypatch.setattr(download, "_addresses", known.__getitem__)
    storage.to = "http://inside.test/latest/meta-data"

    with pytest.raises(WeightsError, match=r"on to inside\.test, inside the private network"):
        fetch(tmp_path, storage.url.replace("weights.pth", "moved"))
    assert storage.asked == ["/moved"]


def test_a_folder_that_cannot_be_written_is_named(storage, tmp_path):
    (tmp_path / "file").write_bytes(b"")

    with pytest.raises(WeightsError, match=r"download\.folder"):
        fetch(tmp_path / "file" / "under", storage.url)


def test_a_local_file_is_compared_with_a_checksum_that_is_given(tmp_path):
    path = tmp_path / "w.pth"
    path.write_bytes(FILE)

    assert download.checked(path, SHA) == path
    assert download.checked(path, None) == path
    with pytest.raises(WeightsError, match="is not the file that sha256 names"):
        download.checked(path, "0" * 64)


@pytest.mark.parametrize(
    ("name", "expected"),
    [("https://a.test/w", True), ("ftp://a/w", True), ("C:/w.pth", False), ("data/w.pth", False)],
)
def test_a_path_is_told_from_an_address(name, expected):
    assert download.is_url(name) is expected
