"""A person's own photo -> what the networks see, and back without loss of what they do not see.

The networks take 8-bit RGB. Transparency, 16-bit values and the colour profile pass by them, and
the restored PNG has them again; where nothing was filled its pixels are the photo's own, bit for
bit.
"""

import io
import struct
import zlib
from dataclasses import dataclass

import cv2
import numpy as np
from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

from pipeline.errors import ImageError

try:
    import pillow_heif
except ImportError:  # an extra; without it a HEIC file is refused by name
    HEIF = False
else:
    HEIF = True
    pillow_heif.register_heif_opener()

ORIENTATION = 0x0112  # EXIF's tag
DEEP = ("PNG", "TIFF")  # formats whose 16 bits a channel are kept
FULL = 257  # 255 * 257 = 65535
BRANDS = (b"heic", b"heix", b"hevc", b"mif1", b"msf1", b"heim")  # of HEIF, after `ftyp`
UNREADABLE = (OSError, SyntaxError, ValueError, Image.DecompressionBombError)


@dataclass(frozen=True)
class Original:
    """A photo, upright.

    Attributes:
        rgb: ``(H, W, 3)`` uint8.
        alpha: ``(H, W)`` of the photo's own depth, or None if it has no transparency.
        deep: ``(H, W, 3)`` uint16 RGB, or None if the photo has 8 bits a channel.
        profile: the colours' ICC profile; empty if there is none.
    """

    rgb: np.ndarray
    alpha: np.ndarray | None = None
    deep: np.ndarray | None = None
    profile: bytes = b""


def decode(content: bytes, name: str) -> Original:
    """Decode a photo: JPEG, PNG, TIFF, WebP, BMP, GIF, AVIF, and HEIC where pillow-heif is there.

    EXIF's orientation is applied. CMYK is brought to sRGB, by its own profile if it has one.

    Raises:
        ImageError: it is no picture, or of a kind that cannot be kept; ``name`` begins the message.
    """
    try:
        with Image.open(io.BytesIO(content)) as image:
            if image.format in DEEP and (deep := _deep(content)) is not None:
                turned = _upright(deep, image.getexif().get(ORIENTATION, 1))
                return _of_deep(turned, image.info.get("icc_profile") or b"")
            return _of_plain(image, name)
    except UNREADABLE as error:
        if not HEIF and content[4:8] == b"ftyp" and content[8:12] in BRANDS:
            cure = "install pillow-heif to read HEIC"
            raise ImageError(f"{name} is a HEIC picture; {cure}") from error
        unknown = isinstance(error, UnidentifiedImageError)
        why = "its format is unknown" if unknown else str(error)
        raise ImageError(f"{name} is not a picture that can be read: {why}") from error


def _of_plain(image: Image.Image, name: str) -> Original:
    if image.mode in {"I", "F"}:
        raise ImageError(f"{name} has 32 bits a channel; save it with 8 or 16")
    profile = image.info.get("icc_profile") or b""
    if image.mode in {"1", "L", "LA"}:
        profile = b""  # of grey, and what is written has colours
    image = ImageOps.exif_transpose(image)
    if image.mode == "CMYK":
        return Original(np.array(_from_cmyk(image, profile)))
    if not image.has_transparency_data:
        return Original(np.array(image.convert("RGB")), profile=profile)
    rgba = np.array(image.convert("RGBA"))
    return Original(np.ascontiguousarray(rgba[..., :3]), rgba[..., 3], profile=profile)


def _from_cmyk(image: Image.Image, profile: bytes) -> Image.Image:
    try:
        if profile:
            theirs = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            ours = ImageCms.createProfile("sRGB")
            return ImageCms.profileToProfile(image, theirs, ours, outputMode="RGB")
    except (ImageCms.PyCMSError, OSError):
        pass  # a damaged profile; the plain rule below is near enough
    return image.convert("RGB")


def _deep(content: bytes) -> np.ndarray | None:
    """Return a picture of 16 bits a channel as it lies, BGR(A) or grey; None if it has others."""
    try:
        found = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error:
        return None
    return found if found is not None and found.dtype == np.uint16 else None


def _of_deep(values: np.ndarray, profile: bytes) -> Original:
    if values.ndim == 2:
        values, profile = values[..., None].repeat(3, axis=2), b""
    deep = np.ascontiguousarray(values[..., 2::-1])
    alpha = values[..., 3] if values.shape[2] == 4 else None
    return Original(np.round(deep / FULL).astype(np.uint8), alpha, deep, profile)


def _upright(values: np.ndarray, orientation: int) -> np.ndarray:
    """Turn a picture as EXIF asks; 1 and what EXIF does not know leave it.

    Source:
        CIPA DC-008, "Exif 2.32", tag Orientation.
    """
    if orientation in {5, 6, 7, 8}:
        values = values.swapaxes(0, 1)
    if orientation in {2, 3, 6, 7}:
        values = values[:, ::-1]
    if orientation in {3, 4, 7, 8}:
        values = values[::-1]
    return np.ascontiguousarray(values)


def restored(original: Original, filled: np.ndarray, hole: np.ndarray) -> bytes:
    """Return the restored photo as PNG, at the photo's depth, with its transparency and profile.

    Args:
        original: the photo.
        filled: ``(H, W, 3)`` uint8 RGB, the painting.
        hole: ``(H, W)`` bool, where the painting is to be seen.
    """
    values = original.rgb if original.deep is None else original.deep
    painted = filled if original.deep is None else filled.astype(np.uint16) * FULL
    shown = np.where(hole[..., None], painted, values)[..., ::-1]
    if original.alpha is not None:
        shown = np.dstack([shown, original.alpha])
    done, content = cv2.imencode(".png", shown, [cv2.IMWRITE_PNG_COMPRESSION, 3])
    if not done:
        raise ImageError(f"cannot encode {shown.shape} as PNG")
    return _with_profile(content.tobytes(), original.profile)


def _with_profile(png: bytes, profile: bytes) -> bytes:
    """Insert the chunk iCCP behind the header, which is 33 bytes long.

    Source:
        PNG specification, third edition, 11.3.2.3, https://www.w3.org/TR/png-3/
    """
    if not profile:
        return png
    body = b"iCCP" + b"ICC profile\0\0" + zlib.compress(profile)
    chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    return png[:33] + chunk + png[33:]
