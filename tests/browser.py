"""A headless Chromium that opens a page from disk and is spoken to in its own protocol."""

import asyncio
import base64
import json
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM = next(filter(None, map(shutil.which, NAMES)), None)
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--mute-audio",
         "--no-first-run", "--disable-extensions", "--disable-background-networking",
         "--remote-debugging-port=0", "--disable-dev-shm-usage"]  # fmt: skip


class Browser:
    """One page of a browser, while the ``with`` block lasts.

    Attributes:
        faults: what the page did wrong: exceptions, errors on the console, refusals of the policy.
        asked: addresses it asked for.
    """

    def __init__(self, width=1440, height=1000, dark=False):
        self._size, self._dark = (width, height), dark
        self.faults, self.asked, self._answers, self._number = [], [], {}, 0

    def __enter__(self):
        from tornado.websocket import websocket_connect

        self._folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        words = [CHROMIUM, *FLAGS, f"--user-data-dir={self._folder.name}"]
        words += [f"--window-size={self._size[0]},{self._size[1]}", "about:blank"]
        self._process = subprocess.Popen(
            words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        self._loop = asyncio.new_event_loop()
        port = self._port()
        self._socket = self._run(self._connect(websocket_connect, port))
        for name in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{name}.enable")
        self.call("Emulation.setDeviceMetricsOverride", width=self._size[0], height=self._size[1],
                  deviceScaleFactor=1, mobile=self._size[0] < 600)  # fmt: skip
        scheme = {"name": "prefers-color-scheme", "value": "dark" if self._dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])
        return self

    def __exit__(self, *_):
        self._socket.close()
        self._process.terminate()
        self._process.wait(10)
        self._loop.close()
        self._folder.cleanup()

    def open(self, path, fragment=""):
        """Open a file of the disk and wait until it is loaded."""
        self.visit(Path(path).resolve().as_uri() + fragment)

    def visit(self, url):
        """Open an address and wait until it is loaded."""
        self.call("Page.navigate", url=url)
        scheme = url.split(":")[0]
        self.until(f"document.readyState === 'complete' && location.protocol === '{scheme}:'")

    def choose(self, selector, path):
        """Choose a file in an input, as a person does in its dialogue."""
        root = self.call("DOM.getDocument")["root"]["nodeId"]
        node = self.call("DOM.querySelector", nodeId=root, selector=selector)["nodeId"]
        self.call("DOM.setFileInputFiles", nodeId=node, files=[str(path)])

    def drag(self, *points):
        """Press the left button at the first point, move through the others and release."""
        for kind, (x, y) in (
            ("mousePressed", points[0]),
            *(("mouseMoved", point) for point in points),
            ("mouseReleased", points[-1]),
        ):
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left",
                      buttons=0 if kind == "mouseReleased" else 1, clickCount=1)  # fmt: skip

    def run(self, script):
        """Return the value of an expression on the page."""
        done = self.call("Runtime.evaluate", expression=script, returnByValue=True,
                         awaitPromise=True, userGesture=True)  # fmt: skip
        assert "exceptionDetails" not in done, done["exceptionDetails"]
        return done["result"].get("value")

    def until(self, script, seconds=20):
        """Wait until an expression is true."""
        end = time.monotonic() + seconds
        while not self.run(script):
            assert time.monotonic() < end, f"never true: {script}"
            time.sleep(0.03)

    def press(self, key):
        """Press and release a key, by its DOM name."""
        text = {"Enter": "\r", " ": " "}.get(key, "")
        code = {"Enter": 13, "Tab": 9, "Escape": 27, "ArrowRight": 39, "ArrowLeft": 37, " ": 32}[
            key
        ]
        kind = "keyDown" if text else "rawKeyDown"
        self.call("Input.dispatchKeyEvent", type=kind, key=key, code=key, text=text,
                  windowsVirtualKeyCode=code)  # fmt: skip
        self.call("Input.dispatchKeyEvent", type="keyUp", key=key, code=key,
                  windowsVirtualKeyCode=code)  # fmt: skip

    def picture(self, path, whole=False):
        """Save a screenshot."""
        done = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        Path(path).write_bytes(base64.b64decode(done["data"]))

    def call(self, method, **arguments):
        """Call a method of the DevTools protocol; note what happens meanwhile."""
        self._number += 1
        text = json.dumps({"id": self._number, "method": method, "params": arguments})
        return self._run(self._exchange(text, self._number))

    def _run(self, awaitable):
        return self._loop.run_until_complete(asyncio.wait_for(awaitable, 60))

    async def _connect(self, connect, port):
        from tornado.httpclient import AsyncHTTPClient

        listed = await AsyncHTTPClient().fetch(f"http://127.0.0.1:{port}/json")
        page = next(one for one in json.loads(listed.body) if one["type"] == "page")
        return await connect(page["webSocketDebuggerUrl"], max_message_size=1 << 28)

    async def _exchange(self, text, number):
        await self._socket.write_message(text)
        while number not in self._answers:
            message = json.loads(await self._socket.read_message())
            if "id" in message:
                self._answers[message["id"]] = message
            else:
                self._note(message["method"], message["params"])
        answer = self._answers.pop(number)
        assert "error" not in answer, answer
        return answer["result"]

    def _note(self, method, about):
        if method == "Runtime.exceptionThrown":
            self.faults.append(about["exceptionDetails"]["text"])
        elif method == "Log.entryAdded" and about["entry"]["level"] in {"error", "warning"}:
            self.faults.append(about["entry"]["text"])
        elif method == "Runtime.consoleAPICalled" and about["type"] in {"error", "warning"}:
            self.faults.append(str(about["args"]))
        elif method == "Network.requestWillBeSent":
            self.asked.append(about["request"]["url"])

    def _port(self):
        told, end = Path(self._folder.name, "DevToolsActivePort"), time.monotonic() + 40
        while time.monotonic() < end:
            if told.exists() and told.read_text():
                return int(told.read_text().splitlines()[0])
            time.sleep(0.05)
        raise AssertionError("Chromium does not start")
