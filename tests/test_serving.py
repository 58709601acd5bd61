"""The page of ``segment-restore serve``: its answers, and a real browser in front of it."""

import io
import re
import signal
import subprocess
import sys
from http.client import HTTPConnection
from pathlib import Path

import lite_made
import numpy as np
import pytest
import torch
from browser import CHROMIUM, Browser
from PIL import Image

from pipeline import store
from pipeline.deepfill import weights
from pipeline.deepfill.generator import Generator
from pipeline.deepfill.layout import Layout

ROOT = Path(__file__).parents[1]
COMMAND = [sys.executable, "-u", "-c", "from stages.cli import main; main()", "serve"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A photo, and weights of the smallest network; no model to find people with."""
    where = tmp_path_factory.mktemp("serve")
    torch.manual_seed(0)
    weights.save(Generator(Layout(width=4, fill="smooth")).eval(), where / "net")
    photo = np.full((120, 160, 3), 90, np.uint8)
    photo[30:90, 60:100] = (200, 40, 40)
    store.write_image(where / "photo.png", photo)
    return where


@pytest.fixture(scope="module")
def address(folder):
    """The host and port of a running server."""
    yield from served(folder)


@pytest.fixture(scope="module")
def sighted(folder):
    """The host and port of a server that finds people: what is red, for a ready-made network."""
    model = lite_made.make(folder / "red.tflite", 60, 80)
    settings = (ROOT / "params.yaml").read_text()
    settings = settings.replace("model: unet", "model: tflite")
    where = folder / "sighted"
    where.mkdir()
    (where / "params.yaml").write_text(settings.replace("tflite: null", f"tflite: {model}"))
    yield from served(where)


def served(folder):
    net = folder / "net" if (folder / "net").exists() else folder.parent / "net"
    words = [*COMMAND, "--port", "0", "--weights", str(net)]
    environment = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "HOME": str(folder)}
    server = subprocess.Popen(
        words, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a shell's background
    )  # fmt: skip
    yield re.search(r"http://([\d.]+:\d+)/", server.stdout.readline())[1]
    server.send_signal(signal.SIGINT)
    assert server.wait(30) == 0


def asked(address, method, path, *, headers=None, **fields):
    """Status, headers and body of an answer; fields are sent as files of a form."""
    body, headers = b"", dict(headers or {})
    for name, content in fields.items():
        about = f'Content-Disposition: form-data; name="{name}"; filename="{name}.png"'
        body += b"--x\r\n" + about.encode() + b"\r\n\r\n" + content + b"\r\n"
    if fields:
        body += b"--x--\r\n"
        headers["Content-Type"] = "multipart/form-data; boundary=x"
    connection = HTTPConnection(address, timeout=120)
    connection.request(method, path, body, headers)
    answer = connection.getresponse()
    return answer.status, answer.headers, answer.read()


def marked(top, bottom, left, right):
    """A mask as the page sends it: red where marked, transparent elsewhere."""
    shown = np.zeros((120, 160, 4), np.uint8)
    shown[top:bottom, left:right] = (255, 0, 0, 255)
    content = io.BytesIO()
    Image.fromarray(shown).save(content, "PNG")
    return content.getvalue()


def test_the_page_is_served_and_asks_nothing_of_a_network(address):
    for path in ("/", "/app.css", "/app.js"):
        status, headers, body = asked(address, "GET", path)

        assert status == 200
        assert not re.search(rb"(https?:)?//\w", body.replace(b"// One", b"").replace(b"// ", b""))
        assert "default-src 'self'" in headers["Content-Security-Policy"]
    assert asked(address, "GET", "/../cli.py")[0] == 404
    assert asked(address, "GET", "/etc")[0] == 404


def test_what_is_marked_is_restored_and_nothing_else(address, folder):
    photo = (folder / "photo.png").read_bytes()

    status, _, body = asked(address, "POST", "/restore", photo=photo, mask=marked(28, 92, 58, 102))

    assert status == 200
    back, before = np.array(Image.open(io.BytesIO(body))), np.array(Image.open(io.BytesIO(photo)))
    changed = (back != before).any(2)
    assert changed[32:88, 62:98].all()
    assert not changed[:20].any()
    assert not changed[:, :50].any()


def test_a_failure_is_its_message(address, folder):
    photo = (folder / "photo.png").read_bytes()

    assert asked(address, "POST", "/preview", photo=b"none")[0] == 422
    assert b"photo.png is not a picture" in asked(address, "POST", "/preview", photo=b"none")[2]
    assert b"mark the people with the brush" in asked(address, "POST", "/find", photo=photo)[2]
    assert b"not a picture" in asked(address, "POST", "/restore", photo=photo, mask=b"none")[2]


@pytest.mark.parametrize(
    "headers",
    [{"Host": "evil.example"}, {"Origin": "http://evil.example"}],
    ids=["a name that was bound to this computer", "another site's page"],
)
def test_other_sites_are_refused(address, headers):
    assert asked(address, "POST", "/preview", headers=headers, photo=b"")[0] == 403


@pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine")
def test_a_person_drops_a_photo_brushes_restores_and_downloads(address, folder):
    with Browser() as browser:
        browser.visit(f"http://{address}/")
        browser.choose("#file", folder / "photo.png")
        browser.until("document.getElementById('mask').width === 160", 60)
        browser.until("!document.getElementById('find').disabled", 60)
        assert "brush" in browser.run("document.getElementById('said').textContent")
        browser.run("document.getElementById('size').value = 70")
        left, top, wide = browser.run(
            "(b => [b.left, b.top, b.width])"
            "(document.getElementById('mask').getBoundingClientRect())"
        )
        scale = wide / 160
        browser.drag(*((left + 80 * scale, top + y * scale) for y in (45, 60, 75)))
        marks = "ink.getImageData(80, 60, 1, 1).data[3]"
        assert browser.run(marks) == 255

        browser.run("document.getElementById('restore').click()")
        browser.until("!document.getElementById('after').hidden", 120)

        pixel = browser.run(
            "(async () => { const b = await createImageBitmap(document.getElementById('result'));"
            "const c = new OffscreenCanvas(b.width, b.height).getContext('2d');"
            "c.drawImage(b, 0, 0); return [b.width, b.height, ...c.getImageData(80, 60, 1, 1).data,"
            "...c.getImageData(5, 5, 1, 1).data] })()"
        )
        assert (pixel[:2], pixel[6:9]) == ([160, 120], [90, 90, 90])
        assert pixel[2:5] != [200, 40, 40]
        assert browser.run("$('save').download") == "photo.restored.png"
        outside = [url for url in browser.asked if address not in url and "blob:" not in url]
        assert [url for url in outside if not url.startswith("data:")] == []
        browser.run("document.querySelector('[value=take]').click()")
        browser.drag(*((left + 80 * scale, top + y * scale) for y in (45, 60, 75)))
        assert browser.run(marks) == 0
    # Chromium notes the refused search for people, for want of a model, and this test's readings.
    faults = [fault for fault in browser.faults if not re.search("422|willReadFrequently", fault)]
    assert faults == []


def test_people_are_found_without_a_browser_too(sighted, folder):
    photo = (folder / "photo.png").read_bytes()

    status, _, body = asked(sighted, "POST", "/find", photo=photo)

    assert status == 200
    shown = np.array(Image.open(io.BytesIO(body)))
    assert shown.shape == (120, 160, 4)
    person = np.zeros((120, 160), bool)
    person[30:90, 60:100] = True
    near = np.zeros_like(person)
    near[27:93, 57:103] = True
    assert (shown[33:87, 63:97, 3] == 255).all()
    assert not shown[~near][:, 3].any()
    assert (shown[45, 80] == (255, 0, 0, 255)).all()


@pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine")
def test_a_person_drops_a_photo_sees_who_was_found_and_gets_it_without_them(sighted, folder):
    with Browser() as browser:
        browser.visit(f"http://{sighted}/")
        browser.choose("#file", folder / "photo.png")
        browser.until("document.getElementById('mask').width === 160", 60)
        marks = "ink.getImageData({}, 1, 1).data[3]"
        browser.until(marks.format("80, 60") + " === 255", 120)
        browser.until("!document.getElementById('restore').disabled", 60)
        assert browser.run(marks.format("20, 20")) == 0
        assert "Correct the red" in browser.run("document.getElementById('said').textContent")

        browser.run("document.getElementById('restore').click()")
        browser.until("!document.getElementById('after').hidden", 120)

        pixel = browser.run(
            "(async () => { const b = await createImageBitmap(document.getElementById('result'));"
            "const c = new OffscreenCanvas(b.width, b.height).getContext('2d');"
            "c.drawImage(b, 0, 0); return [...c.getImageData(80, 60, 1, 1).data,"
            "...c.getImageData(5, 5, 1, 1).data] })()"
        )
        assert pixel[4:7] == [90, 90, 90]
        assert pixel[:3] != [200, 40, 40]
    faults = [fault for fault in browser.faults if "willReadFrequently" not in fault]
    assert faults == []


def test_a_taken_port_is_said_in_one_line(address, folder):
    port = address.split(":")[1]
    words = [*COMMAND, "--port", port, "--weights", "net"]
    environment = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "HOME": str(folder)}

    done = subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True)

    assert done.returncode == 1
    assert re.fullmatch(
        rf"segment-restore: port {port}: .*; choose another --port", done.stderr.strip()
    )
