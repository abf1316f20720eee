"""Atom feeds that are not quite what they should be."""

from __future__ import annotations

import pytest

from ml_intern_helpers.core.errors import BadData
from ml_intern_helpers.papers.services.arxiv import parse_feed
from support.papers import entry, feed


def body(*entries: str, total: int | None = None) -> bytes:
    made = feed(*entries, total=total).body
    assert isinstance(made, bytes)
    return made


def test_a_feed_cut_off_on_the_way_is_not_a_short_feed() -> None:
    whole = body(entry("2401.00001v1"), entry("2401.00002v1"))
    assert len(parse_feed(whole).papers) == 2
    for end in (len(whole) - 10, len(whole) * 2 // 3):
        with pytest.raises(BadData, match="cut off"):
            parse_feed(whole[:end])


def test_control_characters_that_xml_forbids_do_not_lose_the_page() -> None:
    broken = body(entry("2401.00001v1", "red@title"), entry("2401.00002v1")).replace(b"red@title", b"red \x1b[31mtitle\x07")
    found = parse_feed(broken)
    assert [paper.title for paper in found.papers] == ["red title", "A title"]


def test_less_than_signs_of_formulas_survive() -> None:
    paper = parse_feed(body(entry("2401.00001v1", "if $x<y$ & <b>", summary="p<0.05, \\textbf{x}"))).papers[0]
    assert (paper.title, paper.abstract) == ("if $x<y$ & <b>", "p<0.05, \\textbf{x}")


@pytest.mark.parametrize("said", ["", "many", "-1"])
def test_a_total_that_is_no_number_is_unknown(said: str) -> None:
    raw = body(entry("2401.00001v1"), total=1).replace(b"totalResults>1<", f"totalResults>{said}<".encode())
    assert parse_feed(raw).total is None


def test_entities_do_not_explode() -> None:
    bomb = b'<?xml version="1.0"?><!DOCTYPE f [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>'
    raw = bomb + body(entry("2401.00001v1", "T@")).replace(b"T@", b"T &b;").partition(b"?>")[2]
    with pytest.raises(BadData, match="declares XML entities"):
        parse_feed(raw)
