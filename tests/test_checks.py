import numpy as np
import pytest
import shapely
from exports import LIMITS, content, draw_picture, examine, write

from pipeline import drawing
from pipeline.checks import CHECKS, twins


def codes(found, code):
    return found.issues[found.issues["code"] == code]


def test_a_sound_export_has_no_error_and_no_warning(tmp_path):
    folder = write(tmp_path, train=content(9, "a"), valid=content(5, "b"), test=content(4, "c"))
    _, found = examine(folder)

    assert set(found.issues["severity"]) == {"info"}


def test_same_bytes_are_named_within_a_split_and_across_splits(tmp_path):
    folder = write(tmp_path, train=content(3, "a"), valid=content(2, "b"), test=content(2, "c"))
    a0, a1, *_ = sorted((folder / "train").glob("*.png"))
    a1.write_bytes(a0.read_bytes())
    b0 = sorted((folder / "valid").glob("*.png"))[0]
    b0.write_bytes(a0.read_bytes())
    _, found = examine(folder)

    assert codes(found, "image_twice")["file_name"].tolist() == [a1.name]
    assert codes(found, "leak_same")["file_name"].tolist() == [b0.name]


def test_versions_of_one_source_in_two_splits_are_named(tmp_path):
    train, valid = content(2, "a"), content(2, "b")
    valid["images"][0]["file_name"] = "a1_jpg.rf.ffff.png"
    folder = write(tmp_path, train=train, valid=valid, test=content(1, "c"))
    _, found = examine(folder)

    assert codes(found, "leak_source")["file_name"].tolist() == ["a1_jpg.rf.ffff.png"]


def test_a_mirrored_picture_in_another_split_is_named(tmp_path):
    import cv2

    folder = write(tmp_path, train=content(2, "a"), valid=content(2, "b"), test=content(2, "c"))
    a0, b0 = (sorted((folder / split).glob("*.png"))[0] for split in ("train", "valid"))
    cv2.imwrite(str(b0), cv2.imread(str(a0))[:, ::-1])
    _, found = examine(folder)

    assert codes(found, "leak_alike")["file_name"].tolist() == [b0.name]


def test_a_picture_asking_to_be_turned_is_named(tmp_path):
    from PIL import Image

    folder = write(tmp_path, train=content(2, "a"), valid=content(1, "b"), test=content(1, "c"))
    a0 = sorted((folder / "train").glob("*.png"))[0]
    exif = Image.Exif()
    exif[0x0112] = 6
    with Image.open(a0) as picture:
        picture.save(a0, exif=exif)
    _, found = examine(folder)

    assert codes(found, "image_rotated")["value"].tolist() == [6]


def test_pictures_in_a_subfolder_are_found_and_named(tmp_path):
    folder = write(tmp_path, train=content(2, "a"), valid=content(1, "b"), test=content(1, "c"))
    (folder / "train" / "images").mkdir()
    for path in sorted((folder / "train").glob("*.png")):
        path.rename(path.parent / "images" / path.name)
    draw_picture(folder / "train" / "images" / "stray.png")
    _, found = examine(folder)

    assert len(found.dataset.images) == 4
    assert len(codes(found, "image_elsewhere")) == 2
    assert codes(found, "image_unlisted")["file_name"].tolist() == ["stray.png"]


def test_tables_that_differ_between_splits_are_joined_by_name(tmp_path):
    valid = content(2, "b")
    valid["categories"][1]["id"] = 5
    for one in valid["annotations"]:
        one["category_id"] = 5
    folder = write(tmp_path, train=content(2, "a"), valid=valid, test=content(2, "c"))
    _, found = examine(folder)

    assert codes(found, "categories_differ")["value"].tolist() == [5]
    assert found.dataset.categories["name"].tolist() == ["person"]
    assert len(found.dataset.annotations) == 6


def test_every_check_has_its_own_code_and_says_what_it_means():
    assert len({check.code for check in CHECKS}) == len(CHECKS)
    assert all(len(check.meaning) > 15 for check in CHECKS)


def test_limits_are_those_that_rows_show(tmp_path):
    train = content(1, "a")
    train["annotations"][0]["segmentation"] = [[2, 2, 4, 2, 4, 3.5, 2, 3.5]]
    folder = write(tmp_path, train=train, valid=content(1, "b"), test=content(1, "c"))
    row = codes(examine(folder)[1], "annotation_tiny").iloc[0]

    assert (row["value"], row["limit"]) == (3.0, LIMITS.tiny_below)


@pytest.mark.parametrize("seed", range(30))
def test_whatever_is_hidden_is_among_what_may_be_covered(seed):
    chance = np.random.default_rng(seed)
    low = chance.integers(0, 12, (40, 2)) + chance.random((40, 2)).round(1)
    size = chance.uniform(0.3, 9, (40, 2)) * chance.choice([1, 0.2], (40, 1))
    shapes = shapely.box(*low.T, *(low + size).T)
    image = np.sort(chance.integers(0, 4, 40))
    frames = [
        drawing.Frame([drawing.Drawn(1, one, None) for one in shapes[image == number]], 20, 22)
        for number in range(4)
    ]
    found = drawing.hidden(frames, np.ones(40, dtype=bool))

    for number, frame in enumerate(frames):
        sizes = [np.count_nonzero(drawing.object_mask(one.geometry, 20, 22)) for one in frame[0]]
        order = sorted(range(len(sizes)), key=lambda i: -sizes[i])  # of one label: any of equals
        seen = np.zeros((20, 22), dtype=int)
        for i in order:
            seen[drawing.object_mask(frame[0][i].geometry, 20, 22)] = i + 1
        wanted = [size if size and i + 1 not in seen else 0 for i, size in enumerate(sizes)]
        assert found[image == number].tolist() == wanted
    assert set(np.flatnonzero(found)) <= set(twins._covered(shapes, image))
