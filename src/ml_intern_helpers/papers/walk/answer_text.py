"""What --graph prints: its size, the two lanes, recommendations, the files."""

from __future__ import annotations

from typing import Any

from ml_intern_helpers.text import shorten


def headline(fields: dict[str, Any]) -> str:
    """`graph of arXiv:2305.18290: 200 papers, 412 links, 2 hops; 12 answers of at most 12 (0 requests made now)`."""
    graph, paper = fields["graph"], fields["paper"]
    said = (
        f"graph of arXiv:{paper['arxiv_id']}: {graph['papers']:,} papers, {graph['links']:,} links, at most {graph['hops']} hops"
    )
    said += f"; {graph['answers']} answers of at most {graph['budget']} ({graph['requests_made']} requests made now)"
    if graph["stopped"]:
        return f"{said}; STOPPED EARLY"
    return said + ("" if graph["complete"] else f"; not complete: {graph['unread_papers']:,} papers' own edges are unread")


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
    steps = "hop" if at["hops"] == 1 else "hops"
    said = f"   {at['hops']} {steps} away; cited by {at['cited_here']} and citing {at['cites_here']} of these papers"
    link = at["link"]
    if not link:
        return [said]
    end = ":" if (row["citation"] or {}).get("contexts") else ""
    return [f"{said}; {link['says']} [{link['arxiv_id'] or 'not on arXiv'}] {shorten(link['title'], 60)}{end}"]


def files(fields: dict[str, Any]) -> list[str]:
    return [f"wrote {each['kind']}: {each['path']} ({each['size_bytes']:,} bytes)" for each in fields["files"] or []]
