"""The same words to arXiv, the Hub and Semantic Scholar side by side; each may fail alone, and says so."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any

from ml_intern_helpers.core.errors import ToolError
from ml_intern_helpers.papers import arxiv, hub, query
from ml_intern_helpers.papers import semantic_scholar as s2
from ml_intern_helpers.papers.hub import HubPaper
from ml_intern_helpers.papers.model import Paper
from ml_intern_helpers.web.client import Http, Response
from ml_intern_helpers.web.services import ARXIV, HUB, SEMANTIC_SCHOLAR

#: How many papers each service is asked for: one page of each, whatever slice of the ranking is shown.
POOL = 50


@dataclass(frozen=True)
class Wanted:
    """A search.

    Attributes:
        words: plain words.
        since, until: days as ISO 8601, both inclusive, or None.
        categories: of arXiv; any of them, none for all.
        min_citations: leave out papers with fewer, and those whose count nobody knows.
    """

    words: str
    since: str | None = None
    until: str | None = None
    categories: tuple[str, ...] = ()
    min_citations: int | None = None


@dataclass(frozen=True)
class Answered:
    """What one service said.

    Attributes:
        papers: in its own order.
        pages: the Hub's paper pages by arXiv id.
        total: papers it counts in all, or None.
        error: why there is no answer, or None.
        kept_at: of the library alone: Unix time in seconds of the oldest description among its papers.
    """

    service: str
    papers: tuple[Paper, ...] = ()
    pages: dict[str, HubPaper] = field(default_factory=dict)
    total: int | None = None
    response: Response | None = None
    error: ToolError | None = None
    kept_at: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Who answered, with how much, and how old the answer is."""
        response = self.response
        when = response.fetched_at if response else self.kept_at
        return {
            "service": self.service,
            "answered": self.error is None,
            "papers": len(self.papers) if self.error is None else None,
            "total": self.total,
            "cached": response.cached if response else (None if when is None else True),
            "fetched_at": None if when is None else datetime.fromtimestamp(when, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "age_s": None if when is None else max(round(time.time() - when), 0),
            "error": self.error.message if self.error else None,
        }


def ask(http: Http, wanted: Wanted) -> list[Answered]:
    """The three answers, in a fixed order."""
    return _together(
        http,
        [
            (ARXIV.name, partial(_arxiv, http, wanted)),
            (HUB.name, partial(_hub, http, wanted.words)),
            (SEMANTIC_SCHOLAR.name, partial(_semantic_scholar, http, wanted)),
        ],
    )


def trending(http: Http) -> list[Answered]:
    """What the Hub's readers look at now."""
    return _together(http, [(HUB.name, lambda: _from_pages(hub.trending(http, POOL)))])


def _together(http: Http, asked: Sequence[tuple[str, Callable[[], Answered]]]) -> list[Answered]:
    answers = []
    for (name, _), outcome in zip(asked, http.together([call for _, call in asked]), strict=True):
        if isinstance(outcome, Exception) and not isinstance(outcome, ToolError):
            raise outcome  # a bug of ours, not a service's failure
        answers.append(Answered(name, error=outcome) if isinstance(outcome, ToolError) else outcome)
    return answers


def _arxiv(http: Http, wanted: Wanted) -> Answered:
    search_query = query.build(wanted.words, categories=wanted.categories, since=wanted.since, until=wanted.until)
    page = arxiv.search(http, search_query, start=0, max_results=POOL, sort="relevance")
    return Answered(ARXIV.name, page.feed.papers, total=page.feed.total, response=page.responses[-1])


def _hub(http: Http, words: str) -> Answered:
    return _from_pages(hub.search(http, words, POOL))


def _from_pages(found: hub.PaperList) -> Answered:
    pages = {page.paper.arxiv_id: page for page in found.pages if page.paper.arxiv_id}
    return Answered(HUB.name, tuple(page.paper for page in found.pages), pages, None, found.response)


def _semantic_scholar(http: Http, wanted: Wanted) -> Answered:
    found = s2.search(http, wanted.words, limit=POOL, since=wanted.since, until=wanted.until, min_citations=wanted.min_citations)
    return Answered(SEMANTIC_SCHOLAR.name, found.papers, {}, found.total, found.response)
