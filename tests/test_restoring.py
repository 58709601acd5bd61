"""Photos of every kind, restored by the command line's own steps: what comes out of each."""

import hashlib
import io
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from PIL import Image, ImageCms
from test_download import Storage

from pipeline import originals, store
from pipeline.deepfill import weights
from pipeline.deepfill.generator import Generator
from pipeline.deepfill.layout import Layout
from pipeline.errors import ImageError
from stages import restoring

ROOT = Path(__file__).parents[1]
COMMAND = [sys.executable, "-c", "from stages.cli import main; main()"]
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def smooth(height=40, width=60):
    """A picture that survives JPEG, brighter to the right and redder to the bottom."""
    rows, columns = np.mgrid[:height, :width]
    return np.dstack([rows * 4, columns * 4, np.full_like(rows, 90)]).astype(np.uint8)


def encoded(image, kind, **how):
    content = io.BytesIO()
    (image if isinstance(image, Image.Image) else Image.fromarray(image)).save(content, kind, **how)
    return content.getvalue()


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("deep", [False, True], ids=["8 bits", "16 bits"])
def test_a_turned_photo_is_seen_upright(orientation, deep):
    """Pillow turns the 8-bit picture; the 16-bit one, which it cannot read, has to agree."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    plain = encoded(smooth(), "PNG", exif=exif.tobytes())
    content = plain
    if deep:
        wide = cv2.imencode(".png", smooth()[..., ::-1].astype(np.uint16) * 257)[1].tobytes()
        chunk = plain[plain.index(b"eXIf") - 4 :]
        chunk = chunk[: int.from_bytes(chunk[:4], "big") + 12]
        content = wide[:33] + chunk + wide[33:]

    original = originals.decode(content, "x")

    assert (original.deep is not None) == deep
    with Image.open(io.BytesIO(plain)) as image:
        from PIL import ImageOps

        expected = np.array(ImageOps.exif_transpose(image))
    np.testing.assert_array_equal(original.rgb, expected)


def test_transparency_is_kept_and_known_pixels_are_bit_identical():
    rgba = np.dstack([smooth(), np.arange(2400).reshape(40, 60) % 256]).astype(np.uint8)
    hole = np.zeros((40, 60), bool)
    hole[10:20, 20:30] = True
    original = originals.decode(encoded(rgba, "PNG"), "x")

    back = Image.open(
        io.BytesIO(originals.restored(original, np.full_like(rgba[..., :3], 7), hole))
    )

    assert back.mode == "RGBA"
    pixels = np.array(back)
    np.testing.assert_array_equal(pixels[..., 3], rgba[..., 3])
    np.testing.assert_array_equal(pixels[~hole], rgba[~hole])
    assert (pixels[hole][:, :3] == 7).all()


@pytest.mark.parametrize("channels", [0, 3, 4], ids=["grey", "colour", "with transparency"])
def test_sixteen_bits_are_kept(channels):
    values = np.random.default_rng(0).integers(
        0, 65536, (40, 60, *([channels] if channels else []))
    )
    values = values.astype(np.uint16)
    hole = np.zeros((40, 60), bool)
    hole[:9, :9] = True
    original = originals.decode(cv2.imencode(".png", values)[1].tobytes(), "x")

    assert np.abs(original.rgb.astype(float) - original.deep / 257).max() <= 0.5
    png = originals.restored(original, np.full((40, 60, 3), 255, np.uint8), hole)
    back = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_UNCHANGED)

    assert back.dtype == np.uint16
    expected = values[..., None].repeat(3, 2) if not channels else values
    np.testing.assert_array_equal(back[~hole], expected[~hole])
    assert (back[hole][:, :3] == 65535).all()


def test_a_colour_profile_is_kept():
    hole = np.zeros((40, 60), bool)
    original = originals.decode(encoded(smooth(), "JPEG", icc_profile=SRGB, quality=95), "x")

    back = Image.open(io.BytesIO(originals.restored(original, smooth(), hole)))

    assert back.info["icc_profile"] == SRGB
    np.testing.assert_array_equal(np.array(back), original.rgb)


def test_cmyk_comes_out_in_the_colours_that_were_printed():
    rgb = originals.decode(encoded(Image.fromarray(smooth()).convert("CMYK"), "TIFF"), "x").rgb

    assert np.abs(rgb.astype(int) - smooth()).mean() < 3


def test_a_damaged_cmyk_profile_is_no_failure():
    cmyk = Image.fromarray(smooth()).convert("CMYK")

    assert originals.decode(encoded(cmyk, "TIFF", icc_profile=b"none"), "x").rgb.shape == (
        40,
        60,
        3,
    )


@pytest.mark.parametrize("kind", ["BMP", "GIF", "WEBP", "TIFF", "JPEG", "AVIF"])
def test_common_formats_are_read(kind):
    rgb = originals.decode(encoded(smooth(), kind), "x").rgb

    assert np.abs(rgb.astype(int) - smooth()).mean() < 12


def test_a_grey_photo_becomes_colour_without_its_grey_profile():
    original = originals.decode(encoded(smooth()[..., 0], "PNG", icc_profile=SRGB), "x")

    np.testing.assert_array_equal(original.rgb, smooth()[..., :1].repeat(3, 2))
    assert original.profile == b""


@pytest.mark.skipif(not originals.HEIF, reason="pillow-heif is not installed")
def test_heic_is_read():
    rgb = originals.decode(encoded(smooth(64, 64), "HEIF", quality=90), "x").rgb

    assert np.abs(rgb.astype(int) - smooth(64, 64)).mean() < 6


def test_without_pillow_heif_heic_is_refused_by_name(monkeypatch):
    monkeypatch.setattr(originals, "HEIF", False)
    with pytest.raises(ImageError, match="x is a HEIC picture; install pillow-heif"):
        originals.decode(b"\0\0\0\x18ftypheic" + bytes(100), "x")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"no picture", "not a picture"),
        (b"", "not a picture"),
        (encoded(smooth(), "PNG")[:70], "not a picture"),
        (encoded(Image.fromarray(smooth()[..., 0].astype(np.float32)), "TIFF"), "32 bits"),
    ],
    ids=["text", "empty", "cut off", "of floats"],
)
def test_what_is_no_photo_is_refused(content, message):
    with pytest.raises(ImageError, match=f"x .*{message}"):
        originals.decode(content, "x")


def test_photos_are_restored_and_a_failure_is_a_line_while_the_rest_go_on(tmp_path):
    torch.manual_seed(0)
    weights.save(Generator(Layout(width=4, fill="smooth")).eval(), tmp_path / "net")
    rgba = np.dstack([smooth(), np.full((40, 60), 200, np.uint8)])
    rgba[10:30, 20:30, :3] = 255
    (tmp_path / "see.png").write_bytes(encoded(rgba, "PNG"))
    (tmp_path / "broken.jpg").write_bytes(b"no picture")
    work = [
        restoring.Photo(tmp_path / name, tmp_path / "mask.png", tmp_path / "out" / name, beside)
        for name, beside in (("broken.jpg", None), ("see.png", tmp_path / "side.jpg"))
    ]
    mask = np.zeros((40, 60), np.uint8)
    mask[10:30, 20:30] = 1
    store.write_mask(tmp_path / "mask.png", mask)
    cwd = Path.cwd()

    broken, seen = restoring.inpaint(work, tmp_path / "net")

    assert "broken.jpg is not a picture" in broken.failure
    assert seen.failure == ""
    back = np.array(Image.open(tmp_path / "out/see.png"))
    assert (back[..., 3] == 200).all()
    changed = (back != rgba).any(2)
    assert changed[15:25, 22:28].all()
    assert not changed[:5].any()
    assert store.read_image(tmp_path / "side.jpg").shape == (40, 120, 3)
    assert Path.cwd() == cwd


def test_the_command_restores_with_a_mask_and_says_what_failed(tmp_path):
    weights.save(Generator(Layout(width=4, fill="smooth")).eval(), tmp_path / "net")
    Image.fromarray(smooth()).save(tmp_path / "a.png")
    Image.fromarray((smooth() > 100).any(2)).convert("L").save(tmp_path / "m.png")
    words = ["a.png", "gone.png", "--mask", "m.png", "--weights", "net", "--side-by-side"]

    done = subprocess.run(
        [*COMMAND, *words], cwd=tmp_path, capture_output=True, text=True,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)},
    )  # fmt: skip

    assert done.returncode == 1
    assert "gone.png: there is no such file" in done.stderr
    assert "1 of 2 photos restored" in done.stdout
    assert (tmp_path / "restored/a.png").is_file()
    assert (tmp_path / "restored/a.side-by-side.jpg").is_file()


def test_a_photo_on_which_the_process_is_killed_is_a_line_and_the_rest_go_on(tmp_path, monkeypatch):
    """The system ends what wants more memory than there is; here a hook of Python's start does."""
    (tmp_path / "hook").mkdir()
    (tmp_path / "hook/sitecustomize.py").write_text(
        "import os, sys\n"
        "if 'spawn_main' in ' '.join(sys.orig_argv):\n"
        "    from pipeline import originals\n"
        "    real = originals.decode\n"
        "    def decode(content, name):\n"
        "        return os.kill(os.getpid(), 9) if 'huge' in name else real(content, name)\n"
        "    originals.decode = decode\n"
    )
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path / 'hook'}:{ROOT}")
    weights.save(Generator(Layout(width=4, fill="smooth")).eval(), tmp_path / "net")
    mask = np.zeros((40, 60), np.uint8)
    mask[10:30, 20:30] = 1
    store.write_mask(tmp_path / "mask.png", mask)
    work = []
    for name in ("a", "huge", "z"):
        Image.fromarray(smooth()).save(tmp_path / f"{name}.png")
        place = tmp_path / "out" / f"{name}.png"
        work.append(restoring.Photo(tmp_path / f"{name}.png", tmp_path / "mask.png", place))

    first, huge, last = restoring.alone(restoring.inpaint, work, tmp_path / "net")

    assert huge.failure.startswith("inpaint died, most likely for want of memory")
    assert first.failure == last.failure == ""
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a.png", "z.png"]


def test_weights_come_by_address_with_their_checksum_and_not_without(tmp_path):
    weights.save(Generator(Layout(width=4, fill="smooth")).eval(), tmp_path / "net")
    content = (tmp_path / "net" / weights.FILE).read_bytes()
    Image.fromarray(smooth()).save(tmp_path / "a.png")
    Image.fromarray((smooth() > 100).any(2)).convert("L").save(tmp_path / "m.png")
    environment = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}

    def restored(*more):
        words = ["a.png", "--mask", "m.png", "--weights", storage.url, *more]
        return subprocess.run(
            [*COMMAND, *words], cwd=tmp_path, capture_output=True, text=True, env=environment
        )

    with Storage() as storage:
        storage.file = content
        bare = restored()
        wrong = restored("--sha256", "0" * 64)
        done = restored("--sha256", hashlib.sha256(content).hexdigest())

    assert bare.returncode == wrong.returncode == 1
    assert "have no sha256 beside them" in bare.stderr
    assert "has not the file that sha256 names" in wrong.stderr
    assert "Traceback" not in bare.stderr + wrong.stderr
    assert "1 of 1 photos restored" in done.stdout, done.stderr
