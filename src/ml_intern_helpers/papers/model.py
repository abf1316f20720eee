"""Defines papers, citations between them, and the list of sources that a report names."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from datetime import date
from typing import TYPE_CHECKING, Any

from ml_intern_helpers.core.text import shorten

if TYPE_CHECKING:
    from ml_intern_helpers.web.client import Response

# arXiv has no flag for a withdrawn paper: its authors say so in the comment or in place of the abstract.
_WITHDRAWN = re.compile(
    r"^\W*withdrawn\b"
    r"|\b(?:this|the)\s+(?:\w+\s+)?(?:paper|article|submission|manuscript|preprint|work|version|report|note)\s+"
    r"(?:(?:has|have)\s+been|is|was|is\s+being)\s+(?:\w+\s+)?(?:withdrawn|retracted|removed\s+by\s+arxiv)\b"
    r"|\bwithdrawn\s+(?:by\s+(?:the\s+)?(?:first\s+|corresponding\s+)?authors?|by\s+arxiv|due\s+to)\b",
    re.IGNORECASE,
)


#: A younger paper counts as this old, since citations per year are meaningless for a paper of a few weeks.
_YOUNGEST_YEARS = 0.5
#: A paper younger than this belongs to the frontier of a citation graph.
FRONTIER_YEARS = 2.0


@dataclass(frozen=True)
class Limits:
    """How much of a paper is shown in a list: characters of its abstract, authors, citing sentences; None shows all."""

    abstract: int | None = 300
    authors: int | None = 3
    contexts: int | None = 1


#: Everything of a paper.
ALL = Limits(abstract=None, authors=None, contexts=None)


@dataclass(frozen=True)
class Paper:
    """One paper; every text is cleaned, and None means that the source does not state the value.

    Attributes:
        arxiv_id: without version; None for papers outside arXiv.
        version: the version that is described, 1 or more.
        published: the day of the first version, `2021-06-17`.
        updated: the day of this version.
        withdrawn: the sentence that says that the paper was withdrawn, or None.
        citation_count: papers that cite this one, as its source counts them.
        influential_citation_count: those that Semantic Scholar judges influential.
        page: its page at a source other than arXiv, or None.
    """

    title: str
    arxiv_id: str | None = None
    version: int | None = None
    authors: tuple[str, ...] = ()
    published: str | None = None
    updated: str | None = None
    year: int | None = None
    primary_category: str | None = None
    categories: tuple[str, ...] = ()
    abstract: str | None = None
    comment: str | None = None
    journal_ref: str | None = None
    doi: str | None = None
    withdrawn: str | None = None
    citation_count: int | None = None
    influential_citation_count: int | None = None
    page: str | None = None

    def filled(self, other: Paper) -> Paper:
        """This paper, with missing values taken from another description of the same paper."""
        missing = {each.name: getattr(other, each.name) for each in fields(self) if getattr(self, each.name) in (None, ())}
        return replace(self, **missing)

    def counted_as(self, other: Paper) -> Paper:
        """This paper, with the citation counts of another description of it."""
        influential = other.influential_citation_count
        return replace(self, citation_count=other.citation_count, influential_citation_count=influential)

    def to_dict(self, limits: Limits) -> dict[str, Any]:
        """The paper's object in a `--json` answer; every key is always there."""
        shown = self.authors if limits.authors is None else self.authors[: limits.authors]
        abstract = None if self.abstract is None else shorten(self.abstract, limits.abstract)
        return {
            "arxiv_id": self.arxiv_id,
            "version": self.version,
            "title": self.title,
            "authors": list(shown),
            "authors_total": len(self.authors),
            "year": self.year,
            "published": self.published,
            "updated": self.updated,
            "primary_category": self.primary_category,
            "categories": list(self.categories),
            "abstract": abstract,
            "abstract_cut": abstract != self.abstract,
            "comment": self.comment,
            "journal_ref": self.journal_ref,
            "doi": self.doi,
            "withdrawn": self.withdrawn is not None,
            "withdrawn_evidence": self.withdrawn,
            "citation_count": self.citation_count,
            "influential_citation_count": self.influential_citation_count,
            "links": self.links(),
        }

    def links(self) -> dict[str, str | None]:
        """Addresses, built from the id; only `source` comes from a service's answer and is checked where that is parsed."""
        versioned = None if self.arxiv_id is None else self.arxiv_id + (f"v{self.version}" if self.version else "")
        kinds = ("abs", "pdf", "html")
        arxiv = {kind: f"https://arxiv.org/{kind}/{versioned}" if versioned else None for kind in kinds}
        hub = f"https://huggingface.co/papers/{self.arxiv_id}" if self.arxiv_id else None
        return {**arxiv, "hf": hub, "source": self.page}


@dataclass(frozen=True)
class Citation:
    """One edge of the citation graph: the paper at its other end, and what the citing text says.

    Attributes:
        paper: the citing or the cited paper.
        is_influential: whether the source judges the citation influential; None when it does not judge.
        intents: `background`, `methodology`, `result`; None when the source does not say.
        contexts: sentences around the citation, cleaned; None when the source provides none.
    """

    paper: Paper
    is_influential: bool | None = None
    intents: tuple[str, ...] | None = None
    contexts: tuple[str, ...] | None = None

    def to_dict(self, limits: Limits) -> dict[str, Any]:
        contexts = None if self.contexts is None else list(self.contexts[: limits.contexts])
        return {
            "is_influential": self.is_influential,
            "intents": None if self.intents is None else list(self.intents),
            "contexts": contexts,
            "contexts_total": None if self.contexts is None else len(self.contexts),
        }


def paper_row(
    paper: Paper,
    limits: Limits,
    citation: Citation | None = None,
    *,
    score: dict[str, Any] | None = None,
    found_by: dict[str, int] | None = None,
    hub: dict[str, Any] | None = None,
    in_graph: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """A paper of a crawl_arxiv report: the paper's object, and why it is listed (None for what does not apply)."""
    edge = citation.to_dict(limits) if citation else None
    return {**paper.to_dict(limits), "citation": edge, "score": score, "found_by": found_by, "hub": hub, "in_graph": in_graph}


def key_of(paper: Paper) -> str:
    """The identity of a paper: its arXiv id, else its DOI, else the words of its title."""
    if paper.arxiv_id:
        return f"arxiv:{paper.arxiv_id}"
    return f"doi:{paper.doi.lower()}" if paper.doi else f"title:{same_title(paper.title)}"


def same_title(title: str) -> str:
    """A title in lower case without punctuation, to compare titles."""
    return " ".join(re.findall(r"\w+", title.lower()))


def withdrawn_evidence(comment: str | None, abstract: str | None) -> str | None:
    """The text that says that a paper was withdrawn, at most 200 characters, or None."""
    for text in (comment, abstract):
        match = _WITHDRAWN.search(text) if text else None
        if text and match:
            return shorten(text[max(match.start() - 20, 0) :], 200)
    return None


def age_years(paper: Paper, today: date) -> float | None:
    """Years since the first version, or since the middle of the year when only that is known; never below 0."""
    if paper.published:
        try:
            first_version = date.fromisoformat(paper.published)
        except ValueError:
            return None
    elif paper.year and 1900 <= paper.year <= 9000:
        first_version = date(paper.year, 7, 1)
    else:
        return None
    return max((today - first_version).days / 365.25, 0.0)


def within_days(day: str, since: str | None, until: str | None) -> bool:
    """Whether `day` lies between two days, both inclusive; an unknown day ("") passes only when neither is given.

    A year alone is compared with the years: "2024" passes both `since="2024-05-01"` and `until="2024-05-01"`.
    """
    if not (since or until):
        return True
    return bool(day) and (since or "")[: len(day)] <= day <= (until or "9999-12-31")[: len(day)]


def citations_a_year(paper: Paper, today: date) -> float | None:
    """Citations per year of age, None when count or age is unknown."""
    age = age_years(paper, today)
    if age is None or paper.citation_count is None:
        return None
    return paper.citation_count / max(age, _YOUNGEST_YEARS)


def sources(responses: Iterable[Response]) -> list[dict[str, Any]]:
    """One object per service in the order of first use: its name, its oldest answer, whether all were stored, their number."""
    groups: dict[str, list[Response]] = {}
    for response in responses:
        groups.setdefault(response.service.name, []).append(response)
    return [
        {
            "service": name,
            "fetched_at": min(group, key=lambda response: response.fetched_at).date,
            "cached": all(response.cached for response in group),
            "responses": len(group),
        }
        for name, group in groups.items()
    ]


def render_sources(services: list[dict[str, Any]]) -> str:
    """`source: arXiv, fetched 2026-11-22T10:00:00Z (stored answer)`."""
    parts = [
        f"{service['service']}, fetched {service['fetched_at']}" + (" (stored answer)" if service["cached"] else "")
        for service in services
    ]
    return "source: " + ("; ".join(parts) or "none")
