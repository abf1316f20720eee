"""The expressions that checks and full scan share: RE2 reads them too, and no text makes them slow."""

from __future__ import annotations

import re
import time

import pytest

from ml_intern_helpers.dataset.checks import registry
from ml_intern_helpers.dataset.checks.patterns import Pattern

SEARCHES = [module.SEARCH for module in registry.modules() if hasattr(module, "SEARCH")]
PATTERNS = [pattern for search in SEARCHES for pattern in search.patterns]
#: What `re` has and RE2 has not: look-around, back-references, atomic groups, possessive quantifiers, escapes of their own.
NOT_IN_RE2 = re.compile(r"\(\?[=!>]|\(\?<[=!]|\(\?P=|(?<!\\)\\[1-9]|[*+?}]\+|\\[uUZ]")
#: Openings over and over, with nothing that ever closes them.
PIECES = [
    "sk-",
    "ghp_",
    "hf_",
    "?a=",
    "&amp;",
    "a@",
    "a.",
    "card ",
    "4539 ",
    "+49 30 ",
    "DE75 ",
    "-----BEGIN PRIVATE KEY-----\n",
    "eyJ",
]
PIECES += [
    "postgres://a",
    "if you are an ai ",
    "ignore all ",
    "note to ai ",
    "as an ai ",
    "i am sorry ",
    "\u00c3",
    "\u00e4\u00b8",
    "aws_secret_access_key =",
]


@pytest.mark.parametrize("pattern", PATTERNS, ids=lambda pattern: pattern.name)
def test_re2_knows_the_expression(pattern: Pattern) -> None:
    for expression in filter(None, (pattern.regex, pattern.unless, pattern.gate)):
        assert not NOT_IN_RE2.search(expression), expression
        re.compile(expression, re.ASCII)


@pytest.mark.parametrize("piece", PIECES)
def test_no_text_makes_them_slow(piece: str) -> None:
    text = "T3BlbkFJ @ card ssn ai " + piece * (60_000 // len(piece))
    for pattern in PATTERNS:
        start = time.process_time()
        pattern.compiled.search(text)
        if pattern.excuse:
            pattern.excuse.search(text)
        assert time.process_time() - start < 0.5, pattern.name


def test_a_needle_is_in_every_match() -> None:
    """A needle that a match can lack would hide it."""
    texts = [
        "(415) 872-3391",
        "+49 30 9018 2764",
        "Card no. 4539 1488 0343 6467",
        "social security number: 536-22-8192",
        "a@b.dev",
    ]
    for text in texts:
        found = [pattern for pattern in PATTERNS if next(pattern.matches(text), None)]
        assert found, text
        for pattern in found:
            assert pattern.may_be_in(text.lower() if pattern.any_case else text)
            assert pattern.may_be_among("\n" + "\n".join(text.casefold().split()) + "\n")
