"""Runs `crawl_arxiv graph`: walks the citations, sorts the papers into landmarks and the frontier, and writes the files."""

from __future__ import annotations

import argparse
import json
from collections import Counter
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from ml_intern_helpers.cli.commands import STOPPED, Context
from ml_intern_helpers.core.report import Report
from ml_intern_helpers.papers.crawl_options import BUDGET, HOPS, PAPERS
from ml_intern_helpers.papers.graph import export
from ml_intern_helpers.papers.graph.walk import (
    CitationGraph,
    WalkOptions,
    add_abstracts,
    answers_for_abstracts,
    walk_with_fallback,
)
from ml_intern_helpers.papers.ids import require_id
from ml_intern_helpers.papers.library import papers as library
from ml_intern_helpers.papers.model import ALL, FRONTIER_YEARS, Limits, age_years, citations_a_year, paper_row, sources

#: At most this many papers are marked as landmarks in the files.
_MARKED = 20


def run(args: argparse.Namespace, context: Context, targets: dict[str, Path]) -> Report:
    """Walk, report, and write the files in `targets` (`save`, `html`, `bibtex`)."""
    papers = args.papers or PAPERS
    reserved_answers = answers_for_abstracts(papers) if targets.keys() & {"html", "save"} else 0
    options = WalkOptions(require_id(args.graph), args.hops or HOPS, args.budget or BUDGET, papers, reserved_answers)
    today = datetime.now(UTC).date()
    context.progress("asking Semantic Scholar …")
    graph = walk_with_fallback(context.http, options, today, context.progress)
    if reserved_answers and not graph.stopped:
        add_abstracts(context.http, graph, options.budget)
    for note in [*graph.notes, *([graph.stopped] if graph.stopped else [])]:
        context.warn(note)
    if any(not response.cached for response in graph.responses):  # stored answers are in the library already
        fetched_at = min(response.fetched_at for response in graph.responses)
        library.keep(library.KeptPaper(node.paper, graph.service, fetched_at) for node in graph.nodes.values())
    limits = ALL if args.full else Limits()
    landmark_keys, frontier_keys = landmarks(graph, today), frontier(graph, today)
    recommended = [paper for key, paper in graph.recommended.items() if key not in graph.nodes]
    summary = {
        "papers": len(graph.nodes),
        "links": len(graph.links),
        "hops": options.hops,
        "budget": options.budget,
        "answers": len(graph.responses),
        "complete": graph.complete(options.hops),
        "stopped": graph.stopped,
        "unread_papers": len(graph.open_nodes(options.hops)),
        "landmarks_total": len(landmark_keys),
        "frontier_total": len(frontier_keys),
        "recommended_total": len(recommended),
        "landmarks": [_row(graph, key, limits) for key in landmark_keys[: args.limit]],
        "frontier": [_row(graph, key, limits) for key in frontier_keys[: args.limit]],
        "recommended": [paper_row(paper, limits) for paper in recommended[: args.limit]],
        "requests_made": context.http.requests_made,
    }
    fields = {
        "mode": "graph",
        "paper": _row(graph, graph.seed, limits),
        "sources": sources(graph.responses),
        "graph": summary,
        "files": _write(graph, options, today, targets),
    }
    exit_code = STOPPED if graph.interrupted else None
    return Report("crawl_arxiv", "unknown" if graph.stopped else "ok", fields=fields, exit_code=exit_code)


def landmarks(graph: CitationGraph, today: date) -> list[str]:
    """The papers cited most within the graph; ties are ordered by their total citations."""
    cited = Counter(cited for _, cited in graph.links)
    keys = [key for key in graph.nodes if key != graph.seed and cited[key] and not _is_new(graph, key, today)]
    return sorted(keys, key=lambda key: (-cited[key], -(graph.nodes[key].paper.citation_count or 0), key))


def frontier(graph: CitationGraph, today: date) -> list[str]:
    """The new papers: those that build on another paper of the graph first, then by citations a year."""
    building = {citing for (citing, _), citation in graph.links.items() if citation.is_influential}
    keys = [key for key in graph.nodes if key != graph.seed and _is_new(graph, key, today)]
    return sorted(keys, key=lambda key: (key not in building, -(citations_a_year(graph.nodes[key].paper, today) or 0.0), key))


def _is_new(graph: CitationGraph, key: str, today: date) -> bool:
    age = age_years(graph.nodes[key].paper, today)
    return age is not None and age < FRONTIER_YEARS


def _row(graph: CitationGraph, key: str, limits: Limits) -> dict[str, Any]:
    """A paper of the graph, with its place there and its most informative link.

    Influential links come first, then links with the seed, then those with a sentence. `link` says which
    of the two papers the quoted sentences come from.
    """
    touching = [] if key == graph.seed else [ends for ends in graph.links if key in ends]

    def weight(ends: tuple[str, str]) -> tuple[bool, bool, bool]:
        citation = graph.links[ends]
        return citation.is_influential is True, graph.seed in ends, bool(citation.contexts)

    strongest = max(touching, key=weight, default=None)
    link = None
    if strongest:
        citing, cited = strongest
        other = graph.nodes[cited if citing == key else citing].paper
        link = {"says": "cites" if citing == key else "is cited by", "arxiv_id": other.arxiv_id, "title": other.title}
    node = graph.nodes[key]
    place = {
        "hops": node.hops,
        "cited_here": sum(cited == key for _, cited in graph.links),
        "cites_here": sum(citing == key for citing, _ in graph.links),
        "link": link,
    }
    return paper_row(node.paper, limits, graph.links[strongest] if strongest else None, in_graph=place)


def _write(graph: CitationGraph, options: WalkOptions, today: date, targets: dict[str, Path]) -> list[dict[str, Any]]:
    written = []
    data = _saved_graph(graph, options, today) if targets else {}
    for kind, path in targets.items():
        if kind == "html":
            from ml_intern_helpers.papers.graph.page import page

            text = page(data)
        elif kind == "bibtex":
            text = export.bibtex(data["papers"])
        else:
            text = json.dumps(data, ensure_ascii=False, indent=1) + "\n"
        written.append({"kind": kind, **export.write(path, text)})
    return written


def _saved_graph(graph: CitationGraph, options: WalkOptions, today: date) -> dict[str, Any]:
    """The graph as `--save` writes it, with all papers, links and sentences (schema: `docs/schemas/paper_graph.v1.json`)."""
    lane = dict.fromkeys(graph.nodes, "other")
    lane |= dict.fromkeys(frontier(graph, today), "frontier")
    lane |= dict.fromkeys(landmarks(graph, today)[:_MARKED], "landmark")
    lane[graph.seed] = "seed"
    cited, cites = Counter(cited for _, cited in graph.links), Counter(citing for citing, _ in graph.links)
    papers = [
        {
            "key": key,
            "lane": lane[key],
            "hops": node.hops,
            "cited_here": cited[key],
            "cites_here": cites[key],
            "expanded": node.expanded,
            **node.paper.to_dict(ALL),
        }
        for key, node in graph.nodes.items()
    ]
    return {
        "schema": "ml-intern/paper_graph/v1",
        "seed": graph.seed,
        "made_on": today.isoformat(),
        "hops": options.hops,
        "complete": graph.complete(options.hops),
        "stopped": graph.stopped,
        "source": graph.service,
        "fetched_at": min(response.date for response in graph.responses),
        "papers": papers,
        "links": [
            {"citing": citing, "cited": cited_key, **link.to_dict(ALL)} for (citing, cited_key), link in graph.links.items()
        ],
        "recommended": [paper.to_dict(ALL) for paper in graph.recommended.values()],
    }
