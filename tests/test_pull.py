"""Pull from folders, zips, and a fake Roboflow that the real SDK asks over real sockets."""

import base64
import errno
import hashlib
import io
import logging
import os
import shutil
import signal
import subprocess
import sys
import time
import traceback
import zipfile
from pathlib import Path
from unittest import mock

import msgspec
import pytest
from fake_roboflow import KEY, Knobs

from pipeline import pull, roboflow_pin
from pipeline.errors import PipelineError, PullError

ROOT = Path(__file__).parents[1]

SHARED = ROOT.parent / "shared" / "data"
SECRETS = (KEY, "s3cr3t")
JSON = b'{"images": [], "annotations": [], "categories": []}'
EXPORT = {
    "README.roboflow.txt": b"CC BY 4.0",
    "train/_annotations.coco.json": JSON,
    "train/a_jpg.rf.0.jpg": b"a" * 70_000,
    "train/b_jpg.rf.1.jpg": os.urandom(70_000),
    "valid/_annotations.coco.json": JSON + b"\n",
    "valid/c_jpg.rf.2.jpg": b"c",
}


def zipped(files):
    text = io.BytesIO()
    with zipfile.ZipFile(text, "w") as opened:
        for name, content in files.items():
            opened.writestr(name, content)
    return text.getvalue()


ZIP = zipped(EXPORT)


def lay(folder, files):
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def tree(folder):
    """Name -> content of every file, hidden ones too, and of every folder that is empty."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            found[path.relative_to(folder).as_posix()] = path.read_bytes()
        elif not any(path.iterdir()):
            found[path.relative_to(folder).as_posix() + "/"] = None
    return found


def limits(**changes):
    values = {"export": "", "unpacked_at_most": 0.01, "attempts": 3}
    values |= {"stalled_after": 2.0, "finished_within": 20.0}
    return pull.PullParams(**(values | changes))


def fetch(tmp_path, export, key=KEY, told=lambda done, total: None, **changes):
    """Pull into tmp_path/data and return what lies there."""
    data = tmp_path / "data"
    account = roboflow_pin.Account(key, told)
    pull.pull(export, data / "raw", data / "truth", limits(**changes), account)
    return tree(data)


def arrived(files, **record):
    """What data must hold after a pull of ``files``."""
    whole = hashlib.sha256()
    for name in sorted(files):
        if "/" in name:
            whole.update(f"{hashlib.sha256(files[name]).hexdigest()}  {name}\n".encode())
    record |= {"sha256": whole.hexdigest(), "left_out": []}
    record = msgspec.json.encode(record, order="sorted")
    expected = {f"raw/{name}": content for name, content in files.items()}
    expected["raw/pulled.json"] = msgspec.json.format(record, indent=1) + b"\n"
    return expected | {"truth/none.txt": pull.NO_TRUTH.encode()}


# Folders and zips


def test_a_folder_arrives_with_its_bytes_unchanged(tmp_path):
    assert fetch(tmp_path, lay(tmp_path / "export", EXPORT)) == arrived(EXPORT)


def test_a_zip_arrives_as_its_folder_would(tmp_path):
    (tmp_path / "export.zip").write_bytes(ZIP)

    assert fetch(tmp_path, tmp_path / "export.zip") == arrived(EXPORT)


def test_pulling_again_replaces_what_was_there(tmp_path):
    fetch(tmp_path, lay(tmp_path / "old", EXPORT | {"test/_annotations.coco.json": JSON}))
    lay(tmp_path / "data", {"raw/train/stray.jpg": b"?", "truth/stray.png": b"?"})

    assert fetch(tmp_path, lay(tmp_path / "export", EXPORT)) == arrived(EXPORT)


def test_the_truth_beside_the_splits_goes_its_own_way(tmp_path):
    truth = {"truth/tags.csv": b"tags", "truth/clean/a.png": b"plate"}

    found = fetch(tmp_path, lay(tmp_path / "export", EXPORT | truth))

    assert found == {k: v for k, v in arrived(EXPORT).items() if not k.startswith("truth/")} | truth


def test_an_export_inside_the_project_can_be_pulled(tmp_path):
    assert fetch(tmp_path, lay(tmp_path / "data" / "mine", EXPORT))["raw/pulled.json"]


@pytest.mark.parametrize("export", ["", "data", "data/raw"])
def test_a_folder_that_holds_the_output_is_refused(tmp_path, export):
    lay(tmp_path / "data" / "raw", EXPORT)

    with pytest.raises(PullError, match="give the export's own folder"):
        fetch(tmp_path, tmp_path / export)


@pytest.mark.parametrize("name", ["missing", "missing.zip"])
def test_an_export_that_is_not_there_is_named(tmp_path, name):
    with pytest.raises(PullError, match=f"{name} does not exist; pull.export names"):
        fetch(tmp_path, tmp_path / name)


def test_a_zip_that_holds_no_export_is_named_and_not_where_it_was_unpacked(tmp_path):
    (tmp_path / "export.zip").write_bytes(zipped({"a.txt": b"a"}))

    with pytest.raises(PullError, match=r"^export\.zip is no export with masks: .*found a\.txt"):
        fetch(tmp_path, tmp_path / "export.zip")
    assert tree(tmp_path / "data") == {}


def test_a_refused_pull_leaves_what_an_earlier_one_brought(tmp_path):
    before = fetch(tmp_path, lay(tmp_path / "export", EXPORT))

    with pytest.raises(PullError):
        fetch(tmp_path, tmp_path / "missing")
    assert tree(tmp_path / "data") == before


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EACCES])
def test_an_error_of_the_disk_is_one_line_and_leaves_nothing(tmp_path, monkeypatch, code):
    def failing(source, place):
        raise OSError(code, os.strerror(code), str(place))

    monkeypatch.setattr(shutil, "copyfile", failing)
    said = "is full" if code == errno.ENOSPC else "Permission denied"
    with pytest.raises(PullError, match=said):
        fetch(tmp_path, lay(tmp_path / "export", EXPORT))
    assert tree(tmp_path / "data") == {}


def test_a_zip_is_refused_before_it_fills_the_disk(tmp_path, monkeypatch):
    (tmp_path / "export.zip").write_bytes(ZIP)
    monkeypatch.setattr(shutil, "disk_usage", lambda place: mock.Mock(free=1000))

    with pytest.raises(PullError, match="is full .*unpacking export.zip takes 140,1.. bytes"):
        fetch(tmp_path, tmp_path / "export.zip")
    assert tree(tmp_path / "data") == {}


def test_a_disk_that_fills_up_while_copying_leaves_nothing(tmp_path):
    export = lay(tmp_path / "export", EXPORT)
    (tmp_path / "data").mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=100k", "tmpfs", str(tmp_path / "data")]
    if not shutil.which("mount") or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("no right to mount a small disk here")
    try:
        with pytest.raises(PullError, match="is full"):
            fetch(tmp_path, export)
        assert tree(tmp_path / "data") == {}
    finally:
        subprocess.run(["umount", str(tmp_path / "data")], check=True)


def start(tmp_path, export, **environment):
    """Run the stage as DVC does, in tmp_path."""
    (tmp_path / "params.yaml").write_bytes(
        msgspec.yaml.encode({"pull": msgspec.to_builtins(limits(export=str(export)))})
    )
    keep = {key: os.environ[key] for key in ("PATH", "HOME") if key in os.environ}
    return subprocess.Popen(
        [sys.executable, "-m", "stages.pull", str(export), "data/raw", "data/truth"],
        cwd=tmp_path,
        env={**keep, "PYTHONPATH": str(ROOT), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@pytest.mark.parametrize("delay", [0.0, 0.03, 0.1])
def test_a_killed_pull_leaves_nothing_that_looks_finished(tmp_path, delay):
    many = {f"train/{n:04}.jpg": b"x" * 999 for n in range(900)}
    export = lay(tmp_path / "export", EXPORT | many)
    running = start(tmp_path, export)
    while not (tmp_path / "data" / ".raw.part").exists():
        time.sleep(0.001)
    time.sleep(delay)
    running.send_signal(signal.SIGKILL)
    running.communicate()

    if (tmp_path / "data" / "raw").exists():
        assert len(tree(tmp_path / "data" / "raw")) == len(EXPORT | many) + 1
    assert fetch(tmp_path, export) == arrived(EXPORT | many)


# A pin


@pytest.fixture
def knobs(server, monkeypatch):
    """A fake Roboflow that works, and the real SDK that asks it."""
    monkeypatch.setattr(roboflow_pin, "POLL", 0.1)
    server.knobs = Knobs(zip=ZIP)
    return server.knobs


@pytest.fixture
def pinned(tmp_path, knobs, caplog, capfd):
    """Pull a pin; whatever happens, no secret may be written, printed, logged or raised."""
    caplog.set_level(logging.DEBUG)

    def run(key=KEY, version=3, workspace="lab", project="people", **changes):
        pin = {"workspace": workspace, "project": project, "version": version}
        (tmp_path / "a.roboflow.yaml").write_bytes(msgspec.yaml.encode(pin))
        refused, raised = None, ""
        try:
            found = fetch(tmp_path, tmp_path / "a.roboflow.yaml", key, **changes)
        except PullError as error:
            refused, raised = error, "".join(traceback.format_exception(error))
        texts = [raised, caplog.text, *capfd.readouterr(), repr(tree(tmp_path))]
        secrets = {*SECRETS, (key or "").strip()} - {""}
        assert not [secret for secret in secrets for text in texts if secret in text]
        if refused:
            assert "\n" not in str(refused)
            assert not [path for path in tree(tmp_path / "data") if "download/" not in path]
            raise refused
        return found

    return run


PULLED = arrived(EXPORT, workspace="lab", project="people", version=3)


def test_a_pin_arrives_as_its_zip_would_and_says_where_it_came_from(pinned, knobs):
    bar = []

    found = pinned(told=lambda done, total: bar.append((done, total)))

    assert found == PULLED
    assert bar == sorted(bar)
    assert bar[-1] == (len(ZIP), len(ZIP))
    asked = ["key", "workspace", "project", "project", "version", "export", "zip"]
    assert knobs.asked == asked


def test_a_version_that_is_being_generated_and_packed_is_awaited(pinned, knobs):
    knobs.generating, knobs.packing = 3, 3

    assert pinned() == PULLED
    assert knobs.asked.count("version") == knobs.asked.count("export") == 4


PLACES = ["key", "workspace", "project", "version", "export", "zip"]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("statuses", [[429, 503], [500, 502]], ids=str)
def test_a_server_that_is_busy_is_asked_again(pinned, knobs, place, statuses):
    knobs.faults[place] = statuses

    assert pinned() == PULLED


@pytest.mark.parametrize("place", PLACES)
def test_a_server_that_stays_busy_is_given_up(pinned, knobs, place):
    knobs.faults[place] = [503] * 99

    with pytest.raises(PullError, match="answers 503, 3 times in a row; try again later"):
        pinned()
    assert knobs.asked.count(place) == 3


def test_the_pause_that_a_server_asks_for_is_kept(pinned, knobs):
    knobs.faults["workspace"], knobs.retry_after = [429], "1"
    before = time.monotonic()

    assert pinned() == PULLED
    assert time.monotonic() - before >= 1


def test_a_pause_beyond_the_bound_is_not_waited_for(pinned, knobs):
    knobs.faults["workspace"], knobs.retry_after = [429], "3600"
    before = time.monotonic()

    with pytest.raises(PullError, match="answers 429: not finished within 20 s"):
        pinned()
    assert time.monotonic() - before < 5


@pytest.mark.parametrize("place", ["key", "export", "zip"])
def test_a_server_that_never_answers_is_given_up(pinned, knobs, place):
    knobs.silent = place

    with pytest.raises(PullError, match="does not answer .*, 2 times in a row"):
        pinned(stalled_after=0.1, attempts=2)


@pytest.mark.parametrize("place", ["workspace", "zip"])
def test_a_server_that_answers_byte_by_byte_is_given_up(pinned, knobs, place):
    knobs.drip = place

    with pytest.raises(PullError, match="not finished within 0.5 s"):
        pinned(finished_within=0.5)


@pytest.mark.parametrize("knob", ["generating", "packing"])
def test_a_version_that_never_gets_ready_is_given_up(pinned, knobs, knob):
    setattr(knobs, knob, 10**9)

    doing = {"generating": "generated .50%", "packing": "packed .25%"}[knob]
    with pytest.raises(PullError, match=f"version 3 of .* is still being {doing}.* within 0.5 s"):
        pinned(finished_within=0.5)


def test_a_version_without_pictures_is_not_awaited(pinned, knobs):
    knobs.images = 0

    with pytest.raises(PullError, match="holds no pictures; generate it in Roboflow"):
        pinned()


@pytest.mark.parametrize("key", [None, "", " "])
def test_without_a_key_nothing_is_asked(pinned, knobs, key):
    with pytest.raises(PullError, match="ROBOFLOW_API_KEY is not set; copy"):
        pinned(key=key)
    assert knobs.asked == []


def test_what_cannot_be_a_key_is_not_sent(pinned, knobs):
    with pytest.raises(PullError, match="ROBOFLOW_API_KEY is not a key"):
        pinned(key="se cret&x=y")
    assert knobs.asked == []


@pytest.mark.parametrize("key", ["wRoNgKeY99", "UPPERCASEONLY99"])  # the SDK lets the second pass
def test_a_wrong_key_is_named_as_the_cause(pinned, key):
    with pytest.raises(PullError, match="Roboflow refuses the key in ROBOFLOW_API_KEY"):
        pinned(key=key)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"workspace": "elsewhere"}, "has no workspace 'elsewhere'"),
        ({"project": "cats"}, "has no project 'cats' in workspace 'lab'"),
        ({"version": 2}, "has no version 2; its last are 1, 3; correct the pin"),
    ],
)
def test_a_pin_that_points_nowhere_says_which_part_is_wrong(pinned, wrong, said):
    with pytest.raises(PullError, match=said):
        pinned(**wrong)


def test_a_project_without_versions_says_so(pinned, knobs):
    knobs.versions = ()

    with pytest.raises(PullError, match="has no version 3; it has none yet"):
        pinned()


@pytest.mark.parametrize("status", [401, 403, 404, 410])
def test_an_expired_link_says_to_pull_again(pinned, knobs, status):
    knobs.faults["zip"] = [status]

    with pytest.raises(PullError, match=f"link is not valid any more .{status}.; pull again"):
        pinned()


@pytest.mark.parametrize(
    ("export", "said"),
    [
        ({}, "names no download"),
        ({"export": None}, "names no download"),
        ({"export": {"link": 7}}, "names no download"),
        ([], "names no download"),
        (7, "not one that its SDK understands"),
        ({"export": {"link": "file:///etc/passwd"}}, "cannot ask"),
        ({"export": {"link": "http://127.0.0.1:1/x"}}, "127.0.0.1 does not answer"),
        ({"export": {"link": "nonsense"}}, "cannot ask"),
    ],
    ids=str,
)
def test_an_answer_without_a_usable_link_is_one_line(pinned, knobs, export, said):
    knobs.export = export

    with pytest.raises(PullError, match=said):
        pinned()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"<html>expired</html>", "is an HTML or XML page, not a zip"),
        (b"", "is empty"),
        (ZIP[:5000], "damaged or truncated"),
        (ZIP.replace(b"a" * 500, b"a" * 499 + b"b", 1), "damaged or truncated .*CRC"),
        (zipped({"train/a.jpg": b"a", "train/a.xml": b"<a/>"}), "choose .*'COCO Segmentation'"),
    ],
    ids=["page", "nothing", "cut", "changed", "other format"],
)
def test_what_is_not_the_export_is_refused(pinned, knobs, content, said):
    knobs.zip = content

    with pytest.raises(PullError, match=said):
        pinned()


ETAG = {"ETag": '"v1"'}


def test_a_download_that_breaks_off_is_taken_up_where_it_was(pinned, knobs):
    knobs.headers, knobs.break_after = dict(ETAG), [50_000, 30_000]

    assert pinned() == PULLED
    assert [place for place in knobs.asked if place.startswith("zip")] == [
        "zip",
        "zipbytes=50000-",
        "zipbytes=80000-",
    ]


@pytest.mark.parametrize(
    "how", [{"headers": {}}, {"headers": ETAG, "ranges": False}], ids=["no mark", "no ranges"]
)
def test_a_download_that_cannot_be_taken_up_begins_anew(pinned, knobs, how):
    knobs.break_after = [50_000]
    for name, value in how.items():
        setattr(knobs, name, value)

    assert pinned() == PULLED


def test_a_file_that_is_replaced_while_it_is_fetched_is_fetched_anew(pinned, knobs):
    knobs.zip, knobs.headers, knobs.break_after = bytes(len(ZIP)), dict(ETAG), [50_000]

    def replace(done, total):
        knobs.zip, knobs.headers = ZIP, {"ETag": '"v2"'}

    assert pinned(told=replace) == PULLED


def kept(tmp_path):
    """Name -> content of what a download has brought so far."""
    return tree(tmp_path / "data" / ".raw.download")


def test_a_download_that_was_given_up_is_taken_up_by_the_next_pull(tmp_path, pinned, knobs):
    knobs.headers, knobs.break_after = dict(ETAG), [50_000, *[0] * 99]
    with pytest.raises(PullError, match="try again later"):
        pinned()
    assert kept(tmp_path) == {"lab.people.3.zip": ZIP[:50_000], "lab.people.3.zip.mark": b'"v1"'}
    knobs.break_after, knobs.asked = [], []

    assert pinned() == PULLED
    assert [place for place in knobs.asked if place.startswith("zip")] == ["zipbytes=50000-"]
    assert not (tmp_path / "data" / ".raw.download").exists()


def test_a_download_that_was_whole_when_the_pull_died_is_not_fetched_again(tmp_path, pinned, knobs):
    knobs.headers = dict(ETAG)
    lay(tmp_path / "data" / ".raw.download",
        {"lab.people.3.zip": ZIP, "lab.people.3.zip.mark": b'"v1"'})  # fmt: skip

    assert pinned() == PULLED
    assert knobs.asked[-1] == f"zipbytes={len(ZIP)}-"


@pytest.mark.parametrize(
    "left",
    [
        {"lab.people.3.zip": b"?" * 50_000, "lab.people.3.zip.mark": b'"v0"'},  # another file's
        {"lab.people.3.zip": b"?" * 50_000},  # of unknown origin
        {"lab.people.3.zip.mark": b'"v1"'},
        {"lab.people.3.zip": ZIP + b"?", "lab.people.3.zip.mark": b'"v1"'},  # longer than the file
        {"lab.people.2.zip": ZIP[:50_000], "lab.people.2.zip.mark": b'"v1"'},  # another pin's
    ],
    ids=["older", "unmarked", "only a mark", "too long", "another pin"],
)
def test_what_another_download_left_is_not_taken_up(tmp_path, pinned, knobs, left):
    knobs.headers = dict(ETAG)
    lay(tmp_path / "data" / ".raw.download", left)

    assert pinned() == PULLED


def test_a_storage_that_sends_another_part_than_asked_for_is_not_believed(pinned, knobs):
    knobs.headers, knobs.break_after, knobs.shifted = dict(ETAG), [50_000], 7

    assert pinned() == PULLED


def test_a_part_that_was_damaged_on_the_disk_is_found_out_and_not_kept(tmp_path, pinned, knobs):
    knobs.headers = dict(ETAG)
    lay(tmp_path / "data" / ".raw.download",
        {"lab.people.3.zip": bytes(50_000), "lab.people.3.zip.mark": b'"v1"'})  # fmt: skip
    with pytest.raises(PullError, match="damaged or truncated zip"):
        pinned()

    assert kept(tmp_path) == {}
    assert pinned() == PULLED


@pytest.mark.parametrize("come", [50_000, 100_000])
def test_a_killed_download_is_taken_up_where_it_was_by_the_next_run(tmp_path, server, come):
    server.knobs = Knobs(zip=ZIP, headers=dict(ETAG), stall_after=[come])
    pin = tmp_path / "people.roboflow.yaml"
    pin.write_text("workspace: lab\nproject: people\nversion: 3\n")
    environment = {"ROBOFLOW_API_KEY": KEY, "API_URL": server.url}
    part = tmp_path / "data" / ".raw.download" / "lab.people.3.zip"
    running = start(tmp_path, pin, **environment)
    while not part.exists() or part.stat().st_size < come:
        assert running.poll() is None, running.stdout.read()
        time.sleep(0.01)
    running.send_signal(signal.SIGKILL)
    running.communicate()
    assert not (tmp_path / "data" / "raw").exists()

    again = start(tmp_path, pin, **environment)
    said, _ = again.communicate(timeout=60)

    assert again.returncode == 0, said
    assert server.knobs.asked[-1] == f"zipbytes={come}-"
    assert tree(tmp_path / "data") == PULLED


def test_a_download_that_always_breaks_off_is_given_up(pinned, knobs):
    knobs.headers, knobs.break_after = dict(ETAG), [50_000, *[0] * 99]

    with pytest.raises(PullError, match="broke off after 50,000 bytes .*, 3 times in a row"):
        pinned()


def test_a_download_of_unknown_length_is_judged_by_its_content(pinned, knobs):
    knobs.length = False
    assert pinned() == PULLED


def test_a_download_of_unknown_length_that_is_cut_is_refused(pinned, knobs):
    knobs.length, knobs.break_after = False, [50_000]
    with pytest.raises(PullError, match="damaged or truncated"):
        pinned()


@pytest.mark.parametrize("right", [True, False])
def test_the_checksum_that_the_storage_tells_is_compared(pinned, knobs, right):
    told = base64.b64encode(hashlib.md5(ZIP if right else b"other").digest()).decode()
    knobs.headers = {"x-goog-hash": f"crc32c=AAAAAA==,md5={told}"}

    if right:
        assert pinned() == PULLED
    else:
        with pytest.raises(PullError, match="its MD5 differs"):
            pinned()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("workspace: lab\nproject: people\n", "lacks 'version'"),
        ("workspace: lab\nproject: people\nversion: 3\nformat: coco\n", "does not know 'format'"),
        ("workspace: lab\nproject: people\nversion: latest\n", "version"),
        ("workspace: lab\nproject: people\nversion: 0\n", "version"),
        ("workspace: lab\nproject: ../x?a=b\nversion: 3\n", "project"),
        (f"workspace: lab\nproject: people\nversion: 3\napi_key: {KEY}\n", "holds a key; keep"),
        (f"api_key: '{KEY}\n", "is not YAML with the keys"),
        (f"{KEY}", "is not YAML with the keys"),
        ("", "is not YAML with the keys"),
    ],
)
def test_a_pin_has_exactly_its_three_keys(tmp_path, text, said):
    (tmp_path / "a.roboflow.yaml").write_text(text)

    with pytest.raises(PipelineError, match=said) as caught:
        roboflow_pin.read(tmp_path / "a.roboflow.yaml")
    assert KEY not in str(caught.value)


def test_the_key_is_not_in_the_accounts_own_text():
    assert KEY not in repr(roboflow_pin.Account(KEY, print))


@pytest.mark.parametrize("good", [True, False])
def test_the_stage_takes_the_key_from_the_environment_and_says_one_line(tmp_path, server, good):
    server.knobs = Knobs(zip=ZIP)
    pin = tmp_path / "people.roboflow.yaml"
    pin.write_text("workspace: lab\nproject: people\nversion: 3\n")

    key = {"ROBOFLOW_API_KEY": KEY if good else KEY[::-1]}
    running = start(tmp_path, pin, API_URL=server.url, **key)
    said, _ = running.communicate(timeout=60)

    assert running.returncode == (0 if good else 1)
    assert said.count("\n") == 1
    assert not any(secret in said + repr(tree(tmp_path)) for secret in (*SECRETS, KEY[::-1]))
    if good:
        assert said == f"pull: 3 pictures (train 2, valid 1) from {pin}\n"
        assert tree(tmp_path / "data") == PULLED
    else:
        assert said.startswith("pull: Roboflow refuses the key in ROBOFLOW_API_KEY")


@pytest.mark.skipif(not SHARED.exists(), reason="needs the shared exports")
@pytest.mark.parametrize(
    ("name", "pictures"),
    [
        ("people", {"train": 212, "valid": 38, "test": 43}),
        ("zoo/borrat_rle", {"train": 30, "valid": 30}),
        ("zoo/tooth", {"train": 72, "valid": 8}),
        ("zoo/cat_multipart", {"test": 8}),
        ("zoo/facade", {"train": 7, "valid": 13, "test": 7}),
    ],
)
def test_real_exports_arrive_with_their_pictures(tmp_path, name, pictures):
    account = roboflow_pin.Account(None, lambda done, total: None)
    found = pull.pull(SHARED / name, tmp_path / "raw", tmp_path / "truth", limits(), account)

    assert {split.name: len(split.files) for split in found.splits} == pictures
    for path in (SHARED / name).rglob("_annotations.coco.json"):
        arrived = tmp_path / "raw" / path.parent.name / path.name
        assert arrived.read_bytes() == path.read_bytes()
