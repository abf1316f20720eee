"""What to look at in a graph: landmarks (what the others build on), the frontier (what is new and taken up)."""

from __future__ import annotations

from datetime import date

from ml_intern_helpers.papers.age import age_years, citations_a_year
from ml_intern_helpers.papers.model import Citation
from ml_intern_helpers.papers.walk.found import Node, Walk

#: A paper younger than this belongs to the frontier.
FRONTIER_YEARS = 2.0


def cited_here(found: Walk) -> dict[str, int]:
    """Key -> how many papers of the graph cite it."""
    counts = dict.fromkeys(found.nodes, 0)
    for _, cited in found.links:
        counts[cited] += 1
    return counts


def cites_here(found: Walk) -> dict[str, int]:
    """Key -> how many papers of the graph it cites."""
    counts = dict.fromkeys(found.nodes, 0)
    for citing, _ in found.links:
        counts[citing] += 1
    return counts


def landmarks(found: Walk, today: date) -> list[str]:
    """The papers that most others of the graph cite; between equals, the most cited anywhere."""
    counts = cited_here(found)
    keys = [key for key, node in found.nodes.items() if key != found.seed and counts[key] and not _is_new(node, today)]
    return sorted(keys, key=lambda key: (-counts[key], -(found.nodes[key].paper.citation_count or 0), key))


def frontier(found: Walk, today: date) -> list[str]:
    """The new papers: those that build on one of the graph's papers first, then by citations a year."""
    building = {citing for (citing, _), said in found.links.items() if said.is_influential}
    keys = [key for key, node in found.nodes.items() if key != found.seed and _is_new(node, today)]
    return sorted(keys, key=lambda key: (key not in building, -(citations_a_year(found.nodes[key].paper, today) or 0.0), key))


def lane_of(found: Walk, today: date) -> dict[str, str]:
    """Key -> `seed`, `landmark` (the first twenty), `frontier` or `other`."""
    lanes = dict.fromkeys(found.nodes, "other")
    lanes |= dict.fromkeys(frontier(found, today), "frontier")
    lanes |= dict.fromkeys(landmarks(found, today)[:20], "landmark")
    return {**lanes, found.seed: "seed"}


def strongest(found: Walk, key: str) -> tuple[str, str, Citation] | None:
    """The link of a paper that says most: with the seed before others, influential before others, with a sentence."""
    touching = [(citing, cited, said) for (citing, cited), said in found.links.items() if key in (citing, cited)]
    rank = lambda link: (link[2].is_influential is True, found.seed in link[:2], bool(link[2].contexts))  # noqa: E731
    return max(touching, key=rank, default=None)


def _is_new(node: Node, today: date) -> bool:
    age = age_years(node.paper, today)
    return age is not None and age < FRONTIER_YEARS
