"""Cases of what the files are: zips, folders, pictures, pins."""

import io
import json
import os
import stat
import unicodedata
import zipfile

import numpy as np
from corpus import (
    HEIGHT,
    JSON,
    WIDTH,
    blank,
    encoded,
    hollow_png,
    name,
    noise,
    of_image,
    of_object,
    of_split,
    picture,
    png,
    renamed,
    turned,
    write,
)

GONE = [of_object("image_dropped"), of_object("image_dropped", 1)]  # objects of image 0
FIRST = f"train/{name('train', 0)}"
CARVED = of_split("split_carved")

# Pictures: a change of the box, and the rows


def bad(code):
    return [of_image(code), *GONE]


PICTURES = {
    "missing": (picture(None), bad("image_missing")),
    "no bytes": (picture(b""), bad("image_empty")),
    "text": (picture(b"no picture"), bad("image_unreadable")),
    "zeros": (picture(bytes(500)), bad("image_unreadable")),
    "web page": (picture(b"<html>404 not found</html>"), bad("image_unreadable")),
    "vector drawing": (picture(b"<svg xmlns='http://www.w3.org/2000/svg'/>"), bad(
        "image_unreadable")),
    "PDF": (picture(b"%PDF-1.4\n1 0 obj"), bad("image_unreadable")),
    "PNG cut": (picture(lambda old: old[:-200]), bad("image_truncated")),
    "PNG of a header": (picture(lambda old: old[:60]), bad("image_truncated")),
    "PNG with zeros within": (picture(lambda old: blank(old, 0.5)), bad("image_unreadable")),
    "PNG of too few rows": (picture(hollow_png(WIDTH, HEIGHT)), bad("image_unreadable")),
    "PNG of no size": (picture(hollow_png(0, 0)), bad("image_unreadable")),
    "PNG of a part that claims 2 gigabytes": (
        picture(lambda old: old[:33] + b"\x7f\xff\xff\x00" + old[37:]), bad("image_truncated")),
    "PNG that promises 144 megapixels": (picture(hollow_png(12_000, 12_000)), bad(
        "image_unreadable")),
    "PNG that promises 3.6 gigapixels": (picture(hollow_png(60_000, 60_000)), bad(
        "image_unreadable")),
    "JPEG cut": (picture(encoded("JPEG")[:-100], ".jpg"), bad("image_truncated")),
    "JPEG cut and closed": (
        picture(encoded("JPEG", quality=95)[:-200] + b"\xff\xd9", ".jpg"),
        [of_image("image_damaged")]),
    "JPEG with zeros within": (
        picture(blank(encoded("JPEG", quality=95), 0.7), ".jpg"), [of_image("image_damaged")]),
    "GIF cut": (picture(encoded("GIF")[:-50], ".gif"), bad("image_unreadable")),
    "BMP cut": (picture(encoded("BMP")[:-50], ".bmp"), bad("image_unreadable")),
    "WebP cut": (picture(encoded("WEBP")[:-50], ".webp"), bad("image_unreadable")),
    "TIFF cut": (picture(encoded("TIFF")[:-50], ".tif"), bad("image_unreadable")),
    "TIFF of real numbers": (
        picture(encoded("TIFF", most=2**16, mode="F"), ".tif"), bad("image_unreadable")),
    "AVIF cut": (picture(encoded("AVIF")[:-50], ".avif"), bad("image_unreadable")),
    "icon": (picture(encoded("ICO")), [of_image("image_unreadable"), *GONE]),
    **{f"EXIF orientation {n}": (picture(turned(n), ".jpg"), [of_image("image_rotated")])
       for n in (2, 3, 6, 8)},
    "unlisted": (
        lambda box: box.files.update({"train/stray.png": png(noise(50))}),
        [of_image("image_unlisted", None)]),
}  # fmt: skip

FINE = {  # pictures of every kind that is read; nothing is wrong with them
    "JPEG": picture(encoded("JPEG"), ".jpg"),
    "JPEG in capitals": picture(encoded("JPEG"), ".JPG"),
    "JPEG as .jfif": picture(encoded("JPEG"), ".jfif"),
    "progressive JPEG": picture(encoded("JPEG", progressive=True), ".jpg"),
    "grey JPEG": picture(encoded("JPEG", "L"), ".jpg"),
    "CMYK JPEG": picture(encoded("JPEG", "CMYK"), ".jpg"),
    "JPEG with bytes behind": picture(encoded("JPEG") + b"more" * 20, ".jpg"),
    "JPEG called .png": picture(encoded("JPEG"), ".png"),
    "PNG called .jpg": picture(lambda old: old, ".jpg"),
    "palette PNG": picture(encoded("PNG", "P")),
    "PNG of two colours": picture(encoded("PNG", "1")),
    "transparent PNG": picture(encoded("PNG", "RGBA")),
    "grey, transparent PNG": picture(encoded("PNG", "LA")),
    "PNG of 16 bits": picture(encoded("PNG", most=2**16)),
    "animated PNG": picture(encoded("PNG", frames=2)),
    "GIF": picture(encoded("GIF"), ".gif"),
    "animated GIF": picture(encoded("GIF", frames=2), ".gif"),
    "BMP": picture(encoded("BMP"), ".bmp"),
    "WebP": picture(encoded("WEBP"), ".webp"),
    "animated WebP": picture(encoded("WEBP", frames=2), ".webp"),
    "TIFF": picture(encoded("TIFF"), ".tiff"),
    "TIFF of 16 bits": picture(encoded("TIFF", most=2**16), ".tif"),
    "AVIF": picture(encoded("AVIF"), ".avif"),
    "a name in two spellings": renamed(
        unicodedata.normalize("NFC", "ảnh.png"), unicodedata.normalize("NFD", "ảnh.png")
    ),
    "a name with a backslash": renamed("sub\\a.png", "sub/a.png"),
    "a name with ./": renamed("./a.png", "a.png"),
    "a name of 255 bytes": renamed("雪" * 83 + "ab.png", "雪" * 83 + "ab.png"),
}  # fmt: skip

# Folders: a change of the files on the disk, and the rows or the one line


def moved(old, new):
    def plant(folder):
        (folder / new).parent.mkdir(parents=True, exist_ok=True)
        (folder / old).rename(folder / new)

    return plant


def deleted(*places):
    return lambda folder: [(folder / place).unlink() for place in places]


def into(folder, *names):
    """Move everything below further folders."""
    place = folder.joinpath(*names)
    place.mkdir(parents=True)
    for child in sorted(folder.iterdir()):
        if child.name != names[0]:
            child.rename(place / child.name)


def linked(target):
    def plant(folder):
        (folder / FIRST).unlink()
        (folder / FIRST).symlink_to(target)

    return plant


def folder_called_as_a_picture(folder):
    (folder / FIRST).unlink()
    (folder / FIRST).mkdir()
    (folder / FIRST / "inner.txt").touch()


def pipe(folder):
    (folder / FIRST).unlink()
    os.mkfifo(folder / FIRST)


def rewritten(place, change):
    return lambda folder: (folder / place).write_bytes(change((folder / place).read_bytes()))


def sharded(pattern="_annotations.coco.{}.json", change=lambda said: said):
    """Cut the train split into one shard of two images and, changed, one of the third."""

    def plant(folder):
        said = json.loads((folder / EMPTY[0]).read_bytes())
        (folder / EMPTY[0]).unlink()
        for number, ids in enumerate([{0, 1}, {2}], 1):
            part = {
                "images": [one for one in said["images"] if one["id"] in ids],
                "annotations": [one for one in said["annotations"] if one["image_id"] in ids],
                "categories": said["categories"],
            }
            text = json.dumps(part)
            text = change(text) if number == 2 else text
            write(folder, {f"train/{pattern.format(number)}": text.encode()})

    return plant


EMPTY = [f"{split}/{JSON}" for split in ("train", "valid", "test")]

FOLDERS = {
    "empty": (lambda folder: [path.unlink() for path in sorted(folder.rglob("*.*"))
                              if path.is_file()], "is no export with masks"),
    "without JSON": (deleted(*EMPTY), "is no export with masks: expected train/_annotations"),
    "JSON under another key": (
        lambda folder: [(folder / place).rename(folder / place.replace(JSON, "a.json"))
                        for place in EMPTY], []),
    "JSON with a byte order mark, under another name": (
        lambda folder: [
            *(rewritten(place, lambda said: b"\xef\xbb\xbf" + said)(folder) for place in EMPTY),
            *(moved(place, place.replace(JSON, "a.json"))(folder) for place in EMPTY)], []),
    "JSON in UTF-16": (
        lambda folder: rewritten(EMPTY[0], lambda said: said.decode().encode("utf-16"))(folder),
        []),
    "JSON too deep beside the right one": (
        lambda folder: write(folder, {"train/deep.json": b"[" * 100_000}), []),
    "two JSON, neither of Roboflow's name": (
        lambda folder: [moved(EMPTY[0], "train/a.json")(folder),
                        write(folder, {"train/b.json": (folder / "train/a.json").read_bytes()})],
        "train holds 2 annotation files: a.json, b.json"),
    "a split in shards": (sharded(), []),
    "a split in a folder of shards": (sharded("annotations/part-{}.json"), []),
    "a shard's categories numbered otherwise": (
        sharded(change=lambda said: said.replace('"id": 1, "name": "p', '"id": 5, "name": "p')
                .replace('"category_id": 1', '"category_id": 5')),
        [of_split("category_renumbered")]),
    "a shard cut off": (
        sharded(change=lambda said: said[:-9]),
        [of_split("json_unreadable"), of_image("image_unlisted", None)]),
    "a shard missing": (sharded("_annotations.coco.{}-of-5.json"), "lacks 3 that their names"),
    "a copy beside the file": (
        lambda folder: write(folder, {"train/_annotations.coco.old.json": b"{}"}),
        "copies or shards"),
    "JSON one level up": (
        lambda folder: [moved(f"{s}/{JSON}", f"{s}.json")(folder)
                        for s in ("train", "valid", "test")], []),
    "wrapped once": (lambda folder: into(folder, "export"), []),
    "wrapped three times": (lambda folder: into(folder, "a", "b", "c"), []),
    "wrapped five times": (lambda folder: into(folder, "a", "b", "c", "d", "e"),
                           "is no export with masks"),
    "two exports": (
        lambda folder: [into(folder, "one"),
                        write(folder, {"two/train/_annotations.coco.json": b"{}"})],
        "holds 2 exports: one, two"),
    "a split under two names": (
        lambda folder: write(folder, {f"val/{JSON}": (folder / f"valid/{JSON}").read_bytes()}),
        "holds the split 'valid' 2 times"),
    "pictures in a folder": (
        lambda folder: [moved(f"train/{name('train', n)}", f"train/images/{name('train', n)}")(
            folder) for n in range(3)],
        [of_image("image_elsewhere", n) for n in range(3)]),
    "link to nothing": (linked("nowhere.png"), bad("image_missing")),
    "link to itself": (linked(name("train", 0)), bad("image_missing")),
    "link to another picture": (linked(name("train", 1)), [of_image("image_twice", 1)]),
    "a folder called as a picture": (folder_called_as_a_picture, bad("image_missing")),
    "a pipe called as a picture": (pipe, bad("image_missing")),
    "litter of macOS": (
        lambda folder: write(folder, {"train/._a.png": b"?", "__MACOSX/train/b.png": b"?",
                                      "train/.DS_Store": b"?"}), []),
    "another format": (
        lambda folder: [*(path.unlink() for path in sorted(folder.rglob("*.json"))),
                        write(folder, {"train/a.xml": b"<a/>"})],
        "looks like the format Pascal VOC"),
    "bytes that are no UTF-8 in a name": (
        lambda folder: (folder / "train").joinpath(os.fsdecode(b"\xff.png")).write_bytes(
            png(noise(3))), [of_image("image_unlisted", None)]),
}  # fmt: skip

# Zips: the bytes, made of the export's files, and the rows or the one line


def zipped(files, **options):
    text = io.BytesIO()
    with zipfile.ZipFile(text, "w", **options) as opened:
        for member, content in files.items():
            opened.writestr(member, content)
    return text.getvalue()


def with_member(member, content=b"?"):
    return lambda files: zipped({**files, member: content})


def kind(member, mode):
    info = zipfile.ZipInfo(member)
    info.external_attr = mode << 16
    return info


def patched(old, new, times=1):
    return lambda files: zipped(files).replace(old, new, times)


def long_name(files):
    """Give the first picture a name that no disk takes, in the JSON and in the zip."""
    long = "雪" * 200 + ".png"
    return zipped({
        **{place: content for place, content in files.items() if place != FIRST},
        f"train/{long}": files[FIRST],
        EMPTY[0]: files[EMPTY[0]].replace(name("train", 0).encode(), long.encode()),
    })  # fmt: skip


def encrypted(files):
    content = bytearray(zipped(files))
    content[6] |= 1
    content[content.index(b"PK\x01\x02") + 8] |= 1
    return bytes(content)


def bomb(files):
    return zipped({**files, "train/zeros.bin": bytes(11_000_000)}, compression=zipfile.ZIP_DEFLATED)


def lying_bomb(files):
    text = bomb(files)
    return text.replace((11_000_000).to_bytes(4, "little"), (5_000).to_bytes(4, "little"))


ZIPS = {
    "up and out": (with_member("../a.png"), "leads outside"),
    "up within": (with_member("train/../../a.png"), "leads outside"),
    "up with backslashes": (with_member("..\\a.png"), "leads outside"),
    "absolute": (with_member("/etc/passwd"), "leads outside"),
    "a drive": (with_member("C:\\a.png"), "leads outside"),
    "a link": (with_member(kind("train/a.png", stat.S_IFLNK | 0o777), b"/etc/passwd"), "a link"),
    "a pipe": (with_member(kind("train/a.png", stat.S_IFIFO | 0o777)), "a link or a device"),
    "a file that is a folder too": (with_member(f"{FIRST}/a.png"), "both a file and a folder"),
    "a bomb": (bomb, "unpacks to more than 0.01 GB"),
    "a bomb that lies": (lying_bomb, "damaged or truncated"),
    "encrypted": (encrypted, "is encrypted"),
    "cut": (lambda files: zipped(files)[:-500], "damaged or truncated"),
    "cut to a tenth": (lambda files: zipped(files)[: len(zipped(files)) // 10],
                       "damaged or truncated"),
    "without its beginning": (lambda files: zipped(files)[300:], "damaged or truncated"),
    "a checksum that fails": (patched(b'"iscrowd"', b'"isCrowd"'), "damaged or truncated .*CRC"),
    "nothing": (lambda files: b"", "is empty"),
    "no members": (lambda files: zipped({}), "empty zip"),
    "only litter": (lambda files: zipped({"__MACOSX/._a": b"?"}), "empty zip"),
    "a web page": (lambda files: b"<!DOCTYPE html><p>expired", "an HTML or XML page"),
    "an error in JSON": (lambda files: b'{"error": "expired"}', "is JSON text"),
    "7z": (lambda files: b"7z\xbc\xaf\x27\x1c" + bytes(40), "a 7z archive"),
    "RAR": (lambda files: b"Rar!\x1a\x07" + bytes(40), "a RAR archive"),
    "gzip": (lambda files: b"\x1f\x8b\x08" + bytes(40), "a gzip archive"),
    "xz": (lambda files: b"\xfd7zXZ\0" + bytes(40), "an xz archive"),
    "another format": (lambda files: zipped({"train/a.jpg": b"", "train/a.xml": b"<a/>"}),
                       "looks like the format Pascal VOC"),
    "a zip in a zip": (lambda files: zipped({"export.zip": zipped(files)}),
                       "found export.zip"),
    "an unknown compression": (
        lambda files: zipped(files).replace(b"PK\x01\x02\x14\x03\x14\0\0\0\0\0",
                                            b"PK\x01\x02\x14\x03\x14\0\0\0\x63\0", 1),
        "compressed in a way|damaged"),
    "a name no disk takes": (long_name, [of_image("file_name_long"), of_image("image_elsewhere")]),
    "litter of macOS": (with_member("__MACOSX/train/._a.png"), []),
    "folders of Windows": (
        lambda files: zipped({place.replace("/", "\\"): text for place, text in files.items()}),
        []),
    "wrapped": (lambda files: zipped({f"my export/{place}": text
                                      for place, text in files.items()}), []),
    "folders as members": (with_member("train/", b""), []),
    "bytes before and behind": (lambda files: b"MZ" * 50 + zipped(files), []),
}  # fmt: skip

# Pins: the text of a *.roboflow.yaml file, and the one line

PINS = {
    "empty": ("", "is not YAML with the keys"),
    "no YAML": ("workspace: [", "is not YAML with the keys"),
    "text": ("lab/people/3", "is not YAML with the keys"),
    "a list": ("- lab\n- people\n- 3\n", "is not YAML with the keys"),
    "without version": ("workspace: lab\nproject: people\n", "lacks 'version'"),
    "without workspace": ("project: people\nversion: 3\n", "lacks 'workspace'"),
    "one key more": ("workspace: lab\nproject: people\nversion: 3\nformat: coco\n",
                     "does not know 'format'"),
    "a key of an account": ("workspace: lab\nproject: people\nversion: 3\napi_key: abc\n",
                            "holds a key; keep that in ROBOFLOW_API_KEY"),
    "latest": ("workspace: lab\nproject: people\nversion: latest\n", "version"),
    "version 0": ("workspace: lab\nproject: people\nversion: 0\n", "version"),
    "version 2.5": ("workspace: lab\nproject: people\nversion: 2.5\n", "version"),
    "a path": ("workspace: lab\nproject: ../people\nversion: 3\n", "project"),
    "a null": ("workspace: null\nproject: people\nversion: 3\n", "workspace"),
    "a bomb of aliases": (
        "a: &a [1,1,1,1,1,1,1,1,1]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\n"
        "c: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nworkspace: *c\n", "pin|lacks|know"),
    "code": ("!!python/object/apply:os.system ['true']\n", "is not YAML with the keys"),
    "not UTF-8": (b"workspace: \xff\n", "is not YAML with the keys"),
    "NUL": ("workspace: lab\0\nproject: people\nversion: 3\n", "is not YAML with the keys"),
    "too deep": ("[" * 2_000 + "]" * 2_000, "is not YAML with the keys"),
}  # fmt: skip


# Exports that are not COCO: files, and the rows or the one line. All have one picture in train, so
# two splits are carved or empty, of which nothing is said here.


def yolo(label, **others):
    named = {path.replace("__", "/").replace("_yaml", ".yaml"): text.encode()
             for path, text in others.items()}  # fmt: skip
    text = label if isinstance(label, bytes) else label.encode()
    return {"train/images/a.png": png(noise(1)), "train/labels/a.txt": text, **named}


def masked(content, suffix="_mask.png", **others):
    return {"train/a.png": png(noise(1)), f"train/a{suffix}": content, **others}


SOUND = "0 0.1 0.1 0.9 0.1 0.9 0.9\n"
SQUARE = np.pad(np.ones((8, 8), np.uint8), ((4, 4), (4, 8)))

FOREIGN = {
    "YOLO": (yolo(SOUND), set()),
    "YOLO of a class that is text": (yolo(SOUND + "person 0 0 1 0 1 1"), "a.txt, line 2: expected"),
    "YOLO of a class below zero": (yolo(SOUND + "-1 0 0 1 0 1 1"), "a.txt, line 2: expected"),
    "YOLO of a class beyond any": (yolo(SOUND + "1e300 0 0 1 0 1 1"), "a.txt, line 2: expected"),
    "YOLO of NaN": (yolo(SOUND + "0 0.1 nan 0.9 0.1 0.9 0.9"), {"coordinates_wrong"}),
    "YOLO of infinity": (yolo(SOUND + "0 0.1 inf 0.9 0.1 0.9 0.9"), {"coordinates_wrong"}),
    "YOLO of two points": (yolo(SOUND + "0 0.1 0.1 0.9 0.9 0.1 0.1"), {"ring_short"}),
    "YOLO of an odd count": (yolo(SOUND + "0 0.1 0.1 0.9 0.9 0.1"), {"coordinates_odd"}),
    "YOLO in pixels": (yolo(SOUND + "0 100 100 900 100 900 900"), {"outside_wholly"}),
    "YOLO boxes": (yolo("0 0.5 0.5 0.2 0.2"), "only boxes or nothing"),
    "YOLO that is no text": (yolo(SOUND.encode() + b"\xff\xfe\0"), "a.txt, line 2: expected"),
    "YOLO names too deep": (
        yolo(SOUND, data_yaml="names: " + "[" * 2_000 + "]" * 2_000), set()),
    "YOLO names of infinity": (yolo(SOUND, data_yaml="names: {.inf: a}"), set()),
    "YOLO names that are numbers": (yolo(SOUND, data_yaml="names: 7"), set()),
    "YOLO beside a picture that is none": (
        {**yolo(SOUND), "train/images/a.png": b"?"}, "1 × image_unreadable"),
    "masks": (masked(png(SQUARE)), set()),
    "a mask that is no picture": (masked(b"?"), "a_mask.png is a mask that cannot be read"),
    "a mask that is cut": (masked(png(noise(2))[:-300]), "a_mask.png is a mask that cannot be"),
    "a mask that is a photo": (masked(png(noise(2))), "a_mask.png holds 3[0-9]* values, a mask"),
    "a mask of another size": (
        masked(png(np.pad(SQUARE, 1))), "only boxes or nothing"),
    "a mask of nothing": (masked(png(SQUARE * 0)), "the export has no category to learn"),
    "mask names of 5,000 digits": (
        masked(png(SQUARE), **{"train/_classes.csv": b"9" * 5000 + b", a\n1, b\n"}), set()),
    "Pascal lists that are no text": (
        {"JPEGImages/a.png": png(noise(1)), "SegmentationClass/a.png": png(SQUARE),
         "ImageSets/Segmentation/train.txt": b"a\n\xff\xfe\n"}, set()),
}  # fmt: skip
