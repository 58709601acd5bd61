"""What a value of JSON says, whatever it is: a whole number, a text, a name."""


def whole(value: object) -> int | None:
    """Return a value as a whole number; text of digits and 3.0 are ones, all else gives None."""
    if isinstance(value, bool):
        return None
    if isinstance(value, str) and value.strip().isdecimal() and len(value) < 16:
        return int(value)
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)
    return value if isinstance(value, int) and abs(value) < 2**53 else None


def text(value: object) -> str:
    """Return a value as text that can be written: not text gives nothing, half characters ``?``."""
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else ""


def spelt(name: object) -> str:
    """Return a category's name trimmed, single spaces within; nothing if it is no text."""
    return " ".join(text(name).split())
