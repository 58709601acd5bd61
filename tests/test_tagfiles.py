"""Tags as annotation tools read them, read back by readers of others."""

import json
from urllib.parse import unquote
from xml.etree import ElementTree

import pandas as pd
import pytest

from pipeline import tagfiles
from pipeline.errors import ParamsError

HOSTILE = 'train/a"<&> ảnh\x01.jpg'
IMAGES = pd.DataFrame(
    {
        "path": ["train/one.jpg", HOSTILE, "test/three.png"],
        "width": [640, 320, 20],
        "height": [480, 240, 16],
        "far": [True, False, False],
        "low_light": [True, False, True],
        "people": [1, 2, 3],
    }
)
WANTED = [["far", "low_light"], [], ["low_light"]]


def test_cvat_has_a_tag_for_each_problem_and_every_image():
    (text,) = tagfiles.cvat(IMAGES).values()
    root = ElementTree.fromstring(text)
    images = root.findall("image")

    assert root.findtext("version") == "1.1"
    assert [one.text for one in root.iterfind("meta/task/labels/label/name")] == [
        "far",
        "low_light",
    ]
    assert [[tag.get("label") for tag in image.findall("tag")] for image in images] == WANTED
    assert [image.get("width") for image in images] == ["640", "320", "20"]
    assert images[1].get("name") == HOSTILE.replace("\x01", "\ufffd")
    assert [image.get("id") for image in images] == ["0", "1", "2"]


def test_label_studio_has_a_task_an_image_and_an_interface_that_knows_its_choices():
    files = tagfiles.labelstudio(IMAGES)
    tasks = json.loads(files["tags.labelstudio.json"])
    interface = ElementTree.fromstring(files["tags.labelstudio.xml"])
    choices = interface.find("Choices")

    results = [task["predictions"][0]["result"][0] for task in tasks]
    assert [one["value"]["choices"] for one in results] == WANTED
    assert {one["from_name"] for one in results} == {choices.get("name")}
    assert {one["to_name"] for one in results} == {interface.find("Image").get("name")}
    assert [one.get("value") for one in choices] == ["far", "low_light"]
    assert unquote(tasks[1]["data"]["image"]) == f"/data/local-files/?d={HOSTILE}"
    assert "&" not in tasks[1]["data"]["image"]


@pytest.mark.parametrize("name", tagfiles.FORMATS)
def test_the_same_tags_are_the_same_bytes(name):
    assert tagfiles.FORMATS[name](IMAGES) == tagfiles.FORMATS[name](IMAGES.copy())


def test_an_export_without_images_is_an_empty_list():
    assert json.loads(tagfiles.labelstudio(IMAGES[:0])["tags.labelstudio.json"]) == []


def test_an_audit_writes_them_on_request(tmp_path):
    import exports

    import pipeline

    exports.write(tmp_path / "export", train=exports.content(2))
    audit = pipeline.audit(tmp_path / "export", {"compute": {"workers": 1, "cache": ""}})
    audit.write(tmp_path / "out", formats=["cvat", "labelstudio"])
    root = ElementTree.parse(tmp_path / "out/tags.cvat.xml").getroot()

    assert [image.get("name") for image in root.findall("image")] == [
        f"train/{image}" for image in audit.images["file_name"]
    ]
    assert (tmp_path / "out/tags.labelstudio.json").is_file()
    with pytest.raises(ParamsError, match="--format fax is not known; choose cvat, labelstudio"):
        audit.write(tmp_path / "out", formats=["fax"])
