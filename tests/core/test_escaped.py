"""Text of others reaches terminals and tables as text."""

from __future__ import annotations

import os

from napari_tally.core.escaped import all_escaped, escaped


def test_bytes_that_are_not_utf8_become_escapes() -> None:
    assert escaped(os.fsdecode(b"caf\xe9.tif")) == r"caf\xe9.tif"
    assert escaped("\ud800") == r"\ud800"


def test_utf8_bytes_of_a_locale_without_umlauts_become_umlauts() -> None:
    assert escaped("ü".encode().decode("ascii", "surrogateescape")) == "ü"


def test_what_a_terminal_obeys_becomes_escapes() -> None:
    assert escaped("\x1b]0;a\x07\x9b2J\r") == r"\x1b]0;a\x07\x9b2J\r"
    assert escaped("\u202etxt.exe") == r"\u202etxt.exe"


def test_other_text_stays() -> None:
    text = "12 µm²\u00a0×\u202f3,\tÄ 中 🧫\n"
    assert escaped(text) == text


def test_records_are_escaped_throughout() -> None:
    assert all_escaped({"\x1b": ["\x1b", ("a", 1, None)]}) == {r"\x1b": [r"\x1b", ["a", 1, None]]}
