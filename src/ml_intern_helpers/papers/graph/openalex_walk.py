"""The fallback of the walk: one step around the paper by OpenAlex, when Semantic Scholar gives nothing at all.

OpenAlex only says who cites whom: no citing sentence, no influence, no recommendation. Four answers at most, of which the
paper itself is free and each list costs a ten thousandth of a dollar; a keyless day has ten cents.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import date, timedelta

from ml_intern_helpers.core.errors import ToolError, UsageError
from ml_intern_helpers.papers.graph.citation_lists import both_failed, openalex_work
from ml_intern_helpers.papers.graph.walk import CitationGraph, Node, WalkOptions, node_key, walk
from ml_intern_helpers.papers.model import FRONTIER_YEARS, Citation
from ml_intern_helpers.papers.services import openalex
from ml_intern_helpers.papers.services.openalex import WorkPage
from ml_intern_helpers.papers.services.semantic_scholar import Direction
from ml_intern_helpers.web.client import Http
from ml_intern_helpers.web.services import OPENALEX

_LIMITS = "OpenAlex's view instead: one step around the paper, no citing sentences, no influence"


def walk_with_fallback(http: Http, options: WalkOptions, today: date, progress: Callable[[str], None]) -> CitationGraph:
    """`walk`, or what OpenAlex says when Semantic Scholar gives nothing but the paper's name.

    Raises:
        ToolError: neither of them knows the paper.
    """
    try:
        graph = walk(http, options, today, progress)
    except UsageError:
        raise
    except ToolError as err:
        return _around(http, options, today, err)
    if graph.failure and not graph.links:
        with suppress(ToolError):  # what there is still stands
            return _around(http, options, today, graph.failure)
    return graph


def _around(http: Http, options: WalkOptions, today: date, reason: ToolError) -> CitationGraph:
    """The paper, its most cited citing papers, the most cited of the last two years, and its most cited references.

    Raises:
        ToolError: OpenAlex cannot answer either; says both reasons.
    """
    try:
        work = openalex_work(http, options.paper_id)
    except ToolError as err:
        raise both_failed(options.paper_id, reason, err) from err
    seed = replace(work.paper, arxiv_id=options.paper_id.base)  # a merged work may bear another's id
    key = node_key(seed)
    graph = CitationGraph(key, {key: Node(seed, 0, None, expanded=True)}, responses=[*work.responses], service=OPENALEX.name)
    graph.stopped = f"{reason.message}; {_LIMITS}; the same command walks on once Semantic Scholar answers"
    pages = _pages(http, graph, work.work_id, today)
    if isinstance(pages, ToolError):
        raise both_failed(options.paper_id, reason, pages) from pages
    keys = {work.work_id: graph.seed}
    for number, (direction, page) in enumerate(pages):
        _add(graph, direction, page, (options.papers - len(graph.nodes)) // (len(pages) - number), keys)
    for _, page in pages:  # who of the page cites whom of the graph: the reference lists came with it
        for citing, references in page.references.items():
            for cited in references:
                if citing in keys and cited in keys and keys[citing] != keys[cited]:
                    _link(graph, keys[citing], keys[cited])
    return graph


def _pages(http: Http, graph: CitationGraph, work_id: str, today: date) -> list[tuple[Direction, WorkPage]] | ToolError:
    """The three lists, or those before one that failed; the failure itself when it is the first."""
    recent = str(today - timedelta(days=round(FRONTIER_YEARS * 365.25)))
    lists: tuple[tuple[Direction, str | None], ...] = (("citations", recent), ("citations", None), ("references", None))
    pages: list[tuple[Direction, WorkPage]] = []
    for direction, since in lists:
        try:
            page = openalex.neighbours(http, work_id, direction, page=1, since=since, until=None, sort="cited_by_count")
        except ToolError as err:
            graph.notes.append(f"no further list: {err.message}")
            return pages or err
        graph.responses.append(page.response)
        pages.append((direction, page))
    return pages


def _add(graph: CitationGraph, direction: Direction, page: WorkPage, room: int, keys: dict[str, str]) -> None:
    """The first `room` papers that are not in the graph yet, and the links with the seed; `keys` learns their OpenAlex ids."""
    taken = 0
    for paper in page.papers:
        key = node_key(paper)
        if key not in graph.nodes and taken < room:
            graph.nodes[key] = Node(paper, 1, direction)
            taken += 1
        if key in graph.nodes and key != graph.seed:
            keys[openalex.work_id_of(paper)] = key
            _link(graph, *((key, graph.seed) if direction == "citations" else (graph.seed, key)))
    graph.left_out += max((page.total or 0) - taken, 0)


def _link(graph: CitationGraph, citing: str, cited: str) -> None:
    graph.links.setdefault((citing, cited), Citation(graph.nodes[cited].paper))
