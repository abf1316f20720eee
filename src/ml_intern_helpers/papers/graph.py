"""The citation graph around one paper: Semantic Scholar, which judges influence, else OpenAlex, which only counts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from ml_intern_helpers.core.errors import ToolError, Unavailable, UsageError
from ml_intern_helpers.papers import said
from ml_intern_helpers.papers import semantic_scholar as s2
from ml_intern_helpers.papers.graph_answer import Ask, Graph
from ml_intern_helpers.papers.graph_openalex import from_openalex
from ml_intern_helpers.papers.semantic_scholar_rows import Direction, Edge, other_end, parse_edge
from ml_intern_helpers.web.client import Http


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
        return from_openalex(http, ask, err)


def _from_semantic_scholar(http: Http, ask: Ask) -> Graph:
    head = s2.head(http, ask.paper_id, ask.direction)
    pages, notes = _read(http, ask)
    edges = _once((edge for page in pages for edge in page.edges), ask.direction)
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


def _once(edges: Iterable[Edge], direction: Direction) -> list[Edge]:
    """Each paper once: the list shifts while its pages are read when a citation is added to it."""
    found: dict[object, Edge] = {}
    for edge in edges:
        paper_id = other_end(edge, direction).get("paperId")
        found.setdefault(paper_id if isinstance(paper_id, str) else id(edge), edge)
    return list(found.values())


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
