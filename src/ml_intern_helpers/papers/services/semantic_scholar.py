"""Requests Semantic Scholar (citations, recommendations, searches) and parses its JSON into `Paper`, `Edge` and `Citation`.

Papers are requested as `ARXIV:2106.09685`, without a version; the DOI of the same paper is sometimes unknown there.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ml_intern_helpers.core.errors import AccessDenied, BadData, RateLimited, Unavailable
from ml_intern_helpers.core.tokens import semantic_scholar_key
from ml_intern_helpers.papers.ids import ArxivId, parse_id
from ml_intern_helpers.papers.model import Citation, Paper
from ml_intern_helpers.papers.services.fields import count, date, flag, mapping, mappings, names, text, texts
from ml_intern_helpers.web.client import Http, Params, Response
from ml_intern_helpers.web.services import SEMANTIC_SCHOLAR

PAPER_FIELDS = "title,year,publicationDate,authors,venue,externalIds,citationCount,influentialCitationCount"
EDGE_FIELDS = f"contexts,intents,isInfluential,{PAPER_FIELDS}"
PAGE_SIZE = 1000
#: The service rejects requests with offset + limit above this.
DEEPEST = 9999
_TOTAL = {"citations": "citationCount", "references": "referenceCount"}
Direction = Literal["citations", "references"]
#: Direction -> the key of the paper at an edge's other end.
_OTHER_END: dict[Direction, str] = {"citations": "citingPaper", "references": "citedPaper"}
_SHA = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True)
class Head:
    """The paper itself, and the number of its citations or references."""

    paper: Paper
    total: int | None
    response: Response


@dataclass(frozen=True)
class EdgePage:
    """One page of edges.

    Attributes:
        edges: the edges whose other paper is described.
        undescribed: the number of edges whose paper the publisher withholds.
        next_offset: where the next page starts, or None on the last one.
    """

    edges: tuple[Edge, ...]
    undescribed: int
    next_offset: int | None
    response: Response


@dataclass(frozen=True)
class PaperPage:
    """A list of papers, and the service's total."""

    papers: tuple[Paper, ...]
    total: int | None
    response: Response


@dataclass(frozen=True)
class Edge:
    """The part of an edge that ranking needs: thousands are ranked, and `parse_edge` parses only the few that are shown.

    Attributes:
        is_influential: Semantic Scholar's judgement, or None.
        citation_count: citations of the paper at the other end, or None.
        day: its date `2024-05-14`, `2024` when only the year is known, or "".
        raw: the row of the answer, not cleaned.
    """

    is_influential: bool | None
    citation_count: int | None
    day: str
    raw: dict[str, Any]


def head(http: Http, paper_id: ArxivId, direction: Direction) -> Head:
    """The paper itself.

    Raises:
        Unavailable: the service did not answer (or a subclass says why).
        NotFound: the service does not know the paper.
    """
    fields = f"{PAPER_FIELDS},referenceCount"
    response = _get(http, f"/graph/v1/paper/ARXIV:{paper_id.base}", {"fields": fields}, f"arXiv:{paper_id.base}")
    body = mapping(response.json())
    paper = parse_paper(body)
    if paper is None:
        raise BadData(f"Semantic Scholar's answer for {paper_id} has no title", hint="ask again later")
    return Head(paper, count(body.get(_TOTAL[direction])), response)


def edges(http: Http, paper_id: ArxivId, direction: Direction, *, offset: int, limit: int) -> EdgePage:
    """One page of citations or references, in the service's order (it cannot sort)."""
    path = f"/graph/v1/paper/ARXIV:{paper_id.base}/{direction}"
    response = _get(http, path, {"fields": EDGE_FIELDS, "offset": offset, "limit": limit}, f"arXiv:{paper_id.base}")
    return parse_edges(response, direction)


def neighbours(http: Http, ref: str, direction: Direction, limit: int) -> EdgePage:
    """The first edges of any paper; `ref` comes from `ref_of`."""
    return parse_edges(_get(http, f"/graph/v1/paper/{ref}/{direction}", {"fields": EDGE_FIELDS, "limit": limit}, ref), direction)


def recommended(http: Http, ref: str, limit: int) -> PaperPage:
    """Papers that Semantic Scholar recommends to readers of this one, out of all of computer science."""
    params: Params = {"fields": PAPER_FIELDS, "limit": limit, "from": "all-cs"}
    response = _get(http, f"/recommendations/v1/papers/forpaper/{ref}", params, ref)
    return PaperPage(_papers(_body(response, "recommendedPapers").get("recommendedPapers")), None, response)


def search(http: Http, words: str, *, limit: int, since: str | None, until: str | None, min_citations: int | None) -> PaperPage:
    """The first `limit` (at most 100) papers for plain words. An empty answer comes without `data`."""
    between = f"{since or ''}:{until or ''}" if since or until else None
    params: Params = {
        "query": words,
        "limit": limit,
        "fields": f"{PAPER_FIELDS},abstract",
        "publicationDateOrYear": between,
        "minCitationCount": min_citations,
    }
    response = _get(http, "/graph/v1/paper/search", params, "this search")
    body = _body(response, "data", "total")
    return PaperPage(_papers(body.get("data")), count(body.get("total")), response)


def batch(http: Http, arxiv_ids: Sequence[str]) -> PaperPage:
    """Citation counts of many papers (at most 500) in one request; unknown ids are left out."""
    payload = {"ids": [f"ARXIV:{each}" for each in arxiv_ids]}
    response = _settled(http.post(SEMANTIC_SCHOLAR, "/graph/v1/paper/batch", payload, {"fields": PAPER_FIELDS}), "these papers")
    rows = response.json()
    if not isinstance(rows, list):
        raise _no_list(response)
    return PaperPage(_papers(rows), None, response)


def parse_edges(response: Response, direction: Direction) -> EdgePage:
    """A `/citations` or `/references` answer. `data` may be null: a publisher withheld the list."""
    body = _body(response, "data", "offset")
    rows = mappings(body.get("data"))
    edges = [edge for edge in (edge_of(row, direction) for row in rows) if edge is not None]
    return EdgePage(tuple(edges), len(rows) - len(edges), count(body.get("next")), response)


def _papers(rows: object) -> tuple[Paper, ...]:
    return tuple(paper for paper in map(parse_paper, mappings(rows)) if paper is not None)


def _body(response: Response, *keys: str) -> dict[str, Any]:
    """An answer with at least one of `keys`; an error reported with status 200 must not pass for an empty list."""
    body = mapping(response.json())
    if not any(key in body for key in keys):
        raise _no_list(response)
    return body


def _no_list(response: Response) -> BadData:
    reason = response.message()
    return BadData(
        "Semantic Scholar answered without a list of papers" + (f": {reason}" if reason else ""), hint="ask again later"
    )


def _get(http: Http, path: str, params: Params, what: str) -> Response:
    return _settled(http.get(SEMANTIC_SCHOLAR, path, params), what)


def _settled(response: Response, what: str) -> Response:
    """`response` if it succeeded; the messages of errors that an API key causes or solves name the key."""
    key = semantic_scholar_key()
    if response.status in (401, 403) and key:
        message = f"Semantic Scholar refuses the API key ({response.status})"
        raise AccessDenied(message, hint="correct or unset SEMANTIC_SCHOLAR_API_KEY")
    if response.status == 429:
        hint = "ask again in a minute" if key else "ask again in a minute, or set SEMANTIC_SCHOLAR_API_KEY (a key is free)"
        raise RateLimited("Semantic Scholar answers 429: too many requests", hint=hint)
    if response.status == 400:
        message = f"Semantic Scholar rejects the request for {what}: {response.message()}"
        raise Unavailable(message, hint="check the arguments; if they are correct, please report a bug")
    return response.raise_for_status(what)


def ref_of(paper: Paper) -> str | None:
    """The reference by which the paper can be requested; None without an arXiv id or Semantic Scholar's own id."""
    if paper.arxiv_id:
        return f"ARXIV:{paper.arxiv_id}"
    last = (paper.page or "").rpartition("/")[2]
    return last if _SHA.fullmatch(last) else None


def other_end(edge: Edge, direction: Direction) -> dict[str, Any]:
    """The raw object of the paper at the other end."""
    return mapping(edge.raw.get(_OTHER_END[direction]))


def parse_edge(edge: Edge, direction: Direction) -> Citation | None:
    """The whole edge, cleaned; None when its paper has no title after cleaning."""
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
    is_sha = isinstance(raw.get("paperId"), str) and _SHA.fullmatch(raw["paperId"])
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
        page=f"https://www.semanticscholar.org/paper/{raw['paperId']}" if is_sha else None,
    )


def edge_of(row: dict[str, Any], direction: Direction) -> Edge | None:
    """The part of a row that ranking needs; None when the paper at the other end is not described."""
    paper = mapping(row.get(_OTHER_END[direction]))
    if not text(paper.get("title")):
        return None
    day = date(paper.get("publicationDate")) or str(count(paper.get("year")) or "")
    return Edge(flag(row.get("isInfluential")), count(paper.get("citationCount")), day, row)
