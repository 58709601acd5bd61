"""Data pushed to a remote: a second clone takes everything from there and rebuilds nothing."""

import os
import shutil
import socket
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

import killing
import pytest
from running import tree

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        shutil.which("dvc", path=killing.PATH) is None, reason="dvc is not installed"
    ),
]
# A server that speaks S3's own protocol, on loopback: pip install 'moto[server]' anywhere.
SERVER = os.environ.get("MOTO_SERVER") or shutil.which("moto_server")
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "none", "AWS_SECRET_ACCESS_KEY": "none"}


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A project after a run, committed."""
    where = tmp_path_factory.mktemp("built") / "project"
    killing.create(where)
    (where / ".gitignore").write_text("__pycache__/\n/site/\n/tmp/\n/cache/\n/said.txt\n")
    said, good = killing.finished(where, "rasterise")
    assert good, said
    command(where, "git", "add", "-A")
    command(
        where, "git", "-c", "user.name=x", "-c", "user.email=x@x", "commit", "-qm", "run",
    )  # fmt: skip
    return where


def command(where, *words, **more):
    environment = killing.environment(where) | more
    done = subprocess.run(words, cwd=where, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return done.stdout


def outputs(where):
    """All that the stages write, and what DVC notes of it."""
    return (
        tree(where / "data") | tree(where / "reports") | {"lock": (where / "dvc.lock").read_text()}
    )


def second_clone_rebuilds_nothing(built, tmp_path, url, settings, **credentials):
    first, second = tmp_path / "first", tmp_path / "second"
    shutil.copytree(built, first, symlinks=True)
    command(first, "dvc", "remote", "add", "-d", "store", url)
    for name, value in settings.items():
        command(first, "dvc", "remote", "modify", "store", name, value)
    command(first, "git", "add", "-A")
    command(first, "git", "-c", "user.name=x", "-c", "user.email=x@x", "commit", "-qm", "remote")
    command(first, "dvc", "push", "--run-cache", "-q", **credentials)
    command(tmp_path, "git", "clone", "-q", str(first), str(second))
    assert not (second / "data/masks").exists()

    said = command(second, "dvc", "repro", "--pull", "rasterise", **credentials)

    assert "Running stage" not in said
    assert outputs(second) == outputs(first)
    assert command(second, "git", "status", "--porcelain") == ""


def test_a_plain_folder_is_a_remote(built, tmp_path):
    second_clone_rebuilds_nothing(built, tmp_path, str(tmp_path / "shared"), {})


@pytest.fixture
def bucket():
    """The address of a running S3 server with one bucket."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen(
        [SERVER, "-H", "127.0.0.1", "-p", str(port)],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    address = f"http://127.0.0.1:{port}"
    code = (
        "import boto3, sys\n"
        "boto3.client('s3', endpoint_url=sys.argv[1], region_name='us-east-1')"
        ".create_bucket(Bucket='people')"
    )
    python = Path(SERVER).with_name("python")
    words = [str(python) if python.exists() else sys.executable, "-c", code, address]
    try:
        for _ in range(60):
            if subprocess.run(words, env=os.environ | CREDENTIALS, capture_output=True).returncode:
                time.sleep(1)
            else:
                break
        else:
            raise TimeoutError(f"{SERVER} has no bucket after a minute")
        yield address
    finally:
        server.terminate()
        server.wait()


@pytest.mark.skipif(SERVER is None, reason="there is no moto_server; MOTO_SERVER names one")
@pytest.mark.skipif(find_spec("dvc_s3") is None, reason="pip install '.[s3]'")
def test_an_s3_bucket_is_a_remote(built, bucket, tmp_path):
    second_clone_rebuilds_nothing(
        built, tmp_path, "s3://people/data", {"endpointurl": bucket, "region": "us-east-1"},
        **CREDENTIALS,
    )  # fmt: skip
