"""The whole page, read as a browser and a screen reader would."""

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
import shapely

from pipeline import (
    coco,
    examples,
    findings,
    outcomes,
    page,
    parallel,
    pictures,
    prose,
    ranking,
    report,
    restorers,
    store,
    tables,
    words,
)
from pipeline.anatomy import Layer
from pipeline.examples import ReportParams
from pipeline.pictures import Folders
from pipeline.run import FILLING, LEAKS, Run

HOSTILE = "<img src=x onerror=alert(1)>.jpg"
SCRIPT = "</script><script>alert(2)</script>"
LOCAL = parallel.ComputeParams(backend="local", workers=1, scheduler=None)
SETTINGS = ReportParams(
    language="en", gallery=2, examples=2, restored=2, sheet=3, small=64, large=96
)
VOID = {"meta", "img", "input", "br", "link", "hr"}
IOU_OF = {"train": 0.9312, "valid": 0.8145, "test": 0.7023}


class Page(HTMLParser):
    """Elements of a page, in order, with a check that each is closed where it should be.

    What a template holds is not of the page until a script puts it there: it is passed over.
    """

    def __init__(self, html):
        super().__init__(convert_charrefs=True)
        self.tags, self.open, self.text, self.scripts = [], [], [], []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        if "template" not in self.open:
            self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag, f"</{tag}> out of place"

    def handle_data(self, data):
        if "template" in self.open:
            return
        if self.open and self.open[-1] in {"script", "style"}:
            self.scripts.append((self.open[-1], data))
        else:
            self.text.append(data)

    def of(self, tag):
        return [attrs for name, attrs in self.tags if name == tag]

    @property
    def words(self):
        return re.sub(r"\s+", " ", " ".join(self.text))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("run")


@pytest.fixture(scope="module")
def folders(folder):
    return Folders(
        *(folder / name for name in ("raw", "masks", "segments", "filled", "moved", "rivals"))
    )


@pytest.fixture(scope="module")
def whole(folders):
    """A run of three splits, six photos each, one of them of a hostile name."""
    images = [_image(folders, split, n) for split in tables.SPLITS for n in range(1, 7)]
    dataset = tables.Dataset(
        tables.IMAGES.frame(images),
        tables.ANNOTATIONS.frame([_annotation(image) for image in images]),
        tables.CATEGORIES.frame(
            [{"category_id": 1, "name": "person", "supercategory": "<b>people</b>"}]
        ),
    )
    keys = [{key: image[key] for key in ("split", "file_name")} for image in images]
    return Run(
        dataset=dataset,
        issues=tables.ISSUES.frame(_issues()),
        measured=_measured(images),
        tags=tables.TAGS.frame(
            [_tag("crowd", 3, 0.1667), _tag("far", 0, 0.0), _tag("new_one", 1, 0.0556)]
        ),
        history=outcomes.HISTORY.frame([_epoch(epoch) for epoch in (1, 2, 3)]),
        filling=FILLING.frame([{"step": n, "l1": 0.3 / n, "val_l1": None} for n in (1, 2)]),
        counts=outcomes.COUNTS.frame(
            [
                key
                | {"label": 1, "tp": 90 - n % 6 * 10, "fp": 5, "fn": 5}
                | {"edge_shared": 1, "edge_either": 2}
                for n, key in enumerate(keys)
            ]
        ),
        iou=outcomes.IOU.frame(_scores()),
        restored=outcomes.RESTORED.frame(_restored(images)),
        costs=outcomes.COSTS.frame([_cost("crowd", 0.0312), _cost("far", 0.1)]),
        suspects=outcomes.SUSPECTS.frame(_suspects()),
        gains=outcomes.RESTORATION.frame(
            [_gain("telea", -0.0713), _gain("telea", -2.22, "psnr"), _gain("mean", 0.8)]
        ),
        remains=outcomes.REMAINS.frame([{"file_name": "x", "before": 1000, "after": 37}]),
        refilled=frozenset(image["stem"] for image in images if image["split"] == "test"),
        transplanted=frozenset(image["stem"] for image in images if image["split"] == "test"),
        accuracy=tables.TAG_ACCURACY.frame([_right("crowd", 0.8123)]),
        scores=outcomes.SCORES.frame(_measures()),
        confusion=outcomes.CONFUSION.frame(_confusion()),
        calibration=outcomes.CALIBRATION.frame(_bins()),
        worst=outcomes.WORST.frame(
            [
                {
                    "split": "test",
                    "rank": 1,
                    "file_name": HOSTILE,
                    "iou": 0.1357,
                    "share": 0.2468,
                    "missed": 0.8123,
                    "invented": None,
                    "tags": "crowd new_one",
                },
            ]
        ),
        rivals=outcomes.RIVALS.frame(_rivals()),
        learning=outcomes.LEARNING.frame(
            [
                {
                    "share": n / 4,
                    "images": n,
                    "epochs": 9,
                    "split": "test",
                    "scored": 6,
                    "iou": 0.2 * n,
                    "iou_low": 0.1,
                    "iou_high": 0.9,
                }
                for n in (1, 2, 4)
            ]
        ),
        cards={"unet": {"preset": "default", "size": 160}, "deepfill": {"width": 24}},
        leaks=LEAKS.frame([_tie()]),
        changes=tables.CHANGES.frame([_change("image_added", "test2.png")] * 2),
        since=tables.SINCE.frame(_since()),
        provenance={
            "packages": [("numpy", "9.8.7")],
            "parameters": [("tag", [("far_below", 0.0123), ("nothing", None)])],
            "seeds": [("train.seed", 4711)],
            "weights": [("unet", "0123456789ab")],
        },
        layers={
            "unet": [Layer(SCRIPT, "Conv2D", (8, 8, 4), 1234)],
            "deepfill": [Layer("stage1.conv1", "GatedConv", (8, 8, 4), 5678)],
        },
    )


def _tie():
    return {"file_name": HOSTILE, "split": "test", "other": "train3.png", "other_split": "train",
            "why": "leak_alike", "bits": 3}  # fmt: skip


def _change(kind, name):
    return {"kind": kind, "split": "test", "file_name": name, "annotation_id": None,
            "category": "", "value": 1.0, "before": "", "after": ""}  # fmt: skip


def _since():
    row = {"against": "run", "version": "abcdef0", "split": "", "file_name": "", "images": None,
           "low": None, "high": None}  # fmt: skip
    moved = {"before": 0.5123, "after": 0.7023, "change": 0.19}
    named = {"split": "test", "file_name": "test4.png"}
    return [
        row | moved | {"what": "iou.mean"},
        row | moved | {"what": "audit.tags.crowd", "before": 0.1, "after": 0.25, "change": 0.15},
        row | moved | {"what": "audit.tags.far", "before": None, "change": None},
        row | moved | {"what": "audit.f1.crowd"},
        row | moved | {"what": "iou.paired", "split": "test", "images": 5, "low": 0.1, "high": 0.3},
        row | moved | {"what": "photo", "images": 1} | named,
    ]


def _cost(tag, gain):
    row = {"tag": tag, "images": 12, "tagged": 3}
    names = {"iou": 0.4123, "rest": 0.7, "difference": 0.3, "gain": gain, "alone": 0.2}
    for name, value in (names | {"gain_alone": gain / 2}).items():
        row |= {name: value, f"{name}_low": value - 0.02, f"{name}_high": value + 0.02}
    return row


def _suspects():
    box = {"score": 0.9, "expected": 0.1, "area": 100.0} | dict.fromkeys(
        ("left", "top", "right", "bottom"), 5
    )
    found = [
        ("test", HOSTILE, None, "missing", 0.8, True, True),
        ("train", "train2.png", 1, "boundary", 0.5, True, False),
        ("test", "test3.png", 1, "boundary", 0.01, False, True),
    ]
    names = ("split", "file_name", "annotation_id", "kind", "excess", "suspect", "held_out")
    return [dict(zip(names, row, strict=True)) | box for row in found]


def _measures():
    ends = {f"{kind}{end}": 0.4444 for kind in ("mean", "pooled") for end in ("", "_low", "_high")}
    row = {"split": "test", "category": "", "tag": "", "images": 6} | ends
    return [row | {"measure": name, "mean": 0.5678} for name in ("iou", "boundary_iou")]


def _confusion():
    return [
        {"split": "test", "truth": truth, "predicted": predicted, "pixels": 10, "share": share}
        for truth, predicted, share in (
            ("background", "background", 0.97), ("background", "person", 0.03),
            ("person", "background", 0.22), ("person", "person", 0.78),
        )
    ]  # fmt: skip


def _bins():
    return [
        {"split": split, "category": "person", "bin_from": n / 20, "bin_to": (n + 1) / 20,
         "pixels": 10 * (n != 3), "predicted": n / 20 + 0.025 if n != 3 else None,
         "observed": n / 20 if n != 3 else None}
        for split in tables.SPLITS for n in range(20)
    ]  # fmt: skip


def _rivals():
    none = dict.fromkeys(outcomes.RIVALS)
    scored = {"iou": 0.6543, "iou_low": 0.6, "iou_high": 0.7, "iou_pooled": 0.66,
              "boundary_iou": 0.5, "boundary_iou_low": 0.4, "boundary_iou_high": 0.6}  # fmt: skip
    ran = {"category": "person", "images": 6, "note": ""} | scored
    off = none | {"model": "selfie", "category": "", "input": "",
                  "note": "not run: give compare.selfie"}  # fmt: skip
    return [
        ran | {"model": "unet", "input": "128×128", "parameters": 3809289},
        ran | {"model": "deeplabv3_resnet101", "input": "shorter side 520", "iou": 0.8765,
               "parameters": 60996202},
        off,
    ]  # fmt: skip


def _right(name, f1):
    ends = {"precision": 0.9042, "recall": 0.7314, "f1": f1}
    row = {"tag": name, "images": 77, "truth": 9, "found": 8, "hits": 7}
    for key, value in ends.items():
        row |= {key: value, f"{key}_low": value - 0.1, f"{key}_high": value + 0.1}
    return row


def _image(folders, split, n):
    name = HOSTILE if (split, n) == ("test", 1) else f"{split}{n}.png"
    stem = f"{split}{n}"
    rng = np.random.default_rng(n)
    photo = rng.integers(0, 255, (40, 60, 3), np.uint8)
    mask = np.zeros((40, 60), np.uint8)
    mask[10:30, 10 : 20 + n] = 1
    store.write_image(folders.raw / split / f"{stem}.png", photo)
    for place in (folders.masks, folders.segments):
        store.write_mask(place / split / f"{stem}.png", mask)
    store.write_mask(folders.rivals / "deeplabv3_resnet101" / split / f"{stem}.png", mask)
    for place in (folders.filled, folders.transplanted):
        store.write_image(place / split / f"{stem}.png", photo)
        store.write_mask(place / "holes" / f"{stem}.png", mask)
    return {
        "split": split, "image_id": n, "file_name": name, "path": f"{split}/{stem}.png",
        "stem": stem, "width": 60, "height": 40, "source": stem, "export_split": split,
        "export_id": n,
    }  # fmt: skip


def _annotation(image):
    return {
        "split": image["split"], "image_id": image["image_id"], "annotation_id": image["image_id"],
        "category_id": 1, "iscrowd": False, "geometry": shapely.box(10, 10, 20, 30), "rle": None,
        "export_id": image["export_id"],
    }  # fmt: skip


def _issues():
    empty = {"image_id": None, "annotation_id": None, "value": None, "limit": None}
    return [
        empty
        | {
            "split": "test",
            "file_name": HOSTILE,
            "code": "made_up",
            "severity": "info",
            "action": "kept",
        },
        empty
        | {
            "split": "test",
            "file_name": HOSTILE,
            "code": "made_up",
            "severity": "info",
            "action": "kept",
        },
        empty
        | {"split": "", "file_name": "", "code": SCRIPT, "severity": "error", "action": "dropped"},
    ]


def _measured(images):
    rows = [
        {key: image[key] for key in ("split", "file_name", "width", "height")}
        | {
            "place": "hall",
            "crowd": image["image_id"] == 1,
            "far": False,
            "new_one": image["stem"] == "train2",
        }
        for image in images
    ]
    return tables.MEASURED.check(pd.DataFrame(rows), "images")


def _tag(name, images, share):
    return {"tag": name, "images": images, "share": share, "train": 1, "valid": 1, "test": 1}


def _epoch(epoch):
    return {
        "epoch": epoch, "size": 96 if epoch < 3 else 160, "learning_rate": 0.001,
        "loss": 1 / epoch, "iou": 0.9, "val_loss": 1.5 / epoch, "val_iou": 0.8,
    }  # fmt: skip


def _scores():
    rows = []
    for split, iou in IOU_OF.items():
        for category, tag, value in (("", "", iou), ("person", "", iou), ("", "crowd", 0.3141)):
            rows.append({
                "split": split, "category": category, "tag": tag, "images": 6, "iou": value,
                "iou_low": value - 0.06, "iou_high": value + 0.06, "iou_pooled": value,
                "dice": value, "precision": value, "recall": None, "boundary_iou": value / 2,
                "boundary_iou_low": value / 2 - 0.06, "boundary_iou_high": value / 2 + 0.06,
            })  # fmt: skip
    return rows


def _gain(against, gain, metric="ssim"):
    row = {"kind": "transplant", "tag": "", "against": against, "metric": metric, "images": 6}
    row |= {"ours": 0.5, "theirs": 0.5 - gain, "gain": gain}
    return row | {"gain_low": gain - 0.01, "gain_high": gain + 0.01}


def _restored(images, lpips=None):
    means = {"deepfill": 21.37, "telea": 23.59, "mean": 12.0}
    return [
        {
            "file_name": image["file_name"], "kind": "transplant", "method": method,
            "hole": 0.1, "psnr": psnr, "ssim": psnr / 50, "l1": 1 / psnr,
            "seam": 1.2, "lpips": lpips,
        }
        for image in images if image["split"] == "test" for method, psnr in means.items()
    ]  # fmt: skip


@pytest.fixture(scope="module")
def html(whole, folders, folder):
    return report.page(whole, folders, folder / "out", SETTINGS, LOCAL)


@pytest.fixture(scope="module")
def seen(html):
    return Page(html)


def test_every_element_is_closed_and_every_id_is_used_once(seen):
    ids = [attrs["id"] for _, attrs in seen.tags if "id" in attrs]

    assert seen.open == []
    assert len(ids) == len(set(ids))


def test_links_within_the_page_lead_somewhere(seen):
    ids = {attrs["id"] for _, attrs in seen.tags if "id" in attrs}
    links = [attrs["href"] for attrs in seen.of("a")]
    # The pages beside it, which other stages write, and this one in the other language.
    links = [link for link in links if not link.startswith(("audit/", "photos/", "?lang=vi"))]

    assert len(links) > 7
    assert [link for link in links if not link.startswith("#") or link[1:] not in ids] == []


def test_nothing_is_fetched_from_anywhere_but_the_folder_beside_the_page(seen, folder):
    sources = [
        attrs[key] for _, attrs in seen.tags for key in ("src", "srcset", "data") if key in attrs
    ]

    assert [(attrs["rel"], attrs["href"]) for attrs in seen.of("link")] == [("icon", "data:,")]
    assert len(sources) > 20
    for source in sources:
        assert re.fullmatch(r"assets/[\w-]+\.jpg", source)
        assert (folder / "out" / source).is_file()


def test_a_reader_of_the_student_report_finds_each_of_its_figures(seen):
    links = {attrs["href"] for attrs in seen.of("a")}
    numbers = "2 10 11 14 15–16 17 18 22–23 24 25 26"

    assert {f"#figure-{n}" for n in (2, 3, 10, 11, 14, 15, 18, 22, 24, 25, 26)} <= links
    assert "#table-1" in links
    for number in numbers.split():
        assert re.search(rf"Figures? {number} ", seen.words), number
    assert "Figures 3, 19 U-Net 1 layers, 1,234 parameters" in seen.words
    assert "Table 1 ·" in seen.words


def test_what_a_figure_would_show_may_be_absent(whole, folders, tmp_path):
    bare = Run(
        dataset=whole.dataset,
        issues=whole.issues,
        measured=whole.measured,
        tags=whole.tags,
    )
    seen = Page(report.page(bare, Folders(folders.raw, folders.masks), tmp_path, SETTINGS, LOCAL))
    ids = {attrs["id"] for _, attrs in seen.tags if "id" in attrs}

    assert {attrs["href"][1:] for attrs in seen.of("a") if attrs["href"][0] == "#"} <= ids
    assert "figure-3" not in ids
    assert "figure-14" in ids


def test_the_policy_allows_exactly_the_scripts_and_styles_of_the_page(seen):
    allowed = seen.of("meta")[1]["content"]
    texts = [data for tag, data in seen.scripts if not data.lstrip().startswith(("{", "["))]

    assert allowed.startswith("default-src 'none'")
    assert "unsafe" not in allowed
    assert len(texts) == 3  # one style, the plotting library, the page's own script
    for text in texts:
        assert page.policy([text], []).split("style-src ")[1].split(";")[0] in allowed
    inline = [key for _, attrs in seen.tags for key in attrs if key == "style" or key[:2] == "on"]
    assert inline == []


def test_hostile_names_are_only_text(seen, html):
    assert HOSTILE in seen.words
    assert SCRIPT in seen.words
    assert HOSTILE not in html
    assert SCRIPT not in html
    assert [attrs for attrs in seen.of("img") if "onerror" in attrs] == []


def test_a_hostile_category_is_a_chart_row_and_nothing_else(whole, folders, tmp_path):
    rows = whole.iou[whole.iou["category"] == "person"]
    iou = pd.concat([whole.iou, rows.assign(category=SCRIPT)])
    html = report.page(replace(whole, iou=iou), folders, tmp_path, SETTINGS, LOCAL)
    seen = Page(html)
    charts = [json.loads(data) for _, data in seen.scripts if data.startswith("{")]
    rows = charts[0].get("data", charts[0]["layer"][0].get("data"))["values"]

    assert SCRIPT not in html
    assert SCRIPT in seen.words
    assert SCRIPT in {row["name"] for row in rows}


def test_every_picture_says_what_it_shows_and_how_large_it_is(seen):
    pictures = seen.of("img")

    assert all(attrs["alt"] for attrs in pictures)
    assert all(int(attrs["width"]) > 0 and int(attrs["height"]) > 0 for attrs in pictures)


def test_headings_go_down_one_level_at_a_time(seen):
    levels = [int(tag[1]) for tag, _ in seen.tags if re.fullmatch("h[1-6]", tag)]

    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_controls_and_charts_have_names(seen):
    assert all(attrs["aria-label"] for attrs in seen.of("input"))
    assert len(seen.of("input")) == SETTINGS.restored
    plots = [attrs for attrs in seen.of("div") if "data-chart" in attrs]
    assert len(plots) == 8
    assert all(attrs["role"] == "img" and attrs["aria-label"] for attrs in plots)


def test_the_numbers_given_are_the_numbers_shown(seen):
    text = seen.words

    for shown in ("0.93", "0.81", "0.70", "0.64–0.76", "0.31", "17%", "21.4", "23.6", "0.43"):
        assert shown in text
    assert "18 photos" in text
    assert "1 error" in text
    assert "2 notes" in text
    assert "showing 2 of 3 photos" in text
    assert "New one" in text  # a tag that no catalogue knows yet


def test_the_closer_look_has_every_measure_the_worst_photos_and_the_confusions(seen):
    text = seen.words.split("A closer look at the segmentation")[-1]

    for shown in ("Boundary IoU", "0.57", "0.14", "25%", "81%", "Crowd, New one", "97%", "22%"):
        assert shown in text
    assert "0.025 off the frequency" in text  # by hand: each bin's mean is 0.025 above
    assert "Would more photos help?" in text


def test_rivals_stand_beside_ours_and_one_not_run_says_what_to_give(seen):
    text = seen.words
    drawn = [attrs["src"] for attrs in seen.of("img") if "-deeplab.jpg" in attrs["src"]]

    assert "60,996,202" in text
    assert "0.88" in text
    assert "not run: give compare.selfie in params.yaml" in text
    assert len(drawn) == SETTINGS.examples
    assert not [attrs for attrs in seen.of("img") if "-selfie.jpg" in attrs["src"]]


def test_many_labels_have_a_list_of_confusions_instead_of_a_matrix(whole, folders, tmp_path):
    names = ["background", *(f"class {n}" for n in range(12))]
    rows = [
        {"split": "test", "truth": truth, "predicted": predicted, "share": 0.5}
        | {"pixels": 1000 if (truth, predicted) == (names[3], names[5]) else 1}
        for truth in names for predicted in names
    ]  # fmt: skip
    run = replace(whole, confusion=outcomes.CONFUSION.frame(rows))
    text = Page(report.page(run, folders, tmp_path, SETTINGS, LOCAL)).words

    assert "class 2 taken for class 4: 50% of its pixels" in text


def test_sentences_follow_from_the_numbers(seen):
    text = seen.words

    assert "does worse than chance would explain: “Crowd” (IoU 0.31, 95% interval 0.25–0.37" in text
    assert "2.2 dB (PSNR) worse than the best simple method" in text
    assert "scores 0.23 higher on the photos it learnt from" in text
    assert "commonest problem is “Crowd”: 17%" in text


def test_two_runs_give_the_same_bytes(html, whole, folders, folder, tmp_path):
    again = report.page(whole, folders, tmp_path, SETTINGS, LOCAL)
    first = sorted((folder / "out/assets").iterdir())
    second = sorted((tmp_path / "assets").iterdir())

    assert again == html
    assert [path.name for path in first] == [path.name for path in second]
    assert all(a.read_bytes() == b.read_bytes() for a, b in zip(first, second, strict=True))


def test_only_pictures_that_the_page_shows_are_drawn(seen, html, folder):
    shown = {attrs["src"] for attrs in seen.of("img")}

    assert shown == {f"assets/{path.name}" for path in (folder / "out/assets").iterdir()}


def test_the_page_stays_small(html):
    assert len(html.encode()) < 1.5e6  # of 5 MB allowed: the library and the fixed parts


def test_vietnamese_is_whole(whole, folders, tmp_path):
    html = report.page(whole, folders, tmp_path, replace_language("vi"), LOCAL)
    text = Page(html).words

    assert '<html lang="vi">' in html
    for shown in ("Báo cáo phân đoạn và khôi phục ảnh", "kiểm thử", "huấn luyện", "0,70", "17%"):
        assert shown in text
    for left in ("Photos", "Restoration", "Segmentation", "interval", "issues", "showing"):
        assert left not in text.replace("issues.csv", "")


def replace_language(language):
    return ReportParams(
        language=language, gallery=2, examples=2, restored=2, sheet=3, small=64, large=96
    )


def test_what_a_run_lacks_is_said(whole, folders, tmp_path):
    bare = Run(whole.dataset, whole.issues.head(0), whole.measured, whole.tags.head(0))
    text = Page(report.page(bare, folders, tmp_path, SETTINGS, LOCAL)).words

    for said in (
        "The checks found no issue.",
        "The checks found nothing to report.",
        "The photos of this run were not measured for problems.",
        "No prediction was scored in this run",
        "No photo was restored in this run.",
        "No restoration was scored in this run.",
        "No training curve was recorded in this run.",
        "there is nothing to look at closely",
    ):
        assert said in text


def test_a_run_without_any_photo_still_makes_a_page(folders, tmp_path):
    nothing = tables.Dataset(
        tables.IMAGES.empty(), tables.ANNOTATIONS.empty(), tables.CATEGORIES.empty()
    )
    run = Run(nothing, tables.ISSUES.empty(), tables.MEASURED.empty(), tables.TAGS.empty())
    text = Page(report.page(run, folders, tmp_path, SETTINGS, LOCAL)).words

    assert "0 photos" in text


def test_a_photo_that_cannot_be_read_is_said_and_the_rest_is_shown(whole, folders, tmp_path):
    lost = replace(folders, segments=None)
    seen = Page(report.page(whole, lost, tmp_path, SETTINGS, LOCAL))

    assert "This picture could not be read." in seen.words
    assert len(seen.of("img")) > 5


def test_many_categories_are_all_in_the_table(whole, folders, tmp_path):
    names = [f"class {n}" for n in range(60)]
    rows = whole.iou[whole.iou["category"] == "person"]
    iou = pd.concat([whole.iou, *(rows.assign(category=name) for name in names)])
    seen = Page(report.page(replace(whole, iou=iou), folders, tmp_path, SETTINGS, LOCAL))

    assert all(name in seen.words for name in names)


def test_table_1_says_how_often_a_tag_is_right_where_that_is_known(seen, whole, folders, tmp_path):
    without = Page(
        report.page(
            replace(whole, accuracy=tables.TAG_ACCURACY.empty()), folders, tmp_path, SETTINGS, LOCAL
        )
    )

    assert "0.90 0.73 0.81 ( 0.71–0.91 )" in seen.words
    assert "77 at most" in seen.words
    assert "Recall" not in without.words.split("Segmentation")[0]


def test_each_category_is_crossed_with_each_problem_where_there_are_several(
    seen, whole, folders, tmp_path
):
    dog = whole.iou[whole.iou["category"] == "person"].assign(category="dog", iou=0.2468, images=4)
    far = dog.assign(tag="far", iou=0.1357, images=2)
    iou = pd.concat([whole.iou, dog, far], ignore_index=True)
    text = Page(report.page(replace(whole, iou=iou), folders, tmp_path, SETTINGS, LOCAL)).words

    assert "IoU of each category in the photos of each problem" not in seen.words
    assert "Category All photos Subject too far away person 0.70" in text
    assert "dog 0.25 0.64–0.76 · 4 0.14 0.64–0.76 · 2" in text


def test_what_problems_cost_is_listed_dearest_first(seen):
    assert re.search(
        r"dearest first.*Subject too far away 3 0.41 0.70 \+0.100 \+0.080 … \+0.120 \+0.050 "
        r"Crowd 3 0.41 0.70 \+0.031",
        seen.words,
    )


def test_suspect_labels_are_counted_and_the_worst_shown(seen, html):
    assert "2 labels look wrong, in 2 photos: someone not outlined (1), an outline that does" in (
        seen.words
    )
    assert "1 photo was judged by the network that had learnt from it" in seen.words
    section = Page(html[html.index('<section id="suspects"') : html.index('<section id="rest')])
    assert len(section.of("img")) == 2
    assert HOSTILE in section.words
    assert "test3.png" not in section.words


def test_a_sheet_lays_rows_out_in_two_columns_and_keeps_proportions():
    tall, wide = np.zeros((40, 20, 3), np.uint8), np.zeros((20, 40, 3), np.uint8)

    drawn = pictures.sheet([[tall, wide], [wide, tall], [tall, tall]], side=24)

    assert drawn.shape == (48, 24 * 4 + 3 * pictures.GAP, 3)
    dark = drawn[:24, :24].max(2) == 0
    assert (dark.any(1).sum(), dark.any(0).sum()) == (20, 10)
    assert (drawn[24:, 48:] == 255).all()  # an odd row leaves a place empty
    assert pictures.sheet([], side=24).shape == (1, 1, 3)


def test_the_sheet_shows_photos_holes_and_results_and_skips_what_cannot_be_read(whole, folders):
    for image in whole.dataset.images.itertuples():
        if image.split == "test":
            hole = np.zeros((image.height, image.width), np.uint8)
            hole[: image.height // 2] = 1
            store.write_mask(folders.filled / "holes" / f"{image.stem}.png", hole)

    drawn = report.sheet(examples.choose(whole, SETTINGS), folders, 1)

    assert drawn.shape[1] == 6 * report.SHEET_SIDE + 3 * pictures.GAP
    assert drawn.shape[0] % report.SHEET_SIDE == 0
    np.testing.assert_array_equal(drawn, report.sheet(examples.choose(whole, SETTINGS), folders, 1))


def test_gains_are_told_with_their_intervals_and_what_remains(seen):
    assert (
        "SSIM PSNR, dB Telea 6 −0.071 −0.081 … −0.061 worse −2.22 −2.23 … −2.21 worse" in seen.words
    )
    assert "still takes 3.7% for an object, in 1 restored photo." in seen.words
    assert "+0.800" not in seen.words  # the mean colour is too easy to beat


def test_the_stage_reads_the_tables_and_writes_the_page(whole, folders, tmp_path, monkeypatch):
    from stages import report as stage

    coco.save(tmp_path / "valid", whole.dataset)
    reports = tmp_path / "reports"
    for name, columns in (
        ("issues", tables.ISSUES), ("history", outcomes.HISTORY), ("counts", outcomes.COUNTS),
        ("iou", outcomes.IOU), ("restored", outcomes.RESTORED), ("tags", tables.TAGS),
        ("costs", outcomes.COSTS), ("suspects", outcomes.SUSPECTS),
        ("scores", outcomes.SCORES), ("confusion", outcomes.CONFUSION), ("worst", outcomes.WORST),
        ("calibration", outcomes.CALIBRATION), ("rivals", outcomes.RIVALS),
        ("remains", outcomes.REMAINS), ("changes", tables.CHANGES), ("since", tables.SINCE),
    ):  # fmt: skip
        store.write_table(reports / f"{name}.csv", getattr(whole, name), columns)
    store.write_table(reports / "learning_curve.csv", whole.learning, outcomes.LEARNING)
    store.write_table(reports / "restoration.csv", whole.gains, outcomes.RESTORATION)
    store.write_table(reports / "tag_accuracy.csv", whole.accuracy, tables.TAG_ACCURACY)
    store.write_table(reports / "history_inpaint.csv", whole.filling, FILLING)
    store.write_table(reports / "images.csv", whole.measured, tables.MEASURED)
    store.write_table(tmp_path / "valid/leaks.csv", whole.leaks, LEAKS)
    store.write_json(tmp_path / "model/model.json", {"preset": "seed", "size": 160, "scale": 0.5})
    store.write_json(folders.filled / "weights.json", {"weights": {"width": 12345}})
    (tmp_path / "params.yaml").write_text(
        "compute: {backend: local, workers: 1, scheduler: null}\n"
        "report: {language: vi, gallery: 2, examples: 2, restored: 2, sheet: 3, small: 64, "
        "large: 96}\n"
    )
    monkeypatch.chdir(tmp_path)
    paths = (folders.raw, tmp_path / "valid", folders.masks, folders.segments, folders.filled)
    said = stage.main(*paths, folders.transplanted, tmp_path / "model", folders.rivals, reports)
    text = Page((reports / "index.html").read_text("utf-8")).words

    assert "index.html" in said
    assert "# Báo cáo" in (reports / "report.md").read_text("utf-8")
    assert (reports / "report.jpg").is_file()
    assert "phân đoạn" in text
    assert "seed" in text
    assert "12.345" in text  # what the restorer says of itself, one level down
    assert HOSTILE in text


def test_what_changed_is_told_with_the_interval_of_the_change(seen):
    assert "2 photos added" in seen.words
    assert "Since the last run commit abcdef0" in seen.words
    assert "IoU, test 0.512 0.702 +0.190" in seen.words
    assert "Share: Crowd 10% 25% +15.0 pp" in seen.words
    assert "IoU, the 5 test photos of both 0.512 0.702 +0.190 +0.100 … +0.300" in seen.words
    assert "Share: Subject too far away" not in seen.words  # a new tag: the photos did not change
    assert "0.51 → 0.70 test4.png" in seen.words


def test_photos_of_two_splits_are_shown_in_pairs(seen):
    assert "1 pair: A photo looks like one of another split (1)." in seen.words
    assert [attrs for attrs in seen.of("img") if "train3.png" in attrs["alt"]]


def test_the_short_version_has_the_numbers_and_its_tables_are_whole(whole, folders, folder):
    context = report.bound(whole, folders, folder / "short", SETTINGS, LOCAL)[0]
    text = report.short(context, has_picture=True)
    tables_of_it = re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE)

    assert text == report.short(context, has_picture=True)
    assert "![" in text
    assert "![" not in report.short(context, has_picture=False)
    assert "| person | test | 6 | **0.70** | 0.64–0.76 |" in text
    assert "| IoU, test | 0.512 | 0.702 | +0.190 |" in text
    assert len(tables_of_it) == 4
    for table in tables_of_it:
        cells = {len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}
        assert len(cells) == 1


def test_the_opening_picture_has_a_row_a_photo(whole, folders):
    drawn = report.opening(examples.choose(whole, SETTINGS), folders, 1)
    side = report.OPENING_SIDE

    assert drawn.shape == (2 * side, 4 * side, 3)


def test_what_the_page_was_made_with_is_on_it_and_no_clock(seen, html):
    for told in ("numpy 9.8.7", "train.seed 4711", "0123456789ab", "far_below 0.0123", "null"):
        assert told in seen.words
    assert not re.search(r"\b20\d\d-\d\d-\d\d\b", seen.words)


@pytest.mark.parametrize("rows", range(14))
@pytest.mark.parametrize("count", [1, 2, 4])
def test_best_median_and_worst_are_distinct_and_in_order(rows, count):
    ranked = pd.DataFrame({"iou": np.arange(rows) / 20})
    groups = ranking.best_median_worst(ranked, count)
    best, median, worst = (groups[name]["iou"].tolist() for name in ("best", "median", "worst"))
    everything = best + median + worst

    assert len(everything) == len(set(everything)) == min(rows, 3 * count)
    assert max(map(len, (best, median, worst))) <= count
    assert best == sorted(best, reverse=True)
    assert not median or not best or max(median) < min(best)
    assert not median or not worst or max(worst) < min(median)


def test_photos_are_spread_from_first_to_last():
    ranked = pd.DataFrame({"iou": np.arange(101)})

    assert ranking.spread(ranked, 3)["iou"].tolist() == [0, 50, 100]
    assert len(ranking.spread(ranked.head(2), 5)) == 2
    assert len(ranking.spread(ranked, 0)) == 0


def test_an_iou_per_photo_is_the_mean_over_the_labels_that_are_there(whole):
    photos = ranking.photos(whole.dataset, whole.measured, [])
    key = {"split": "test", "file_name": "test2.png", "edge_shared": 0, "edge_either": 0}
    counts = outcomes.COUNTS.frame(
        [
            key | {"label": 1, "tp": 1, "fp": 1, "fn": 0},
            key | {"label": 2, "tp": 3, "fp": 0, "fn": 1},
            key | {"label": 3, "tp": 0, "fp": 0, "fn": 0},
        ]
    )
    row = ranking.scored(photos, counts).iloc[0]

    assert row["iou"] == pytest.approx((1 / 2 + 3 / 4) / 2)
    assert row["share"] == pytest.approx((1 + 4) / (60 * 40))


def test_the_fingerprint_changes_with_an_outline_and_not_with_the_run(whole):
    moved = whole.dataset.annotations.assign(
        geometry=lambda frame: [shapely.affinity.translate(g, 1e-6) for g in frame["geometry"]]
    )

    assert findings.fingerprint(whole.dataset) == findings.fingerprint(whole.dataset)
    assert findings.fingerprint(replace(whole.dataset, annotations=moved)) != findings.fingerprint(
        whole.dataset
    )


def test_no_sentence_claims_a_difference_that_chance_could_make(whole):
    wide = whole.iou.assign(iou_low=0.0, iou_high=1.0)
    says = prose.segmentation(words.load("en"), wide)

    assert any("none lowers the IoU by more than chance" in sentence for sentence in says)


def test_of_few_photos_it_is_said_that_they_are_too_few(whole):
    few = whole.iou.assign(images=whole.iou["images"].where(whole.iou["tag"] == "", 4))
    says = " ".join(prose.segmentation(words.load("en"), few))

    assert "too few to tell: “Crowd” (IoU 0.31, 4 photos)" in says
    assert "worse" not in says
    assert "none lowers" not in says  # nothing else was scored on photos enough


@pytest.mark.parametrize(
    ("gain", "half", "images", "said"),
    [
        (1.9, 0.4, 36, "restores 1.9 dB (PSNR) better than the best simple method, Telea (95%"),
        (-1.9, 0.4, 36, "restores 1.9 dB (PSNR) worse than the best simple method, Telea (95%"),
        (0.9, 1.0, 36, "36 holes do not decide between the network and"),
        (0.1, 0.05, 36, "no difference to be seen"),
        (1.9, 0.4, 4, "only 4 holes were scored: too few to compare"),
    ],
    ids=["better", "worse", "open", "even", "few"],
)
def test_the_verdict_on_the_restorer_follows_the_interval_of_the_difference(
    gain, half, images, said
):
    row = {"kind": "clean", "tag": "", "metric": "psnr", "images": images, "ours": 20.0 + gain}
    row |= {"theirs": 20.0, "gain": gain, "gain_low": gain - half, "gain_high": gain + half}
    gains = outcomes.RESTORATION.frame([row | {"against": "telea"}, row | {"against": "mean"}])
    rows = pd.DataFrame({"method": ["deepfill", "telea", "mean"], "psnr": [20.0 + gain, 20.0, 9.0]})
    (sentence,) = prose.restoration(words.load("en"), [restorers.Compared("clean", rows)], gains)

    assert said in sentence
    if half == 0.4 and images == 36:
        assert "(95% interval 1.5–2.3, 36 holes)" in sentence  # turned with the word


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"pull.export": "data/sample", "unet.init": "embedded"}, {"sample", "begun_sample"}),
        ({"pull.export": "../mine", "unet.init": "embedded"}, {"begun"}),
        ({"pull.export": "../mine", "unet.init": "embedded", "unet.preset": "seed"}, set()),
        ({"pull.export": "data/sample", "unet.init": "none"}, {"sample"}),
        ({}, set()),
    ],
)
def test_a_reader_is_told_what_the_scores_owe_to_the_sample_and_the_first_weights(parameters, said):
    say = words.load("en")
    told = prose.limits(say, outcomes.IOU.empty(), [], parameters)

    keys = {"sample", "begun", "begun_sample"}
    assert {key for key in keys if say(f"limits.{key}") in told} == said


def test_restorations_judged_behind_people_are_not_said_to_be_judged_on_bare_ground_only():
    say, rows = words.load("en"), pd.DataFrame({"method": ["deepfill"], "psnr": [20.0]})
    bare, behind = restorers.Compared("transplant", rows), restorers.Compared("clean", rows)

    assert say("limits.transplant") in prose.limits(say, outcomes.IOU.empty(), [bare], {})
    assert say("limits.transplant") not in prose.limits(
        say, outcomes.IOU.empty(), [behind, bare], {}
    )


def test_the_strip_shows_modest_objects_and_only_restored_photos(whole):
    choice = examples.choose(whole, SETTINGS)

    assert [shot.kind for shot in choice.strip[0].shots] == [
        "photo",
        "truth",
        "predicted",
        "filled",
    ]
    none = examples.choose(replace(whole, refilled=frozenset()), SETTINGS)
    assert [shot.kind for shot in none.strip[0].shots] == ["photo", "truth", "predicted"]
    assert none.restored == []


def test_lpips_has_a_column_where_it_was_measured_and_none_elsewhere(whole, folders, folder):
    measured = replace(whole, restored=whole.restored.assign(lpips=0.1234))

    page = report.page(measured, folders, folder / "out", SETTINGS, LOCAL)

    assert "LPIPS" in page
    assert "0.123" in page
    assert "LPIPS" not in report.page(whole, folders, folder / "out", SETTINGS, LOCAL)
