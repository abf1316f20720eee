"""The citations around one paper as OpenAlex has them: ranked by itself, without influence and without citing sentences."""

from __future__ import annotations

from dataclasses import replace

from ml_intern_helpers.core.errors import NotFound, ToolError, Unavailable, UsageError
from ml_intern_helpers.papers import arxiv, openalex
from ml_intern_helpers.papers.graph_answer import Ask, Graph
from ml_intern_helpers.papers.ids import ArxivId
from ml_intern_helpers.papers.model import Citation
from ml_intern_helpers.web.client import Http

#: How to sort -> OpenAlex's name for the nearest it has.
SORTS = {"influence": "cited_by_count", "submitted": "publication_date"}


def from_openalex(http: Http, ask: Ask, reason: ToolError) -> Graph:
    """OpenAlex's answer, with a note that says why; both reasons when it has none."""
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
