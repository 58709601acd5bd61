import lite_made
import msgspec
import numpy as np
import pytest

from pipeline import coco, outcomes, store, tables
from pipeline.tables import Dataset

RED = (255, 0, 0)


@pytest.fixture
def project(tmp_path, monkeypatch):
    """Two photos of a red figure; it is painted over in one and half of it left in the other."""
    images = []
    for number, stem in enumerate(("gone", "half"), start=1):
        images.append(
            {"split": "test", "image_id": number, "file_name": f"{stem}.png", "stem": stem,
             "path": f"test/{stem}.png", "width": 64, "height": 48, "source": stem,
             "export_split": "test", "export_id": number}
        )  # fmt: skip
        figure = np.zeros((48, 64), np.uint8)
        figure[8:40, 16:48] = 1
        restored = np.zeros((48, 64, 3), np.uint8)
        if stem == "half":
            restored[8:40, 16:32] = RED
        store.write_mask(tmp_path / f"segments/test/{stem}.png", figure)
        store.write_mask(tmp_path / f"filled/holes/{stem}.png", figure)
        store.write_image(tmp_path / f"filled/test/{stem}.png", restored)
    category = [{"category_id": 1, "name": "person", "supercategory": ""}]
    dataset = Dataset(
        tables.IMAGES.frame(images), tables.ANNOTATIONS.empty(), tables.CATEGORIES.frame(category)
    )
    coco.save(tmp_path / "valid", dataset)
    store.write_table(tmp_path / "valid/labels.csv", dataset.labels, tables.LABELS)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_ready_made_network_looks_again_where_one_is_used(project):
    """No network was trained here: data/model does not exist."""
    from stages import recheck

    red = lite_made.make(project / "red.tflite", 48, 64)
    section = {"splits": ["test"], "batch": 4, "flip": True, "threads": 1, "model": "tflite"}
    settings = {"segment": section | {"tflite": str(red)}, "tables": {"parquet_above": 1}}
    (project / "params.yaml").write_bytes(msgspec.yaml.encode(settings))

    line = recheck.main(
        *(project / name for name in ("valid", "model", "segments", "filled", "remains.csv"))
    )

    found = store.read_table(project / "remains.csv", outcomes.REMAINS).set_index("file_name")
    assert found["before"].tolist() == [32 * 32, 32 * 32]
    assert found["after"].to_dict() == {"gone.png": 0, "half.png": 16 * 32}
    assert line.startswith("25.00%")
    assert line.endswith("in 2 images; remains.csv as Parquet")
