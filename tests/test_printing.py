"""The report on paper."""

import pytest
from browser import CHROMIUM

from pipeline.errors import PipelineError
from stages import printing

PAGE = "<!doctype html><title>x</title><style>p { break-after: page; }</style><p>one<p>two<p>three"


def test_without_a_browser_one_line_says_what_to_do(tmp_path, monkeypatch):
    (tmp_path / "index.html").write_text(PAGE, "utf-8")
    monkeypatch.setattr(printing.shutil, "which", lambda name: None)

    with pytest.raises(PipelineError, match="no Chromium or Chrome") as told:
        printing.main(tmp_path / "index.html", tmp_path / "report.pdf")
    assert "\n" not in str(told.value)


def test_without_a_report_it_says_what_to_run(tmp_path):
    with pytest.raises(PipelineError, match="dvc repro"):
        printing.main(tmp_path / "index.html", tmp_path / "report.pdf")


def test_a_browser_that_prints_nothing_is_told_and_an_old_pdf_is_not_taken_for_new(
    tmp_path, monkeypatch
):
    (tmp_path / "index.html").write_text(PAGE, "utf-8")
    (tmp_path / "report.pdf").write_text("old", "utf-8")
    monkeypatch.setattr(printing.shutil, "which", lambda name: "/bin/false")

    with pytest.raises(PipelineError, match="false printed nothing: no reason given"):
        printing.main(tmp_path / "index.html", tmp_path / "report.pdf")


@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")
def test_a_page_becomes_a_pdf_of_its_pages(tmp_path):
    (tmp_path / "index.html").write_text(PAGE, "utf-8")
    said = printing.main(tmp_path / "index.html", tmp_path / "report.pdf")
    content = (tmp_path / "report.pdf").read_bytes()

    assert "report.pdf" in said
    assert content.startswith(b"%PDF-")
    assert content.count(b"/Type /Page\n") == 3
