"""Factories that several test files share."""

import sys
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import settings

from pipeline import polygons, rle
from pipeline.tables import ANNOTATIONS, CATEGORIES, IMAGES, Dataset

# A busy machine is no failure, and the same commit gives the same verdict; the slow tests explore.
settings.register_profile("steady", deadline=None, derandomize=True)
settings.load_profile("steady")
sys.path.insert(0, str(Path(__file__).parent))  # for `exports`: tests are not installed
sys.path.append(str(Path(__file__).parents[1]))  # nor are `benchmarks`, `pretraining`


@pytest.fixture
def make_dataset():
    """Return a function: rings of each object -> Dataset of one image; category 1 unless given."""

    def made(objects, height=16, width=20, category_ids=None):
        image = {
            "split": "train", "image_id": 1, "file_name": "a.jpg", "path": "train/a.jpg",
            "stem": "a", "width": width, "height": height, "source": "a",
            "export_split": "train", "export_id": 0,
        }  # fmt: skip
        rings = [[] if isinstance(one, dict) else one for one in objects]
        masks = [one if isinstance(one, dict) else None for one in objects]
        geometry = polygons.from_rings(rings)
        for row, mask in enumerate(masks):
            geometry[row] = geometry[row] if mask is None else rle.outline(mask)
        number = range(1, len(objects) + 1)
        frame = pd.DataFrame({"split": "train", "image_id": 1, "annotation_id": number,
                              "category_id": category_ids or [1] * len(objects), "iscrowd": False,
                              "geometry": geometry, "rle": pd.Series(masks, dtype="object"),
                              "export_id": number})  # fmt: skip
        names = [{"category_id": n, "name": f"c{n}", "supercategory": ""} for n in (1, 2, 3)]
        annotations = (
            ANNOTATIONS.check(frame, "test", cast=True) if objects else ANNOTATIONS.empty()
        )
        return Dataset(IMAGES.frame([image]), annotations, CATEGORIES.frame(names))

    return made


@pytest.fixture(scope="module")
def roboflow():
    """Return a fake Roboflow on loopback."""
    from fake_roboflow import Fake  # found only once this file has changed the path

    with Fake() as fake:
        yield fake


@pytest.fixture
def server(roboflow, monkeypatch, tmp_path):
    """Return the fake, which the real SDK asks, without a key and without long pauses."""
    monkeypatch.setenv("API_URL", roboflow.url)
    monkeypatch.setenv("ROBOFLOW_CONFIG_DIR", str(tmp_path / "none.json"))
    monkeypatch.delenv("ROBOFLOW_API_KEY", raising=False)
    monkeypatch.setattr("pipeline.door.BACK_OFF", 0.01)
    from roboflow.config import refresh_region_urls

    refresh_region_urls()
    return roboflow
