"""Lists that pair off: names with values (`A and B are 1 and 2`), values with what they hold for (`1 and 2 for SFT and DPO`)."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ml_intern_helpers.papers.recipe import numbers
from ml_intern_helpers.papers.recipe.gaps import first
from ml_intern_helpers.papers.recipe.mentions import Mention
from ml_intern_helpers.papers.recipe.numbers import Number
from ml_intern_helpers.papers.recipe.values import Link, following, link

_UNIT = re.compile(r"\s+(?:epochs?|steps?|tokens?|sequences?|samples?)\b")
_ITEM = r"[\w.+/-]+(?: [\w.+/-]+){0,2}"
#: `for the 1.3B, 6B and 175B models`
_SCOPES = (
    rf"(?:for|of|on|in|during|with) (?:the |our )?(?P<items>{_ITEM}(?:, {_ITEM}){{0,6}},? and (?:the"
    rf" )?{_ITEM}?)(?P<kind> models?| stages?| settings?| tasks?)?"
)
_BEFORE = re.compile(
    rf"(?:['’]s|s)?\s+{_SCOPES}\s+(?:is|are|was|were)(?: (?:set|fixed|chosen))?(?: (?:to|at|as))?\s+", re.IGNORECASE
)
_AFTER = re.compile(
    rf"(?: (?:is|are|was|were)? ?(?:used|set|chosen))?,?\s+{_SCOPES}(?=\s*(?:,\s*)?respectively|\s*[.;]|$)", re.IGNORECASE
)
#: Values of one list, at most.
_LONGEST = 8


def pairs(text: str, run: list[Mention], found: list[Mention]) -> list[Link]:
    """`A, B and C are 1, 2 and 3`: as many values as names, each fitting its name; else nothing."""
    if len(run) < 2:
        return []
    number = _first(text, run[-1], found)
    values = _listed(text, number, len(run)) if number else []
    if len(values) != len(run) or not _accepted(run, values):
        return []
    return [link(text, each.parameter, number, each.text) for each, number in zip(run, values, strict=True)]


def _first(text: str, mention: Mention, found: list[Mention]) -> Number | None:
    """The number that the list of values starts with."""
    start = first(text, mention, found)
    if start:
        return start[0]
    gap = re.compile(r"\s+(?:(?:is|are|was|were|set|fixed|to|as|at|be)\s+)+").match(text, mention.end)
    return numbers.at(text, gap.end()) if gap else None


def scoped(text: str, mention: Mention, start: Number | None) -> list[Link]:
    """The values of one name that are paired off with what they hold for; nothing where the lists differ in length."""
    if mention.parameter.counted:
        return []
    match = _BEFORE.match(text, mention.end)
    number = numbers.at(text, match.end()) if match else None
    if match and number:
        return _each(text, mention, _listed(text, number, _LONGEST), match)
    values = _listed(text, start, _LONGEST) if start else []
    after = _AFTER.match(text, values[-1].end) if len(values) > 1 else None
    return _each(text, mention, values, after) if after else []


def _each(text: str, mention: Mention, values: Sequence[Number], scopes: re.Match[str]) -> list[Link]:
    items = [each.strip() for each in re.split(r",\s*(?:and\s+)?(?:the )?|\s+and\s+(?:the )?", scopes["items"]) if each.strip()]
    if len(items) != len(values) or len(items) < 2 or not _accepted([mention] * len(values), values):
        return []
    kind = scopes["kind"] or ""
    return [
        link(text, mention.parameter, number, mention.text, f"for {item}{kind.rstrip('s')}")
        for item, number in zip(items, values, strict=True)
    ]


def _listed(text: str, number: Number, most: int) -> list[Number]:
    """The numbers of the list that starts with `number`, at most so many."""
    values = [number]
    while len(values) < most:
        after = following(text, values[-1].end + _unit_length(text, values[-1].end))
        if after is None:
            break
        values.append(after)
    return values


def _accepted(run: Sequence[Mention], values: Sequence[Number]) -> bool:
    return all(each.parameter.accepts(number.value, number.suffix) for each, number in zip(run, values, strict=True))


def _unit_length(text: str, position: int) -> int:
    match = _UNIT.match(text, position)
    return len(match[0]) if match else 0
