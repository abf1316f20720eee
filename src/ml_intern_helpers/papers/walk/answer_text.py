"""What --graph prints: its size, the two lanes, recommendations, the files."""

from __future__ import annotations

from typing import Any

from ml_intern_helpers.core.text import plural, shorten

#: Kind of a file -> what it is called.
_FILES = {"save": "JSON", "html": "HTML", "bibtex": "BibTeX"}


def headline(fields: dict[str, Any]) -> str:
    """`graph of arXiv:2305.18290: 200 papers, 412 links, 2 hops; 12 answers of at most 12 (0 requests made now)`."""
    graph, paper = fields["graph"], fields["paper"]
    size = f"{plural(graph['papers'], 'paper')}, {plural(graph['links'], 'link')}, at most {plural(graph['hops'], 'hop')}"
    sent = plural(graph["requests_made"], "request")
    said = (
        f"graph of arXiv:{paper['arxiv_id']}: {size}; {graph['answers']} answers of at most {graph['budget']} ({sent} made now)"
    )
    if graph["stopped"]:
        return f"{said}; STOPPED EARLY"
    return said if graph["complete"] else f"{said}; not complete: {_missing(graph['unread_papers'])}"


def _missing(unread: int) -> str:
    """Why a walk that nothing stopped is not the whole graph."""
    if unread:
        return f"{plural(unread, 'paper')} not followed further (a larger --budget follows more)"
    return "the least promising papers were left out (a larger --papers keeps more)"


def lanes(fields: dict[str, Any]) -> list[tuple[str, list[dict[str, Any]]]]:
    """(title, papers) of each lane that is not empty."""
    graph = fields["graph"]
    titles = {
        "landmarks": "LANDMARKS: most cited by the papers of this graph",
        "frontier": "FRONTIER: at most two years old; those that build on the graph's papers first",
        "recommended": "RECOMMENDED by Semantic Scholar, not in the graph",
    }
    return [
        (f"{title} ({len(graph[name])} of {graph[name + '_total']})", graph[name])
        for name, title in titles.items()
        if graph[name]
    ]


def place(row: dict[str, Any]) -> list[str]:
    """Where a paper stands in the graph, and whose words the quotes below are."""
    at = row.get("in_graph")
    if not at:
        return []
    said = f"   {plural(at['hops'], 'hop')} away; cited by {at['cited_here']} and citing {at['cites_here']} of these papers"
    link = at["link"]
    if not link:
        return [said]
    end = ":" if (row["citation"] or {}).get("contexts") else ""
    return [f"{said}; {link['says']} [{link['arxiv_id'] or 'not on arXiv'}] {shorten(link['title'], 60)}{end}"]


def files(fields: dict[str, Any]) -> list[str]:
    return [f"wrote {_FILES[each['kind']]}: {each['path']} ({each['size_bytes']:,} bytes)" for each in fields["files"] or []]
