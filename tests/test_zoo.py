"""Real exports with real quirks, all the way from the folder to the masks.

What each must give was counted by other means on the full checkouts; pictures that were cut from
the copies are known to be missing.
"""

from collections import Counter

import numpy as np
import pytest
from corpus import through
from exports import SHARED, examine
from PIL import Image
from scipy.fft import dct

ZOO = SHARED / "zoo"
BOXES_ONLY = 'only boxes or nothing; export the version from Roboflow as "COCO Segmentation"'
WHOLE = {  # export -> code -> rows; a code that is not here is not found
    "people": {
        "group_category": 1, "annotation_overlap": 2, "points_repeated": 19, "self_crossing": 23,
        "spike": 1, "area_wrong": 32,
    },
    "zoo/person_drone": {"group_category": 1, "area_wrong": 147, "image_bare": 1, "leak_alike": 25},
    "zoo/borrat_rle": {
        "group_category": 1, "rle_mask": 388, "bbox_wrong": 162, "area_wrong": 406,
        "annotation_overlap": 6, "split_carved": 1, "image_missing": 340, "image_dropped": 345,
    },
    "zoo/tooth": {
        "group_category": 1, "image_elsewhere": 80, "area_wrong": 67, "leak_source": 8,
        "split_carved": 1,
    },
    "zoo/facade": {
        "category_name_twice": 1, "group_category": 1, "box_shaped": 19, "annotation_tiny": 1,
        "area_wrong": 10_332, "spike": 6, "image_missing": 571, "image_dropped": 18_322,
        "image_elsewhere": 6,
    },
    "zoo/cat_multipart": {
        "group_category": 1, "segmentation_flat": 28, "bbox_outside": 4, "bbox_wrong": 24,
        "area_wrong": 32, "leak_source": 3, "split_carved": 2,
    },
}  # fmt: skip
BOXES = {
    "zoo/babyface": {"segmentation_empty": 4257, "file_name_long": 16, "image_missing": 2263},
    "zoo/badminton": {"segmentation_empty": 36, "image_emptied": 9, "split_carved": 2},
}

pytestmark = pytest.mark.skipif(not ZOO.is_dir(), reason="the shared exports are not here")


@pytest.mark.parametrize("name", WHOLE)
def test_a_real_export_becomes_masks_and_each_of_its_quirks_is_counted(tmp_path, name):
    outcome = through(SHARED / name, tmp_path)

    found = Counter()
    for (code, *_), count in outcome.rows.items():
        found[code] += count
    assert not outcome.error
    assert outcome.lost == 0
    assert found == WHOLE[name]
    kept = sum(path.startswith("masks/") for path in outcome.bytes)
    assert kept == len(list((SHARED / name).rglob("*.jpg"))) - unannotated(name)


def unannotated(name):
    """Pictures that are masks, or that no record names."""
    return 80 if name == "zoo/tooth" else 0


@pytest.mark.parametrize("name", BOXES)
def test_an_export_of_boxes_stops_before_the_masks_with_the_cure(tmp_path, name):
    _, found = examine(SHARED / name)
    counts = Counter(found.issues["code"])

    assert {code: counts[code] for code in BOXES[name]} == BOXES[name]
    assert BOXES_ONLY in through(SHARED / name, tmp_path).error


def classic_hash(path):
    """Zauner's pHash as common tools compute it: 32 x 32, cosine transform, above the median."""
    grey = np.asarray(Image.open(path).convert("L").resize((32, 32), Image.Resampling.LANCZOS))
    low = dct(dct(grey.astype(float), axis=0), axis=1)[:8, :8]
    return low > np.median(low)


def test_frames_of_one_flight_in_two_splits_are_found_as_by_a_common_hash():
    """The zoo's README counts 13 of 24 and 7 of 12, by a method it does not name."""
    folder = ZOO / "person_drone"
    hashes = {
        split: {path.name: classic_hash(path) for path in sorted((folder / split).glob("*.jpg"))}
        for split in ("train", "valid", "test")
    }
    common = {
        (split, name)
        for split in ("valid", "test")
        for name, code in hashes[split].items()
        if min((code != other).sum() for other in hashes["train"].values()) <= 6
    }
    leaks = examine(folder)[1].leaks
    ours = leaks[leaks["other_split"] == "train"]
    ours = set(zip(ours["split"], ours["file_name"], strict=True))

    assert Counter(split for split, _ in ours) == {"valid": 17, "test": 7}
    assert Counter(split for split, _ in common) == {"valid": 17, "test": 8}
    assert len(ours & common) >= 22


def test_stems_that_two_splits_share_are_told_though_the_pictures_differ():
    leaks = examine(ZOO / "tooth")[1].leaks

    assert set(leaks["why"]) == {"leak_source"}
    assert leaks["file_name"].str.split("_jpg").str[0].nunique() == 7
    assert leaks["file_name"].nunique() == 8
