"""Cases of what the JSON says: text, records, categories, outlines, masks, splits."""

import json

import numpy as np
from corpus import (
    FIVE,
    HEIGHT,
    INFINITE,
    JSON,
    NAN,
    UNKNOWN,
    WIDTH,
    annotation,
    append,
    everywhere,
    extra,
    image,
    mask,
    measured,
    name,
    noise,
    of_image,
    of_object,
    of_split,
    outline,
    png,
    renamed,
    second_picture,
    several,
    without,
    without_image,
)

from pipeline import rle

LONG = 10**400
BOTH = [of_object("image_dropped"), of_object("image_dropped", 1)]  # objects of image 0


def orphaned(code, **also):
    """An image that is set aside leaves its two objects without one."""
    return [(code, "train", None, None), of_object("annotation_orphan"),
            of_object("annotation_orphan", 1)]  # fmt: skip


def text(change):
    """Change the JSON text of train."""

    def plant(box):
        box.files[f"train/{JSON}"] = change(json.dumps(box.train).encode())

    return plant


def replace(old, new):
    return text(lambda said: said.replace(old.encode(), new.encode(), 1))


def top(**values):
    """Change the lists themselves; None takes one away."""

    def plant(box):
        for key, value in values.items():
            box.train.pop(key)
            if value is not None:
                box.train[key] = value

    return plant


def whole(value):
    return text(lambda said: json.dumps(value).encode())


CARVED = of_split("split_carved")  # where train has no image, valid gives it some
UNREADABLE = [of_split("json_unreadable"), CARVED]
LOST = [of_split("list_missing")] * 3 + [CARVED]
ROUND = rle.encode(np.pad(np.ones((10, 12), bool), ((3, 3), (4, 4))))

TEXTS = {
    "cut in half": (text(lambda said: said[: len(said) // 2]), UNREADABLE),
    "empty file": (text(lambda said: b""), UNREADABLE),
    "blanks": (text(lambda said: b" \n\t"), UNREADABLE),
    "zero bytes": (text(lambda said: bytes(100)), UNREADABLE),
    "binary": (text(lambda said: bytes(range(256))), UNREADABLE),
    "web page": (text(lambda said: b"<html>404</html>"), UNREADABLE),
    "last comma": (replace("}]", "},]"), UNREADABLE),
    "single quotes": (text(lambda said: said.replace(b'"', b"'")), UNREADABLE),
    "comment": (replace("{", "{ // ours\n"), UNREADABLE),
    "text behind the end": (text(lambda said: said + b"}"), UNREADABLE),
    "two documents": (text(lambda said: said + b"\n" + said), UNREADABLE),
    "too deep": (text(lambda said: b"[" * 100_000), UNREADABLE),
    "too deep within": (
        replace('"segmentation": ', '"segmentation": ' + "[" * 50_000 + "]" * 50_000 + ', "x": '),
        UNREADABLE,
    ),
    "bare newline in a text": (replace("person", "per\nson"), UNREADABLE),
    "bad escape": (replace("person", "\\person"), UNREADABLE),
    "Latin-1": (text(lambda said: said.replace(b"person", "Persönlich".encode("latin-1"))),
                UNREADABLE),
    "UTF-16 cut in a letter": (
        text(lambda said: said.decode().encode("utf-16")[:-1]), UNREADABLE
    ),
    "a number of 5,000 digits": (
        replace('"area": 110', '"area": 1' + "0" * 5000), UNREADABLE
    ),
}  # fmt: skip

TOPS = {
    "list": (whole([]), LOST),
    "null": (whole(None), LOST),
    "text": (whole("images"), LOST),
    "number": (whole(7), LOST),
    "nothing": (whole({}), LOST),
    "lists under another key": (whole({"data": {"images": []}}), LOST),
    "images null": (top(images=None), [
        of_split("list_missing"), CARVED,
        *(of_object("annotation_orphan", n, n // 2) for n in range(6)),
    ]),
    "images by id": (top(images={"0": {}}), [
        of_split("list_missing"), CARVED,
        *(of_object("annotation_orphan", n, n // 2) for n in range(6)),
    ]),
    "annotations missing": (top(annotations=None), [of_split("list_missing")]),
    "categories missing": (top(categories=None), [
        of_split("list_missing"),
        *(of_object("category_unknown", n, n // 2) for n in range(6)),
        *(of_image("image_emptied", n) for n in range(3)),
    ]),
    "images twice": (
        replace('"images": [', '"images": [], "images": ['), [of_split("key_twice")]
    ),
    "annotations twice": (
        replace('"annotations": [', '"annotations": [{"id": 77}], "annotations": ['),
        [of_split("key_twice")],
    ),
    "a record's category twice": (
        replace('"category_id": 1', '"category_id": 7, "category_id": 1'), [of_split("key_twice")]
    ),
    "a record's id twice": (replace('"id": 0', '"id": 7, "id": 0'), [of_split("key_twice")]),
    "a category's name twice": (
        replace('"name": "', '"name": "none", "name": "'), [of_split("key_twice")]
    ),
}  # fmt: skip

IMAGES = {
    "no object": (append("images", 7), [of_image("image_malformed", None)]),
    "null record": (append("images", None), [of_image("image_malformed", None)]),
    "without id": (without_image("id"), orphaned("image_malformed")),
    "id null": (image(id=None), orphaned("image_malformed")),
    "id true": (image(id=True), orphaned("image_malformed")),
    "id half": (image(id=0.5), orphaned("image_malformed")),
    "id NaN": (image(id=NAN), orphaned("image_malformed")),
    "id beyond 2 to the 53": (image(id=2**60), orphaned("image_malformed")),
    "id of 400 digits": (image(id=LONG), orphaned("image_malformed")),
    "without name": (without_image("file_name"), [of_image("image_malformed"), *(
        of_object("annotation_orphan", n) for n in (0, 1)), of_image("image_unlisted", None)]),
    "name a number": (image(file_name=12), [of_image("image_malformed"), *(
        of_object("annotation_orphan", n) for n in (0, 1)), of_image("image_unlisted", None)]),
    "name of blanks": (image(file_name="  "), [of_image("image_malformed"), *(
        of_object("annotation_orphan", n) for n in (0, 1)), of_image("image_unlisted", None)]),
    "id text": (image(id="0"), [of_image("image_id_wrong")]),
    "id a fraction": (image(id=0.0), [of_image("image_id_wrong")]),
    "id below zero": (several(image(id=-1), annotation(image_id=-1), lambda box: box.train[
        "annotations"][1].update(image_id=-1)), []),
    "up and out": (image(file_name="../../../etc/passwd.png"), [
        of_image("image_path_outside"), *(of_object("annotation_orphan", n) for n in (0, 1)),
        of_image("image_unlisted", None)]),
    "up within a path": (image(file_name="a/../../../b.png"), [
        of_image("image_path_outside"), *(of_object("annotation_orphan", n) for n in (0, 1)),
        of_image("image_unlisted", None)]),
    "absolute": (image(file_name="/etc/passwd.png"), [
        of_image("image_path_outside"), *(of_object("annotation_orphan", n) for n in (0, 1)),
        of_image("image_unlisted", None)]),
    "with a drive": (image(file_name="C:\\a.png"), [
        of_image("image_path_outside"), *(of_object("annotation_orphan", n) for n in (0, 1)),
        of_image("image_unlisted", None)]),
    "on a server": (image(file_name="\\\\server\\a.png"), [
        of_image("image_path_outside"), *(of_object("annotation_orphan", n) for n in (0, 1)),
        of_image("image_unlisted", None)]),
    "NUL in a name": (image(file_name="a\0.png"), [
        of_image("image_path_outside"), *(of_object("annotation_orphan", n) for n in (0, 1)),
        of_image("image_unlisted", None)]),
    "half a letter in a name": (image(file_name="\ud800.png"), [
        of_image("image_missing"), *BOTH, of_image("image_unlisted", None)]),
    "a name of 4,000 letters": (image(file_name="x" * 4000 + ".png"), [
        of_image("image_missing"), of_image("file_name_long"), *BOTH,
        of_image("image_unlisted", None)]),
    "no suffix": (renamed("picture"), [of_image("image_missing"), *BOTH]),
    "a long name": (renamed("x" * 150 + ".png"), [of_image("file_name_long")]),
    "two records of one picture": (extra("images", id=UNKNOWN), [
        of_image("image_file_twice", UNKNOWN)]),
    "two records by way of a folder": (
        extra("images", id=UNKNOWN, file_name=f"./{name('train', 2)}"),
        [of_image("image_file_twice", UNKNOWN)]),
    "one record twice": (lambda box: box.train["images"].append(dict(box.train["images"][0])), [
        of_image("image_file_twice")]),
    "one id for two pictures": (second_picture("other.png", id=2), [
        *[of_image("image_id_twice", 2)] * 2,
        of_object("annotation_orphan", 0, 7),
        *(of_object("annotation_orphan", n, 2) for n in (4, 5))]),
    "too wide": (image(width=WIDTH + 1), [of_image("image_size_wrong")]),
    "width and height exchanged": (image(width=HEIGHT, height=WIDTH), [
        of_image("image_size_wrong")]),
    "height null": (image(height=None), [of_image("image_size_wrong")]),
    "width NaN": (image(width=NAN), [of_image("image_size_wrong")]),
    "width of 400 digits": (image(width=LONG), [of_image("image_size_wrong")]),
    "height a list": (image(height=[16]), [of_image("image_size_wrong")]),
    "width below zero": (image(width=-20), [of_image("image_size_wrong")]),
    "no annotations": (
        lambda box: box.train.update(annotations=box.train["annotations"][2:]),
        [of_image("image_bare")]),
}  # fmt: skip

ANNOTATIONS = {
    "no object": (append("annotations", []), [of_object("annotation_malformed", None, None)]),
    "of no image": (annotation(image_id=None), [of_object("annotation_malformed", 0, None)]),
    "image as list": (annotation(image_id=[0]), [of_object("annotation_malformed", 0, None)]),
    "image of 400 digits": (annotation(image_id=LONG), [
        of_object("annotation_malformed", 0, None)]),
    "of no category": (annotation(category_id=[1]), [of_object("annotation_malformed")]),
    "without category": (without("category_id"), [of_object("annotation_malformed")]),
    "category true": (annotation(category_id=True), [of_object("annotation_malformed")]),
    "without id": (without("id"), [of_object("annotation_id_wrong", None)]),
    "id text": (annotation(id="x"), [of_object("annotation_id_wrong", None)]),
    "id of 400 digits": (annotation(id=LONG), [of_object("annotation_id_wrong", None)]),
    "id beyond 2 to the 53": (annotation(id=2**60), [of_object("annotation_id_wrong", None)]),
    "image as text": (annotation(image_id="0"), [of_object("annotation_id_wrong")]),
    "category a fraction": (annotation(category_id=1.0), [of_object("annotation_id_wrong")]),
    "id twice": (annotation(id=1), [of_object("annotation_id_twice", 1)]),
    "unknown image": (annotation(image_id=UNKNOWN), [
        of_object("annotation_orphan", 0, UNKNOWN)]),
    "iscrowd 2": (annotation(iscrowd=2), [of_object("iscrowd_wrong")]),
    "iscrowd missing": (without("iscrowd"), [of_object("iscrowd_wrong")]),
    "iscrowd text": (annotation(iscrowd="no"), [of_object("iscrowd_wrong")]),
    "iscrowd NaN": (annotation(iscrowd=NAN), [of_object("iscrowd_wrong")]),
    "crowd": (annotation(iscrowd=1), [of_object("iscrowd_set")]),
    "bbox of another place": (annotation(bbox=[9, 2, 12, 10]), [of_object("bbox_wrong")]),
    "bbox outside": (annotation(bbox=[-9, 2, 12, 10]), [
        of_object("bbox_outside"), of_object("bbox_wrong")]),
    "bbox below zero": (annotation(bbox=[2, 2, -12, 10]), [of_object("bbox_missing")]),
    "bbox of three": (annotation(bbox=[2, 2, 10]), [of_object("bbox_missing")]),
    "bbox with NaN": (annotation(bbox=[2, 2, NAN, 10]), [of_object("bbox_missing")]),
    "bbox of 400 digits": (annotation(bbox=[2, 2, LONG, 10]), [of_object("bbox_missing")]),
    "bbox text": (annotation(bbox="2 2 12 10"), [of_object("bbox_missing")]),
    "bbox missing": (without("bbox"), [of_object("bbox_missing")]),
    "area of another object": (annotation(area=7), [of_object("area_wrong")]),
    "area missing": (without("area"), [of_object("area_wrong")]),
    "area NaN": (annotation(area=NAN), [of_object("area_wrong")]),
    "area of 400 digits": (annotation(area=LONG), [of_object("area_wrong")]),
    "area below zero": (annotation(area=-110), [of_object("area_wrong")]),
    "area text": (annotation(area="110"), [of_object("area_wrong")]),
    "drawn twice": (extra("annotations", id=7), [of_object("annotation_twice", 7)]),
    "drawn twice, as another category": (
        several(everywhere("categories", id=2, name="dog"),
                extra("annotations", id=7, category_id=2)),
        [of_object("annotation_conflict", 7)]),
    "drawn twice, nearly": (
        extra("annotations", id=7, segmentation=[[*FIVE[:-1], 12.1]]),
        [of_object("annotation_overlap", 7)]),
    "behind two smaller ones": (
        several(
            extra("annotations", id=7, segmentation=[[1, 1, 8, 1, 8, 13, 1, 13]],
                  bbox=[1, 1, 7, 12], area=84),
            extra("annotations", id=8, segmentation=[[8, 1, 15, 1, 15, 13, 8, 13]],
                  bbox=[8, 1, 7, 12], area=84)),
        [of_object("annotation_hidden")]),
    "drawn twice, from another corner": (
        extra("annotations", id=7, segmentation=[[*FIVE[2:], *FIVE[:2]]]),
        [of_object("annotation_overlap", 7)]),
}  # fmt: skip

CATEGORIES = {
    "no object": (append("categories", None), [of_split("category_malformed")]),
    "without name": (extra("categories", id=7, name=" "), [of_split("category_malformed")]),
    "name null": (extra("categories", id=7, name=None), [of_split("category_malformed")]),
    "name a number": (extra("categories", id=7, name=12), [of_split("category_malformed")]),
    "without id": (extra("categories", id=None, name="b"), [of_split("category_malformed")]),
    "id of 400 digits": (extra("categories", id=LONG, name="b"), [
        of_split("category_malformed")]),
    "id twice": (extra("categories", id=0, name="dog"), [
        of_split("category_id_twice"), of_split("category_id_twice"),
        of_split("categories_differ", "valid"), of_split("categories_differ", "test")]),
    "name twice": (everywhere("categories", id=7), [("category_name_twice", "", None, None)]),
    "name in blanks": (everywhere("categories", id=7, name=" person\t"), [
        ("category_name_twice", "", None, None)]),
    "name in capitals": (everywhere("categories", id=7, name="PERSON"), [
        ("category_name_alike", "", None, None)]),
    "unknown": (annotation(category_id=UNKNOWN), [of_object("category_unknown")]),
    "unused": (everywhere("categories", id=7, name="dog"), [
        ("category_unused", "", None, None)]),
    "one more than other splits": (extra("categories", id=7, name="dog"), [
        of_split("categories_differ")]),
    "another id than in other splits": (lambda box: [
        box.coco["valid"]["categories"][1].update(id=5),
        *(one.update(category_id=5) for one in box.coco["valid"]["annotations"])],
        [of_split("categories_differ", "valid")]),
    "0 is annotated": (annotation(category_id=0), [of_split("category_zero")]),
    "a group that nothing is": (
        several(everywhere("categories", id=7, name="animals", supercategory="none"),
                everywhere("categories", id=8, name="dog", supercategory="animals")),
        [("group_category", "", None, None)]),
    "half a letter in a name": (
        everywhere("categories", id=7, name="\udc00"), [("category_unused", "", None, None)]),
}  # fmt: skip

RINGS = {
    "box only": (annotation(segmentation=[]), [of_object("segmentation_empty")]),
    "null": (annotation(segmentation=None), [of_object("segmentation_empty")]),
    "an empty ring": (annotation(segmentation=[[]]), [of_object("segmentation_empty")]),
    "no object": (annotation(segmentation={}), [of_object("segmentation_empty")]),
    "missing": (without("segmentation"), [of_object("segmentation_empty")]),
    "text": (annotation(segmentation="1 2 3"), [of_object("segmentation_wrong")]),
    "number": (annotation(segmentation=7), [of_object("segmentation_wrong")]),
    "true": (annotation(segmentation=True), [of_object("segmentation_wrong")]),
    "numbers beside rings": (annotation(segmentation=[1, [2, 3]]), [
        of_object("segmentation_wrong")]),
    "ring as an object": (annotation(segmentation=[{"x": 1}]), [
        of_object("segmentation_flat"), of_object("coordinates_wrong")]),
    "flat": (annotation(segmentation=list(FIVE)), [of_object("segmentation_flat")]),
    "flat text": (annotation(segmentation=["a", "b"]), [
        of_object("segmentation_flat"), of_object("coordinates_wrong")]),
    "NaN": (outline([NAN, *FIVE[1:]]), [of_object("coordinates_wrong")]),
    "infinite": (outline([-INFINITE, *FIVE[1:]]), [of_object("coordinates_wrong")]),
    "null vertex": (outline([None, *FIVE[1:]]), [of_object("coordinates_wrong")]),
    "text vertex": (outline(["2", *FIVE[1:]]), [of_object("coordinates_wrong")]),
    "true vertex": (outline([True, *FIVE[1:]]), [of_object("coordinates_wrong")]),
    "points in lists": (outline([[2, 2], [12, 2], [12, 12]]), [of_object("coordinates_wrong")]),
    "huge": (outline([1e300, *FIVE[1:]]), [of_object("coordinates_huge")]),
    "huge below zero": (outline([-1e7, *FIVE[1:]]), [of_object("coordinates_huge")]),
    "400 digits": (outline([LONG, *FIVE[1:]]), [of_object("coordinates_huge")]),
    "odd": (outline(FIVE[:-1]), [of_object("coordinates_odd")]),
    "one number": (outline([2.0]), [of_object("coordinates_odd")]),
    "two points": (outline(FIVE[:4]), [of_object("ring_short")]),
    "one point four times": (outline([3, 3] * 4), [of_object("ring_short")]),
    "a short second ring": (outline(FIVE, [1, 1, 2, 2]), [of_object("ring_short")]),
    "an empty second ring": (outline(FIVE, []), [of_object("ring_short")]),
    "on a line": (measured([2, 2, 4, 4, 9, 9]), [of_object("ring_without_area")]),
    "a second ring on a line": (outline(FIVE, [2, 13, 4, 13, 9, 13]), [
        of_object("ring_without_area")]),
    "bow-tie": (measured([2, 2, 12, 12, 12, 2, 2, 12]), [of_object("self_crossing")]),
    "touches itself": (measured([2, 2, 12, 2, 12, 12, 7, 2, 2, 12]), [
        of_object("self_crossing")]),
    "hole cut open": (measured(
        [1, 1, 13, 1, 13, 13, 1, 13, 1, 7, 4, 7, 4, 9, 9, 9, 9, 4, 4, 4, 4, 7, 1, 7]),
        [of_object("self_crossing")]),
    "a ring within a ring": (measured([1, 1, 13, 1, 13, 13, 1, 13], [4, 4, 9, 4, 9, 9, 4, 9]), [
        of_object("ring_within")]),
    "one ring twice": (measured(FIVE, FIVE), [of_object("ring_within")]),
    "spike": (measured([2, 2, 12, 2, 12, 12, 12, 15, 12, 12, 2, 12]), [
        of_object("spike"), of_object("self_crossing")]),
    "near spike": (measured([2, 2, 12, 2, 12, 12, 12, 15, 11.99, 12, 2, 12]), [
        of_object("spike")]),
    "repeated point": (outline([*FIVE[:2], *FIVE]), [of_object("points_repeated")]),
    "partly outside": (measured([-4, 2, 12, 2, 12, 12, -4, 12]), [
        of_object("outside_partly"), of_object("bbox_outside")]),
    "wholly outside": (measured([40, 2, 50, 2, 50, 12, 40, 13]), [of_object("outside_wholly")]),
    "above the picture": (measured([2, -12, 12, -12, 12, -2, 3, -2]), [
        of_object("outside_wholly")]),
    "outside by a corner": (measured([19, 17, 21, 15.5, 21, 17]), [of_object("outside_wholly")]),
    "upright box": (measured([2, 2, 12, 2, 12, 12, 2, 12]), [of_object("box_shaped")]),
    "tiny": (measured([2, 2, 4, 2, 4, 3.5]), [of_object("annotation_tiny")]),
    "smaller than a pixel": (measured([2.1, 2.1, 2.3, 2.1, 2.3, 2.3]), [
        of_object("annotation_tiny"), of_object("annotation_unseen")]),
    "a sliver between two rows": (measured([2, 3.6, 19, 3.6, 19, 4.0, 2, 3.9]), [
        of_object("annotation_unseen")]),
}  # fmt: skip

MASKS = {
    "RLE": (annotation(segmentation=ROUND, bbox=[4, 3, 12, 10], area=120), []),
    "without counts": (annotation(segmentation={"size": [HEIGHT, WIDTH]}), [
        of_object("rle_wrong")]),
    "without size": (annotation(segmentation={"counts": [320]}), [of_object("rle_wrong")]),
    "size of text": (mask([20, 40, 260], size=("a", "b")), [of_object("rle_wrong")]),
    "size below zero": (mask([320], size=(-16, -20)), [of_object("rle_wrong")]),
    "size of three": (mask([320], size=(16, 20, 1)), [of_object("rle_wrong")]),
    "counts of another alphabet": (mask("\u00e9"), [of_object("rle_wrong")]),
    "counts cut off": (mask("oo"), [of_object("rle_wrong")]),
    "counts empty": (mask(""), [of_object("rle_wrong")]),
    "counts an empty list": (mask([]), [of_object("rle_wrong")]),
    "counts null": (mask(None), [of_object("rle_wrong")]),
    "a run below zero": (mask([10, -5, 315]), [of_object("rle_wrong")]),
    "a run that is NaN": (mask([10, NAN, 310]), [of_object("rle_wrong")]),
    "runs of 400 digits": (mask([10, LONG, 310]), [of_object("rle_wrong")]),
    "runs that overflow to the right sum": (
        mask([*[2**52] * 4096, 20, 40, 260]), [of_object("rle_wrong")]),
    "of another size": (mask([10, 5, 95], size=(10, 11)), [of_object("rle_size")]),
    "height and width exchanged": (mask([20, 40, 260], size=(WIDTH, HEIGHT)), [
        of_object("rle_size")]),
    "too short": (mask([10, 5]), [of_object("rle_size")]),
    "too long": (mask([10, 5, 10**6]), [of_object("rle_size")]),
    "of a huge size": (mask([2**52, 1], size=(2**26, 2**26)), [of_object("rle_size")]),
    "without pixels": (mask([320]), [of_object("rle_empty")]),
    "as a list": (mask([20, 40, 260]), [of_object("rle_uncompressed"), of_object("rle_mask")]),
    "size of fractions": (mask([20, 40, 260], size=(16.0, 20.0)), [
        of_object("rle_uncompressed"), of_object("rle_mask")]),
}  # fmt: skip


def as_picture_of(split, number, change=lambda image: image, of=("train", 0)):
    """Make a picture of another split from one of train."""

    def plant(box):
        seed = 7 * of[1] + ord("t")
        box.files[f"{split}/{name(split, number)}"] = png(change(noise(seed)))

    return plant


def version_of_train(box):
    """Give valid another version of the source that train's first picture is of."""
    content = box.files.pop(f"valid/{name('valid', 0)}")
    box.files["valid/t0_jpg.rf.ffff.png"] = content
    box.coco["valid"]["images"][0]["file_name"] = "t0_jpg.rf.ffff.png"


def without_split(*splits):
    def plant(box):
        for split in splits:
            del box.coco[split]
            for path in [path for path in box.files if path.startswith(f"{split}/")]:
                del box.files[path]

    return plant


def only_one_picture(box):
    without_split("valid", "test")(box)
    box.train["images"], box.train["annotations"] = (
        box.train["images"][:1], box.train["annotations"][:2],
    )  # fmt: skip
    for number in (1, 2):
        del box.files[f"train/{name('train', number)}"]


SPLITS = {
    "same bytes within a split": (as_picture_of("train", 1), [of_image("image_twice", 1)]),
    "same bytes in another split": (as_picture_of("test", 1), [
        of_image("leak_same", 1, "test")]),
    "one source in two splits": (version_of_train, [of_image("leak_source", 0, "valid")]),
    "a mirrored picture in another split": (
        as_picture_of("test", 1, lambda image: image[:, ::-1].copy()),
        [of_image("leak_alike", 1, "test")]),
    "a brighter picture in another split": (
        as_picture_of("valid", 2, lambda image: image // 2 + 40),
        [of_image("leak_alike", 2, "valid")]),
    "no test": (without_split("test"), [of_split("split_carved", "test")]),
    "no train": (without_split("train"), [of_split("split_carved")]),
    "train alone": (without_split("valid", "test"), [
        of_split("split_carved", "valid"), of_split("split_carved", "test")]),
    "one picture": (only_one_picture, [
        of_split("split_empty", "valid"), of_split("split_empty", "test")]),
}  # fmt: skip
