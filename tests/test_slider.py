"""Before and after, with the keys, without scripts and on paper."""

import pytest
from browser import CHROMIUM, Browser

from pipeline import page, words

PLACE = "document.querySelector('[data-compare]')"
EDGES = f"[...{PLACE}.querySelectorAll('img')].map((img) => img.getBoundingClientRect().left)"
SHAPE = """
{% import "macros.html" as ui with context %}
{% extends "layout.html" %}
{% block title %}slider{% endblock %}
{% block main %}{{ ui.compare(before, after) }}{% endblock %}
"""

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")


class Picture:
    """What the macro needs of a shot."""

    file_name = "<b>one & two.jpg"

    def __init__(self, kind):
        self.kind, self.asset = kind, f"{kind}.jpg"


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    import cv2
    import numpy as np

    folder = tmp_path_factory.mktemp("slider")
    for name, grey in (("before", 60), ("after", 200)):
        cv2.imwrite(str(folder / f"{name}.jpg"), np.full((90, 120, 3), grey, np.uint8))
    context = {
        "before": Picture("before"),
        "after": Picture("after"),
        "drawn": {"before.jpg": (120, 90), "after.jpg": (120, 90)},
        "assets": ".",
        "t": words.load("en"),
        "sections": [],
        "pages": [],
    }
    html = page.render(page.environment().from_string(SHAPE), [context])
    (folder / "index.html").write_text(html, "utf-8")
    return folder / "index.html"


def test_arrow_keys_move_the_line_and_say_where_it_stands(written):
    with Browser() as browser:
        browser.open(written)
        browser.run(f"{PLACE}.querySelector('input').focus()")
        for _ in range(3):
            browser.press("ArrowRight")
        said = browser.run(f"{PLACE}.querySelector('input').getAttribute('aria-valuetext')")
        clip = browser.run(f"getComputedStyle({PLACE}.querySelector('.after')).clipPath")
        left, right = browser.run(EDGES)

    assert said == "53% before, 47% after"
    assert "53%" in clip
    assert left == right  # one lies on the other
    assert browser.faults == []


def test_without_scripts_both_pictures_lie_side_by_side_and_are_named(written):
    with Browser() as browser:
        browser.call("Emulation.setScriptExecutionDisabled", value=True)
        browser.open(written)
        left, right = browser.run(EDGES)
        hidden = browser.run(f"{PLACE}.querySelector('input').hidden")
        named = browser.run(f"[...{PLACE}.querySelectorAll('.side')].map((one) => one.innerText)")

    assert right > left + 100
    assert hidden
    assert named == ["Before", "After"]


def test_on_paper_both_pictures_lie_side_by_side(written):
    with Browser() as browser:
        browser.open(written)
        browser.call("Emulation.setEmulatedMedia", media="print")
        left, right = browser.run(EDGES)
        shown = browser.run(f"getComputedStyle({PLACE}.querySelector('.after')).clipPath")

    assert right > left + 100
    assert shown == "none"
