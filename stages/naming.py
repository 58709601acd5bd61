"""Name the commit that holds an output, which the output itself cannot: its bytes would differ."""

from hashlib import md5  # DVC's own digest
from pathlib import Path


def holder(out: Path) -> str | None:
    """Return the commit whose ``dvc.lock`` first named this very file; ``None`` if none does.

    The last time that it did, if it was another file in between. ``None`` as well without git, DVC
    or the file.

    Args:
        out: an output of the project in the working folder, relative to it.
    """
    try:
        from pipeline import history  # noqa: PLC0415  # DVC takes a second, and may be missing
    except ImportError:
        return None
    if not out.is_file():
        return None
    digest, found = md5(out.read_bytes()).hexdigest(), None
    for commit in history.commits(Path()):
        if commit.made(out.as_posix()) == digest:
            found = commit.name
        elif found:
            break
    return found
