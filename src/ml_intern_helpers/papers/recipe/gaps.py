"""What stands between a name and a number: nothing that matters, what the value holds for, or something that parts them."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ml_intern_helpers.papers.recipe import numbers
from ml_intern_helpers.papers.recipe.filler import is_filler
from ml_intern_helpers.papers.recipe.mentions import Mention
from ml_intern_helpers.papers.recipe.numbers import Number

#: A name may be followed by what it holds for: `learning rate for the policy model is 1e-6`.
_SCOPE = re.compile(
    r"\s*(?P<scope>(?:for|of|in|at|during|on|used (?:for|in))\s+(?:(?!has\b|have\b|had\b)[\w./+-]+\s+){1,6}?)(?=(?:is|was"
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
    r"\s*(?:is |was |then |gradually |linearly |and )*(?:decay|anneal|reduc|decreas|increas)\w*(?: \w+){0,2} from\s*"
)
_WARMING = re.compile(
    r"^\s*(?:(?:the|our) (?:learning[\s-]rate|lr)\b\s*)?(?:lasts?|takes?|covers?|spans?|is done|is applied"
    r"|applied)?\s*(?:linearly )?(?:for|over|during|of|in|on|within)?\s*(?:the )?(?:first|initial)?(?=\s)"
)
_DECAYING = re.compile(r"(?:decay|anneal|reduc|drop|lower|decreas)\w*\s+(?:the |our |its |this )?$", re.IGNORECASE)
_COUNTED_GAP = re.compile(
    r"\s*(?:\([^()\d]*\)\s*)?(?:[:=]|(?:is|was|are|were)(?: (?:set|fixed|chosen"
    r"|kept))?(?: (?:to|at|as|from|among))?(?: be)?|of|set to|to|in(?=\s*[\[{(]))?[\s({\[]*"
)
#: Words that make a number a count of something else, unless the parameter counts in them.
FOREIGN = re.compile(
    r"[\s-]*(?P<unit>(?:(?:training|gradient|optimi[sz]ation|update|optimizer|max|roll-?out|policy|rl|ppo|grpo)"
    r" )?(?:epochs?|steps?|iterations?"
    r"|updates?|gpus?|tpus?|tokens?|samples?|examples?|sequences?|prompts?"
    r"|roll-?outs?|responses?|completions?|generations?|layers?|heads?|seeds?|runs?|days?|hours?|minutes?|times"
    r"|parameters?|nodes?|devices?|a100s?|h100s?|v100s?"
    r"|tasks?|datasets?|models?|questions?|problems?|words?|points?|percent|random|different|of the|pairs?|images?"
    r"|instances?|queries|cores?|workers?|trajectories|word ?pieces?"
    r"|seconds?|characters?|frames|bytes|phones|pages|sentences"
    r"|more|fewer|out of|per|subwords?|warm\w*|x)\b|(?P<sign>%|×))",
    re.IGNORECASE,
)
#: "the penalty used in (2)": the number of a formula.
_EQUATION = re.compile(r"\b(?:in|eqn?s?\.?|equations?|see|by|formula)\s*\($", re.IGNORECASE)
_ADJECTIVES = re.compile(r"\s*-?\s*(?:(?:peak|initial|sampling|lora|linear) )*", re.IGNORECASE)
#: Characters between a name and its value, at most.
FARTHEST = 120
#: The name that may stand between another one and its value: "warm up the learning rate for 500 steps".
_PASSED = {"warmup": "learning_rate", "learning_rate": "warmup"}


def first(text: str, mention: Mention, found: Sequence[Mention]) -> tuple[Number, str | None] | None:
    """The first number that only filler parts from the name, and what stands between that matters."""
    passed = _PASSED.get(mention.parameter.name)
    limit = min((each.start for each in found if each.start >= mention.end and each.parameter.name != passed), default=len(text))
    for number in numbers.numbers(text):
        if number.start < mention.end:
            continue
        if number.start > max(limit, mention.end) or number.start - mention.end > FARTHEST:
            return None
        context = _gap(text, mention, number)
        if context is not None:
            return number, context or None
    return None


def _gap(text: str, mention: Mention, number: Number) -> str | None:
    """What the text between name and number says of the value; "" for nothing, None when it parts them."""
    gap = text[mention.end : number.start]
    if mention.parameter.counted:
        return _counted(mention, gap)
    if mention.parameter.name == "warmup" and not re.search(r"\bfrom\s*$", gap):  # from 20% to 100% of the peak
        gap = _WARMING.sub("", gap)
    elif mention.parameter.name == "warmup":
        return None
    if _DECAYING.search(text, 0, mention.start) and re.fullmatch(r"\s*(?:linearly )?(?:down )?to\s*", gap):
        return "final"
    if is_filler(gap):
        return ""
    return _told(gap)


def _told(gap: str) -> str | None:
    """What words that are no filler say of the value: the end of a decay, what it holds for."""
    for pattern, context in ((_FROM, ""), (_FINAL, "final"), (_PEAK, "peak")):
        if pattern.fullmatch(gap):
            return context
    scope = _SCOPE.match(gap)
    if scope and is_filler(gap[scope.end() :]):
        return scope["scope"].strip()
    return None


def _counted(mention: Mention, gap: str) -> str | None:
    """The same for a name that follows its number (`3 epochs`): `epochs: 3`, `the maximum training epoch is set to 3`."""
    named = re.match(r"max|num|total|train", mention.text, re.IGNORECASE) and re.match(r"\s+(?:is|was)\b", gap)
    plural = mention.text.lower().endswith("s") or re.match(r"\s*[:=]", gap) or named
    return "" if plural and _COUNTED_GAP.fullmatch(gap) and gap.strip() else None


def is_foreign(text: str, number: Number, mention: Mention, found: Sequence[Mention]) -> bool:
    """Whether the number counts something else, or is the value of a name that follows it."""
    after = FOREIGN.match(text, number.end)
    units = mention.parameter.units
    if after and not (units and re.match(rf"(?:\w+ )?(?:{units})\b", after["unit"] or "", re.IGNORECASE)):
        return True
    if _EQUATION.search(text, 0, number.start) and text[number.end : number.end + 1] == ")":
        return True
    gap = _ADJECTIVES.match(text, number.end)
    position = gap.end() if gap else number.end
    others = (each for each in found if each is not mention and not _steps_of_warmup(mention, each))
    return any(each.start in (position, number.end + 1) for each in others)


def _steps_of_warmup(mention: Mention, other: Mention) -> bool:
    """`warm-up for 100 training steps`: the steps named behind the number are the warm-up's."""
    return mention.parameter.name == "warmup" and other.parameter.name == "training_steps"
