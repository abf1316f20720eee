"""The citation graph around one paper: Semantic Scholar, which judges influence, else OpenAlex, which only counts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from ml_intern_helpers.errors import NotFound, ToolError, Unavailable, UsageError
from ml_intern_helpers.http import Http, Response
from ml_intern_helpers.papers import arxiv, openalex, said
from ml_intern_helpers.papers import semantic_scholar as s2
from ml_intern_helpers.papers.ids import ArxivId
from ml_intern_helpers.papers.model import Citation, Paper
from ml_intern_helpers.papers.semantic_scholar_rows import Direction, Edge, parse_edge

#: How to sort -> OpenAlex's name for the nearest it has.
SORTS = {"influence": "cited_by_count", "submitted": "publication_date"}


@dataclass(frozen=True)
class Ask:
    """One look at the graph.

    Attributes:
        since, until: days, both inclusive, or None.
        scan: how many edges to read before ranking, where the service cannot rank.
        find: words that the other paper's title or the sentences around the citation must hold; "" for all.
    """

    paper_id: ArxivId
    direction: Direction
    start: int = 0
    limit: int = 10
    sort: str = "influence"
    influential_only: bool = False
    since: str | None = None
    until: str | None = None
    scan: int = 2000
    find: str = ""


@dataclass(frozen=True)
class Graph:
    """What was found.

    Attributes:
        service: who says so.
        sort: how `shown` is ranked: `influence`, `submitted`, or `citations` where nobody judges influence.
        paper: the one in the middle.
        total: edges the service counts in this direction; None when it does not say.
        read: edges looked at.
        matching: edges that pass the filters, among those read; at OpenAlex among all, None when it does not say.
        shown: the ranked slice that was asked for.
        complete: False when there are edges that were not read, so that a better ranked one may be missing.
        notes: what went wrong on the way, one line each.
    """

    service: str
    sort: str
    paper: Paper
    total: int | None
    read: int
    matching: int | None
    shown: tuple[Citation, ...]
    complete: bool
    responses: tuple[Response, ...]
    notes: tuple[str, ...] = ()


def crawl(http: Http, ask: Ask) -> Graph:
    """The graph from Semantic Scholar, or from OpenAlex with a note that says why.

    Raises:
        Unavailable: neither could answer, or what was asked for only Semantic Scholar knows (influence, citing sentences).
    """
    try:
        return _from_semantic_scholar(http, ask)
    except UsageError:
        raise
    except ToolError as err:
        if ask.influential_only or ask.find:
            alone = "judges influence" if ask.influential_only else "has the citing sentences"
            raise type(err)(f"{err.message}; only Semantic Scholar {alone}", hint=err.hint) from err
        return _from_openalex(http, ask, err)


def _from_semantic_scholar(http: Http, ask: Ask) -> Graph:
    head = s2.head(http, ask.paper_id, ask.direction)
    pages, notes = _read(http, ask)
    edges = [edge for page in pages for edge in page.edges]
    read = len(edges) + sum(page.undescribed for page in pages)
    if head.total and not read:
        raise Unavailable(f"Semantic Scholar counts {head.total} {ask.direction} of arXiv:{ask.paper_id.base} but withholds them")
    if read > len(edges):
        notes.append(f"{read - len(edges)} {ask.direction} are left out: Semantic Scholar does not describe them")
    matching = ranked((edge for edge in edges if passes(edge, ask)), ask.sort)
    shown = [parse_edge(edge, ask.direction) for edge in matching[ask.start : ask.start + ask.limit]]
    return Graph(
        service="Semantic Scholar",
        sort=ask.sort,
        paper=replace(head.paper, arxiv_id=ask.paper_id.base),
        total=head.total,
        read=read,
        matching=len(matching),
        shown=tuple(said.first(citation, ask.find) for citation in shown if citation),
        complete=not pages or pages[-1].next_offset is None,
        responses=(head.response, *(page.response for page in pages)),
        notes=tuple(notes),
    )


def _read(http: Http, ask: Ask) -> tuple[list[s2.EdgePage], list[str]]:
    """Pages of edges up to `ask.scan`; a failure after the first page ends the reading and is noted."""
    pages: list[s2.EdgePage] = []
    offset: int | None = 0
    while offset is not None and offset < ask.scan:
        try:
            page = s2.edges(http, ask.paper_id, ask.direction, offset=offset, limit=min(s2.PAGE_SIZE, ask.scan - offset))
        except ToolError as err:
            if not pages:
                raise
            return pages, [f"only the first {offset} {ask.direction} were read: {err.message}"]
        pages.append(page)
        advanced = page.next_offset is not None and page.next_offset > offset
        offset = page.next_offset if advanced else None
    return pages, []


def passes(edge: Edge, ask: Ask) -> bool:
    """Whether an edge is wanted; one whose date is unknown fails a date filter."""
    if (ask.influential_only and not edge.is_influential) or (ask.find and not said.holds(edge, ask.direction, ask.find)):
        return False
    if not (ask.since or ask.until):
        return True
    # A year alone is compared as a year: "2024" is neither before 2024-05-01 nor after it.
    since, until = (ask.since or "")[: len(edge.day)], (ask.until or "9999-12-31")[: len(edge.day)]
    return bool(edge.day) and since <= edge.day <= until


def ranked(edges: Iterable[Edge], sort: str) -> list[Edge]:
    """Influential first, then the most cited; or the newest first. What is unknown comes last."""
    if sort == "submitted":
        return sorted(edges, key=lambda edge: edge.day, reverse=True)
    return sorted(edges, key=lambda edge: (edge.is_influential is True, edge.citation_count or 0), reverse=True)


def _from_openalex(http: Http, ask: Ask, reason: ToolError) -> Graph:
    try:
        work = work_of(http, ask.paper_id)
        pages = _pages(http, ask, work.work_id)
    except ToolError as err:
        raise both_failed(ask.paper_id, reason, err) from err
    papers = [paper for page in pages for paper in page.papers]
    skipped = ask.start % openalex.PAGE_SIZE
    total = work.paper.citation_count if ask.direction == "citations" else work.references_total
    return Graph(
        service="OpenAlex",
        sort="citations" if ask.sort == "influence" else ask.sort,
        paper=replace(work.paper, arxiv_id=ask.paper_id.base),
        total=total,
        read=len(papers),
        matching=pages[0].total,
        shown=tuple(Citation(paper) for paper in papers[skipped : skipped + ask.limit]),
        complete=True,  # OpenAlex ranks all of them itself
        responses=(*work.responses, *(page.response for page in pages)),
        notes=(
            f"{reason.message}; these are OpenAlex's figures, which do not judge influence ({reason.hint or 'ask again later'})",
        ),
    )


def work_of(http: Http, paper_id: ArxivId) -> openalex.Work:
    """The paper at OpenAlex: by its DOI, else by the title that arXiv gives."""
    try:
        return openalex.by_doi(http, paper_id)
    except NotFound:
        page = arxiv.details(http, [ArxivId(paper_id.base)])
        if not page.feed.papers:
            raise
        work = openalex.by_title(http, paper_id, page.feed.papers[0].title)
        return replace(work, responses=(*page.responses, *work.responses))


def _pages(http: Http, ask: Ask, work_id: str) -> list[openalex.WorkPage]:
    """The one or two pages that hold the slice asked for."""
    if ask.start + ask.limit > openalex.DEEPEST:
        raise UsageError(f"OpenAlex lists the first {openalex.DEEPEST} only", hint="use a smaller --start, or --since")
    first, last = ask.start // openalex.PAGE_SIZE + 1, (ask.start + ask.limit - 1) // openalex.PAGE_SIZE + 1
    pages = []
    for number in range(first, last + 1):
        page = openalex.neighbours(
            http, work_id, ask.direction, page=number, since=ask.since, until=ask.until, sort=SORTS[ask.sort]
        )
        pages.append(page)
        if len(page.papers) < openalex.PAGE_SIZE:
            break
    return pages


def both_failed(paper_id: ArxivId, first: ToolError, second: ToolError) -> ToolError:
    """One error for two services that failed."""
    if isinstance(first, NotFound) and isinstance(second, NotFound):
        told = f"neither Semantic Scholar nor OpenAlex knows arXiv:{paper_id.base}"
        return NotFound(
            told, hint=f"check that it exists: crawl_arxiv {paper_id.base}; a new paper appears there after some days"
        )
    if isinstance(second, UsageError):
        return second
    hints = (second.hint, first.hint) if isinstance(first, NotFound) else (first.hint, second.hint)
    return Unavailable(f"{first.message}; {second.message}", hint=hints[0] or hints[1])
