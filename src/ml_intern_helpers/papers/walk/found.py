"""The graph as far as it was walked, and what was asked for."""

from __future__ import annotations

from dataclasses import dataclass, field

from ml_intern_helpers.papers.ids import ArxivId
from ml_intern_helpers.papers.model import Citation, Paper, key_of
from ml_intern_helpers.papers.semantic_scholar_rows import Direction, ref_of
from ml_intern_helpers.papers.walk.bounds import ANSWERS, HOPS, PAPERS
from ml_intern_helpers.web.client import Response
from ml_intern_helpers.web.services import SEMANTIC_SCHOLAR

#: A paper two steps away must be this much better than one a step away.
_FARTHER = 0.6


@dataclass(frozen=True)
class Ask:
    """A walk: at most `papers` papers, `hops` steps from `paper_id`, `budget` answers, of which `spare` are not for walking."""

    paper_id: ArxivId
    hops: int = HOPS
    budget: int = ANSWERS
    papers: int = PAPERS
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
class Walk:
    """The graph as far as it was walked.

    Attributes:
        links: (citing, cited) -> what the citing text says.
        recommended: keys of papers that Semantic Scholar recommends; not part of the graph unless a link leads there too.
        left_out: papers read and not taken, for want of room or promise.
        stopped: why it ended early, or None.
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
    interrupted: bool = False
    service: str = SEMANTIC_SCHOLAR.name

    def open_nodes(self, hops: int) -> list[str]:
        """Papers whose own edges may be read and were not, most promising first."""
        found = [
            key for key, node in self.nodes.items() if not node.expanded and node.hops < hops and ref_of(node.paper) is not None
        ]
        return sorted(found, key=lambda key: -self.nodes[key].promise * _FARTHER ** self.nodes[key].hops)

    def complete(self, hops: int) -> bool:
        return self.stopped is None and not self.left_out and not self.open_nodes(hops)


def node_key(paper: Paper) -> str:
    """What a paper is called in the graph: how it can be asked for, else what tells it from others."""
    return ref_of(paper) or key_of(paper)
