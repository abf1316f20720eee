"""Hyper-parameters of one sentence, each with its quote, what it holds for and the stage of training."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ml_intern_helpers.core.text import clean
from ml_intern_helpers.papers.recipe import numbers, scopes, stages
from ml_intern_helpers.papers.recipe.choices import CHOICES, named
from ml_intern_helpers.papers.recipe.facts import Fact
from ml_intern_helpers.papers.recipe.linking import Link, links
from ml_intern_helpers.papers.recipe.plain import Plain, plain
from ml_intern_helpers.papers.recipe.sentences import Sentence

#: Characters of a quote; a longer sentence is cut around the value.
QUOTE = 300


def from_sentence(sentence: Sentence) -> Iterator[Fact]:
    """The values one sentence states."""
    reading = plain(sentence.text)
    for link in links(reading.text, plain(sentence.near).text):
        context = _context(sentence, reading.text, link)
        yield Fact(
            link.parameter.name,
            as_value(link),
            _written(sentence.text, reading, link),
            quote(sentence.text, reading, link.start, link.end),
            sentence.section,
            link.kind,
            link.unit,
            context,
            sentence.label,
            _stage(sentence, reading.text, link.start, link.end, link.parameter.name, link.context),
        )
    for choice in CHOICES:
        for value, start, end, kind in named(choice, reading.text):
            said = quote(sentence.text, reading, start, end)
            stage = _stage(sentence, reading.text, start, end, choice.name, None)
            context = _both(scopes.leading(reading.text, start), scopes.aside(sentence.titles, reading.text))
            yield Fact(
                choice.name, value, reading.text[start:end], said, sentence.section, kind, None, context, sentence.label, stage
            )


def _context(sentence: Sentence, text: str, link: Link) -> str | None:
    """What a value holds for: what is said right at it, else what its clause opens with; and whether an ablation says it."""
    own = link.context
    lead = None if own and re.search(r"\b(?:for|on|in|during|when|with)\b", own) else scopes.leading(text, link.start)
    return _both(_both(own, lead), scopes.aside(sentence.titles, text))


def _stage(sentence: Sentence, text: str, start: int, end: int, name: str, context: str | None) -> str | None:
    """The stage of training, from the nearest words that tell it."""
    return (
        stages.of_phrase(context, name)
        or stages.in_sentence(text, start, end, name)
        or stages.of_title(sentence.titles, name)
        or sentence.said
    )


def as_value(link: Link) -> float | int | str | None:
    """The value of a link as a number where it is one."""
    return _number(link.value) if isinstance(link.value, float) else link.value


def _number(value: float) -> float | int:
    return int(value) if value == int(value) else float(numbers.canonical(value))


def _written(original: str, reading: Plain, link: Link) -> str:
    text = original[reading.origin[link.start] : reading.origin[link.end]].strip(" $")
    if text.count("{") > text.count("}") and text.startswith("{"):
        text = text[1:]
    return (text[:-1] if text.count("}") > text.count("{") and text.endswith("}") else text) or link.text


def quote(original: str, reading: Plain, start: int, end: int) -> str:
    """The sentence, or what stands around the value in a long one."""
    if len(original) <= QUOTE:
        return clean(original)
    first, last = reading.origin[start], reading.origin[min(end, len(reading.origin) - 1)]
    left = max(first - QUOTE // 2, 0)
    right = min(max(last + QUOTE // 3, left + QUOTE), len(original))
    left = original.find(" ", left, first) + 1 if left else 0
    cut = original.rfind(" ", last, right)
    right = cut if cut > last and right < len(original) else right
    return "…" * (left > 0) + clean(original[left:right]) + "…" * (right < len(original))


def _both(first: str | None, second: str | None) -> str | None:
    return ", ".join(part for part in (first, second) if part) or None
