"""Print the report to a PDF with a headless Chromium, if there is one on this machine."""

import shutil
import subprocess
import tempfile
from pathlib import Path

from pipeline.errors import PipelineError
from stages import run

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
SECONDS = 180
PATIENCE = 20_000  # ms of the page's own time, in which charts are drawn and pictures loaded
SHARED = (  # a folder of its own, so that a browser that is open is not asked
    "--headless", "--disable-gpu", "--no-first-run", "--disable-extensions", "--disable-sync",
    "--disable-background-networking", "--no-pdf-header-footer",
    "--run-all-compositor-stages-before-draw",
)  # fmt: skip


def main(page: Path, pdf: Path) -> str:
    """Print ``page`` to ``pdf``."""
    if not page.is_file():
        raise PipelineError(f"{page} is not there; run dvc repro first")
    browser = next(filter(None, map(shutil.which, NAMES)), None)
    if browser is None:
        raise PipelineError(
            "no Chromium or Chrome on this machine: install one, or print the page from a browser"
        )
    pdf.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        words = [browser, *SHARED, f"--user-data-dir={folder}", "--window-size=1060,1500"]
        words += [f"--virtual-time-budget={PATIENCE}", f"--print-to-pdf={pdf.resolve()}"]
        address = f"{page.resolve().as_uri()}#print"
        # Chromium's sandbox cannot be had as root, in most containers: this page is our own.
        for further in ([], ["--no-sandbox"]):
            told = _done([*words, *further, address])
            if pdf.is_file():
                return f"{pdf}, {pdf.stat().st_size / 1e6:.1f} MB"
    raise PipelineError(f"{Path(browser).name} printed nothing: {told}")


def _done(words: list[str]) -> str:
    """Run a program and return the last line of what it complains of."""
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error).splitlines()[0]
    return (done.stderr.strip().splitlines() or ["no reason given"])[-1]


if __name__ == "__main__":
    run(main)
