"""The page of all photos: what it holds, and what happens when a person uses it."""

import json
import re
import shutil
from pathlib import Path

import cv2
import exports
import numpy as np
import pytest
import shapely
from browser import CHROMIUM, WHY_NOT, Browser, fresh_page
from test_report import Page

import pipeline
from pipeline import browse, gallery, page, params, rules, store, thumbs, wall
from pipeline.run import LEAKS

HOSTILE = "<img src=x onerror=alert(1)>.png"
SCRIPT = "</script><script>alert(2)</script>.png"
TRAIN = 130  # more than two screenfuls of sixty
ONE = {"compute": {"workers": 1, "cache": ""}}
DATA = re.compile(r'id="page-data">(.*?)</script>', re.DOTALL)
LIMITS = params.load(rules.TagParams, "tag")


@pytest.fixture(scope="module")
def audit(tmp_path_factory):
    """Pictures of growing brightness, some with hostile names, one of which is in test as well."""
    where = tmp_path_factory.mktemp("made") / "export"
    train, test = exports.content(TRAIN), exports.content(3, prefix="t")
    train["annotations"][9]["segmentation"] = [[1, 1, 18, 1, 18, 14, 1, 14]]  # the nearest
    del train["annotations"][7]  # nobody, so nothing is far
    train["images"][3]["file_name"], test["images"][0]["file_name"] = HOSTILE, "twin.png"
    exports.write(where, train=train, test=test)
    store.write_bytes(
        where / "truth/tags.csv",
        b"split,file_name,low_light\ntrain,p0_jpg.rf.0000.png,1\ntrain,p50_jpg.rf.0050.png,1\n"
        b"train,p1_jpg.rf.0001.png,0\ntrain,p120_jpg.rf.0120.png,0\n",
    )
    for row, image in enumerate(train["images"]):
        level = np.full((16, 20, 3), 20 + 1.5 * row, np.uint8)
        level[:, :10] += np.uint8(row % 7)
        path = where / "train" / image["file_name"]
        path.write_bytes(cv2.imencode(".png", level)[1].tobytes())
    shutil.copy(where / "train" / HOSTILE, where / "test/twin.png")
    return pipeline.audit(where, ONE)


@pytest.fixture(scope="module")
def written(audit, tmp_path_factory):
    return audit.write(tmp_path_factory.mktemp("page") / "audit")


@pytest.fixture(scope="module")
def html(written):
    return written.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def data(html):
    return json.loads(DATA.search(html)[1])


@pytest.fixture(scope="module")
def words(html):
    """The words of each language of the page."""
    found = re.findall(r"data-words>(.*?)</script>", html, re.DOTALL)
    return {each["language"]: each for each in map(json.loads, found)}


@pytest.mark.parametrize("language", ["en", "vi"])
def test_every_element_is_closed_and_ids_and_links_fit(html, language):
    other = re.search(r"<template[^>]*>(.*)</template>", html, re.DOTALL)[1]
    seen = Page({"en": html, "vi": other}[language])
    ids = [attrs["id"] for _, attrs in seen.tags if "id" in attrs]
    inside = {attrs["href"] for attrs in seen.of("a") if not attrs["href"].startswith("?")}

    assert seen.open == []
    assert len(ids) == len(set(ids))
    assert {link[1:] for link in inside} <= set(ids)


def test_names_are_data_and_no_markup(html, data):
    assert HOSTILE in data["photos"]["file"]
    assert "<img src=x" not in html
    assert page.script_json({"name": SCRIPT}).count("<") == 0


def test_the_policy_allows_the_pages_own_style_and_two_scripts_only(html):
    seen = Page(html)
    allowed = seen.of("meta")[1]["content"]
    plain = [text for tag, text in seen.scripts if not text.lstrip().startswith("{")]
    style, scripts = plain[0], plain[1:]

    assert allowed == page.policy([style], scripts)
    assert "unsafe" not in allowed
    assert len(scripts) == 2
    assert not {
        name for _, attrs in seen.tags for name in attrs if name == "style" or name.startswith("on")
    }


def test_each_photo_has_a_small_picture_beside_the_page(written, data):
    photos = data["photos"]
    splits = [data["splits"][place] for place in photos["split"]]
    names = [f"{split}-{one}.jpg" for split, one in zip(splits, photos["id"], strict=True)]

    assert len(set(names)) == TRAIN + 3
    for name, (width, height) in zip(names, photos["shown"], strict=True):
        assert store.read_image(written.parent / "thumbs" / name).shape == (height, width, 3)


def test_what_has_a_problem_is_what_the_tables_say(audit, data):
    for tag in data["tags"]:
        found = audit.images[tag["id"]].to_numpy().nonzero()[0].tolist()
        assert tag["has"] == found
        beyond = [
            row
            for row, value in enumerate(tag["values"])
            if value is not None
            and (
                tag["sign"] * value > tag["sign"] * tag["limit"]
                or (tag["reached"] and value == tag["limit"])
            )
        ]
        assert beyond == found, tag["id"]
    assert data["photos"]["file"] == audit.images["file_name"].tolist()


def test_pairs_across_splits_are_shown_once_with_the_reason(data):
    files = data["photos"]["file"]
    splits = [data["splits"][place] for place in data["photos"]["split"]]

    assert [
        ({files[one], files[other]}, {splits[one], splits[other]}, why)
        for one, other, why, _ in data["pairs"]
        if why == "leak_same"
    ] == [({HOSTILE, "twin.png"}, {"train", "test"}, "leak_same")]


def test_two_pages_are_the_same_bytes(audit, written, tmp_path):
    again = audit.write(tmp_path / "again")

    for one in sorted(written.parent.rglob("*")):
        if one.is_file():
            assert one.read_bytes() == (again.parent / one.relative_to(written.parent)).read_bytes()


def test_a_photo_costs_little_of_the_page(data):
    each = len(json.dumps(data["photos"])) + len(json.dumps(data["tags"]))

    assert each / (TRAIN + 3) < 600


def test_an_unreadable_photo_is_said_and_does_not_stop_the_page(tmp_path):
    (tmp_path / "a.jpg").write_bytes(b"no picture")

    drawn = thumbs.Drawer(tmp_path, tmp_path)(thumbs.Thumb("x.jpg", "a.jpg", 10, 10, []))

    assert drawn == thumbs.Drawn(None, [])


def test_outlines_are_in_the_pixels_of_the_small_picture(tmp_path):
    store.write_image(tmp_path / "a.png", np.zeros((800, 1600, 3), np.uint8))
    shape = shapely.box(400, 200, 1200, 600)

    drawn = thumbs.Drawer(tmp_path, tmp_path)(
        thumbs.Thumb("x.jpg", "a.png", 1600, 800, [(1, shape)])
    )
    corners = ring_of(drawn.outlines[0][1])

    assert drawn.size == (320, 160)
    assert corners.min(axis=0).tolist() == [80, 40]
    assert corners.max(axis=0).tolist() == [240, 120]


def ring_of(path):
    """Corners of an SVG path of one ring, read as a browser does."""
    first, rest = re.fullmatch(r"M(\d+ \d+)l([-\d ]+)z", path).groups()
    steps = np.array(re.findall(r"-?\d+", rest), int).reshape(-1, 2)
    return np.cumsum([np.array(first.split(), int), *steps], axis=0)


@pytest.mark.parametrize("scale", [1.0, 0.5, 2.0])
def test_an_outline_is_drawn_where_the_object_lies(scale):
    angle = np.linspace(0, 2 * np.pi, 60, endpoint=False)
    shape = shapely.Polygon(np.stack([100 + 60 * np.cos(angle), 80 - 40 * np.sin(angle)], axis=1))

    drawn = shapely.Polygon(ring_of(thumbs.outline(shape, scale)))
    wanted = shapely.affinity.scale(shape, scale, scale, origin=(0, 0))

    assert drawn.hausdorff_distance(wanted) < 1.5
    assert drawn.intersection(wanted).area / drawn.union(wanted).area > 0.93


def test_an_outline_has_each_part_and_hole_and_nothing_for_nothing():
    whole = shapely.Point(50, 50).buffer(40) - shapely.Point(50, 50).buffer(20)
    both = shapely.MultiPolygon([*shapely.get_parts(whole), shapely.box(100, 10, 120, 30)])

    assert thumbs.outline(both, 1).count("M") == 3
    assert thumbs.outline(shapely.Polygon(), 1) == ""
    assert thumbs.outline(shapely.box(1, 1, 1.1, 1.1), 1) == ""


def test_every_text_the_scripts_need_is_given_and_no_other(words):
    scripts = "".join(page.source(f"{name}.js") for name in browse.SCRIPTS)
    named = set(re.findall(r"\bsay\.(\w+)", scripts)) | {"view_photo", "view_truth"}
    outcome = {name for name in named if name not in wall.SAID}

    assert set(words["en"]["say"]) == set(words["vi"]["say"]) == set(wall.SAID) <= named
    assert outcome <= set(gallery.SAID)  # asked for only where there are scores
    assert not [text for each in words.values() for text in each["say"].values() if not text]


def test_the_page_is_written_in_the_language_of_the_report(audit, tmp_path):
    from dataclasses import replace

    vi = replace(audit, _settings=params.settings({**ONE, "report": {"language": "vi"}}))
    text = vi.write(tmp_path / "vi").read_text(encoding="utf-8")

    assert '<html lang="vi">' in text
    assert text.index("Tất cả ảnh") < text.index("<template") < text.index("All photos")


def test_the_stage_writes_the_page_of_the_tables(audit, written, tmp_path, monkeypatch):
    from pipeline import coco
    from pipeline.auditing import FILES, TABLES
    from stages import browse as of_stage

    for name, columns in TABLES.items():
        store.write_table(tmp_path / "reports" / FILES[name], getattr(audit, name), columns)
    coco.save(tmp_path / "valid", audit.dataset)
    store.write_table(tmp_path / "valid/leaks.csv", audit.leaks, LEAKS)
    monkeypatch.chdir(tmp_path)

    line = of_stage.main(
        audit._raw,
        audit._raw.parent / "truth",
        tmp_path / "valid",
        tmp_path / "reports",
        tmp_path / "audit",
    )

    assert f"{TRAIN + 3} photos" in line
    stage, own = (
        (path / "index.html").read_text() for path in (tmp_path / "audit", written.parent)
    )
    told, plain = (json.loads(DATA.search(each)[1]) for each in (stage, own))
    raw = told.pop("raw")
    there = (tmp_path / "audit" / raw["address"]).resolve()
    assert there == audit._raw.resolve()  # photos are shown large from their own files
    assert plain.pop("raw") == {"address": "", "home": ""}
    assert told == plain
    assert "../photos/index.html" in stage


@pytest.mark.parametrize(
    ("raw", "page", "address", "home"),
    [
        ("data/raw", "reports/photos", "../../data/raw", "reports/photos"),
        ("raw", "page", "../raw", "page"),
        ("a/raw", "a/b/page", "../../raw", "b/page"),
    ],
)
def test_a_page_knows_where_the_photos_lie_and_where_it_lies_beside_them(raw, page, address, home):
    assert wall.beside(Path(raw), Path(page)) == (address, home)


def test_a_measurement_that_has_no_end_or_no_value_is_still_json():
    import pandas as pd

    assert wall.plain(pd.Series([np.inf, np.nan, 1 / 3])) == [wall.BOUNDLESS, None, 0.333333]


# What a person does with it.

uses_chromium = pytest.mark.skipif(CHROMIUM is None, reason=WHY_NOT)


@pytest.fixture(scope="module")
def browser(written):
    with Browser() as one:
        yield one


@pytest.fixture
def opened(browser, written):
    with fresh_page(browser, written) as one:
        one.until("!document.querySelector('[data-browser]').hidden")
        yield one


FILES = "[...document.querySelectorAll('.wall .file')].map((one) => one.textContent)"
NAME = "document.querySelector('[data-name]').textContent"
SAID_COUNT = "document.querySelector('[data-count]').textContent"


def chip(name):
    """A click on a problem."""
    return (
        "[...document.querySelectorAll('.tag-chip')]"
        f".find((chip) => chip.textContent.startsWith('{name}')).click()"
    )


def set_field(name, value):
    return (
        f"(() => {{ const field = document.querySelector('[data-filters]').elements['{name}'];"
        f"field.value = {value!r};"
        "field.dispatchEvent(new Event('input', { bubbles: true })); })()"
    )


@uses_chromium
def test_only_the_photos_in_sight_are_in_the_document_wherever_one_scrolls(opened, data):
    opened.run("document.querySelector('.wall').scrollIntoView()")
    first = opened.run(FILES)
    assert len(first) < TRAIN

    opened.run("document.querySelector('.wall').scrollIntoView({ block: 'end' })")
    opened.until(f"{FILES}.at(-1) === {json.dumps(data['photos']['file'][-1])}")
    last = opened.run(FILES)

    assert first == data["photos"]["file"][: len(first)]
    assert last == data["photos"]["file"][-len(last) :]
    assert len(last) < TRAIN
    assert opened.run(
        "[...document.querySelectorAll('.wall img')].every((i) => i.loading === 'lazy')"
    )
    sizes = set(opened.run("[...document.querySelectorAll('.wall li')].map((i) => i.ariaSetSize)"))
    assert sizes == {str(TRAIN + 3)}


@uses_chromium
def test_filters_combine_and_are_undone(opened, audit):
    dark = audit.images["low_light"]
    opened.run(chip("Low light"))
    assert opened.run(SAID_COUNT) == f"{dark.sum()} of {TRAIN + 3} photos"

    opened.run(set_field("split", "test"))
    both = dark & (audit.images["split"] == "test")
    assert opened.run(SAID_COUNT) == f"{both.sum()} of {TRAIN + 3} photos"

    opened.run("document.querySelector('[data-filters] [type=reset]').click()")
    opened.until(f"{SAID_COUNT} === '{TRAIN + 3} of {TRAIN + 3} photos'")
    opened.run(set_field("text", "ONERROR"))
    assert opened.run(SAID_COUNT).startswith("1 of")
    assert opened.run("document.querySelector('.wall .file').textContent") == HOSTILE


@uses_chromium
def test_a_moved_limit_shows_which_photos_would_change(opened, audit):
    limit = LIMITS.dark_below + 30
    opened.run(chip("Low light"))
    opened.run(
        f"(() => {{ const range = document.querySelector('[data-limit]'); range.value = {limit};"
        "range.dispatchEvent(new Event('input', { bubbles: true })); })()"
    )
    now = (audit.images["luma"] < limit).sum()
    more = now - audit.images["low_light"].sum()

    opened.until(f"{SAID_COUNT} === '{now} of {TRAIN + 3} photos'")
    assert opened.run("document.querySelector('[data-change]').textContent") == (
        f"{now} photos: {more} more, 0 fewer than in this run"
    )
    assert opened.run("document.querySelector('[data-parameter]').textContent") == (
        f"tag.dark_below: {limit:g}"
    )
    # Pictures 0 and 1 are darker than either limit, 50 than the moved one, 120 than neither.
    assert opened.run("document.querySelector('[data-right]').textContent") == (
        "Against 4 known answers: F1 0.80, precision 0.67, recall 1.00"
    )
    opened.run("document.querySelector('[data-only-changed]').click()")
    assert opened.run(SAID_COUNT).startswith(f"{more} of")
    opened.run("document.querySelector('[data-only-changed]').click()")
    opened.run("document.querySelector('[data-back]').click()")
    opened.until(f"{SAID_COUNT}.startsWith('{audit.images['low_light'].sum()} of')")


@uses_chromium
def test_a_photo_of_nobody_is_never_far_wherever_the_limit_is(opened, audit):
    opened.run(chip("Subject too far"))
    opened.run(
        "(() => { const range = document.querySelector('[data-limit]'); range.value = range.max;"
        "range.dispatchEvent(new Event('input', { bubbles: true })); })()"
    )
    somebody = audit.images["largest"][audit.images["people"] > 0]
    below = (somebody < somebody.max()).sum()

    assert audit.images["no_person"].sum() == 1
    opened.until(f"{SAID_COUNT} === '{below} of {TRAIN + 3} photos'")


@uses_chromium
def test_the_worst_photo_comes_first(opened, audit):
    opened.run(chip("Low light"))
    first = opened.run("document.querySelector('.wall .file').textContent")

    assert first == audit.images.loc[audit.images["luma"].idxmin(), "file_name"]


@uses_chromium
def test_a_photo_opens_and_closes_by_keyboard_and_the_focus_goes_to_the_last_one_seen(opened):
    opened.run("document.querySelectorAll('.wall button')[1].focus()")
    opened.press("Enter")
    opened.until("document.querySelector('[data-dialog]').open")
    second = opened.run(NAME)
    opened.press("ArrowRight")
    third = opened.run(NAME)
    opened.press("j")
    opened.press("k")
    rows = opened.run("document.querySelectorAll('[data-about] tbody tr').length")
    opened.press("Escape")
    opened.until("!document.querySelector('[data-dialog]').open")

    assert (second, third) == tuple(opened.run(FILES)[1:3])
    assert rows == len(rules.RULES)
    opened.until("document.activeElement === document.querySelectorAll('.wall button')[2]")
    opened.until("location.hash === ''")


@uses_chromium
def test_the_list_that_is_shown_is_what_the_csv_holds(opened, audit):
    opened.run(
        "window.made = []; const make = URL.createObjectURL;"
        "URL.createObjectURL = (blob) => { made.push(blob); return make(blob); }; 0"
    )
    opened.call("Browser.setDownloadBehavior", behavior="deny")
    opened.run(chip("Low light"))
    opened.run("document.querySelector('[data-download]').click()")
    lines = opened.run("made[0].text()").splitlines()

    assert lines[0].startswith("split,file_name,far,")
    assert len(lines) == 1 + audit.images["low_light"].sum()
    assert any(f'"{HOSTILE}"' in line for line in lines)


@uses_chromium
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_a_phone_scrolls_one_way_only(written, dark):
    with Browser(width=360, height=740, dark=dark) as phone:
        phone.open(written, "#tag-low_light")
        phone.until("document.querySelectorAll('.wall li').length > 0")

        assert phone.run("document.documentElement.scrollWidth") <= 360
        assert phone.run("!document.querySelector('[data-judge]').hidden")
        assert phone.faults == []


def test_the_settings_of_a_run_on_one_machine_do_not_change_the_page(audit, written, tmp_path):
    from dataclasses import replace

    two = replace(audit, _settings=params.settings({"compute": {"workers": 2, "cache": ""}}))

    assert two.write(tmp_path / "two").read_bytes() == written.read_bytes()
