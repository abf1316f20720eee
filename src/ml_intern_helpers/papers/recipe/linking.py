"""Which number of a sentence is the value of which name. A link needs nothing but filler between the two: else none is made.

The rules are narrow on purpose: a value that is missed is "not stated", and the reader looks; a wrong one costs a training run.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from ml_intern_helpers.papers.recipe import numbers, respective
from ml_intern_helpers.papers.recipe.gaps import first, is_foreign
from ml_intern_helpers.papers.recipe.mentions import Mention, applies, groups, mentions
from ml_intern_helpers.papers.recipe.numbers import Number
from ml_intern_helpers.papers.recipe.parameters import PARAMETERS, Parameter
from ml_intern_helpers.papers.recipe.values import Link, link, series, with_phrase

__all__ = ["Link", "links"]

_BACK = re.compile(
    r"\s*-?\s*(?:(?:as|for) (?:the |our |a |an |its )?)?(?:(?:peak|initial|max(?:imum)?|constant|base|fixed|global"
    r"|total|effective|default|linear|cosine|overall|final)\s+)*"
)
_COUNT_NOT = re.compile(
    r"(?:\b(?:every|each|after|per|first|last|final|than|within|patience(?: of)?|warm\w*(?:[ -]up)?(?: (?:over|for"
    r"|of|in|during))?(?: the)?(?: first)?|another|save\w*|evaluat\w+(?: \w+){0,2}|at|until|accumulat\w*(?: over)?"
    r"|next|subsequent|inference|denois\w+|nearly|(?<!for )(?<!of )around)|≥|>|<)\s*(?:the |about |around )?$",
    re.IGNORECASE,
)
#: "warm up … for 500 steps": the steps are the warm-up's.
_WARM_UP_OF = re.compile(r"\bwarm(?:(?!train|run|optimi|updat)[^,;])*$", re.IGNORECASE)
_ACCUMULATED = re.compile(r"\baccumulat\w+ (?:\w+ ){0,3}$", re.IGNORECASE)
_STOP_AFTER = re.compile(r"\b(?:stop|end|finish|complet|converg)\w*(?: \w+){0,2} after (?:the |about |around )?$", re.IGNORECASE)
#: "at 50B tokens (1 epoch of the corpus)": how much data a run of others saw.
_EQUALS = re.compile(r"\btokens \($")
_COSTS = re.compile(r"\s*(?:takes?|took|requires?|costs?|lasts?|later|earlier|ago)\b", re.IGNORECASE)
_NOT_USED = re.compile(
    r"\b(?:no|without|(?:do|did|does) not (?:use|apply|employ|include|add)|don't use|(?:omit|remov|drop"
    r"|disabl)\w*)\s+(?:(?:any|the|a|an|learning[- ]rate|linear|lr)\s+)*$",
    re.IGNORECASE,
)
#: "10% warm-up steps": the value stands before the name, whatever follows it.
_SHARE = re.compile(r"\d\s?(?:%|percent)\s+(?:of )?$")
#: "2-3 epochs"
_SPAN = re.compile(r"\d\s?-\s?\d")
_AVERAGE = re.compile(r"\b(?:average|mean|median)(?: \w+){0,2} $", re.IGNORECASE)
_OR = re.compile(r"\bwith(?: and|/|\s?or) ?$")


def links(text: str, near: str = "") -> list[Link]:
    """The values that a plain sentence states. `near` is the text around it, which may say what `rank` or `r` is."""
    found = mentions(text, near or text)
    taken = list(_direct(text, near or text))
    for run in groups(text, found):
        taken += respective.pairs(text, run, found) or _one_by_one(text, run, found, taken)
    return [each for each in _unique(taken) if each.parameter.reported]


def _unique(found: list[Link]) -> list[Link]:
    seen: dict[tuple[str, object, int], Link] = {}
    for each in found:
        seen.setdefault((each.parameter.name, each.value, each.start), each)
    return sorted(seen.values(), key=lambda each: each.start)


def _direct(text: str, near: str) -> Iterator[Link]:
    """Phrases that hold their value."""
    for parameter in PARAMETERS:
        for pattern in parameter.direct:
            for match in pattern.finditer(text):
                if not applies(parameter, text, near):
                    break
                yield from _direct_link(text, parameter, match)


def _direct_link(text: str, parameter: Parameter, match: re.Match[str]) -> Iterator[Link]:
    start = match.start("n") + (2 if match["n"].lower().startswith("a single") else 0)
    number = numbers.at(text, start) or _glued(match, start)
    context = _point(text[match.start() : start])
    if number is None or not parameter.accepts(number.value, number.suffix):
        return
    if parameter.counted and (_WARM_UP_OF.search(text, 0, match.start()) or _ACCUMULATED.search(text[: match.start("n")])):
        return
    made = link(text, parameter, number, match[0], context if parameter.name == "learning_rate" else None)
    spans = _SPAN.search(match[0]) and parameter.name == "epochs"
    yield replace(with_phrase(text, made), kind="range") if spans else with_phrase(text, made)


def _point(words: str) -> str | None:
    """Whether the words before a rate say that the schedule starts or ends there."""
    found = re.search(
        r"\b(?:(start|begin)\w*|(?:decreas|reduc|decay|anneal|drop)\w*(?: \w+){0,2} (to)) *(?:at|from|with)? *$", words
    )
    return None if found is None else "start" if found[1] else "final"


def _glued(match: re.Match[str], start: int) -> Number | None:
    """A number that a hyphen ties to its noun (`3-epoch`, `rank-16`), which counts as part of a word elsewhere."""
    digits = match["n"].replace(",", "").rstrip(". ")
    if not re.fullmatch(r"\d+(?:\.\d+)?", digits):
        return None
    return Number(start, start + len(digits), float(digits), digits)


def _one_by_one(text: str, run: list[Mention], found: list[Mention], taken: list[Link]) -> list[Link]:
    made: list[Link] = []
    for each in run:
        if each.parameter.name == "max_length" and _AVERAGE.search(text[max(each.start - 40, 0) : each.start]):
            continue
        for way in (_backward, _forward) if each.parameter.counted else (_none, _forward, _backward):
            got = way(text, each, found, [*taken, *made])
            if got:
                made += got
                break
    return made


def _none(text: str, mention: Mention, found: list[Mention], taken: list[Link]) -> list[Link]:
    """`no warm-up`, `without weight decay`, `do not use a KL penalty`."""
    if not mention.parameter.optional:
        return []
    before = text[max(mention.start - 40, 0) : mention.start]
    said = _NOT_USED.search(before)
    if said is None or _OR.search(before[: said.start()]):  # "with or without"
        return []
    if re.search(rf"\bwith (?:the |a )?{re.escape(mention.text)}", text, re.IGNORECASE):  # a comparison
        return []
    if re.search(r"\b(?:original|prior|previous|their|other|existing) ", text[: mention.start], re.IGNORECASE):
        return []
    start = mention.start - (len(before) - said.start())
    return [Link(mention.parameter, None, text[start : mention.end], start, mention.end, "none")]


def _forward(text: str, mention: Mention, found: list[Mention], taken: list[Link]) -> list[Link]:
    if _SHARE.search(text[max(mention.start - 20, 0) : mention.start]):
        return []
    start = first(text, mention, found)
    paired = respective.scoped(text, mention, start[0] if start else None)
    if paired:
        return paired
    if start is None or _is_taken(start[0], taken):
        return []
    number, context = start
    if not mention.parameter.accepts(number.value, number.suffix) or is_foreign(text, number, mention, found):
        return []
    return series(text, mention, number, context, found)


def _is_taken(number: Number, taken: list[Link]) -> bool:
    """Whether a number is already the value of some name."""
    return any(each.start <= number.start < each.end for each in taken)


def _backward(text: str, mention: Mention, found: list[Mention], taken: list[Link]) -> list[Link]:
    """`a 1e-5 learning rate`, `3 epochs`, `0.1 as the weight decay`."""
    before = [number for number in numbers.numbers(text[: mention.start]) if number.end <= mention.start]
    if not before or not _BACK.fullmatch(text, before[-1].end, mention.start):
        return []
    number = before[-1]
    if number.text.lower() == "single" and not mention.parameter.counted:  # "zeroing a single LoRA rank"
        return []
    if _is_taken(number, taken) or not mention.parameter.accepts(number.value, number.suffix):
        return []
    if mention.parameter.counted and not _counts(text, number, mention):
        return []
    made = link(text, mention.parameter, number, mention.text)
    made = with_phrase(text, made) if mention.parameter.counted else made
    return [] if mention.parameter.name == "warmup" and made.unit is None else [made]  # "3 warm-up strategies"


def _counts(text: str, number: Number, mention: Mention) -> bool:
    """Whether `3 epochs` says how long training lasts: not `every 3 epochs`, not `after 3 epochs`."""
    if _STOP_AFTER.search(text, 0, number.start):
        return True
    if _EQUALS.search(text, 0, number.start):
        return False
    return not _COUNT_NOT.search(text, 0, number.start) and not _COSTS.match(text, mention.end)
