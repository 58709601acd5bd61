"""The page's primitives: words, numbers, charts, pictures, escaping and the policy."""

import base64
import hashlib
import json
import re
import string
import tomllib
from pathlib import Path

import altair as alt
import cv2
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import ValidationError
from PIL import Image

from pipeline import charts, masks, page, pictures, smaller, store, words
from pipeline.errors import ImageError

TITLES = dict.fromkeys(
    ("name", "series", "value", "low", "high", "images", "epoch", "size"), "a title"
)
TEMPLATES = page.environment().list_templates(extensions=["html", "md"])


def shapes(text):
    """The places of a catalogue text, with their formats."""
    texts = [text] if isinstance(text, str) else list(text.values())
    return {
        (name, form)
        for one in texts
        for _, name, form, _ in string.Formatter().parse(one)
        if name is not None
    }


def test_both_languages_have_the_same_keys():
    english, vietnamese = (set(words.load(language).texts) for language in words.LANGUAGES)

    assert english == vietnamese


def test_a_translation_uses_the_places_of_the_english_text_and_no_others():
    english, vietnamese = (words.load(language).texts for language in words.LANGUAGES)
    # a singular may leave out what it does not need, a language without one has only the plural
    wrong = {
        key
        for key, text in english.items()
        if not shapes(vietnamese[key]) <= shapes(text) | {("n", "d")}
        or not shapes(text) <= shapes(vietnamese[key]) | {("n", "d")}
    }

    assert wrong == set()


def test_every_catalogue_key_is_written_once_and_is_not_empty():
    for language in words.LANGUAGES:
        tomllib.loads(page.source(f"words/{language}.toml"))  # TOML refuses a key written twice
        texts = words.load(language).texts
        assert [key for key, text in texts.items() if not text] == []


def test_every_key_that_a_template_or_a_module_names_exists():
    from pipeline import advice, prose, report, results

    sources = (advice, prose, report, results)
    modules = [Path(module.__file__).read_text("utf-8") for module in sources]
    named = set()
    for text in [*map(page.source, TEMPLATES), *modules]:
        named |= set(re.findall(r"""\b(?:t|words|say)\(\s*["']([a-z0-9_.]+[a-z0-9_])["']""", text))

    assert len(named) > 100
    assert named - set(words.load("en").texts) == set()


def test_every_tag_and_every_code_of_the_checks_is_explained_in_words():
    from pipeline import checks, reading, rules

    explained = set(words.load("en").texts)

    assert {
        f"issue.{code}" for code in [*(one.code for one in checks.CHECKS), *reading.READING]
    } - explained == set()
    assert {
        f"{group}.{name}" for name in rules.NAMES for group in ("tag", "tag_meaning")
    } <= explained


@pytest.mark.parametrize(
    ("value", "spec", "english", "vietnamese"),
    [
        (1234567, "d", "1,234,567", "1.234.567"),
        (0.8765, ".2", "0.88", "0,88"),
        (-0.5, ".1", "−0.5", "−0,5"),
        (0.5, "+.1", "+0.5", "+0,5"),
        (0.034, "%", "3.4%", "3,4%"),
        (0.03, "%", "3%", "3%"),
        (0.2049, "%", "20%", "20%"),
        (0.0001, "%", "0.1%", "0,1%"),
        (0, "%", "0%", "0%"),
        (-0.0004, "+.3", "0.000", "0,000"),
        (1, "%", "100%", "100%"),
        (float("nan"), ".2", "–", "–"),
        (None, "%", "–", "–"),
    ],
)
def test_numbers_are_written_in_the_language_of_the_page(value, spec, english, vietnamese):
    assert words.load("en").number(value, spec) == english
    assert words.load("vi").number(value, spec) == vietnamese


def test_every_kind_of_change_and_every_metric_that_is_told_has_words():
    from pipeline import compare, versions

    keys = {f"changed.{kind}" for kind in compare.KINDS}
    keys |= {f"metric_path.{what.replace('.', '_')}" for what in versions.HEAD}

    assert keys <= set(words.load("en").texts)


def test_one_is_singular_in_english_only():
    assert words.load("en")("summary.images", n=1) == "1 photo"
    assert words.load("en")("summary.images", n=1200) == "1,200 photos"
    assert words.load("vi")("summary.images", n=1) == "1 ảnh"


def test_names_that_the_catalogue_does_not_know_are_shown_as_words():
    say = words.load("en")

    assert say.known("tag", "crowd") == "Crowd"
    assert say.known("tag", "lens_flare") == "Lens flare"
    assert say.known("tag", "lens_flare", "") == ""


def test_braces_in_a_value_are_only_text():
    assert "{n}{0.__class__}" in words.load("en")("alt.photo", name="{n}{0.__class__}")


@given(
    st.recursive(
        st.text() | st.integers(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
def test_json_in_a_script_cannot_end_it_and_reads_back_the_same(value):
    text = page.script_json(value)

    assert not set("<>&\u2028\u2029") & set(text)
    assert json.loads(text) == value


def test_the_policy_names_the_scripts_by_their_hash_and_allows_no_eval():
    allowed = page.policy(["p {}"], ["one()", "two()"])
    for text in ("p {}", "one()", "two()"):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in allowed

    assert "default-src 'none'" in allowed
    assert "unsafe" not in allowed
    assert "http" not in allowed


def test_the_plotting_library_can_stand_inside_a_script_element():
    text = page.vega().lower()

    assert "window.vegaembed" in text
    assert [part for part in page.UNSAFE if part in text] == []


def test_the_plotting_library_is_what_the_pinned_vl_convert_makes():
    """After an update of vl-convert: make vega."""
    import vl_convert

    assert str(page.vega()) == vl_convert.javascript_bundle(page.BUNDLED)


def test_every_kind_of_chart_is_a_vega_lite_specification():
    """The page does not check its charts while it is written: a fifth of its time."""
    frame = pd.DataFrame(
        {
            "name": ["a", "a", "b"],
            "series": ["train", "test", "test"],
            "value": [0.5, 0.6, 0.7],
            "low": [0.4, 0.5, 0.6],
            "high": [0.6, 0.7, 0.8],
            "images": [4, 5, 2],
            "epoch": [1, 2, 3],
            "size": [96, 96, 160],
            "predicted": [0.1, 0.2, 0.3],
            "observed": [0.1, 0.2, 0.3],
        }
    )
    titles = dict.fromkeys(frame, "a title")
    made = [
        charts.intervals(frame, ["train", "test"], titles, 5, whole=0.5),
        charts.curves(frame, ["train", "test"], titles),
        charts.histogram([0.5, 1.0], titles),
        charts.reliability(frame, ["train", "test"], titles),
    ]

    for spec in made:
        assert alt.Chart.from_dict(spec, validate=True).to_dict()
    with pytest.raises(ValidationError):
        alt.Chart.from_dict(made[0] | {"width": "wide"}, validate=True).to_dict()


def test_charts_name_no_colour_and_no_address_and_are_the_same_each_time():
    frame = pd.DataFrame(
        {
            "name": ["a", "a"],
            "series": ["valid", "test"],
            "value": [0.5, 0.6],
            "low": [0.4, 0.5],
            "high": [0.6, 0.7],
            "images": [4, 5],
        }
    )
    first = charts.intervals(frame, ["train", "valid", "test"], TITLES, 5, whole=0.55)
    again = charts.intervals(frame, ["train", "valid", "test"], TITLES, 5, whole=0.55)
    text = json.dumps(first)

    assert first == again
    assert not re.search(r"https?:|#[0-9a-f]{3}", text)
    for value in (0.4, 0.5, 0.6, 0.7, 0.55):
        assert str(value) in text


@pytest.mark.parametrize(
    ("lowest", "start"), [(0.93, 0.9), (0.79, 0.7), (0.7, 0.7), (0.31, 0.2), (0.0, 0.0)]
)
def test_an_axis_to_1_begins_just_below_the_lowest_value(lowest, start):
    frame = pd.DataFrame(
        {"name": ["a"], "series": "test", "value": 0.95, "low": lowest, "high": 0.97, "images": 9}
    )
    dots = charts.intervals(frame, ["test"], TITLES, 5, whole=0.96)
    bars = charts.histogram([lowest, 0.99], TITLES)

    # all layers share the axis, or the widest of their domains would count
    domains = [layer["encoding"]["x"]["scale"]["domain"] for layer in dots["layer"]]
    assert domains == [[start, 1]] * 3
    bins = bars["encoding"]["x"]["bin"]
    assert bins["extent"] == [start, 1]
    assert bins["step"] == charts.width([lowest, 0.99])
    assert round((1 - start) / bins["step"]) <= 20


def test_what_rests_on_too_few_photos_is_pale():
    frame = pd.DataFrame(
        {"name": ["a"], "series": "test", "value": 0.9, "low": 0.8, "high": 1.0, "images": 4}
    )
    spec = charts.intervals(frame, ["test"], TITLES, 5)

    for layer in spec["layer"]:
        opacity = layer["encoding"]["opacity"]
        assert opacity["condition"]["test"] == "datum.images < 5"
        assert opacity["condition"]["value"] < opacity["value"]


def test_a_curve_marks_the_epoch_at_which_the_input_grew():
    frame = pd.DataFrame(
        {"epoch": [1, 2, 3], "size": [96, 96, 160], "value": [0.3, 0.2, 0.1], "series": "train"}
    )

    assert '"160 px"' in json.dumps(charts.curves(frame, ["train"], TITLES))
    assert "96 px" not in json.dumps(charts.curves(frame, ["train"], TITLES))
    same = charts.curves(frame.assign(size=96), ["train"], TITLES)
    assert "px" not in json.dumps(same)


def test_pictures_keep_their_shape_and_are_never_enlarged():
    wide = np.zeros((100, 400, 3), np.uint8)

    assert pictures.shrink(wide, 200).shape == (50, 200, 3)
    assert pictures.shrink(wide, 1000).shape == (100, 400, 3)
    assert pictures.shrink(np.zeros((1, 5000, 3), np.uint8), 100).shape == (1, 100, 3)


@pytest.mark.parametrize("size", [(640, 480), (641, 479), (479, 641), (1203, 2411), (4000, 3001)])
@pytest.mark.parametrize("side", [64, 300, 1000])
def test_a_photo_is_read_small_as_if_it_had_been_read_whole(size, side, tmp_path):
    rng = np.random.default_rng(0)
    rough = rng.integers(0, 256, (12, 16, 3)).astype(np.uint8)
    photo = cv2.resize(rough, size, interpolation=cv2.INTER_CUBIC)
    store.write_image(tmp_path / "a.jpg", photo)
    whole = pictures.shrink(store.read_image(tmp_path / "a.jpg"), side)
    small = smaller.read(tmp_path / "a.jpg", side)

    assert small.shape == whole.shape
    assert max(small.shape) == min(side, max(size))
    assert np.abs(small.astype(int) - whole).mean() < 3  # grey levels, of harsh blots


def test_what_libjpeg_cannot_reduce_is_read_whole_and_what_is_no_picture_is_refused(tmp_path):
    Image.new("CMYK", (400, 200), (0, 255, 255, 0)).save(tmp_path / "cmyk.jpg")
    store.write_image(tmp_path / "a.png", np.zeros((200, 400, 3), np.uint8))
    (tmp_path / "cut.jpg").write_bytes((tmp_path / "cmyk.jpg").read_bytes()[:100])

    for name in ("cmyk.jpg", "a.png"):
        assert smaller.read(tmp_path / name, 100).shape == (50, 100, 3)
    for name in ("cut.jpg", "none.jpg"):
        with pytest.raises(ImageError):
            smaller.read(tmp_path / name, 100)


def test_the_legend_has_the_colours_of_the_masks():
    style = page.source("page.css")
    named = dict(re.findall(r"\.label-(\d) \{ background: (#[0-9a-f]{6}); \}", style))

    for label, (red, green, blue) in enumerate(masks.PALETTE[1:], start=1):
        assert named.pop(str(label)) == f"#{red:02x}{green:02x}{blue:02x}"
    assert named == {}


def test_an_asset_has_a_plain_name_whatever_the_photo_is_called():
    named = [
        pictures.Shot("photo", "test", "s", path, path).asset
        for path in ("test/a.jpg", "test/<img src=x>.jpg", "test/../..//etc", "test/\udce9.jpg")
    ]

    assert len(set(named)) == 4
    assert all(re.fullmatch(r"[a-z]+-[0-9a-f]{12}-[a-z]+\.jpg", name) for name in named)


def test_a_tint_leaves_the_background_alone_and_colours_the_object():
    image = np.full((20, 20, 3), 100, np.uint8)
    mask = np.zeros((20, 20), np.uint8)
    mask[5:15, 5:15] = 1
    colours = np.uint8([(0, 200, 0)] * 256)
    drawn = pictures.tint(image, mask, colours)

    assert (drawn[mask == 0] == 100).all()
    assert (drawn[10, 10] == (50, 150, 50)).all()
    assert (drawn[5, 10] == (0, 200, 0)).all()


def test_a_picture_that_cannot_be_read_is_left_out(tmp_path):
    (tmp_path / "raw/test").mkdir(parents=True)
    (tmp_path / "raw/test/bad.jpg").write_bytes(b"no picture")
    store.write_image(tmp_path / "raw/test/good.png", np.zeros((8, 8, 3), np.uint8))
    folders = pictures.Folders(tmp_path / "raw", tmp_path / "masks")
    drawer = pictures.Drawer(folders, tmp_path / "assets", labels=1, small=64, large=64)
    bad, good, unmasked = (
        pictures.Shot("photo", "test", "bad", "test/bad.jpg", "bad.jpg"),
        pictures.Shot("photo", "test", "good", "test/good.png", "good.png"),
        pictures.Shot("truth", "test", "good", "test/good.png", "good.png"),
    )

    assert drawer(bad) is None
    assert drawer(unmasked) is None
    assert drawer(good) == (good.asset, 8, 8)
    assert store.read_image(tmp_path / "assets" / good.asset).shape == (8, 8, 3)
