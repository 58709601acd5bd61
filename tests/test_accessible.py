"""No page keeps anyone out: axe-core finds nothing serious, and keys alone are enough."""

import re
from dataclasses import replace

import pandas as pd
import pytest
from browser import CHROMIUM, WHY_NOT, Browser
from site_made import make, write
from test_report import LOCAL, SETTINGS, folder, folders, whole  # noqa: F401  # fixtures

from pipeline import report

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason=WHY_NOT)

GRAVE = {"serious", "critical"}  # axe-core's own words; the levels A and AA of WCAG are among them
PAGES = ("report", "audit", "judged", "gallery", "photo", "restored")


@pytest.fixture(scope="module")
def addresses(tmp_path_factory, whole, folders, folder):  # noqa: F811
    """File and fragment of each page."""
    photos = write(make(tmp_path_factory.mktemp("run")))
    audit = photos.parents[1] / "audit/index.html"
    told = folder / "told/index.html"
    told.parent.mkdir()
    kinds = [whole.suspects.head(1).assign(kind=kind) for kind in ("boundary", "extra", "category")]
    doubted = replace(whole, suspects=pd.concat([whole.suspects, *kinds], ignore_index=True))
    told.write_text(report.page(doubted, folders, told.parent, SETTINGS, LOCAL), encoding="utf-8")
    return {
        "report": (told, ""),
        "audit": (audit, ""),
        "judged": (audit, "#tag=low_light&limit=90"),
        "gallery": (photos, "#sort=low&over=difference"),
        "photo": (photos, "#split=test"),
        "restored": (photos, "#split=test"),
    }


@pytest.fixture(scope="module", params=[1440, 390])
def wide(request):
    return request.param


@pytest.fixture(scope="module", params=[False, True], ids=["light", "dark"])
def window(request, wide):
    with Browser(width=wide, height=900, dark=request.param) as one:
        yield one


@pytest.mark.parametrize("name", PAGES)
def test_nothing_runs_off_the_page_or_over_its_neighbour(window, wide, addresses, name):
    window.visit("about:blank")
    window.open(*addresses[name])
    over = """(() => {
        const end = (one) => one.getBoundingClientRect().right;
        const runs = (one) => [...one.children].some((part) => end(part) > end(one.parentElement));
        return [...document.querySelectorAll('figcaption')].filter(runs).map(String);
    })()"""

    assert window.run("document.documentElement.scrollWidth") <= wide
    assert window.run(over) == []


@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing_serious_on(window, addresses, name):
    from axe_playwright_python.sync_playwright import Axe

    window.visit("about:blank")
    window.faults.clear()
    window.open(*addresses[name])
    if name in {"photo", "restored"}:
        window.page.click(".wall li:nth-child(3) button")
        window.press("5" if name == "restored" else "2")
    if name == "report":
        window.page.wait_for_selector("[data-chart][data-drawn] svg")
    said = Axe().run(window.page).response
    found = said["violations"]

    told = [
        f"{one['id']}: {node['target']} {node['html'][:120]} {node['failureSummary'][:200]}"
        for one in found
        if one["impact"] in GRAVE
        for node in one["nodes"]
    ]
    assert told == []
    assert len(said["passes"]) > 25  # rules that had something to judge
    assert window.faults == []


def luminance(colour):
    """Relative luminance of ``rgb(r, g, b)`` (WCAG 2.2, its definition)."""
    levels = [int(one) / 255 for one in re.findall(r"\d+", colour)[:3]]
    linear = [one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in levels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_the_edge_of_each_control_stands_out_three_to_one(window, addresses):
    """axe-core judges text alone; this is WCAG 1.4.11."""
    window.open(*addresses["gallery"])
    pairs = window.run("""[...document.querySelectorAll('input, select, button:not(.photo)')]
        .filter((one) => one.checkVisibility() && !one.disabled && one.type !== 'range')
        .map((one) => [one.outerHTML.slice(0, 80), getComputedStyle(one).borderTopColor,
                       getComputedStyle(one.closest('.card') || document.body).backgroundColor])""")

    assert len(pairs) > 10
    for html, edge, ground in pairs:
        low, high = sorted((luminance(edge), luminance(ground)))
        assert (high + 0.05) / (low + 0.05) >= 3, html


def test_the_first_key_offers_a_way_past_the_contents(addresses):
    with Browser() as window:
        for file, fragment in addresses.values():
            window.visit("about:blank")
            window.open(file, fragment)
            window.press("Tab")
            assert window.run("document.activeElement.className") == "skip"
            assert window.run("document.activeElement.getBoundingClientRect().left") >= 0
            window.press("Enter")
            assert window.run("document.activeElement.id") == "main"


def test_a_photo_is_found_looked_at_and_left_by_keys_alone(addresses):
    with Browser() as window:
        window.open(*addresses["gallery"])
        window.run("document.querySelector('.tag-chip').focus()")
        steps = 0
        while not window.run("document.activeElement.matches('.photo')"):
            window.press("Tab")
            steps += 1
            assert steps < 60
        seen = "getComputedStyle(document.activeElement.querySelector('.shot')).boxShadow"
        assert window.run(seen) != "none"
        window.press("Enter")
        # What lies behind an open photo cannot be reached.
        for _ in range(20):
            window.press("Tab")
            inside = "document.activeElement.closest('dialog') || document.activeElement.tagName"
            assert window.run(
                f"({inside}) === 'BODY' || !!document.activeElement.closest('dialog')"
            )
        window.press("Escape")
        window.until("document.activeElement.matches('.photo')")


def test_whoever_wants_no_motion_gets_none(addresses):
    with Browser() as window:
        window.page.emulate_media(reduced_motion="reduce")
        for name in ("report", "gallery"):
            window.open(*addresses[name])
            moving = """[...document.querySelectorAll('*')].filter((one) => {
                const style = getComputedStyle(one);
                return style.animationName !== 'none' || parseFloat(style.transitionDuration) > 0
                    || style.scrollBehavior === 'smooth';
            }).map((one) => one.outerHTML.slice(0, 80))"""
            assert window.run(moving) == []
