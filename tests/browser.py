"""A headless Chromium of the system's, driven by Playwright, that opens pages from disk."""

import atexit
import shutil
import time
from contextlib import contextmanager
from functools import cache
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM = next(filter(None, map(shutil.which, NAMES)), None)
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-dev-shm-usage",
]
WHY_NOT = "Chromium is not installed: apt-get install chromium"


@cache
def chromium():
    """Return the one browser of this process; each ``Browser`` is a window that shares nothing."""
    from playwright.sync_api import sync_playwright

    driver = sync_playwright().start()
    browser = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
    atexit.register(driver.stop)
    atexit.register(browser.close)
    return browser


class Browser:
    """One page of a browser, while the ``with`` block lasts.

    Attributes:
        page: Playwright's page, for what has no word here.
        faults: what the page did wrong: exceptions, errors on the console, refusals of the policy.
        asked: addresses it asked for.
    """

    def __init__(self, width=1440, height=1000, dark=False):
        self._size, self._dark = {"width": width, "height": height}, dark
        self.faults, self.asked = [], []

    def __enter__(self):
        self._context = chromium().new_context(
            viewport=self._size,
            color_scheme="dark" if self._dark else "light",
            is_mobile=self._size["width"] < 600,
            has_touch=self._size["width"] < 600,
        )
        self.page = self._context.new_page()
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.on("console", self._note)
        self.page.on("request", lambda request: self.asked.append(request.url))
        self._session = self._context.new_cdp_session(self.page)
        return self

    def __exit__(self, *_):
        self._context.close()

    def open(self, path, fragment=""):
        """Open a file of the disk and wait until it is loaded."""
        self.visit(Path(path).resolve().as_uri() + fragment)

    def visit(self, url):
        """Open an address and wait until it is loaded."""
        self.page.goto(url)

    def choose(self, selector, path):
        """Choose a file in an input, as a person does in its dialogue."""
        self.page.set_input_files(selector, path)

    def drag(self, *points):
        """Press the left button at the first point, move through the others and release."""
        self.page.mouse.move(*points[0])
        self.page.mouse.down()
        for point in points:
            self.page.mouse.move(*point)
        self.page.mouse.up()

    def run(self, script):
        """Return the value of an expression on the page."""
        return self.page.evaluate(script)

    def until(self, script, seconds=20):
        """Wait until an expression is true."""
        end = time.monotonic() + seconds
        while not self.run(script):
            assert time.monotonic() < end, f"never true: {script}"
            self.page.wait_for_timeout(30)

    def press(self, key):
        """Press and release a key, by its DOM name."""
        self.page.keyboard.press(key)

    def picture(self, path, whole=False):
        """Save a screenshot."""
        self.page.screenshot(path=path, full_page=whole)

    def call(self, method, **arguments):
        """Call a method of the DevTools protocol."""
        return self._session.send(method, arguments)

    def _note(self, message):
        if message.type in {"error", "warning"}:
            self.faults.append(message.text)


@contextmanager
def fresh_page(browser, page):
    """Open a file in a window as if anew; it must do nothing wrong, and ask for nothing outside."""
    browser.visit("about:blank")
    browser.faults.clear()
    browser.asked.clear()
    browser.open(page)
    yield browser
    assert browser.faults == []
    assert [one for one in browser.asked if not one.startswith(("file:", "data:", "blob:"))] == []
