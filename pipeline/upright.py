"""EXIF's wish to be shown turned, taken back: this project reads pixels as they lie in the file.

Other tools turn the picture first, and outlines of the pixels as they lie would miss it.

Source: JEITA CP-3451, "Exchangeable image file format", 4.6.2 (TIFF) and 4.6.4 A (Orientation)
"""

import zlib

ORIENTATION = 0x0112
UPRIGHT = 1


def unturned(content: bytes) -> bytes:
    """Return a JPEG or PNG whose EXIF asks for no turn; every pixel, and all else, is unchanged.

    Other files, and those whose EXIF cannot be followed, are returned as they are.
    """
    try:
        if content.startswith(b"\xff\xd8"):
            return _jpeg(content)
        if content.startswith(b"\x89PNG\r\n\x1a\n"):
            return _png(content)
    except IndexError:
        pass  # it is cut off
    return content


def _jpeg(content: bytes) -> bytes:
    place = 2
    while content[place] == 0xFF and content[place + 1] != 0xDA:  # up to the scan
        length = int.from_bytes(content[place + 2 : place + 4])
        if content[place + 1] == 0xE1 and content[place + 4 : place + 10] == b"Exif\0\0":
            here = _value(content[place + 10 : place + 2 + length])
            return _changed(content, place + 10, here) if here else content
        place += 2 + max(length, 2)
    return content


def _png(content: bytes) -> bytes:
    place = 8
    while content[place + 4 : place + 8] != b"IDAT":
        length = int.from_bytes(content[place : place + 4])
        if content[place + 4 : place + 8] == b"eXIf":
            here = _value(content[place + 8 : place + 8 + length])
            end = place + 8 + length
            if here is None or end + 4 > len(content):
                return content
            changed = _changed(content, place + 8, here)
            check = zlib.crc32(changed[place + 4 : end]).to_bytes(4)
            return changed[:end] + check + changed[end + 4 :]
        place += 12 + length
        content[place]  # the end of the file ends the search
    return content


def _changed(content: bytes, start: int, here: tuple[int, bytes]) -> bytes:
    offset, value = here
    return content[: start + offset] + value + content[start + offset + len(value) :]


def _value(tiff: bytes) -> tuple[int, bytes] | None:
    """Return where a TIFF directory says the turn, and what says none; None if it says nothing."""
    order = {b"II": "little", b"MM": "big"}.get(tiff[:2])
    if order is None:
        return None
    first = int.from_bytes(tiff[4:8], order)
    for entry in range(int.from_bytes(tiff[first : first + 2], order)):
        place = first + 2 + 12 * entry
        if int.from_bytes(tiff[place : place + 2], order) == ORIENTATION:
            value = UPRIGHT.to_bytes(2, order)
            return (place + 8, value) if place + 12 <= len(tiff) else None
    return None
