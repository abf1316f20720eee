"""What a paper is to this room, whoever described it, and one citation between two papers."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields, replace
from typing import Any

from ml_intern_helpers.core.text import shorten

# arXiv has no flag for a withdrawn paper: its authors say so in the comment or in place of the abstract.
_WITHDRAWN = re.compile(
    r"^\W*withdrawn\b"
    r"|\b(?:this|the)\s+(?:\w+\s+)?(?:paper|article|submission|manuscript|preprint|work|version|report|note)\s+"
    r"(?:(?:has|have)\s+been|is|was|is\s+being)\s+(?:\w+\s+)?(?:withdrawn|retracted|removed\s+by\s+arxiv)\b"
    r"|\bwithdrawn\s+(?:by\s+(?:the\s+)?(?:first\s+|corresponding\s+)?authors?|by\s+arxiv|due\s+to)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Limits:
    """How much of a paper is shown in a list, which is for choosing; None shows all of it.

    Attributes:
        abstract: characters; its beginning says what it is about, the figures stand in the paper.
        authors: names.
        contexts: sentences that cite.
    """

    abstract: int | None = 300
    authors: int | None = 3
    contexts: int | None = 1


@dataclass(frozen=True)
class Paper:
    """One paper; every text is cleaned, None means that the source does not say.

    Attributes:
        arxiv_id: without version; None for papers outside arXiv.
        version: of the text described, 1 or more.
        published: day of the first version, `2021-06-17`.
        updated: day of this version.
        withdrawn: the sentence that says so, or None.
        citation_count: papers that cite this one, as its source counts them.
        influential_citation_count: those for which it mattered (Semantic Scholar's judgement).
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
        """This paper, with what it lacks taken from another description of the same one."""
        missing = {each.name: getattr(other, each.name) for each in fields(self) if getattr(self, each.name) in (None, ())}
        return replace(self, **missing)

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
        """Addresses, made from the id and never taken from an answer (except `source`, checked where it is read)."""
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
        is_influential: whether the cited work mattered to the citing one; None when the source does not judge.
        intents: `background`, `methodology`, `result`; None when the source does not say.
        contexts: sentences around the citation, cleaned; None when the source has none to give.
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


def key_of(paper: Paper) -> str:
    """What tells this paper from others: its arXiv id, else its DOI, else the words of its title."""
    if paper.arxiv_id:
        return f"arxiv:{paper.arxiv_id}"
    return f"doi:{paper.doi.lower()}" if paper.doi else f"title:{same_title(paper.title)}"


def same_title(title: str) -> str:
    """A title without what its spellings differ in."""
    return " ".join(re.findall(r"\w+", title.lower()))


def withdrawn_evidence(comment: str | None, abstract: str | None) -> str | None:
    """The text that says that a paper was withdrawn, at most 200 characters, or None."""
    for said in (comment, abstract):
        match = _WITHDRAWN.search(said) if said else None
        if said and match:
            return shorten(said[max(match.start() - 20, 0) :], 200)
    return None
