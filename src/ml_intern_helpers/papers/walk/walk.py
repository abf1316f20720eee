"""The walk: from one paper outward, the most promising paper first, until the budget of answers is spent.

It resumes by itself: every answer is stored the moment it comes, and the same walk asks the same questions in the same
order, so that one that was killed, stopped or cut off by a limit goes on where it was when it is started again. Answers
that were stored count against the budget like fresh ones: it bounds what is looked at. It bounds what is sent, too: where a
service must be asked twice for an answer, a run ends with fewer of them, and the next one goes on from there.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date

from ml_intern_helpers.errors import NotFound, RateLimited, ToolError
from ml_intern_helpers.http import Http, Response
from ml_intern_helpers.papers import paper_graph
from ml_intern_helpers.papers import semantic_scholar as s2
from ml_intern_helpers.papers.age import citations_a_year
from ml_intern_helpers.papers.ids import ArxivId
from ml_intern_helpers.papers.model import Citation, Paper, key_of
from ml_intern_helpers.papers.semantic_scholar import Direction

#: Edges read around the seed, and around each further paper.
_SEED_PAGE, _PAGE = 1000, 200
#: New papers taken from one page of a further paper; its links to papers that are here already are all kept.
_WIDTH = 12
_RECOMMENDED = 20
#: A paper two steps away must be this much better than one a step away.
_FARTHER = 0.6
#: Failures one after another that mean "the service", not "this paper".
_FAILURES = 2


@dataclass(frozen=True)
class Ask:
    """A walk: at most `papers` papers, `hops` steps from `paper_id`, `budget` answers."""

    paper_id: ArxivId
    hops: int = paper_graph.HOPS
    budget: int = paper_graph.ANSWERS
    papers: int = paper_graph.PAPERS


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
class Walk:
    """The graph as far as it was walked.

    Attributes:
        links: (citing, cited) -> what the citing text says.
        recommended: keys of papers that Semantic Scholar recommends; not part of the graph unless a link leads there too.
        left_out: papers read and not taken, for want of room or promise.
        stopped: why it ended early, or None.
    """

    seed: str
    nodes: dict[str, Node]
    links: dict[tuple[str, str], Citation] = field(default_factory=dict)
    recommended: dict[str, Paper] = field(default_factory=dict)
    responses: list[Response] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    left_out: int = 0
    stopped: str | None = None
    interrupted: bool = False

    def open_nodes(self, hops: int) -> list[str]:
        """Papers whose own edges may be read and were not, most promising first."""
        found = [
            key
            for key, node in self.nodes.items()
            if not node.expanded and node.hops < hops and s2.ref_of(node.paper) is not None
        ]
        return sorted(found, key=lambda key: -self.nodes[key].promise * _FARTHER ** self.nodes[key].hops)

    def complete(self, hops: int) -> bool:
        return self.stopped is None and not self.left_out and not self.open_nodes(hops)


def node_key(paper: Paper) -> str:
    """What a paper is called in the graph: how it can be asked for, else what tells it from others."""
    return s2.ref_of(paper) or key_of(paper)


def walk(http: Http, ask: Ask, today: date, progress: Callable[[str], None]) -> Walk:
    """Walk; whatever ends it early, what was found until then is returned.

    Raises:
        ToolError: the paper itself could not be had.
    """
    head = s2.head(http, ask.paper_id, "citations")
    paper = head.paper.filled(Paper(head.paper.title, arxiv_id=ask.paper_id.base))
    key = node_key(paper)
    found = Walk(key, {key: Node(paper, 0, None)}, responses=[head.response])
    try:
        _around_seed(http, found, ask, today)
        _outward(http, found, ask, today, progress)
    except KeyboardInterrupt:
        found.stopped, found.interrupted = "stopped by Ctrl-C; the same command goes on from here", True
    except ToolError as err:
        found.stopped = f"{err.message}; the same command goes on from here"
    return found


def _around_seed(http: Http, found: Walk, ask: Ask, today: date) -> None:
    """Both directions and the recommendations; one of the three may be withheld."""
    failures: list[ToolError] = []
    directions: tuple[Direction, ...] = ("citations", "references")
    for direction in directions:
        try:
            _expand(http, found, found.seed, direction, _Room(_SEED_PAGE, max(ask.papers // 4, 1), ask.papers), today)
        except ToolError as err:
            _settle(found, failures, err)
    found.nodes[found.seed].expanded = True
    try:
        answer = s2.recommended(http, found.seed, _RECOMMENDED)
        found.responses.append(answer.response)
        found.recommended = {node_key(paper): paper for paper in answer.papers}
    except ToolError as err:
        _settle(found, failures, err)


def _outward(http: Http, found: Walk, ask: Ask, today: date, progress: Callable[[str], None]) -> None:
    failures: list[ToolError] = []
    while _spent(http, found) < ask.budget and (waiting := found.open_nodes(ask.hops)):
        node = found.nodes[waiting[0]]
        node.expanded = True
        progress(f"{len(found.responses)} of {ask.budget} answers, {len(found.nodes)} papers: {node.paper.title}")
        try:
            _expand(http, found, waiting[0], node.direction or "citations", _Room(_PAGE, _WIDTH, ask.papers), today)
            failures.clear()
        except NotFound:
            found.notes.append(f"Semantic Scholar does not list the {node.direction} of {waiting[0]}")
        except ToolError as err:
            node.expanded = False
            _settle(found, failures, err)
            node.expanded = True
    if found.open_nodes(ask.hops):
        found.notes.append(_budget_note(found, ask))


def _spent(http: Http, found: Walk) -> int:
    """Of the budget: answers, stored or not, or the requests of this run where they are more (some were asked again)."""
    return max(len(found.responses), http.requests_made)


def _budget_note(found: Walk, ask: Ask) -> str:
    if len(found.responses) < ask.budget:
        told = f"the budget of {ask.budget} requests is spent, some of them on asking again"
        return f"{told} ({len(found.responses)} answers): the same command goes on from here"
    return f"the budget of {ask.budget} answers is spent: --budget {ask.budget * 2} goes on from here"


def _settle(found: Walk, failures: list[ToolError], err: ToolError) -> None:
    """One failure is noted, a second in a row or a rate limit ends the walk."""
    failures.append(err)
    if isinstance(err, RateLimited) or len(failures) >= _FAILURES:
        raise err
    found.notes.append(err.message)


@dataclass(frozen=True)
class _Room:
    """How much is read of one paper: edges of a page, new papers from it, papers in all."""

    page: int
    width: int
    papers: int


def _expand(http: Http, found: Walk, key: str, direction: Direction, room: _Room, today: date) -> None:
    """Read the edges of one paper: keep the best new papers, and every link between papers that are here."""
    page = s2.neighbours(http, key, direction, room.page)
    found.responses.append(page.response)
    free = min(room.width, room.papers - len(found.nodes))
    ranked = sorted(page.edges, key=lambda edge: -_edge_promise(edge, today))
    for edge in ranked:
        other = _raw_key(edge, direction)
        if other not in found.nodes and free <= 0:
            found.left_out += 1
            continue
        citation = s2.parse_edge(edge, direction)
        if citation is None:
            continue
        other = node_key(citation.paper)
        if other not in found.nodes:
            hops = found.nodes[key].hops + 1
            found.nodes[other] = Node(citation.paper, hops, direction, _edge_promise(edge, today))
            free -= 1
        _link(found, key, other, direction, citation)
    if page.next_offset is not None:
        found.left_out += 1


def _link(found: Walk, key: str, other: str, direction: Direction, citation: Citation) -> None:
    if key == other:  # a paper and its own later version
        return
    ends = (other, key) if direction == "citations" else (key, other)
    known = found.links.get(ends)
    if known is None or (known.contexts is None and citation.contexts):
        found.links[ends] = citation


def _raw_key(edge: s2.Edge, direction: Direction) -> str:
    """`node_key` of an edge that is not parsed: thousands are looked at, a few are taken."""
    raw = s2.other_end(edge, direction)
    paper = s2.parse_paper({name: raw.get(name) for name in ("title", "externalIds", "paperId")})
    return node_key(paper) if paper else ""


def _edge_promise(edge: s2.Edge, today: date) -> float:
    """Influence first, then citations a year; the recent count a little more, as nobody could cite them yet."""
    day, year = edge.day if len(edge.day) > 4 else None, int(edge.day[:4]) if edge.day else None
    described = Paper("x", published=day, year=year, citation_count=edge.citation_count)
    a_year = citations_a_year(described, today) or 0.0
    recent = 0.5 if described.year and today.year - described.year <= 1 else 0.0
    return 2.0 * (edge.is_influential is True) + math.log1p(a_year) / 2 + recent
