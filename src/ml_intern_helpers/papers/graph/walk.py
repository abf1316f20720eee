"""The walk: from one paper outward, the most promising paper first, until the budget of answers is spent.

It resumes by itself: every answer is stored the moment it comes, and the same walk asks the same questions in the same
order, so that one that was killed, stopped or cut off by a limit goes on where it was when it is started again. Answers
that were stored count against the budget like fresh ones: it bounds what is looked at. It bounds what is sent, too: where a
service must be asked twice for an answer, a run ends with fewer of them, and the next one goes on from there.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date

from ml_intern_helpers.core.errors import NotFound, RateLimited, ToolError
from ml_intern_helpers.papers.ids import ArxivId
from ml_intern_helpers.papers.model import Citation, Paper, citations_a_year, key_of
from ml_intern_helpers.papers.services import semantic_scholar as s2
from ml_intern_helpers.papers.services.fields import mapping, text
from ml_intern_helpers.papers.services.semantic_scholar import Direction, Edge, other_end, parse_edge, parse_paper, ref_of
from ml_intern_helpers.web.client import Http, Response
from ml_intern_helpers.web.services import SEMANTIC_SCHOLAR

#: Edges read around the seed, and around each further paper.
_SEED_PAGE, _PAGE = 1000, 200
#: New papers taken from one page of a further paper; its links to papers that are in the graph already are all kept.
_WIDTH = 12
_RECOMMENDED = 20
#: Failures one after another that mean "the service", not "this paper".
_FAILURES = 2
#: A paper two steps away must be this much better than one a step away.
_FARTHER = 0.6
#: Abstracts that one request brings: the lists of neighbours come without them.
_BATCH = 500


@dataclass(frozen=True)
class WalkOptions:
    """A walk: at most `papers` papers, `hops` steps from `paper_id`, `budget` answers, of which `spare` are for abstracts."""

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
        direction: how it was reached: it is among the `citations` or the `references` of the paper before it; None for the seed.
        promise: what its expansion is worth, before the discount for distance.
    """

    paper: Paper
    hops: int
    direction: Direction | None
    promise: float = 0.0
    expanded: bool = False


@dataclass
class CitationGraph:
    """The graph as far as it was walked.

    Attributes:
        links: (citing, cited) -> what the citing text says.
        recommended: papers that Semantic Scholar recommends; not part of the graph unless a link leads there too.
        left_out: papers read and not taken, for want of room or promise.
        stopped: why the walk ended early, in words, or None.
        failure: the service's failure that ended it, or None.
        interrupted: whether the user ended it.
        service: who says so.
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
        """Papers whose own edges may be read and were not, most promising first."""
        keys = [
            key for key, node in self.nodes.items() if not node.expanded and node.hops < hops and ref_of(node.paper) is not None
        ]
        return sorted(keys, key=lambda key: -self.nodes[key].promise * _FARTHER ** self.nodes[key].hops)

    def complete(self, hops: int) -> bool:
        return self.stopped is None and not self.left_out and not self.open_nodes(hops)


def node_key(paper: Paper) -> str:
    """What a paper is called in the graph: how it can be asked for, else what tells it from others."""
    return ref_of(paper) or key_of(paper)


def walk(http: Http, options: WalkOptions, today: date, progress: Callable[[str], None]) -> CitationGraph:
    """Walk; whatever ends it early, what was found until then is returned.

    Raises:
        ToolError: the paper itself could not be had.
    """
    head = s2.head(http, options.paper_id, "citations")
    paper = replace(head.paper, arxiv_id=options.paper_id.base)  # a merged work may bear another's id
    key = node_key(paper)
    graph = CitationGraph(key, {key: Node(paper, 0, None)}, responses=[head.response])
    goes_on = "; the same command goes on from here"
    try:
        _around_seed(http, graph, options, today)
        _outward(http, graph, options, today, progress)
    except KeyboardInterrupt:
        graph.stopped, graph.interrupted = f"stopped by Ctrl-C{goes_on}", True
    except ToolError as err:
        graph.stopped, graph.failure = f"{err.message}{goes_on}", err
    return graph


def _around_seed(http: Http, graph: CitationGraph, options: WalkOptions, today: date) -> None:
    """Both directions and the recommendations; one of the three may be withheld."""
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


def _outward(http: Http, graph: CitationGraph, options: WalkOptions, today: date, progress: Callable[[str], None]) -> None:
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
        note = f"the budget of {options.budget} requests is spent, some of them on asking again"
        graph.notes.append(f"{note} ({len(graph.responses)} answers): the same command goes on from here")
    else:
        graph.notes.append(f"the budget of {options.budget} answers is spent: --budget {options.budget * 2} goes on from here")


def _spent(http: Http, graph: CitationGraph) -> int:
    """Of the budget: answers, stored or not, or the requests of this run where they are more (some were asked again)."""
    return max(len(graph.responses), http.requests_made)


def _note_failure(graph: CitationGraph, failures: list[ToolError], err: ToolError) -> None:
    """One failure is noted, a second in a row or a rate limit ends the walk."""
    failures.append(err)
    if isinstance(err, RateLimited) or len(failures) >= _FAILURES:
        raise err
    graph.notes.append(err.message)


def _expand(http: Http, graph: CitationGraph, key: str, direction: Direction, limit: int, room: int, today: date) -> None:
    """Read up to `limit` edges of one paper: keep the best `room` new papers, and every link between papers of the graph."""
    page = s2.neighbours(http, key, direction, limit)
    graph.responses.append(page.response)
    for edge in sorted(page.edges, key=lambda edge: -_promise(edge, today)):
        if room <= 0 and _key_of_edge(edge, direction) not in graph.nodes:
            graph.left_out += 1
            continue
        citation = parse_edge(edge, direction)
        if citation is None:
            continue
        other = node_key(citation.paper)
        if other not in graph.nodes:
            graph.nodes[other] = Node(citation.paper, graph.nodes[key].hops + 1, direction, _promise(edge, today))
            room -= 1
        if other == key:  # a paper and its own later version
            continue
        ends = (other, key) if direction == "citations" else (key, other)
        known = graph.links.get(ends)
        if known is None or (known.contexts is None and citation.contexts):
            graph.links[ends] = citation
    if page.next_offset is not None:
        graph.left_out += 1


def _key_of_edge(edge: Edge, direction: Direction) -> str:
    """`node_key` of an edge that is not parsed: thousands are looked at, a few are taken."""
    raw = other_end(edge, direction)
    paper = parse_paper({name: raw.get(name) for name in ("title", "externalIds", "paperId")})
    return node_key(paper) if paper else ""


def _promise(edge: Edge, today: date) -> float:
    """Influence first, then citations a year; the recent count a little more, as nobody could cite them yet."""
    day, year = edge.day if len(edge.day) > 4 else None, int(edge.day[:4]) if edge.day else None
    a_year = citations_a_year(Paper("x", published=day, year=year, citation_count=edge.citation_count), today) or 0.0
    recent = 0.5 if year and today.year - year <= 1 else 0.0
    return 2.0 * (edge.is_influential is True) + math.log1p(a_year) / 2 + recent


def answers_for_abstracts(papers: int) -> int:
    """How many answers of the budget the abstracts of that many papers take."""
    return -(-papers // _BATCH)


def add_abstracts(http: Http, graph: CitationGraph, budget: int) -> None:
    """Add the abstracts that Semantic Scholar has; what cannot be had is noted, and the graph stands without."""
    refs = {key: ref for key, node in graph.nodes.items() if (ref := ref_of(node.paper)) and node.paper.abstract is None}
    keys = list(refs)
    if _spent(http, graph) + answers_for_abstracts(len(keys)) > budget:
        graph.notes.append(f"no abstracts: the budget of {budget} is spent")
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
