"""Which number of a sentence is the value of which name. A link needs nothing but filler between the two: else none is made.

The rules are narrow on purpose: a value that is missed is "not stated", and the reader looks; a wrong one costs a training run.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ml_intern_helpers.papers.recipe import numbers
from ml_intern_helpers.papers.recipe.facts import Kind
from ml_intern_helpers.papers.recipe.mentions import Mention, applies, groups, mentions
from ml_intern_helpers.papers.recipe.numbers import Number
from ml_intern_helpers.papers.recipe.parameters import PARAMETERS, Parameter

#: Words that say nothing between a name and its value.
_FILLER = re.compile(
    r"(?:[\s:=≈~→(\[{]|,(?=\s(?:which|i\.e|namely|set|fixed|tuned|selected|chosen|we|always|kept))|,(?=\s*[\d.]+e-)"
    r"|\b(?:of|is|are|was|were|be|been|being|has|have|to|at|as|a|an|the|set|fixed|kept|held|chosen|tuned|selected"
    r"|picked|searched|swept|value|values"
    r"|constant|initial|peak|maximum|max|minimum|base|default|defaults|equal|equals|from|in|among|between|over"
    r"|range|ranging|around|about|approximately"
    r"|roughly|we|use|used|using|employ|adopt|namely|i\.e\.?|either|always|all|per|starting|starts|grid|candidate"
    r"|possible|both|only|it|which"
    r"|amounts|corresponds|up|at most|by default|as follows|with an?(?= (?:peak|max|initial|value|default))|varied"
    r"|linear|cosine|small|large|low|high"
    r"|lower|higher|extended|limited|restricted|capped|bounded|larger|smaller|fairly|relatively|sweep|search"
    r"|choose|choosing|set(?:ting)?|uniformly|were|across|train(?:ing)?|throughout)\b"
    r"|\([^()\d]{1,25}\)|,\s*[ηβαλτG]\s*,|(?<=[\s(])[ηβαλτTGrKNB](?=\s*[=:)≈ ])|[ηβαλτ]|\b[rTGB]\b(?=\s*=))*"
)
#: A name may be followed by what it holds for: `learning rate for the policy model is 1e-6`.
_SCOPE = re.compile(
    r"\s*(?P<scope>(?:for|of|in|during|on|used (?:for|in))\s+(?:[\w./+-]+\s+){1,6}?)(?=(?:is|was"
    r"|are|were|to|at|of|as|set)\b|[=:])"
)
_FINAL = re.compile(
    r"\s*(?:is |was |then |gradually |linearly |and |which |with (?:a )?cosine |cosine )*(?:decay|anneal|reduc"
    r"|drop|lower|decreas)\w*(?: \w+){0,3}? to\s*"
)
_PEAK = re.compile(
    r"\s*(?:is |was |then |gradually |linearly )*(?:warm\w*(?:[ -]up)?|increas\w+|ramp\w*(?: up)?"
    r"|ris\w+)(?: [\w,]+){0,8}? to (?:a |the |its )?(?:peak |max\w* )?(?:value )?(?:of )?\s*"
)
_FROM = re.compile(
    r"\s*(?:is |was |then |gradually |linearly |and )*(?:decay|anneal|reduc|decreas" r"|increas)\w*(?: \w+){0,2} from\s*"
)
_WARMING = re.compile(
    r"^\s*(?:(?:the|our) (?:learning[\s-]rate|lr)\b\s*)?(?:lasts?|takes?|covers?|spans?|is done|is applied"
    r"|applied)?\s*(?:linearly )?(?:for|over|during|of|in|on|within)?\s*(?:the )?(?:first|initial)?(?=\s)"
)
_DECAYING = re.compile(r"(?:decay|anneal|reduc|drop|lower|decreas)\w*\s+(?:the |our |its |this )?$", re.IGNORECASE)
_COUNTED_GAP = re.compile(
    r"\s*(?:\([^()\d]*\)\s*)?(?:[:=]|(?:is|was|are|were)(?: (?:set|fixed|chosen"
    r"|kept))?(?: (?:to|at|as|from|among))?(?: be)?|of|set to|to)?[\s({\[]*"
)
_BACK = re.compile(
    r"\s*-?\s*(?:(?:as|for) (?:the |our |a |an |its )?)?(?:(?:peak|initial|max(?:imum)?|constant|base|fixed|global"
    r"|total|effective|default|linear|cosine|overall|final)\s+)*"
)
#: Words that make a number a count of something else, unless the parameter counts in them.
_FOREIGN = re.compile(
    r"[\s-]*(?P<unit>(?:(?:training|gradient|optimization|update|update|optimizer) )?(?:epochs?|steps?|iterations?"
    r"|updates?|gpus?|tpus?|tokens?|samples?|examples?|sequences?|prompts?"
    r"|roll-?outs?|responses?|completions?|generations?|layers?|heads?|seeds?|runs?|days?|hours?|minutes?|times"
    r"|parameters?|nodes?|devices?|a100s?|h100s?|v100s?"
    r"|tasks?|datasets?|models?|questions?|problems?|words?|points?|percent|random|different|of the|pairs?|images?"
    r"|instances?|queries|cores?|workers?|trajectories|word ?pieces?"
    r"|more|fewer|out of|per|subwords?|warm\w*|x)\b|(?P<sign>%|×))",
    re.IGNORECASE,
)
_NEXT = re.compile(
    r"\s*(?:,\s*(?:and |or |then )?|;\s*|/\s*|\band\b\s*|\bor\b\s*|(?P<range>\bto\b\s*|-{1,2}\s*"
    r"|\.\.\.\s*)|\s)(?:then )?(?:\.\.\.,\s*)?",
    re.IGNORECASE,
)
_PHRASE = re.compile(
    r"\s*\(?\s*(?P<what>(?:for|on|in|during|when|with)\s+[^,;()]{2,60}?)\s*\)?(?=\s*(?:,|;" r"|\band\b|\bor\b|\.?\s*$|\.\s))",
    re.IGNORECASE,
)
_SEARCH = re.compile(
    r"\b(?:search\w*|sweep\w*|swept|grid|tun(?:e|ed|ing)|among|candidates?|select(?:ed)? from|chosen from|choose"
    r"|picked from|tr(?:y|ied)|explor\w+|var(?:y|ied|ying)|ablat\w+|compar\w+|experiment(?:ed)? with|range of)\b",
    re.IGNORECASE,
)
_COUNT_NOT = re.compile(
    r"(?:\b(?:every|each|after|per|first|last|final|than|within|patience(?: of)?|warm\w*(?:[ -]up)?(?: (?:over|for"
    r"|of|in|during))?(?: the)?(?: first)?|another|save\w*|evaluat\w+(?: \w+){0,2}|at|until|accumulat\w*(?: over)?"
    r"|inference|denois\w+|nearly)|≥|>|<)\s*(?:the |about |around )?$",
    re.IGNORECASE,
)
#: "warm up … for 500 steps": the steps are the warm-up's.
_WARM_UP_OF = re.compile(r"\bwarm(?:(?!train|run|optimi|updat)[^,;])*$", re.IGNORECASE)
_STOP_AFTER = re.compile(r"\b(?:stop|end|finish|complet|converg)\w*(?: \w+){0,2} after (?:the |about |around )?$", re.IGNORECASE)
_COSTS = re.compile(r"\s*(?:takes?|took|requires?|costs?|lasts?|later|earlier|ago)\b", re.IGNORECASE)

#: The name that may stand between another one and its value: "warm up the learning rate for 500 steps".
_PASSED = {"warmup": "learning_rate", "learning_rate": "warmup"}


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


def links(text: str, near: str = "") -> list[Link]:
    """The values that a plain sentence states. `near` is the text around it, which may say what `rank` or `r` is."""
    found = mentions(text, near or text)
    taken = list(_direct(text, near or text))
    for run in groups(text, found):
        taken += _respectively(text, run, found) or _one_by_one(text, run, found, taken)
    return [link for link in _unique(taken) if link.parameter.reported]


def _unique(found: list[Link]) -> list[Link]:
    seen: dict[tuple[str, object, int], Link] = {}
    for link in found:
        seen.setdefault((link.parameter.name, link.value, link.start), link)
    return sorted(seen.values(), key=lambda link: link.start)


def _direct(text: str, near: str) -> Iterator[Link]:
    """Phrases that hold their value."""
    for parameter in PARAMETERS:
        for pattern in parameter.direct if applies(parameter, text, near) else ():
            for match in pattern.finditer(text):
                yield from _direct_link(text, parameter, match)


def _direct_link(text: str, parameter: Parameter, match: re.Match[str]) -> Iterator[Link]:
    start = match.start("n") + (2 if match["n"].lower().startswith("a single") else 0)
    number = numbers.at(text, start) or _glued(match, start)
    if number is None or not parameter.accepts(number.value, number.suffix):
        return
    if parameter.counted and _WARM_UP_OF.search(text, 0, match.start()):
        return
    yield _link(text, parameter, number, match[0])


def _glued(match: re.Match[str], start: int) -> Number | None:
    """A number that a hyphen ties to its noun (`3-epoch`, `rank-16`), which counts as part of a word elsewhere."""
    digits = match["n"].replace(",", "").rstrip(". ")
    if not re.fullmatch(r"\d+(?:\.\d+)?", digits):
        return None
    return Number(start, start + len(digits), float(digits), digits)


def _respectively(text: str, run: list[Mention], found: list[Mention]) -> list[Link]:
    """`A, B and C are 1, 2 and 3`: as many values as names, each fitting its name; else nothing."""
    if len(run) < 2:
        return []
    first = _first(text, run[-1], found)
    if first is None:
        return []
    values = [first[0]]
    while len(values) < len(run):
        following = _following(text, values[-1].end + _unit_length(text, values[-1].end))
        if following is None:
            return []
        values.append(following)
    pairs = list(zip(run, values, strict=True))
    if not all(each.parameter.accepts(number.value, number.suffix) for each, number in pairs):
        return []
    return [_link(text, each.parameter, number, each.text) for each, number in pairs]


def _unit_length(text: str, position: int) -> int:
    match = re.compile(r"\s+(?:epochs?|steps?|tokens?|sequences?|samples?)\b").match(text, position)
    return len(match[0]) if match else 0


def _following(text: str, position: int) -> Number | None:
    match = _NEXT.match(text, position)
    return numbers.at(text, match.end()) if match else None


def _one_by_one(text: str, run: list[Mention], found: list[Mention], taken: list[Link]) -> list[Link]:
    made: list[Link] = []
    for each in run:
        for way in (_backward, _forward) if each.parameter.counted else (_none, _forward, _backward):
            got = way(text, each, found, [*taken, *made])
            if got:
                made += got
                break
    return made


def _none(text: str, mention: Mention, found: list[Mention], taken: list[Link]) -> list[Link]:
    """`no warm-up`, `without weight decay`, `do not use a KL penalty`."""
    before = text[max(mention.start - 40, 0) : mention.start]
    said = re.search(
        r"\b(?:no|without|(?:do|did|does) not (?:use|apply|employ|include|add)|don't use|(?:omit|remov|drop"
        r"|disabl)\w*)\s+(?:(?:any|the|a|an|learning[- ]rate|linear|lr)\s+)*$",
        before,
        re.IGNORECASE,
    )
    if said is None or re.search(r"\b(?:with(?: and|/) ?$|with or $)", before[: said.start()]):
        return []
    start = mention.start - (len(before) - said.start())
    return [Link(mention.parameter, None, text[start : mention.end], start, mention.end, "none")]


def _forward(text: str, mention: Mention, found: list[Mention], taken: list[Link]) -> list[Link]:
    first = _first(text, mention, found)
    if first is None or any(link.start <= first[0].start < link.end for link in taken):
        return []
    number, context = first
    if not mention.parameter.accepts(number.value, number.suffix) or _is_foreign(text, number, mention, found):
        return []
    return _series(text, mention, number, context, found)


def _first(text: str, mention: Mention, found: list[Mention]) -> tuple[Number, str | None] | None:
    """The first number that only filler parts from the name, and what stands between that matters."""
    passed = _PASSED.get(mention.parameter.name)
    limit = min((each.start for each in found if each.start >= mention.end and each.parameter.name != passed), default=len(text))
    for number in numbers.numbers(text):
        if number.start < mention.end:
            continue
        if number.start > max(limit, mention.end) or number.start - mention.end > 120:
            return None
        context = _gap(text, mention, number)
        if context is not None:
            return number, context or None
    return None


def _gap(text: str, mention: Mention, number: Number) -> str | None:
    """What the text between name and number says of the value; "" for nothing, None when it parts them."""
    gap = text[mention.end : number.start]
    if mention.parameter.counted:
        plural = mention.text.lower().endswith("s") or re.match(r"\s*[:=]", gap)
        return "" if plural and _COUNTED_GAP.fullmatch(gap) and gap.strip() else None
    if mention.parameter.name == "warmup":
        gap = _WARMING.sub("", gap)
    if _DECAYING.search(text, 0, mention.start) and re.fullmatch(r"\s*(?:linearly )?(?:down )?to\s*", gap):
        return "final"
    for pattern, context in ((_FILLER, ""), (_FROM, ""), (_FINAL, "final"), (_PEAK, "peak")):
        if pattern.fullmatch(gap):
            return context
    scope = _SCOPE.match(gap)
    if scope and _FILLER.fullmatch(gap, scope.end()):
        return scope["scope"].strip()
    return None


def _is_foreign(text: str, number: Number, mention: Mention, found: list[Mention]) -> bool:
    """Whether the number counts something else, or is the value of a name that follows it."""
    after = _FOREIGN.match(text, number.end)
    units = mention.parameter.units
    if after and not (units and re.match(rf"(?:{units})\b", after["unit"] or "", re.IGNORECASE)):
        return True
    gap = re.compile(r"\s*-?\s*(?:(?:peak|initial|sampling|lora|linear) )*", re.IGNORECASE).match(text, number.end)
    position = gap.end() if gap else number.end
    return any(each.start in (position, number.end + 1) for each in found if each is not mention)


def _series(text: str, mention: Mention, number: Number, context: str | None, found: list[Mention]) -> list[Link]:
    """The value and those that follow it in the same list: `1e-5 for SFT and 5e-7 for DPO`."""
    made = [_link(text, mention.parameter, number, mention.text, context)]
    spans_range = False
    while len(made) < 12:
        position, phrase = _phrase(text, made[-1])
        made[-1] = _with(made[-1], context=_joined(made[-1].context, phrase))
        match = _NEXT.match(text, position)
        following = numbers.at(text, match.end()) if match else None
        if match is None or following is None or (not match[0].strip() and not phrase):
            break
        if not mention.parameter.accepts(following.value, following.suffix) or _is_foreign(text, following, mention, found):
            break
        spans_range = spans_range or bool(match["range"])
        made.append(_link(text, mention.parameter, following, mention.text))
    return _judged(text, mention, made, spans_range)


def _judged(text: str, mention: Mention, made: list[Link], spans_range: bool) -> list[Link]:
    """Several values are a search, the ends of a range, the ends of a decay, or simply several."""
    if len(made) < 2:
        return made
    around = text[max(mention.start - 60, 0) : made[0].start] + text[made[-1].end : made[-1].end + 40]
    if spans_range and len(made) == 2:
        if re.search(r"decay|anneal|decreas|reduc|from", around, re.IGNORECASE) and mention.parameter.name == "learning_rate":
            return [_with(made[0], context="start"), _with(made[1], context="end")]
        return [_with(link, kind="range") for link in made]
    searched = bool(_SEARCH.search(around)) or "{" in text[mention.end : made[0].start]
    return [_with(link, kind="searched") for link in made] if searched else made


def _phrase(text: str, link: Link) -> tuple[int, str | None]:
    """Where the text goes on after a value, and the words that say what it holds for."""
    match = _PHRASE.match(text, link.end)
    if match is None or any(number.suffix != "b" for number in numbers.numbers(match["what"])):
        return link.end, None
    if len(match["what"].split()) > 8:
        return link.end, None
    return match.end(), match["what"].strip()


def _backward(text: str, mention: Mention, found: list[Mention], taken: list[Link]) -> list[Link]:
    """`a 1e-5 learning rate`, `3 epochs`, `0.1 as the weight decay`."""
    before = [number for number in numbers.numbers(text[: mention.start]) if number.end <= mention.start]
    if not before or not _BACK.fullmatch(text, before[-1].end, mention.start):
        return []
    number = before[-1]
    blocked = any(link.start <= number.start < link.end for link in taken)
    if blocked or not mention.parameter.accepts(number.value, number.suffix):
        return []
    if mention.parameter.counted and not _counts(text, number, mention):
        return []
    made = _link(text, mention.parameter, number, mention.text)
    return [] if mention.parameter.name == "warmup" and made.unit is None else [made]  # "3 warm-up strategies"


def _counts(text: str, number: Number, mention: Mention) -> bool:
    """Whether `3 epochs` says how long training lasts: not `every 3 epochs`, not `after 3 epochs`."""
    if _STOP_AFTER.search(text, 0, number.start):
        return True
    return not _COUNT_NOT.search(text, 0, number.start) and not _COSTS.match(text, mention.end)


def _link(text: str, parameter: Parameter, number: Number, named: str, context: str | None = None) -> Link:
    unit, value = _unit(text, parameter, number, named)
    product = re.compile(r"\s*[×x]\s*\d[\d,.]*").match(text, number.end)
    if product and parameter.whole:  # 8 x 16: which factor is meant is not ours to decide
        return Link(
            parameter,
            text[number.start : product.end()],
            text[number.start : product.end()],
            number.start,
            product.end(),
            unit=unit,
        )
    return Link(
        parameter, value, number.text, number.start, number.end, unit=unit, context=_joined(_named(named, parameter), context)
    )


def _unit(text: str, parameter: Parameter, number: Number, named: str) -> tuple[str | None, float | str]:
    """The unit and the value in it."""
    after = _FOREIGN.match(text, number.end)
    word = re.sub(r".* ", "", (after["unit"] or "").lower()).rstrip("s") if after else ""
    if number.suffix == "%":
        return "ratio", number.value / 100
    if number.suffix == "k" and parameter.name == "max_length":  # 4k is 4,000 or 4,096: not ours to decide
        return "tokens", number.text
    if parameter.name == "warmup":
        return _warmup_unit(number, word, named), number.value
    fixed = {"max_length": "tokens", "batch_size": {"token": "tokens", "prompt": "prompts", "question": "prompts"}.get(word)}
    return fixed.get(parameter.name), number.value


def _warmup_unit(number: Number, word: str, named: str) -> str | None:
    if word in ("step", "iteration", "update", "epoch"):
        return "epochs" if word == "epoch" else "steps"
    if number.value < 1:
        return "steps" if number.value == 0 and "step" in named else "ratio"
    return "steps" if re.search(r"step|iteration", named, re.IGNORECASE) else "epochs" if "epoch" in named else None


_QUALIFIERS = re.compile(
    r"global|total|effective|overall|mini|micro|per[\s_-](?:device|gpu|worker|core)|rollout|update|eval\w*|policy"
    r"|actor|prompt|response|completion|input|output"
    r"|generation|sampling|inference|test|training|train|decoding|peak|init\w*",
    re.IGNORECASE,
)


def _named(named: str, parameter: Parameter) -> str | None:
    """What the name itself says of the value: `global`, `per-device`, `prompt`."""
    if parameter.name not in ("batch_size", "max_length", "temperature"):
        return None
    return " ".join(dict.fromkeys(match.lower() for match in _QUALIFIERS.findall(named))) or None


def _joined(*parts: str | None) -> str | None:
    return ", ".join(dict.fromkeys(part for part in parts if part)) or None


def _with(link: Link, *, kind: Kind | None = None, context: str | None = None) -> Link:
    from dataclasses import replace

    return replace(link, kind=kind or link.kind, context=context if context is not None else link.context)
