"""The page of all photos after the networks: what it holds, and what a person does with it."""

import json
import re
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from browser import CHROMIUM, WHY_NOT, Browser, fresh_page
from site_made import COUNTS, HOSTILE, ODD, make, write

from pipeline import gallery, page, wall

ALL = sum(COUNTS.values())


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    return make(tmp_path_factory.mktemp("run"))


@pytest.fixture(scope="module")
def written(site):
    return write(site)


@pytest.fixture(scope="module")
def data(written):
    text = written.read_text(encoding="utf-8")
    return json.loads(re.search(r'id="page-data">(.*?)</script>', text, re.DOTALL)[1])


def rows(data):
    """Row of each photo by split and name."""
    photos = data["photos"]
    keys = (
        (data["splits"][n], name) for n, name in zip(photos["split"], photos["file"], strict=True)
    )
    return {key: row for row, key in enumerate(keys)}


# What it holds.


def test_each_photo_has_the_iou_that_counting_pixels_gives(site, data):
    for key, row in rows(data).items():
        told, counted = data["photos"]["iou"][row], site.iou(*key)
        assert (told is None) == (counted is None), key
        assert told is None or told == pytest.approx(counted, abs=1e-5), key


def test_photos_with_suspect_labels_have_the_tag_that_the_network_gives(data):
    (tag,) = [tag for tag in data["tags"] if tag["id"] == "suspect_label"]
    doubted = [row for row, doubts in enumerate(data["photos"]["doubts"]) if doubts]

    assert tag["has"] == doubted
    assert tag["parameter"] == "suspect.above"
    assert len(doubted) > 0


def test_missed_and_invented_are_shares_of_label_and_prediction(site, data):
    for key, row in rows(data).items():
        truth, predicted = site.truth[key], site.predicted[key]
        wrong = truth != predicted
        for name, drawn in (("missed", truth > 0), ("invented", predicted > 0)):
            told = data["photos"][name][row]
            assert told == (
                pytest.approx((wrong & drawn).sum() / drawn.sum(), abs=1e-5)
                if drawn.any()
                else None
            )


def test_a_photo_that_was_not_segmented_has_no_overlay_and_a_restored_one_a_pair(written, data):
    at = rows(data)

    assert data["photos"]["bare"] == [at["train", ODD]]
    assert data["photos"]["pair"] == sorted(
        row for (split, _), row in at.items() if split == "test"
    )
    for folder, count in (
        ("bands", ALL - 1),
        ("before", COUNTS["test"]),
        ("after", COUNTS["test"]),
    ):
        assert sum(1 for _ in (written.parent / folder).iterdir()) == count
    assert data["photos"]["broken"] == []


def test_categories_suspects_and_findings_stand_beside_their_photo(data):
    at, photos = rows(data), data["photos"]

    assert data["categories"] == ["person", "<b>dog</b>"]
    assert photos["labels"][at["test", "test_02.png"]] == [0, 1]
    assert photos["labels"][at["test", "test_03.png"]] == []
    (doubt,) = photos["doubts"][at["train", HOSTILE]]
    assert doubt == [data["kinds"].index("boundary"), 0.75, 0.1, 0, 10, 10, 30, 40]
    assert photos["doubts"][at["test", "test_01.png"]] == []
    codes = [data["codes"][code] for code, *_ in photos["found"][at["test", "test_04.png"]]]
    assert "area_wrong" in codes


def test_names_are_data_and_no_markup(written):
    text = written.read_text(encoding="utf-8")

    assert "<img src=x" not in text
    assert "<b>dog" not in text


def test_the_page_speaks_both_languages_and_lacks_no_word(written):
    text = written.read_text(encoding="utf-8")
    said = [
        json.loads(one)["say"] for one in re.findall(r"data-words>(.*?)</script>", text, re.DOTALL)
    ]
    scripts = "".join(page.source(f"{name}.js") for name in gallery.SCRIPTS)
    named = set(re.findall(r"\bsay\.(\w+)", scripts)) | {
        f"view_{kind}" for kind in ("photo", "truth", "predicted", "difference", "restored")
    }
    named |= {"alt_before", "alt_after"}

    assert len(said) == 2
    for words in said:
        assert set(words) == {*wall.SAID, *gallery.SAID} >= named
        assert all(words.values())
    assert set(gallery.SAID) <= named


def test_two_pages_are_the_same_bytes(site, written):
    before = {
        path.relative_to(written.parent): path.read_bytes()
        for path in written.parent.rglob("*")
        if path.is_file()
    }
    write(site)

    assert {
        path.relative_to(written.parent): path.read_bytes()
        for path in written.parent.rglob("*")
        if path.is_file()
    } == before


# What a person does with it.

uses_chromium = pytest.mark.skipif(CHROMIUM is None, reason=WHY_NOT)
FILES = "[...document.querySelectorAll('.wall .file')].map((one) => one.textContent)"
COUNT = "document.querySelector('[data-count]').textContent"
NAME = "document.querySelector('[data-name]').textContent"
OPEN = "document.querySelector('[data-dialog]').open"
VIEW = "document.querySelector('.view[aria-pressed=true]').firstChild.textContent.trim()"


@pytest.fixture(scope="module")
def browser(written):
    with Browser() as one:
        yield one


@pytest.fixture
def opened(browser, written):
    with fresh_page(browser, written) as one:
        yield one


def pick(browser, name, value):
    browser.page.select_option(f"[name={name}]", value)


@uses_chromium
def test_sorted_by_iou_the_worst_comes_first_and_what_has_no_score_last(opened, site):
    scores = {key: site.iou(*key) for key in site.truth}
    known = sorted(score for score in scores.values() if score is not None)
    by_name = {name: score for (_, name), score in scores.items()}
    pick(opened, "sort", "low")
    names = opened.run(FILES)
    shown = [by_name[name] for name in names]

    assert shown[: len(known)] == pytest.approx(known[: len(shown)])
    pick(opened, "sort", "high")
    assert by_name[opened.run(FILES)[0]] == pytest.approx(known[-1])


@uses_chromium
def test_filters_of_category_split_suspicion_and_finding_combine(opened, site, data):
    pick(opened, "category", "1")
    dogs = sum(1 for mask in site.truth.values() if (mask == 2).any())
    assert opened.run(COUNT) == f"{dogs} of {ALL} photos"
    pick(opened, "split", "test")
    dogs = sum(
        1 for (split, _), mask in site.truth.items() if split == "test" and (mask == 2).any()
    )
    assert opened.run(COUNT) == f"{dogs} of {ALL} photos"
    pick(opened, "suspect", "missing")
    assert opened.run(FILES) == ["test_02.png"]
    pick(opened, "suspect", "boundary")
    assert opened.run("!document.querySelector('[data-empty]').hidden")
    opened.page.click("[type=reset]")
    opened.until(f"{COUNT} === '{ALL} of {ALL} photos'")
    pick(opened, "code", "area_wrong")
    wrong = sum(
        1
        for found in data["photos"]["found"]
        if "area_wrong" in [data["codes"][one[0]] for one in found]
    )
    assert opened.run(COUNT) == f"{wrong} of {ALL} photos"
    assert wrong > 3


@uses_chromium
def test_the_gravest_findings_come_first(opened, data):
    pick(opened, "sort", "grave")
    at = {name: row for row, name in enumerate(data["photos"]["file"])}
    worst = [
        min((one[1] for one in data["photos"]["found"][at[name]]), default=9)
        for name in opened.run(FILES)
    ]

    assert worst == sorted(worst)
    assert worst[0] < worst[-1]


@uses_chromium
def test_a_link_to_a_photo_survives_reload_and_other_filters(opened, written, data):
    row = rows(data)["test", "test_04.png"]
    link = f"test-{data['photos']['id'][row]}"
    opened.visit("about:blank")
    opened.open(written, f"#split=train&sort=low&photo={link}")

    assert opened.run(OPEN)
    assert opened.run(NAME) == "test_04.png"
    assert opened.run("document.querySelector('[data-position]').textContent").startswith(
        "Not among"
    )
    opened.page.reload()
    assert opened.run(NAME) == "test_04.png"
    opened.press("Escape")
    opened.until(f"!{OPEN}")
    assert opened.run(COUNT) == f"{COUNTS['train']} of {ALL} photos"
    opened.until("location.hash === '#split=train&sort=low'")


@uses_chromium
def test_back_closes_a_photo_that_was_opened_and_forward_opens_it(opened):
    pick(opened, "split", "test")
    opened.page.click(".wall li:nth-child(2) button")
    assert opened.run(NAME) == "test_01.png"
    first = opened.run("location.hash")
    opened.press("j")
    assert opened.run(NAME) == "test_02.png"
    opened.until(f"location.hash !== '{first}'")
    opened.page.go_back()
    opened.until(f"!{OPEN}")
    assert opened.run("location.hash") == "#split=test"
    opened.page.go_forward()
    opened.until(OPEN)
    assert opened.run(NAME) == "test_02.png"


@uses_chromium
def test_back_and_forward_at_once_leave_the_photo_open(opened):
    """A busy browser tells of the closing only when the photo is open again."""
    opened.page.click(".wall li:nth-child(2) button")
    name, link = opened.run(NAME), opened.run("location.hash")
    go = "history.replaceState(null, '', '{}'); dispatchEvent(new PopStateEvent('popstate'));"
    opened.run(f"(() => {{ {go.format('#')} {go.format(link)} }})()")
    opened.page.wait_for_timeout(200)

    assert opened.run(OPEN)
    assert opened.run(NAME) == name
    assert opened.run("location.hash") == link


@uses_chromium
def test_keys_step_through_what_is_shown_and_stop_at_its_ends(opened):
    pick(opened, "split", "test")
    opened.page.click(".wall li:first-child button")
    seen = [opened.run(NAME)]
    for key in ("ArrowLeft", "ArrowRight", "j", "ArrowRight", "k", "j", "j", "j", "j", "j"):
        opened.press(key)
        seen.append(opened.run(NAME))

    assert [int(name[5:7]) for name in seen] == [0, 0, 1, 2, 3, 2, 3, 4, 5, 5, 5]
    assert opened.run("document.querySelector('[data-next]').disabled")


@uses_chromium
def test_views_are_chosen_by_number_and_stay_from_photo_to_photo(opened):
    pick(opened, "split", "test")
    opened.page.click(".wall li:first-child button")
    seen = []
    for key in "1234":
        opened.press(key)
        seen.append(
            (
                opened.run(VIEW),
                opened.run("document.querySelector('.stage .over img')?.className || ''"),
            )
        )
    opened.press("j")

    assert seen == [
        ("Photo", ""),
        ("Truth", "band-0"),
        ("Prediction", "band-1"),
        ("Difference", "band-2"),
    ]
    assert opened.run(VIEW) == "Difference"


@uses_chromium
def test_the_overlay_covers_the_photo_and_shows_one_band(opened):
    opened.page.click(".wall li:nth-child(3) button")
    opened.press("3")
    opened.until("document.querySelector('.stage .over img').complete")
    edges = """((...names) => names.map((name) => {
        const box = document.querySelector(name).getBoundingClientRect();
        return [box.x, box.y, box.width, box.height];
    }))('.stage .frame > img', '.stage .over', '.stage .over img')"""
    photo, over, bands = opened.run(edges)

    assert over == pytest.approx(photo, abs=0.5)
    assert photo[2] / photo[3] == pytest.approx(80 / 60, rel=0.01)
    assert bands == pytest.approx([over[0], over[1] - over[3], over[2], 3 * over[3]], abs=1)


@uses_chromium
@pytest.mark.parametrize("name", [HOSTILE, ODD])
def test_a_photo_of_any_name_is_shown_large_from_its_own_file(opened, name):
    opened.page.fill("[name=text]", name[:9])
    opened.page.click(".wall li:first-child button")
    assert opened.run(NAME) == name
    opened.until("document.querySelector('.stage img').src.includes('/data/raw/')")

    assert opened.run("document.querySelector('.stage img').naturalWidth") == 80


@uses_chromium
def test_the_small_picture_stays_where_the_photos_own_file_is_gone(
    site, written, tmp_path, browser
):
    import shutil

    shutil.copytree(written.parents[1], tmp_path / "sent")
    browser.open(tmp_path / "sent/photos/index.html", "#split=train")
    browser.page.click(".wall li:nth-child(3) button")
    browser.page.wait_for_timeout(300)  # in which the photo's own file could have come

    assert "/audit/thumbs/" in browser.run("document.querySelector('.stage img').src")
    browser.until("document.querySelector('.stage img').naturalWidth === 80")
    assert browser.faults == []


@uses_chromium
@pytest.mark.parametrize(("root", "large"), [(".", True), ("reports", False)])
def test_over_a_server_photos_are_asked_for_only_where_they_lie(
    site, written, browser, root, large
):
    handler = partial(Quiet, directory=site.folder / root)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        page = written.relative_to(site.folder / root).as_posix()
        browser.visit(f"http://127.0.0.1:{server.server_port}/{page}")
        browser.page.click(".wall li:nth-child(3) button")
        browser.press("ArrowRight")
        browser.page.wait_for_timeout(500)
        shown = browser.run("document.querySelector('.stage img').src")
        server.shutdown()

    assert ("/data/raw/" in shown) == large
    assert browser.faults == []


@uses_chromium
def test_the_slider_moves_by_keys_and_by_hand_and_arrows_do_not_leave_the_photo(opened):
    pick(opened, "split", "test")
    opened.page.click(".wall li:first-child button")
    opened.press("5")
    slider = opened.page.locator("[data-slider]")
    clip = "getComputedStyle(document.querySelector('.photo-page .after')).clipPath"
    slider.focus()
    opened.press("ArrowRight")
    opened.press("ArrowRight")

    assert slider.input_value() == "52"
    assert "52%" in opened.run(clip)
    assert opened.run(NAME) == "test_00.png"
    box = slider.bounding_box()
    middle = box["y"] + box["height"] / 2
    opened.drag((box["x"] + box["width"] / 2, middle), (box["x"] + box["width"] * 0.2, middle))
    assert 15 < int(slider.input_value()) < 25
    opened.press("j")
    assert opened.run(NAME) == "test_01.png"
    opened.until("document.querySelector('[data-after]').naturalWidth === 80")


@uses_chromium
def test_what_is_known_of_a_photo_stands_beside_it(opened):
    opened.page.fill("[name=text]", "test_02")
    opened.page.click(".wall li:first-child button")
    text = opened.run("document.querySelector('[data-about]').innerText")

    assert "person, <b>dog</b>" in text
    assert "someone not outlined" in text
    assert "differs by 0.75, where 0.10 is usual" in text
    assert "PSNR 21.5 dB" in text
    assert "Removed objects found again: 7%" in text
    opened.press("2")
    assert opened.run("document.querySelectorAll('.doubt-box').length") == 1


@uses_chromium
def test_the_language_is_switched_on_the_page_and_stays_on_the_next(opened, site):
    opened.page.fill("[name=text]", "test_0")
    opened.page.click("[data-language-link]")
    opened.page.wait_for_load_state()

    assert opened.run("document.documentElement.lang") == "vi"
    assert opened.run("document.title") == "Tất cả ảnh"
    assert opened.run(COUNT) == f"6 trên {ALL} ảnh"
    opened.page.click(".pages a:last-child >> text=Kiểm định dữ liệu")
    opened.page.wait_for_load_state()
    assert opened.run("document.documentElement.lang") == "vi"
    opened.page.click("[data-language-link]")
    opened.page.wait_for_load_state()
    assert opened.run("document.documentElement.lang") == "en"
    opened.run("localStorage.clear()")


@uses_chromium
def test_the_theme_is_switched_remembered_and_begins_as_the_system_has_it(opened):
    paper = "getComputedStyle(document.body).backgroundColor"
    light = opened.run(paper)
    opened.page.click("[data-theme-toggle]")
    dark = opened.run(paper)
    opened.page.reload()

    assert opened.run(paper) == dark != light
    assert opened.run("document.querySelector('[data-theme-toggle]').ariaPressed") == "true"
    opened.run("localStorage.clear()")
    opened.page.emulate_media(color_scheme="dark")
    opened.page.reload()
    assert opened.run(paper) == dark
    opened.page.emulate_media(color_scheme="light")


@uses_chromium
def test_a_phone_scrolls_one_way_only_and_a_photo_fills_it(written):
    with Browser(width=390, height=844) as phone:
        phone.open(written)
        assert phone.run("document.documentElement.scrollWidth") <= 390
        phone.page.click(".wall li:nth-child(2) button")
        assert (
            phone.run("document.querySelector('[data-dialog]').getBoundingClientRect().width")
            == 390
        )
        assert phone.run("document.querySelector('.photo-body').scrollWidth") <= 390
        assert phone.faults == []
