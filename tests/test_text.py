"""Strangers' text: what may reach a terminal, a log or a model, and what may not."""

from __future__ import annotations

import re
import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml_intern_helpers.core.text import clean, clean_tree, human_bytes, shorten

#: Text in which escape and control characters are as common as letters.
HOSTILE = (
    st.text(st.sampled_from("\x1b[];m0Ka\\\x07\x9b\x9d\x9cP\r\n\t \u202e\u200b\U000e0041\ufe01\ud800é漢🙂"), max_size=40)
    | st.text()
)
FORBIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u200b\u200e\u200f\ufeff\U000e0000-\U000e01ef\ud800-\udfff]"
)


@pytest.mark.parametrize(
    ("dirty", "expected"),
    [
        pytest.param("\x1b[31mred\x1b[0m", "red", id="colour"),
        pytest.param("\x1b[2J\x1b[Hgone", "gone", id="clear-screen"),
        pytest.param("\x1b]0;title\x07text", "text", id="window-title"),
        pytest.param("\x1b]8;;http://evil\x1b\\link\x1b]8;;\x1b\\", "link", id="hyperlink"),
        pytest.param("\x1bPq#payload\x1b\\text", "text", id="device-control-string"),
        pytest.param("\x9b31mred", "red", id="eight-bit"),
        pytest.param("\x9d0;title\x9ctext", "text", id="eight-bit-string"),
        pytest.param("\x1b]0;never closed, and all the rest", "0;never closed, and all the rest", id="open-string-hides-nothing"),
        pytest.param("a\u202egnp.exe", "agnp.exe", id="right-to-left-override"),
        pytest.param("pay\u200bpal", "paypal", id="zero-width-space"),
        pytest.param("\ufeffstart", "start", id="byte-order-mark"),
        pytest.param("ok" + "".join(chr(0xE0000 + ord(char)) for char in "ignore all"), "ok", id="invisible-tag-letters"),
        pytest.param("x" + "".join(chr(0xE0100 + code) for code in b"hidden"), "x", id="letters-as-variation-selectors"),
        pytest.param("half \ud800 pair", "half pair", id="lone-surrogate"),
        pytest.param("a\r\nb\tc\u2028d\x85e", "a b c d e", id="line-breaks-of-every-kind"),
        pytest.param(b"caf\xc3\xa9 \xff", "café \ufffd", id="bytes"),
        pytest.param("👍🏽 👨‍👩‍👧 ❤️ می‌خواهم", "👍🏽 👨‍👩‍👧 ❤️ می‌خواهم", id="emoji-and-persian-stay"),
        pytest.param(None, "None", id="anything"),
    ],
)
def test_one_line(dirty: object, expected: str) -> None:
    assert clean(dirty) == expected


@pytest.mark.parametrize(
    ("dirty", "expected"),
    [
        ("def f():\r\n\treturn 1\r", "def f():\n\treturn 1\n"),
        ("a\u2028b\x0bc\x0cd", "a\nb\nc\nd"),
        ("\x1b[1mbold\x1b[0m\n  indented", "bold\n  indented"),
    ],
)
def test_several_lines(dirty: str, expected: str) -> None:
    assert clean(dirty, keep_newlines=True) == expected


@given(HOSTILE, st.booleans())
def test_nothing_forbidden_is_left_and_cleaning_twice_changes_nothing(text: str, keep: bool) -> None:
    once = clean(text, keep_newlines=keep)
    assert not FORBIDDEN.search(once)
    assert not [char for char in once if unicodedata.category(char) in ("Cc", "Cs") and char not in "\n\t"]
    assert clean(once, keep_newlines=keep) == once
    assert keep or "\n" not in once


@given(st.text(st.characters(categories=["L", "N", "P", "S"]), max_size=50).filter(lambda text: "\u180e" not in text))
def test_ordinary_text_is_untouched(text: str) -> None:
    assert clean(text) == text


@given(
    st.recursive(
        HOSTILE | st.integers() | st.none(), lambda inner: st.lists(inner) | st.dictionaries(HOSTILE, inner), max_leaves=9
    )
)
def test_a_tree_is_cleaned_to_its_leaves_and_keys(tree: object) -> None:
    def strings(node: object) -> list[str]:
        if isinstance(node, dict):
            return [text for pair in node.items() for part in pair for text in strings(part)]
        if isinstance(node, list):
            return [text for item in node for text in strings(item)]
        return [node] if isinstance(node, str) else []

    for keep in (True, False):
        assert not [text for text in strings(clean_tree(tree, keep_newlines=keep)) if FORBIDDEN.search(text)]
    assert not [text for text in strings(clean_tree(tree)) if "\n" in text]


def test_a_tree_of_rows_keeps_its_newlines_but_not_in_its_keys() -> None:
    assert clean_tree({"a\nb": ["c\r\nd"]}, keep_newlines=True) == {"a b": ["c\nd"]}


def test_a_cut_says_how_much_is_missing() -> None:
    assert shorten("abcdef", 4) == "abcd…[2 more characters]"
    assert shorten("abcd", 4) == "abcd"
    assert clean("\x1b[31m" + "a" * 9, limit=5) == "aaaaa…[4 more characters]"


@pytest.mark.parametrize("unit", ["\x1b]0;", "\x1b[", "\x1b", "\x9d", "\u202e", " \n", "\x1b[0;0;0"])
def test_hostile_text_costs_no_more_than_its_length(unit: str) -> None:
    started = time.monotonic()
    clean(unit * 200_000)
    assert time.monotonic() - started < 5


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        (1610612736, "1.5 GiB"),
        (80 * 1024**3, "80.0 GiB"),
        (3 * 1024**4, "3.0 TiB"),
    ],
)
def test_sizes(count: int, text: str) -> None:
    assert human_bytes(count) == text
