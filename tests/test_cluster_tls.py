"""A cluster that speaks TLS by the words of docs/cluster.md, and what those see who do not."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from test_cluster import ROOT, Started, settled

pytestmark = pytest.mark.skipif(not shutil.which("openssl"), reason="no openssl on this machine")
PREFIX = "DASK_DISTRIBUTED__COMM__"
BIN = Path(sys.executable).parent
PROGRAM = """
import math, sys
from pipeline import parallel
from pipeline.errors import PipelineError
compute = parallel.ComputeParams(backend="dask", workers=0, scheduler=sys.argv[1])
try:
    print(parallel.each(math.sqrt, range(3), compute, "test"))
except PipelineError as error:
    sys.exit(f"stage: {error}")
"""


def commands(heading):
    """Lines that docs/cluster.md says to type, under a heading."""
    text = (ROOT / "docs" / "cluster.md").read_text(encoding="utf-8")
    section = re.split(r"^## ", text.partition(f"\n## {heading}\n")[2], flags=re.MULTILINE)[0]
    return re.findall(r"^\$ (.*)$", section, re.MULTILINE)


def shell():
    """Those lines of it that make certificates and tell Dask of them."""
    return [x for x in commands("Who may use it") if x.startswith(("openssl", "export", "for"))]


def spoken(where, lines):
    """Run lines in a shell that has this project's programs; return its environment then."""
    path = f"{BIN}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-ec", "\n".join([*lines, "env -0 > environment"])],
        cwd=where, env=os.environ | {"PATH": path}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    pairs = (where / "environment").read_text().split("\0")
    return dict(pair.split("=", 1) for pair in pairs if pair)


class Encrypted:
    """Certificates, a scheduler and two workers, as docs/cluster.md starts them."""

    def __init__(self, where):
        scheduler, worker = (x for x in commands("Who may use it") if x.startswith("dask "))
        self.where, self.environment = where, spoken(where, shell())
        self.processes = [
            self.begin(
                scheduler.replace("8786", "0").replace("8787", "0")
                + " --host 127.0.0.1 --scheduler-file s.json"
            )
        ]
        self.address = settled(where / "s.json")
        self.processes.append(
            self.begin(
                worker.replace("tls://HOST:8786", self.address).replace("16", "2")
                + " --host 127.0.0.1 --local-directory ."
            )
        )

    def begin(self, line):
        return subprocess.Popen(
            line.split(), cwd=self.where, env=self.environment | {"PYTHONPATH": str(ROOT)},
            stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip

    def end(self):
        for process in reversed(self.processes):
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@pytest.fixture(scope="module")
def encrypted(tmp_path_factory):
    one = Encrypted(tmp_path_factory.mktemp("tls"))
    yield one
    one.end()


@pytest.fixture(scope="module")
def strangers(tmp_path_factory):
    """A folder of certificates that another CA has signed."""
    where = tmp_path_factory.mktemp("strangers")
    spoken(where, shell())
    return where


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    one = Started(tmp_path_factory.mktemp("plain"), workers=1)
    yield one
    one.end()


def run(address, environment):
    """Use a cluster as a stage would; what it prints, and what it complains of."""
    bare = {name: text for name, text in environment.items() if text is not None}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, address],
        cwd=ROOT, env=bare, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    return done.stdout, done.stderr


def test_who_has_a_certificate_may_use_it(encrypted):
    assert encrypted.address.startswith("tls://")
    assert run(encrypted.address, encrypted.environment) == ("[0.0, 1.0, 1.4142135623730951]\n", "")


CASES = {
    "no certificate": ("tls", dict.fromkeys(("CA_FILE", "CLIENT__CERT", "CLIENT__KEY")),
                       r"is encrypted, and no certificates are set; export DASK_.*CA_FILE, "),
    "CA alone": ("tls", dict.fromkeys(("CLIENT__CERT", "CLIENT__KEY")),
                 r"is encrypted, and no certificates are set; export DASK_"),
    "another CA": ("tls", {"CA_FILE": "ca.pem"},
                   r"has a certificate of which \S+/ca.pem knows nothing; set DASK_\S*CA_FILE to"),
    "another CA's certificate": ("tls", {"CLIENT__CERT": "cert.pem", "CLIENT__KEY": "key.pem"},
                                 r"does not take \S+/cert.pem .*; set DASK_\S*CLIENT__CERT and"),
    "another's key": ("tls", {"CLIENT__KEY": "key.pem"},
                      r"TLS__CLIENT__KEY=\S+/key.pem: cannot be used \(.*mismatch.*full paths"),
    "no such file": ("tls", {"CA_FILE": "none.pem"},
                     r"stage: DASK_\S+CA_FILE=\S+/none.pem: no such file; give full paths"),
    "no file of a certificate": ("tls", {"CLIENT__CERT": "environment"},
                                 r"CLIENT__CERT=\S+/environment, .* cannot be used \(.*SSL"),
    "tcp to it, knowing nothing": ("tcp", dict.fromkeys(("CA_FILE", "CLIENT__CERT", "CLIENT__KEY")),
                                   r"hangs up .*; if it was started with TLS give tls://HOST:PORT"),
    "tcp to it": ("tcp", {}, r"is not encrypted, as DASK_\S+ENCRYPTION wants; give tls://HOST:PORT"),
    "tls to one without": ("plain", {}, r"does not speak TLS; give tcp://HOST:PORT, or start it"),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_who_has_not_is_told_what_to_do_in_one_line(encrypted, strangers, plain, case):
    kind, changes, told = CASES[case]
    address = {
        "tls": encrypted.address,
        "tcp": encrypted.address.replace("tls", "tcp"),
        "plain": plain.address.replace("tcp", "tls"),
    }[kind]
    files = {
        f"{PREFIX}TLS__{name}": path and str(strangers / path) for name, path in changes.items()
    }
    if changes and not any(changes.values()):
        files[f"{PREFIX}REQUIRE_ENCRYPTION"] = None  # who knows nothing of it at all

    printed, complaints = run(address, encrypted.environment | files)

    assert printed == ""
    assert re.search(told, complaints), complaints
    assert len(complaints.splitlines()) == 1
    assert "docs/cluster.md" in complaints or "that setting" in complaints


def test_who_has_none_runs_no_code_there(encrypted):
    """Whatever a stranger's own program does: the scheduler does not listen to it."""
    host, port = encrypted.address.removeprefix("tls://").split(":")
    with socket.create_connection((host, int(port)), timeout=60) as stranger:
        stranger.sendall(bytes(range(256)) * 16)
        heard = b""
        try:
            while more := stranger.recv(4096):
                heard += more
        except ConnectionResetError:
            pass

    assert not heard or heard[0] == 21  # an alert of TLS, after which it is over


def test_make_cluster_in_such_a_shell_is_encrypted_too(encrypted, tmp_path):
    one = Started(tmp_path, workers=1, environment=encrypted.environment)
    try:
        assert one.address.startswith("tls://127.0.0.1:")
        assert run(one.address, encrypted.environment)[0] == "[0.0, 1.0, 1.4142135623730951]\n"
    finally:
        one.end()
