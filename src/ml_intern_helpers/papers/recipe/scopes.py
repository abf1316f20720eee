"""What a whole clause or section says its values hold for: `For our 6B model, …`, an ablation, a sweep that was only tried."""

from __future__ import annotations

import re
from collections.abc import Iterable

from ml_intern_helpers.papers.recipe.parameters import PARAMETERS

_LEAD = re.compile(
    r"(?:^|[;,.:]\s+(?:and |while |but |whereas |then )?)(?:\w+ly, |however, |again, )?[Ff]or"
    r" (?P<what>(?:[^,;:()]|;(?=\w)){2,60}?)(?:\s*\([^()]{0,60}\))?,\s"
)
#: Openings that say nothing of what a value holds for.
_EMPTY = re.compile(
    r"(?:example|instance|simplicity|brevity|clarity|completeness|reference|reproducib\w+|consistency|convenience|efficiency"
    r"|comparison|(?:a |the )?fair\w*|(?:more |further )?details|this|that|these|those|it|them|the sake|each"
    r"|every|any|all$|training$"
    r"|(?:the )?(?:hyper-?)?param\w*|optimi[sz]ation$|optimi[sz]ers?$|implementation|(?:all|our|the)"
    r" (?:experiments?|models?|methods|runs)$"
    r"|a given|the (?:rest|others?|remaining)|most)\b",
    re.IGNORECASE,
)
#: The context of values from a section that compares variants.
ASIDE = "in an ablation or analysis"
_BADLY = re.compile(
    r"\b(?:poor(?:ly)?|worse|worst|degrad\w+|diverg\w+|unstable|instabilit\w+|collaps\w+|overfit(?!ting)\w*"
    r"|sub-?optimal|fails?)\b",
    re.IGNORECASE,
)
_ASIDE = re.compile(
    r"\b(?:ablat\w+|optimal|sensitivity|effects? of|impact of|influence of"
    r"|varying|robustness|analys[ie]s|learning rate optimization"
    r"|fixing regressions|scaling laws?)\b",
    re.IGNORECASE,
)


def leading(text: str, position: int) -> str | None:
    """`for our 6B model`, where the clause of `position` opens with it."""
    found = [match for match in _LEAD.finditer(text, 0, position) if match.end() <= position]
    if not found:
        return None
    what = found[-1]["what"].strip()
    names_it = any(parameter.mention.fullmatch(what) for parameter in PARAMETERS)
    if names_it or _EMPTY.match(what) or len(what.split()) > 8:
        return None
    return f"for {what}"


def aside(titles: Iterable[str], sentence: str = "") -> str | None:
    """`in an ablation`, where a heading above says that variants are compared there, or the sentence that this one did badly."""
    return ASIDE if _BADLY.search(sentence) or any(_ASIDE.search(title) for title in titles) else None
