"""Why one paper ranks above another: five parts between 0 and 1, each of which is shown.

A part that is unknown is left out and the others carry its weight: a count that nobody could give is not a count of 0.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import TYPE_CHECKING, Any

from ml_intern_helpers.core.text import plural
from ml_intern_helpers.papers.model import age_years, citations_a_year

if TYPE_CHECKING:
    from ml_intern_helpers.papers.search.services import Hit
    from ml_intern_helpers.papers.services.hub import HubPaper, Kind

WEIGHTS = {"relevance": 0.45, "citations_per_year": 0.2, "influence": 0.1, "recency": 0.15, "artifacts": 0.1}
#: Counts at which a part is full: a paper that everybody knows.
_MANY_A_YEAR, _MANY_INFLUENTIAL = 1000, 500
_HALF_LIFE_YEARS = 2.0
#: What one can start from, and what one of it is called.
_ARTIFACTS: dict[Kind, str] = {"models": "model", "datasets": "dataset"}
#: Lists agree best at their top: place 1 counts 1, place 10 about half.
_RANK_SOFTNESS = 9


@dataclass(frozen=True)
class Score:
    """A total between 0 and 1, its parts (None: unknown), and the same in words."""

    total: float
    parts: dict[str, float | None]
    reason: str

    def to_dict(self) -> dict[str, Any]:
        return {"total": self.total, "parts": dict(self.parts), "reason": self.reason}


def score(hit: Hit, words: str, services: Collection[str], today: date) -> Score:
    """The score of one hit; `services` are those that answered."""
    paper, page = hit.paper, hit.page
    age = age_years(paper, today)
    a_year = citations_a_year(paper, today)
    influential = paper.influential_citation_count
    parts: dict[str, float | None] = {
        "relevance": _relevance(hit, words, services),
        "citations_per_year": None if a_year is None else _share(a_year, _MANY_A_YEAR),
        "influence": None if influential is None else _share(influential, _MANY_INFLUENTIAL),
        "recency": None if age is None else 0.5 ** (age / _HALF_LIFE_YEARS),
        "artifacts": _artifacts(page) if hit.page_asked or page else None,
    }
    known = {name: value for name, value in parts.items() if value is not None}
    total = sum(WEIGHTS[name] * value for name, value in known.items()) / sum(WEIGHTS[name] for name in known)
    rounded = {name: None if value is None else round(value, 3) for name, value in parts.items()}
    reasons = [", ".join(f"{name} #{rank}" for name, rank in hit.ranks.items())]
    if a_year is not None:
        reasons.append(f"{plural(round(a_year), 'citation')} a year")
    if influential:
        reasons.append(f"{influential:,} influential")
    if page is not None:
        counts = [plural(page.totals[kind] or 0, noun) for kind, noun in _ARTIFACTS.items() if page.totals[kind]]
        reasons.append(", ".join((["code"] if page.code else []) + counts))
    elif hit.page_asked:
        reasons.append("no Hub page")
    return Score(round(total, 3), rounded, "; ".join(reason for reason in reasons if reason))


def _relevance(hit: Hit, words: str, services: Collection[str]) -> float:
    """Half: how high and by how many services it was listed; half: how many of the words it holds."""
    listed = sum((1 + _RANK_SOFTNESS) / (rank + _RANK_SOFTNESS) for rank in hit.ranks.values()) / max(len(services), 1)
    sought = set(re.findall(r"\w+", words.lower()))
    if not sought:
        return min(listed, 1.0)
    title = _stems(hit.paper.title)
    anywhere = title | _stems(hit.paper.abstract or "")
    held = sum(0.6 * (_stem(word) in title) + 0.4 * (_stem(word) in anywhere) for word in sought) / len(sought)
    return 0.5 * min(listed, 1.0) + 0.5 * held


def _stems(text: str) -> set[str]:
    return {_stem(word) for word in set(re.findall(r"\w+", text.lower()))}


@cache
def _stem(word: str) -> str:
    """Plural and -ing folded, so that `models` finds `model`."""
    for ending in ("ing", "es", "s"):
        if word.endswith(ending) and len(word) - len(ending) >= 4:
            return word.removesuffix(ending).removesuffix("e")
    return word.removesuffix("e") if len(word) > 4 else word


def _artifacts(page: HubPaper | None) -> float:
    """Code, models and data: what one can start from."""
    if page is None:
        return 0.0
    return 0.4 * bool(page.code) + 0.35 * bool(page.totals["models"]) + 0.25 * bool(page.totals["datasets"])


def _share(value: float, many: float) -> float:
    return min(math.log1p(value) / math.log1p(many), 1.0)
