"""Walks the citations from one paper outward, the most promising paper first, until the budget of answers is spent.

A walk that was killed, stopped or cut off by a limit resumes when it is started again: every answer is stored at once, and the
same walk makes the same requests in the same order. Stored answers count against the budget like new ones. The budget also
limits the requests: after repeated requests, a run ends with fewer answers, and the next run continues from there.

When Semantic Scholar lists no citation, OpenAlex provides one step around the paper, without citing sentences, influence or
recommendations. It takes at most four answers: the paper itself is free, and each list costs $0.0001 of the $0.10 that OpenAlex
grants per day without a key.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

from ml_intern_helpers.core.errors import NotFound, RateLimited, ToolError, UsageError
from ml_intern_helpers.papers.graph.citation_lists import both_failed, openalex_work
from ml_intern_helpers.papers.ids import ArxivId
from ml_intern_helpers.papers.model import FRONTIER_YEARS, Citation, Paper, citations_a_year, key_of
from ml_intern_helpers.papers.services import openalex
from ml_intern_helpers.papers.services import semantic_scholar as s2
from ml_intern_helpers.papers.services.fields import mapping, text
from ml_intern_helpers.papers.services.openalex import WorkPage
from ml_intern_helpers.papers.services.semantic_scholar import Direction, Edge, other_end, parse_edge, parse_paper, ref_of
from ml_intern_helpers.web.client import Http, Response
from ml_intern_helpers.web.services import OPENALEX, SEMANTIC_SCHOLAR

#: Edges read of the seed, and of each further paper.
_SEED_PAGE, _PAGE = 1000, 200
#: New papers added from one page of a further paper; its links to papers already in the graph are all kept.
_WIDTH = 12
_RECOMMENDED = 20
#: After this many failures in a row, the service is considered down.
_FAILURES = 2
#: The promise of a paper is multiplied by this for each step from the seed.
_FARTHER = 0.6
_LIMITS = "OpenAlex's view instead: one step around the paper, no citing sentences, no influence"
#: Abstracts requested at once; the lists of neighbours do not include them.
_BATCH = 500


@dataclass(frozen=True)
class WalkOptions:
    """A walk: at most `papers` papers, `hops` steps from `paper_id`, `budget` answers, of them `spare` kept for abstracts."""

    paper_id: ArxivId
    hops: int
    budget: int
    papers: int
    spare: int = 0


@dataclass
class Node:
    """A paper of the graph.

    Attributes:
        hops: steps from the seed.
        direction: whether it was found among the `citations` or the `references` of another paper; None for the seed.
        promise: the priority of its expansion, before the discount for distance.
    """

    paper: Paper
    hops: int
    direction: Direction | None
    promise: float = 0.0
    expanded: bool = False


@dataclass
class CitationGraph:
    """The graph built so far.

    Attributes:
        links: (citing, cited) -> the citation.
        recommended: papers that Semantic Scholar recommends; not part of the graph unless a link leads there too.
        left_out: the number of papers that were read but not kept.
        stopped: the message that says why the walk ended early, or None.
        failure: the service's error that ended the walk, or None.
        interrupted: whether the user ended the walk.
        service: the service that listed the citations.
    """

    seed: str
    nodes: dict[str, Node]
    links: dict[tuple[str, str], Citation] = field(default_factory=dict)
    recommended: dict[str, Paper] = field(default_factory=dict)
    responses: list[Response] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    left_out: int = 0
    stopped: str | None = None
    failure: ToolError | None = None
    interrupted: bool = False
    service: str = SEMANTIC_SCHOLAR.name

    def open_nodes(self, hops: int) -> list[str]:
        """Papers whose edges can still be read, the most promising first."""
        keys = [
            key for key, node in self.nodes.items() if not node.expanded and node.hops < hops and ref_of(node.paper) is not None
        ]
        return sorted(keys, key=lambda key: -self.nodes[key].promise * _FARTHER ** self.nodes[key].hops)

    def complete(self, hops: int) -> bool:
        return self.stopped is None and not self.left_out and not self.open_nodes(hops)


def node_key(paper: Paper) -> str:
    """The key of a paper in the graph: the reference by which it can be requested, else its identity."""
    return ref_of(paper) or key_of(paper)


def walk_with_fallback(http: Http, options: WalkOptions, today: date, progress: Callable[[str], None]) -> CitationGraph:
    """The graph from `walk`, or OpenAlex's when Semantic Scholar lists no citation.

    Raises:
        ToolError: both failed.
    """
    try:
        graph = walk(http, options, today, progress)
    except UsageError:
        raise
    except ToolError as err:
        return _openalex_graph(http, options, today, err)
    if graph.failure and not graph.links:
        with suppress(ToolError):  # the graph without links is still a result
            return _openalex_graph(http, options, today, graph.failure)
    return graph


def walk(http: Http, options: WalkOptions, today: date, progress: Callable[[str], None]) -> CitationGraph:
    """The graph from Semantic Scholar; a walk that ends early returns the graph so far.

    Raises:
        ToolError: the paper itself could not be obtained.
    """
    head = s2.head(http, options.paper_id, "citations")
    paper = replace(head.paper, arxiv_id=options.paper_id.base)  # a merged work may have another paper's id
    key = node_key(paper)
    graph = CitationGraph(key, {key: Node(paper, 0, None)}, responses=[head.response])
    resume_note = "; the same command goes on from here"
    try:
        _expand_seed(http, graph, options, today)
        _expand_others(http, graph, options, today, progress)
    except KeyboardInterrupt:
        graph.stopped, graph.interrupted = f"stopped by Ctrl-C{resume_note}", True
    except ToolError as err:
        graph.stopped, graph.failure = f"{err.message}{resume_note}", err
    return graph


def _expand_seed(http: Http, graph: CitationGraph, options: WalkOptions, today: date) -> None:
    """Read both directions and the recommendations; one of the three may fail."""
    failures: list[ToolError] = []
    directions: tuple[Direction, ...] = ("citations", "references")
    for direction in directions:
        try:
            room = min(max(options.papers // 4, 1), options.papers - len(graph.nodes))
            _expand(http, graph, graph.seed, direction, _SEED_PAGE, room, today)
        except ToolError as err:
            _note_failure(graph, failures, err)
    graph.nodes[graph.seed].expanded = True
    try:
        answer = s2.recommended(http, graph.seed, _RECOMMENDED)
        graph.responses.append(answer.response)
        graph.recommended = {node_key(paper): paper for paper in answer.papers}
    except ToolError as err:
        _note_failure(graph, failures, err)


def _expand_others(http: Http, graph: CitationGraph, options: WalkOptions, today: date, progress: Callable[[str], None]) -> None:
    failures: list[ToolError] = []
    while _spent(http, graph) + options.spare < options.budget and (waiting := graph.open_nodes(options.hops)):
        key = waiting[0]
        node = graph.nodes[key]
        node.expanded = True
        progress(f"{len(graph.responses)} of {options.budget} answers, {len(graph.nodes)} papers: {node.paper.title}")
        try:
            room = min(_WIDTH, options.papers - len(graph.nodes))
            _expand(http, graph, key, node.direction or "citations", _PAGE, room, today)
            failures.clear()
        except NotFound:
            graph.notes.append(f"Semantic Scholar does not list the {node.direction} of {key}")
        except ToolError as err:
            node.expanded = False
            _note_failure(graph, failures, err)
            node.expanded = True
    if not graph.open_nodes(options.hops):
        return
    if len(graph.responses) + options.spare < options.budget:
        note = f"the budget of {options.budget} requests is spent, partly on repeated requests"
        graph.notes.append(f"{note} ({len(graph.responses)} answers): the same command goes on from here")
    else:
        graph.notes.append(f"the budget of {options.budget} answers is spent: --budget {options.budget * 2} goes on from here")


def _spent(http: Http, graph: CitationGraph) -> int:
    """The part of the budget that is used: answers, stored or not, or this run's requests where those are more (retries)."""
    return max(len(graph.responses), http.requests_made)


def _note_failure(graph: CitationGraph, failures: list[ToolError], err: ToolError) -> None:
    """Note one failure; a second one in a row or a rate limit ends the walk."""
    failures.append(err)
    if isinstance(err, RateLimited) or len(failures) >= _FAILURES:
        raise err
    graph.notes.append(err.message)


def _expand(http: Http, graph: CitationGraph, key: str, direction: Direction, limit: int, room: int, today: date) -> None:
    """Read up to `limit` edges of one paper; keep the best `room` new papers and every link between papers of the graph."""
    page = s2.neighbours(http, key, direction, limit)
    graph.responses.append(page.response)
    for edge in sorted(page.edges, key=lambda edge: -_promise(edge, today)):
        if room <= 0:  # get the key without parsing the whole edge: thousands are read, few are kept
            raw = other_end(edge, direction)
            known_paper = parse_paper({name: raw.get(name) for name in ("title", "externalIds", "paperId")})
            if not known_paper or node_key(known_paper) not in graph.nodes:
                graph.left_out += 1
                continue
        citation = parse_edge(edge, direction)
        if citation is None:
            continue
        other_key = node_key(citation.paper)
        if other_key not in graph.nodes:
            graph.nodes[other_key] = Node(citation.paper, graph.nodes[key].hops + 1, direction, _promise(edge, today))
            room -= 1
        if other_key == key:  # a paper and its own later version
            continue
        ends = (other_key, key) if direction == "citations" else (key, other_key)
        earlier = graph.links.get(ends)
        if earlier is None or (earlier.contexts is None and citation.contexts):
            graph.links[ends] = citation
    if page.next_offset is not None:
        graph.left_out += 1


def _promise(edge: Edge, today: date) -> float:
    """The priority of an edge: influence first, then citations a year; recent papers get a bonus for their age."""
    day, year = edge.day if len(edge.day) > 4 else None, int(edge.day[:4]) if edge.day else None
    a_year = citations_a_year(Paper("x", published=day, year=year, citation_count=edge.citation_count), today) or 0.0
    recent = 0.5 if year and today.year - year <= 1 else 0.0
    return 2.0 * (edge.is_influential is True) + math.log1p(a_year) / 2 + recent


def answers_for_abstracts(papers: int) -> int:
    """The number of answers that the abstracts of `papers` papers take."""
    return -(-papers // _BATCH)


def add_abstracts(http: Http, graph: CitationGraph, budget: int) -> None:
    """Add the abstracts that Semantic Scholar has; a failure is only noted."""
    refs = {key: ref for key, node in graph.nodes.items() if (ref := ref_of(node.paper)) and node.paper.abstract is None}
    keys = list(refs)
    if _spent(http, graph) + answers_for_abstracts(len(keys)) > budget:
        graph.notes.append(f"no abstracts: the budget of {budget} answers is spent")
        return
    try:
        for start in range(0, len(keys), _BATCH):
            batch = keys[start : start + _BATCH]
            payload = {"ids": [refs[key] for key in batch]}
            response = http.post(SEMANTIC_SCHOLAR, "/graph/v1/paper/batch", payload, {"fields": "abstract"})
            rows = response.raise_for_status("the abstracts").json()
            graph.responses.append(response)
            # The answer lists the papers in the order asked, with null for those it does not know.
            for key, row in zip(batch, rows if isinstance(rows, list) else [], strict=False):
                node = graph.nodes[key]
                node.paper = replace(node.paper, abstract=text(mapping(row).get("abstract")))
    except ToolError as err:
        graph.notes.append(f"abstracts are missing: {err.message}")


def _openalex_graph(http: Http, options: WalkOptions, today: date, reason: ToolError) -> CitationGraph:
    """OpenAlex's view: the paper, its most cited citing papers, the most cited recent ones, and its most cited references.

    Raises:
        ToolError: OpenAlex fails, too; the message gives both reasons.
    """
    try:
        work = openalex_work(http, options.paper_id)
    except ToolError as err:
        raise both_failed(options.paper_id, reason, err) from err
    seed = replace(work.paper, arxiv_id=options.paper_id.base)  # a merged work may have another paper's id
    key = node_key(seed)
    graph = CitationGraph(key, {key: Node(seed, 0, None, expanded=True)}, responses=[*work.responses], service=OPENALEX.name)
    graph.stopped = f"{reason.message}; {_LIMITS}; the same command walks on once Semantic Scholar answers"
    pages = _pages(http, graph, work.work_id, today)
    if isinstance(pages, ToolError):
        raise both_failed(options.paper_id, reason, pages) from pages
    keys = {work.work_id: graph.seed}
    for number, (direction, page) in enumerate(pages):
        _add(graph, direction, page, (options.papers - len(graph.nodes)) // (len(pages) - number), keys)
    for _, page in pages:  # links among the papers found: each page has the reference lists of its papers
        for citing, references in page.references.items():
            for cited in references:
                if citing in keys and cited in keys and keys[citing] != keys[cited]:
                    _link(graph, keys[citing], keys[cited])
    return graph


def _pages(http: Http, graph: CitationGraph, work_id: str, today: date) -> list[tuple[Direction, WorkPage]] | ToolError:
    """The three lists, or those before the first failure; the error when there are none."""
    recent = str(today - timedelta(days=round(FRONTIER_YEARS * 365.25)))
    lists: tuple[tuple[Direction, str | None], ...] = (("citations", recent), ("citations", None), ("references", None))
    pages: list[tuple[Direction, WorkPage]] = []
    for direction, since in lists:
        try:
            page = openalex.neighbours(http, work_id, direction, page=1, since=since, until=None, sort="cited_by_count")
        except ToolError as err:
            graph.notes.append(f"OpenAlex's further lists are missing: {err.message}")
            return pages or err
        graph.responses.append(page.response)
        pages.append((direction, page))
    return pages


def _add(graph: CitationGraph, direction: Direction, page: WorkPage, room: int, keys: dict[str, str]) -> None:
    """Add the first `room` new papers of a page and the links with the seed; `keys` maps their OpenAlex ids to graph keys."""
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
