from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cellml.report.markup import Html, escape, number, scene, table, unit_text


@settings(deadline=None)
@given(st.text())
def test_escaped_text_holds_no_markup_and_comes_back(text):
    from html import unescape

    escaped = escape(text)
    assert not set(escaped) & {"<", ">", '"', "'"}
    assert unescape(escaped) == unescape(unescape(escaped)) or unescape(escaped) == text
    assert escape(escaped) is escaped


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        (math.nan, "–"),
        (math.inf, "∞"),
        (True, "yes"),
        (1234567, "1\u202f234\u202f567"),
        (0.21834, "0.2183"),
        (-3.5, "−3.5"),
        (-12345.6, "−12\u202f346"),
        (1234.0, "1234"),
        (1.25e-7, "1.25 × 10⁻⁷"),
        (-6.02214e23, "−6.022 × 10²³"),
        ("6 of 8", "6 of 8"),
    ],
)
def test_numbers_for_people(value, text):
    assert number(value) == text


def test_table_escapes_all_but_markup():
    found = table(["a<b", "n"], [["<i>", 2.0], [Html("<i>x</i>"), None]])
    assert "a&lt;b" in found
    assert "&lt;i&gt;" in found
    assert "<i>x</i>" in found
    assert found.count('<td class="num">') == 2


def test_a_row_of_another_length_is_an_error():
    with pytest.raises(ValueError, match="zip"):
        table(["a", "b"], [["only one"]])


def test_a_name_cannot_end_the_script_of_a_scene():
    import plotly.graph_objects as go

    found = scene(go.Figure(go.Mesh3d(name="</script><script>alert(1)</script>")), caption="<x>")
    assert found.count("</script>") == 1
    assert "&lt;x&gt;" in found


@pytest.mark.parametrize(
    ("unit", "text"),
    [("um^3/s", "µm³/s"), ("1/um^3", "1/µm³"), ("uM", "µM"), ("nm", "nm"), ("m s^-1", "m s⁻¹"), ("voxels", "voxels"), ("1", "1")],
)
def test_units_as_they_are_printed(unit, text):
    assert unit_text(unit) == text
