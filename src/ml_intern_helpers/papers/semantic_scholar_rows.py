"""What Semantic Scholar says of one paper or one citation: JSON -> `Paper`, `Edge`, `Citation`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal

from ml_intern_helpers.papers.fields import count, date, flag, mapping, names, text, texts
from ml_intern_helpers.papers.ids import parse_id
from ml_intern_helpers.papers.model import Citation, Paper

Direction = Literal["citations", "references"]
#: Direction -> the key of the paper at an edge's other end.
_OTHER_END: dict[Direction, str] = {"citations": "citingPaper", "references": "citedPaper"}
_SHA = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True)
class Edge:
    """One edge as far as ranking needs it; thousands are ranked, `parse_edge` reads the few that are shown.

    Attributes:
        is_influential: Semantic Scholar's judgement, or None.
        citation_count: of the paper at the other end, or None.
        day: `2024-05-14`, or `2024` where only the year is known, or "".
        raw: the row as it came: not cleaned.
    """

    is_influential: bool | None
    citation_count: int | None
    day: str
    raw: dict[str, Any]


def ref_of(paper: Paper) -> str | None:
    """How to ask for this paper; None when neither its arXiv id nor Semantic Scholar's own is known."""
    if paper.arxiv_id:
        return f"ARXIV:{paper.arxiv_id}"
    last = (paper.page or "").rpartition("/")[2]
    return last if _SHA.fullmatch(last) else None


def other_end(edge: Edge, direction: Direction) -> dict[str, Any]:
    """The raw object of the paper at the other end."""
    return mapping(edge.raw.get(_OTHER_END[direction]))


def parse_edge(edge: Edge, direction: Direction) -> Citation | None:
    """All of an edge, cleaned; None when its title turns out to be empty."""
    paper = parse_paper(mapping(edge.raw.get(_OTHER_END[direction])))
    if paper is None:
        return None
    intents = None if edge.raw.get("intents") is None else texts(edge.raw["intents"], 40)
    contexts = None if edge.raw.get("contexts") is None else texts(edge.raw["contexts"], 400)
    return Citation(paper, edge.is_influential, intents, contexts)


def parse_paper(raw: dict[str, Any]) -> Paper | None:
    """One paper object; None without a title. `paperId` and most other keys may be null."""
    title = text(raw.get("title"), 400)
    if title is None:
        return None
    external = mapping(raw.get("externalIds"))
    arxiv_id = parse_id(str(external.get("ArXiv") or ""))
    published = date(raw.get("publicationDate"))
    year = count(raw.get("year")) or (int(published[:4]) if published else None)
    return Paper(
        title=title,
        arxiv_id=arxiv_id.base if arxiv_id else None,
        authors=names(raw.get("authors")),
        published=published,
        year=year,
        abstract=text(raw.get("abstract")),
        journal_ref=text(raw.get("venue"), 200),
        doi=text(external.get("DOI"), 200),
        citation_count=count(raw.get("citationCount")),
        influential_citation_count=count(raw.get("influentialCitationCount")),
        page=_page(raw.get("paperId")),
    )


def edge_of(row: dict[str, Any], direction: Direction) -> Edge | None:
    """As much of a row as ranking needs; None when the paper at the other end is not described."""
    paper = mapping(row.get(_OTHER_END[direction]))
    if not text(paper.get("title")):
        return None
    day = date(paper.get("publicationDate")) or str(count(paper.get("year")) or "")
    return Edge(flag(row.get("isInfluential")), count(paper.get("citationCount")), day, row)


def _page(paper_id: object) -> str | None:
    is_sha = isinstance(paper_id, str) and _SHA.fullmatch(paper_id)
    return f"https://www.semanticscholar.org/paper/{paper_id}" if is_sha else None
