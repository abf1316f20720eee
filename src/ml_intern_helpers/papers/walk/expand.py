"""One step of a walk: the edges of one paper, the best new papers of them, and every link between papers that are here."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date

from ml_intern_helpers.papers import semantic_scholar as s2
from ml_intern_helpers.papers.age import citations_a_year
from ml_intern_helpers.papers.model import Citation, Paper
from ml_intern_helpers.papers.semantic_scholar_rows import Direction, Edge, other_end, parse_edge, parse_paper
from ml_intern_helpers.papers.walk.found import Node, Walk, node_key
from ml_intern_helpers.web.client import Http


@dataclass(frozen=True)
class Room:
    """How much is read of one paper: edges of a page, new papers from it, papers in all."""

    page: int
    width: int
    papers: int


def expand(http: Http, found: Walk, key: str, direction: Direction, room: Room, today: date) -> None:
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
        citation = parse_edge(edge, direction)
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


def _raw_key(edge: Edge, direction: Direction) -> str:
    """`node_key` of an edge that is not parsed: thousands are looked at, a few are taken."""
    raw = other_end(edge, direction)
    paper = parse_paper({name: raw.get(name) for name in ("title", "externalIds", "paperId")})
    return node_key(paper) if paper else ""


def _edge_promise(edge: Edge, today: date) -> float:
    """Influence first, then citations a year; the recent count a little more, as nobody could cite them yet."""
    day, year = edge.day if len(edge.day) > 4 else None, int(edge.day[:4]) if edge.day else None
    described = Paper("x", published=day, year=year, citation_count=edge.citation_count)
    a_year = citations_a_year(described, today) or 0.0
    recent = 0.5 if described.year and today.year - described.year <= 1 else 0.0
    return 2.0 * (edge.is_influential is True) + math.log1p(a_year) / 2 + recent
