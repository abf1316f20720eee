"""The walk's second best: one step around the paper by OpenAlex, when Semantic Scholar gives nothing at all.

OpenAlex only says who cites whom: no citing sentence, no influence, no recommendation. Four answers at most, of which the
paper itself is free and each list costs a ten thousandth of a dollar; a keyless day has ten cents.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import date, timedelta

from ml_intern_helpers.core.errors import ToolError, Unavailable, UsageError
from ml_intern_helpers.papers import openalex
from ml_intern_helpers.papers.graph_openalex import both_failed, work_of
from ml_intern_helpers.papers.model import Citation
from ml_intern_helpers.papers.openalex import WorkPage
from ml_intern_helpers.papers.semantic_scholar_rows import Direction
from ml_intern_helpers.papers.walk.found import Ask, Node, Walk, node_key
from ml_intern_helpers.papers.walk.lanes import FRONTIER_YEARS
from ml_intern_helpers.papers.walk.walk import GOES_ON, walk
from ml_intern_helpers.web.client import Http
from ml_intern_helpers.web.services import OPENALEX

_LIMITS = "OpenAlex's view instead: one step around the paper, no citing sentences, no influence"


def walked(http: Http, ask: Ask, today: date, progress: Callable[[str], None]) -> Walk:
    """`walk`, or what OpenAlex says when Semantic Scholar gives nothing but the paper's name.

    Raises:
        ToolError: neither of them knows the paper.
    """
    try:
        found = walk(http, ask, today, progress)
    except UsageError:
        raise
    except ToolError as err:
        return around(http, ask, today, err)
    if found.stopped and not found.links and not found.interrupted:
        with suppress(ToolError):  # what there is still stands
            return around(http, ask, today, Unavailable(found.stopped.removesuffix(GOES_ON)))
    return found


def around(http: Http, ask: Ask, today: date, reason: ToolError) -> Walk:
    """The paper, its most cited citing papers, the most cited of the last two years, and its most cited references.

    Raises:
        ToolError: OpenAlex cannot answer either; says both reasons.
    """
    try:
        work = work_of(http, ask.paper_id)
    except ToolError as err:
        raise both_failed(ask.paper_id, reason, err) from err
    seed = replace(work.paper, arxiv_id=ask.paper_id.base)  # a merged work may bear another's id
    found = Walk(node_key(seed), {node_key(seed): Node(seed, 0, None, expanded=True)}, responses=[*work.responses])
    found.service = OPENALEX.name
    found.stopped = f"{reason.message}; {_LIMITS}; the same command walks on once Semantic Scholar answers"
    pages = _pages(http, found, work.work_id, today)
    if isinstance(pages, ToolError):
        raise both_failed(ask.paper_id, reason, pages) from pages
    keys = {work.work_id: found.seed}
    for number, (direction, page) in enumerate(pages):
        _add(found, direction, page, (ask.papers - len(found.nodes)) // (len(pages) - number), keys)
    for _, page in pages:
        _link_among(found, page, keys)
    return found


def _pages(http: Http, found: Walk, work_id: str, today: date) -> list[tuple[Direction, WorkPage]] | ToolError:
    """The three lists, or those before one that failed; the failure itself when it is the first."""
    recent = str(today - timedelta(days=round(FRONTIER_YEARS * 365.25)))
    asked: tuple[tuple[Direction, str | None], ...] = (("citations", recent), ("citations", None), ("references", None))
    pages: list[tuple[Direction, WorkPage]] = []
    for direction, since in asked:
        try:
            page = openalex.neighbours(http, work_id, direction, page=1, since=since, until=None, sort="cited_by_count")
        except ToolError as err:
            found.notes.append(f"no further list: {err.message}")
            return pages or err
        found.responses.append(page.response)
        pages.append((direction, page))
    return pages


def _add(found: Walk, direction: Direction, page: WorkPage, room: int, keys: dict[str, str]) -> None:
    """The first `room` papers that are not here yet, and the links with the seed; `keys` learns what OpenAlex calls them."""
    taken = 0
    for paper in page.papers:
        key = node_key(paper)
        if key not in found.nodes and taken < room:
            found.nodes[key] = Node(paper, 1, direction)
            taken += 1
        if key in found.nodes and key != found.seed:
            keys[openalex.work_id_of(paper)] = key
            _link(found, *((key, found.seed) if direction == "citations" else (found.seed, key)))
    found.left_out += max((page.total or 0) - taken, 0)


def _link_among(found: Walk, page: WorkPage, keys: dict[str, str]) -> None:
    """Who of the page cites whom of the graph: its reference lists came with it."""
    for citing, references in page.references.items():
        for cited in references:
            if citing in keys and cited in keys and keys[citing] != keys[cited]:
                _link(found, keys[citing], keys[cited])


def _link(found: Walk, citing: str, cited: str) -> None:
    found.links.setdefault((citing, cited), Citation(found.nodes[cited].paper))
