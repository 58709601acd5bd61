"""The report in Markdown: what a value may hold, and what is said."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline import page


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("a|b", r"a\|b"),
        ("two\nlines", "two lines"),
        ("_x_ *y* `z` [l](u)", r"\_x\_ \*y\* \`z\` \[l\](u)"),
        ("<img src=x>", "&lt;img src=x>"),
        ("a & b", "a &amp; b"),
        ("a\\|b", r"a\\\|b"),
        (3, "3"),
    ],
)
def test_markdown_shows_a_value_as_it_is(value, written):
    assert page.markdown(value) == written


@given(st.text())
def test_no_value_ends_its_cell_or_line_or_opens_an_element(value):
    written = page.markdown(value)

    assert "\n" not in written
    assert "<" not in written
    assert "|" not in written.replace("\\\\", "").replace("\\|", "")
