"""Lists the citations or references of one paper: from Semantic Scholar, which judges influence, else from OpenAlex."""

from __future__ import annotations

import argparse
from dataclasses import dataclass, replace
from typing import Any

from ml_intern_helpers.cli.commands import Context
from ml_intern_helpers.core.errors import NotFound, ToolError, Unavailable, UsageError
from ml_intern_helpers.core.report import Report
from ml_intern_helpers.papers.ids import ArxivId, require_id
from ml_intern_helpers.papers.model import ALL, Citation, Limits, Paper, paper_row, sources, within_days
from ml_intern_helpers.papers.services import arxiv, arxiv_query, openalex
from ml_intern_helpers.papers.services import semantic_scholar as s2
from ml_intern_helpers.papers.services.fields import text, texts
from ml_intern_helpers.papers.services.semantic_scholar import Direction, Edge, other_end, parse_edge
from ml_intern_helpers.web.client import Http, Response

#: How to sort -> OpenAlex's nearest sort key.
_OPENALEX_SORTS = {"influence": "cited_by_count", "submitted": "publication_date"}


@dataclass(frozen=True)
class CitationOptions:
    """Which citations of a paper to list.

    Attributes:
        since, until: days, both inclusive, or None.
        scan: edges to read before ranking, for Semantic Scholar, which cannot rank.
        find: words that must occur in the other paper's title or the sentences around the citation; "" for all.
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
class CitationList:
    """The citations that were found.

    Attributes:
        sort: the ranking of `shown`: `influence`, `submitted`, or `citations` where influence is not judged.
        paper: the paper whose citations are listed.
        total: the number of edges in this direction that the service counts, or None.
        read: the number of edges read.
        matching: the number of edges read that pass the filters; of all edges with OpenAlex, or None.
        shown: the requested slice of the ranking.
        complete: False when some edges were not read, so that one of a better rank may be missing.
        notes: partial failures, one line each.
    """

    sort: str
    paper: Paper
    total: int | None
    read: int
    matching: int | None
    shown: tuple[Citation, ...]
    complete: bool
    responses: tuple[Response, ...]
    notes: tuple[str, ...] = ()


def run(args: argparse.Namespace, context: Context) -> Report:
    """`crawl_arxiv cited-by` and `crawl_arxiv refs`."""
    options = CitationOptions(
        paper_id=require_id(args.citations or args.references),
        direction="citations" if args.citations else "references",
        start=args.start,
        limit=args.limit,
        sort=args.sort or "influence",
        influential_only=args.influential,
        since=str(arxiv_query.parse_day(args.since, last=False)) if args.since else None,
        until=str(arxiv_query.parse_day(args.until, last=True)) if args.until else None,
        scan=args.scan or CitationOptions.scan,
        find=args.find or "",
    )
    context.progress("asking Semantic Scholar …")
    citations = citation_list(context.http, options)
    for note in citations.notes:
        context.warn(note)
    limits = ALL if args.full else Limits()
    next_start = options.start + len(citations.shown)
    more = bool(citations.shown) and (citations.matching is None or next_start < citations.matching)
    fields: dict[str, Any] = {
        "mode": options.direction,
        "paper": paper_row(citations.paper, Limits()),
        "papers": [paper_row(citation.paper, limits, citation) for citation in citations.shown],
        "total": citations.total,
        "matching": citations.matching,
        "read": citations.read,
        "complete": citations.complete,
        "sort": citations.sort,
        "start": options.start,
        "returned": len(citations.shown),
        "next_start": next_start if more else None,
        "sources": sources(citations.responses),
    }
    return Report("crawl_arxiv", fields=fields)


def citation_list(http: Http, options: CitationOptions) -> CitationList:
    """The list from Semantic Scholar, or from OpenAlex with a note that says why.

    Raises:
        ToolError: both failed, or Semantic Scholar failed and the options need it (influence, citing sentences).
    """
    try:
        return _from_semantic_scholar(http, options)
    except UsageError:
        raise
    except ToolError as err:
        if options.influential_only or options.find:
            needed = "judges influence" if options.influential_only else "has the citing sentences"
            raise type(err)(f"{err.message}; only Semantic Scholar {needed}", hint=err.hint) from err
        return _from_openalex(http, options, err)


def _from_semantic_scholar(http: Http, options: CitationOptions) -> CitationList:
    direction, paper_id = options.direction, options.paper_id
    head = s2.head(http, paper_id, direction)
    pages, notes = _read(http, options)
    # Each paper once: the list shifts while its pages are read when a citation is added to it.
    edges: dict[object, Edge] = {}
    for edge in (edge for page in pages for edge in page.edges):
        key = other_end(edge, direction).get("paperId")
        edges.setdefault(key if isinstance(key, str) else id(edge), edge)
    read = len(edges) + sum(page.undescribed for page in pages)
    if head.total and not read:
        raise Unavailable(f"Semantic Scholar counts {head.total} {direction} of arXiv:{paper_id.base} but withholds them")
    if read > len(edges):
        notes.append(f"{read - len(edges)} {direction} are left out: Semantic Scholar does not describe them")
    matching = [edge for edge in edges.values() if _passes(edge, options)]
    if options.sort == "submitted":
        matching.sort(key=lambda edge: edge.day, reverse=True)
    else:  # influential first, then the most cited; unknown values come last
        matching.sort(key=lambda edge: (edge.is_influential is True, edge.citation_count or 0), reverse=True)
    shown = [parse_edge(edge, direction) for edge in matching[options.start : options.start + options.limit]]
    return CitationList(
        sort=options.sort,
        paper=replace(head.paper, arxiv_id=paper_id.base),
        total=head.total,
        read=read,
        matching=len(matching),
        shown=tuple(_best_contexts_first(citation, options.find) for citation in shown if citation),
        complete=not pages or pages[-1].next_offset is None,
        responses=(head.response, *(page.response for page in pages)),
        notes=tuple(notes),
    )


def _read(http: Http, options: CitationOptions) -> tuple[list[s2.EdgePage], list[str]]:
    """Pages of edges up to `options.scan`; a failure after the first page ends the reading and is noted."""
    pages: list[s2.EdgePage] = []
    offset: int | None = 0
    while offset is not None and offset < options.scan:
        limit = min(s2.PAGE_SIZE, options.scan - offset)
        try:
            page = s2.edges(http, options.paper_id, options.direction, offset=offset, limit=limit)
        except ToolError as err:
            if not pages:
                raise
            return pages, [f"only the first {offset} {options.direction} were read: {err.message}"]
        pages.append(page)
        advanced = page.next_offset is not None and page.next_offset > offset
        offset = page.next_offset if advanced else None
    return pages, []


def _passes(edge: Edge, options: CitationOptions) -> bool:
    """Whether an edge passes the filters; one without a date fails a date filter."""
    if options.influential_only and not edge.is_influential:
        return False
    if options.find:  # each word occurs in the title or the sentences, in any case and also as part of a word
        title = text(other_end(edge, options.direction).get("title"), 400) or ""
        searched_text = " ".join([title, *texts(edge.raw.get("contexts") or [], 2000)]).casefold()
        if not all(word in searched_text for word in options.find.casefold().split()):
            return False
    return within_days(edge.day, options.since, options.until)


def _best_contexts_first(citation: Citation, find: str) -> Citation:
    """The citation with the sentences that hold most words of `find` first, as only a few are shown."""
    if not find or not citation.contexts:
        return citation
    words = find.casefold().split()
    ordered = sorted(citation.contexts, key=lambda sentence: -sum(word in sentence.casefold() for word in words))
    return replace(citation, contexts=tuple(ordered))


def _from_openalex(http: Http, options: CitationOptions, reason: ToolError) -> CitationList:
    """OpenAlex's list with a note that says why it is used; one error with both reasons when OpenAlex fails, too."""
    first_page, end = options.start // openalex.PAGE_SIZE + 1, options.start + options.limit
    pages = []
    try:
        work = openalex_work(http, options.paper_id)
        if end > openalex.DEEPEST:
            raise UsageError(f"OpenAlex lists only the first {openalex.DEEPEST}", hint="use a smaller --start, or --since")
        sort = _OPENALEX_SORTS[options.sort]
        for number in range(first_page, (end - 1) // openalex.PAGE_SIZE + 2):  # the one or two pages that hold the slice
            page = openalex.neighbours(
                http, work.work_id, options.direction, page=number, since=options.since, until=options.until, sort=sort
            )
            pages.append(page)
            if len(page.papers) < openalex.PAGE_SIZE:
                break
    except ToolError as err:
        raise both_failed(options.paper_id, reason, err) from err
    papers = [paper for page in pages for paper in page.papers]
    papers_before = options.start % openalex.PAGE_SIZE
    next_step = reason.hint or "ask again later"
    return CitationList(
        sort="citations" if options.sort == "influence" else options.sort,
        paper=replace(work.paper, arxiv_id=options.paper_id.base),
        total=work.paper.citation_count if options.direction == "citations" else work.references_total,
        read=len(papers),
        matching=pages[0].total,
        shown=tuple(Citation(paper) for paper in papers[papers_before : papers_before + options.limit]),
        complete=True,  # OpenAlex ranks all of them itself
        responses=(*work.responses, *(page.response for page in pages)),
        notes=(f"{reason.message}; these are OpenAlex's figures, which do not judge influence ({next_step})",),
    )


def openalex_work(http: Http, paper_id: ArxivId) -> openalex.Work:
    """The paper at OpenAlex: by its DOI, else by the title that arXiv gives."""
    try:
        return openalex.by_doi(http, paper_id)
    except NotFound:
        page = arxiv.details(http, [ArxivId(paper_id.base)])
        if not page.feed.papers:
            raise
        work = openalex.by_title(http, paper_id, page.feed.papers[0].title)
        return replace(work, responses=(*page.responses, *work.responses))


def both_failed(paper_id: ArxivId, first: ToolError, second: ToolError) -> ToolError:
    """One error for two services that failed."""
    if isinstance(first, NotFound) and isinstance(second, NotFound):
        hint = f"check that it exists: crawl_arxiv search {paper_id.base}; they list a new paper after a few days"
        return NotFound(f"neither Semantic Scholar nor OpenAlex knows arXiv:{paper_id.base}", hint=hint)
    if isinstance(second, UsageError):
        return second
    hints = (second.hint, first.hint) if isinstance(first, NotFound) else (first.hint, second.hint)
    return Unavailable(f"{first.message}; {second.message}", hint=hints[0] or hints[1])
