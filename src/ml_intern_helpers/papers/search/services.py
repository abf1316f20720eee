"""Searches arXiv, the Hub and Semantic Scholar in parallel for the same words, and merges their lists: each paper once.

Each service may fail by itself. Two papers are the same by arXiv id (in any version or style), by DOI, or by title and author.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from ml_intern_helpers.core.errors import ToolError
from ml_intern_helpers.papers.ids import parse_id
from ml_intern_helpers.papers.model import Paper, same_title
from ml_intern_helpers.papers.services import arxiv, arxiv_query, hub
from ml_intern_helpers.papers.services import semantic_scholar as s2
from ml_intern_helpers.papers.services.hub import HubPaper
from ml_intern_helpers.web.client import Http, Response
from ml_intern_helpers.web.services import ARXIV, HUB, SEMANTIC_SCHOLAR

#: Papers requested from each service, independent of the slice of the ranking that is shown.
POOL = 50
#: A title of fewer words ("Introduction", "Adapters") may be shared by unrelated papers.
_MIN_TITLE_WORDS = 4


@dataclass(frozen=True)
class SearchOptions:
    """A search.

    Attributes:
        words: plain words.
        since, until: days as ISO 8601, both inclusive, or None.
        categories: arXiv categories, of which a paper needs any one; none for all.
        min_citations: leave out papers with fewer citations or an unknown count.
    """

    words: str
    since: str | None = None
    until: str | None = None
    categories: tuple[str, ...] = ()
    min_citations: int | None = None


@dataclass(frozen=True)
class ServiceAnswer:
    """The answer of one service, or of the library.

    Attributes:
        papers: the papers in its own order.
        pages: the Hub's paper pages by arXiv id.
        total: the number of matching papers, or None.
        error: why there is no answer, or None.
        kept_at: set for the library only: Unix time in seconds of the oldest description among its papers.
    """

    service: str
    papers: tuple[Paper, ...] = ()
    pages: dict[str, HubPaper] = field(default_factory=dict)
    total: int | None = None
    response: Response | None = None
    error: ToolError | None = None
    kept_at: float | None = None

    def to_dict(self) -> dict[str, Any]:
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


@dataclass
class Hit:
    """One paper and the services that found it.

    Attributes:
        ranks: service -> place in its list, from 1.
        page: the Hub's paper page, None when there is none or it was not requested.
        page_asked: whether it was requested.
    """

    paper: Paper
    ranks: dict[str, int] = field(default_factory=dict)
    page: HubPaper | None = None
    page_asked: bool = False


def ask(http: Http, options: SearchOptions) -> list[ServiceAnswer]:
    """The three answers, in a fixed order."""
    words, since, until = options.words, options.since, options.until

    def from_arxiv() -> ServiceAnswer:
        query = arxiv_query.build(words, categories=options.categories, since=since, until=until)
        page = arxiv.search(http, query, start=0, max_results=POOL, sort="relevance")
        return ServiceAnswer(ARXIV.name, page.feed.papers, total=page.feed.total, response=page.responses[-1])

    def from_semantic_scholar() -> ServiceAnswer:
        found = s2.search(http, words, limit=POOL, since=since, until=until, min_citations=options.min_citations)
        return ServiceAnswer(SEMANTIC_SCHOLAR.name, found.papers, {}, found.total, found.response)

    calls = [from_arxiv, lambda: _from_pages(hub.search(http, words, POOL)), from_semantic_scholar]
    return _together(http, list(zip((ARXIV.name, HUB.name, SEMANTIC_SCHOLAR.name), calls, strict=True)))


def trending(http: Http) -> list[ServiceAnswer]:
    """The Hub's trending papers."""
    return _together(http, [(HUB.name, lambda: _from_pages(hub.trending(http, POOL)))])


def _together(http: Http, calls: Sequence[tuple[str, Callable[[], ServiceAnswer]]]) -> list[ServiceAnswer]:
    answers = []
    for (name, _), outcome in zip(calls, http.together([call for _, call in calls]), strict=True):
        if isinstance(outcome, Exception) and not isinstance(outcome, ToolError):
            raise outcome  # a bug in this program, not a failure of the service
        answers.append(ServiceAnswer(name, error=outcome) if isinstance(outcome, ToolError) else outcome)
    return answers


def _from_pages(found: hub.PaperList) -> ServiceAnswer:
    pages = {page.paper.arxiv_id: page for page in found.pages if page.paper.arxiv_id}
    return ServiceAnswer(HUB.name, tuple(page.paper for page in found.pages), pages, None, found.response)


def merged(answers: Sequence[ServiceAnswer]) -> list[Hit]:
    """Every paper of every answer, once; the first service that describes it takes precedence, the others fill gaps."""
    hits: list[Hit] = []
    known: dict[str, Hit] = {}
    for answer in answers:
        for rank, paper in enumerate(answer.papers, start=1):
            names = _names(paper)
            hit = next((known[name] for name in names if name in known and _can_be_same(known[name].paper, paper)), None)
            if hit is None:
                hit = Hit(paper)
                hits.append(hit)
            else:
                hit.paper = hit.paper.filled(paper)
            hit.ranks.setdefault(answer.service, rank)
            page = answer.pages.get(hit.paper.arxiv_id or "")
            if page:
                hit.page, hit.page_asked = page, True
            for name in [*names, *_names(hit.paper)]:
                known.setdefault(name, hit)
    return hits


def _names(paper: Paper) -> list[str]:
    """The keys that identify a paper, the most reliable first."""
    names = []
    from_doi = parse_id(paper.doi) if paper.doi else None
    arxiv_id = paper.arxiv_id or (from_doi.base if from_doi else None)
    if arxiv_id:
        names.append(f"arxiv:{arxiv_id}")
    if paper.doi and not from_doi:
        names.append(f"doi:{paper.doi.lower()}")
    title = same_title(paper.title)
    if len(title.split()) >= _MIN_TITLE_WORDS and paper.authors:
        authors = [same_title(name) for name in paper.authors[:3]]
        names += [f"title:{title}|{surname}" for surname in sorted({author.split()[-1] for author in authors if author})]
    return names


def _can_be_same(paper: Paper, other: Paper) -> bool:
    """Whether two papers with a common key can be the same: not with two arXiv ids, nor with years far apart."""
    if paper.arxiv_id and other.arxiv_id:
        return paper.arxiv_id == other.arxiv_id
    return paper.year is None or other.year is None or abs(paper.year - other.year) <= 2
