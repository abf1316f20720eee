"""A value as it is stated: its unit, what it holds for, whether it is used or was one of several that were tried."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from ml_intern_helpers.papers.recipe import numbers
from ml_intern_helpers.papers.recipe.facts import Kind
from ml_intern_helpers.papers.recipe.gaps import FOREIGN, is_foreign
from ml_intern_helpers.papers.recipe.mentions import Mention
from ml_intern_helpers.papers.recipe.numbers import Number
from ml_intern_helpers.papers.recipe.parameters import Parameter

_NEXT = re.compile(
    r"\s*(?:,\s*(?:and |or |then )?|;\s*|/\s*|\band\b\s*|\bor\b\s*|(?P<range>\bto\b\s*|-{1,2}\s*"
    r"|\.\.\.\s*)|\s)(?:then )?(?:\.\.\.,\s*)?",
    re.IGNORECASE,
)
#: `small, medium, and large T5 models`, `33B and 65B models`, `iterations 0 and 1`; never the next value of the list.
_ITEM = (
    r"(?!\d[\d.]*(?:e-?\d+|%)?(?:\s+(?:for|on|in|during|when|with)\b|\s*$|,))[\w.+/-]+(?: (?!(?:for|and|in|on"
    r"|as|while|following|using|is|are|was|were|we|which|with|since)\b)[\w.+/-]+){0,2}"
)
_ITEMS = (
    rf"(?:iterations?|stages?|rounds?|phases?) \d+(?:(?:, | and )\d+)*\b|(?:the |our |all )?{_ITEM}(?:,"
    rf" {_ITEM}){{0,4}},? and (?:the )?{_ITEM}"
)
_PHRASE = re.compile(
    rf"\s*\(?\s*(?P<what>(?:for|on|in|during|when|with)\s+(?:{_ITEMS}|[^,;()]{{2,60}}?))\s*\)?(?=\s*(?:,|;|\band\b|\bor\b|\.?\s*$"
    r"|\.\s|\b(?:following|while|as|using|is|are|was|were|since|because)\b))",
    re.IGNORECASE,
)
#: The number of a name: `Llama 3`, `GPT-2`, `TL;DR 7`.
_NAMED = re.compile(r"\b[A-Z]\w*[ -]\d[\w.]*|\b(?:iterations?|stages?|rounds?|phases?|epochs?) \d+(?:(?:, | and )\d+)*")
_SEARCH = re.compile(
    r"\b(?:search\w*|sweep\w*|swept|grid|tun(?:e|ed|ing)|among|candidates?|select(?:ed)? from|chosen from|choose"
    r"|picked from|tr(?:y|ied)|explor\w+|var(?:y|ied|ying)|ablat\w+|compar\w+|experiment(?:ed)? with|range of)\b",
    re.IGNORECASE,
)
_QUALIFIERS = re.compile(
    r"global|total|effective|overall|mini|micro|per[\s_-](?:device|gpu|worker|core)|rollout|update|eval\w*|policy"
    r"|actor|prompt|response|completion|input|output"
    r"|generation|sampling|inference|valid\w*|test|training|train|decoding|peak|init\w*",
    re.IGNORECASE,
)
_PRODUCT = re.compile(r"\s*[×x]\s*\d[\d,.]*")
_PER_DEVICE = re.compile(r"\s*(?:\w+\s)?(per[\s-](?:gpu|device|card|worker|core|node|tpu|accelerator))\b", re.IGNORECASE)
#: What a batch is counted in, where it matters: sequences and samples are the rule.
_BATCH_UNITS = {
    "token": "tokens",
    "prompt": "prompts",
    "question": "prompts",
    "problem": "prompts",
    "word": "words",
    "pair": "pairs",
}
_COUNTED = re.compile(r"[\s-]*(?:(?:training|gradient|optimi[sz]ation) )?(?:steps?|epochs?|iterations?|updates)\b", re.IGNORECASE)
#: Values of one list, at most.
LONGEST = 12


@dataclass(frozen=True)
class Link:
    """A value of a parameter; `start:end` is its place in the plain sentence."""

    parameter: Parameter
    value: float | str | None
    text: str
    start: int
    end: int
    kind: Kind = "set"
    unit: str | None = None
    context: str | None = None


def series(text: str, mention: Mention, first: Number, context: str | None, found: Sequence[Mention]) -> list[Link]:
    """The value and those that follow it in the same list: `1e-5 for SFT and 5e-7 for DPO`."""
    made = [link(text, mention.parameter, first, mention.text, context)]
    spans_range = False
    while len(made) < LONGEST:
        position, phrase = phrase_after(text, made[-1])
        made[-1] = _with(made[-1], context=_joined(made[-1].context, phrase))
        match = _NEXT.match(text, position)
        number = numbers.at(text, match.end()) if match else None
        if match is None or number is None or (not match[0].strip() and not phrase):
            break
        if not mention.parameter.accepts(number.value, number.suffix) or is_foreign(text, number, mention, found):
            break
        spans_range = spans_range or bool(match["range"])
        made.append(link(text, mention.parameter, number, mention.text))
    return _judged(text, mention, made, spans_range)


def _judged(text: str, mention: Mention, made: list[Link], spans_range: bool) -> list[Link]:
    """Several values are a search, the ends of a range, the ends of a decay, or simply several."""
    if len(made) < 2:
        return made
    around = text[max(mention.start - 60, 0) : made[0].start] + text[made[-1].end : made[-1].end + 40]
    if spans_range and len(made) == 2:
        if re.search(r"decay|anneal|decreas|reduc|from", around, re.IGNORECASE) and mention.parameter.name == "learning_rate":
            return [_with(made[0], context="start"), _with(made[1], context="end")]
        return [_with(each, kind="range") for each in made]
    if len(made) == 2 and re.search(r"\bbetween\b|\bin the range\b", text[mention.end : made[0].start]):
        return [_with(each, kind="range") for each in made]
    searched = bool(_SEARCH.search(around)) or "{" in text[mention.end : made[0].start]
    return [_with(each, kind="searched") for each in made] if searched else made


def phrase_after(text: str, value: Link) -> tuple[int, str | None]:
    """Where the text goes on after a value, and the words that say what it holds for."""
    match = _PHRASE.match(text, value.end)
    if match is None or any(number.suffix != "b" for number in numbers.numbers(_NAMED.sub(" ", match["what"]))):
        return value.end, None
    if len(match["what"].split()) > 8:
        return value.end, None
    return match.end(), match["what"].strip(" .")


def with_phrase(text: str, value: Link) -> Link:
    """The value with what the words right after it, or after what it counts, say that it holds for."""
    counted = _COUNTED.match(text, value.end)
    after = replace(value, end=counted.end()) if counted else value
    return _with(value, context=_joined(value.context, phrase_after(text, after)[1]))


def following(text: str, position: int) -> Number | None:
    """The next number of a list whose last one ends at `position`."""
    match = _NEXT.match(text, position)
    return numbers.at(text, match.end()) if match else None


def link(text: str, parameter: Parameter, number: Number, named: str, context: str | None = None) -> Link:
    """The value `number` of `parameter`, which the text calls `named`."""
    unit, value = _unit(text, parameter, number, named)
    product = _PRODUCT.match(text, number.end)
    if product and parameter.whole:  # 8 x 16: which factor is meant is not ours to decide
        both = text[number.start : product.end()]
        return Link(parameter, both, both, number.start, product.end(), unit=unit)
    each = _PER_DEVICE.match(text, number.end) if parameter.name == "batch_size" else None
    said = _joined(_named(named, parameter), each[1] if each else None, context)
    return Link(parameter, value, number.text, number.start, number.end, unit=unit, context=said)


def _unit(text: str, parameter: Parameter, number: Number, named: str) -> tuple[str | None, float | str]:
    """The unit and the value in it."""
    after = FOREIGN.match(text, number.end)
    word = re.sub(r".* ", "", (after["unit"] or "").lower()).rstrip("s") if after else ""
    if number.suffix == "%":
        return "ratio", number.value / 100
    if number.suffix == "k" and parameter.name == "max_length":  # 4k is 4,000 or 4,096: not ours to decide
        return "tokens", number.text
    if parameter.name == "warmup":
        return _warmup_unit(number, word, named), number.value
    fixed = {"max_length": "tokens", "batch_size": _BATCH_UNITS.get(word)}
    return fixed.get(parameter.name), number.value


def _warmup_unit(number: Number, word: str, named: str) -> str | None:
    if word in ("step", "iteration", "update", "epoch"):
        return "epochs" if word == "epoch" else "steps"
    if number.value < 1:
        return "steps" if number.value == 0 and "step" in named else "ratio"
    return "steps" if re.search(r"step|iteration", named, re.IGNORECASE) else "epochs" if "epoch" in named else None


def _named(named: str, parameter: Parameter) -> str | None:
    """What the name itself says of the value: `global`, `per-device`, `prompt`."""
    if parameter.name not in ("batch_size", "max_length", "temperature"):
        return None
    return " ".join(dict.fromkeys(match.lower() for match in _QUALIFIERS.findall(named))) or None


def _joined(*parts: str | None) -> str | None:
    return ", ".join(dict.fromkeys(part for part in parts if part)) or None


def _with(value: Link, *, kind: Kind | None = None, context: str | None = None) -> Link:
    return replace(value, kind=kind or value.kind, context=context if context is not None else value.context)
