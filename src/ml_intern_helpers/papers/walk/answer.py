"""crawl_arxiv --graph ID: walked, sorted into lanes, reported, written to the files asked for."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from ml_intern_helpers.cli.commands import STOPPED, Context
from ml_intern_helpers.core.report import Report
from ml_intern_helpers.papers.ids import require_id
from ml_intern_helpers.papers.library import kept
from ml_intern_helpers.papers.model import Limits, Paper
from ml_intern_helpers.papers.sources import sources
from ml_intern_helpers.papers.walk import abstracts, data, files, lanes
from ml_intern_helpers.papers.walk.bibtex import bibtex
from ml_intern_helpers.papers.walk.found import Ask, Walk
from ml_intern_helpers.papers.walk.nearby import walked


def run(args: argparse.Namespace, context: Context, empty: dict[str, Any], aims: dict[str, Path]) -> Report:
    """Walk, sort into lanes, write what was asked for."""
    given = {"hops": args.hops, "budget": args.budget, "papers": args.papers}
    ask = Ask(require_id(args.graph), **{name: value for name, value in given.items() if value is not None})
    if aims.keys() & {"html", "save"}:
        ask = replace(ask, spare=abstracts.answers(ask.papers))
    today = datetime.now(UTC).date()
    context.progress("asking Semantic Scholar …")
    found = walked(context.http, ask, today, context.progress)
    if ask.spare and not found.stopped:
        abstracts.fill(context.http, found, ask.budget)
    for note in [*found.notes, *([found.stopped] if found.stopped else [])]:
        context.warn(note)
    _keep(found)
    written = _write(found, ask, today, aims)
    limits = Limits(abstract=None, authors=None, contexts=None) if args.full else Limits()
    fields = {**empty, "mode": "graph", "paper": _row(found, found.seed, limits), "sources": sources(found.responses)}
    fields |= {"graph": _graph(found, ask, today, args.limit, limits) | _sent(context), "files": written}
    return Report(
        "crawl_arxiv", "unknown" if found.stopped else "ok", fields=fields, exit_code=STOPPED if found.interrupted else None
    )


def _sent(context: Context) -> dict[str, int]:
    """What was really sent: an answer that came on the third try cost three requests."""
    return {"requests_made": context.http.requests_made}


def _graph(found: Walk, ask: Ask, today: date, limit: int, limits: Limits) -> dict[str, Any]:
    landmarks, frontier = lanes.landmarks(found, today), lanes.frontier(found, today)
    new = [paper for key, paper in found.recommended.items() if key not in found.nodes]
    return {
        "papers": len(found.nodes),
        "links": len(found.links),
        **{name: value for name, value in asdict(ask).items() if name in ("hops", "budget")},
        "answers": len(found.responses),
        "complete": found.complete(ask.hops),
        "stopped": found.stopped,
        "unread_papers": len(found.open_nodes(ask.hops)),
        "landmarks_total": len(landmarks),
        "frontier_total": len(frontier),
        "recommended_total": len(new),
        "landmarks": [_row(found, key, limits) for key in landmarks[:limit]],
        "frontier": [_row(found, key, limits) for key in frontier[:limit]],
        "recommended": [row(paper, limits) for paper in new[:limit]],
    }


def row(paper: Paper, limits: Limits) -> dict[str, Any]:
    """A paper that stands alone."""
    return {**paper.to_dict(limits), "citation": None, "score": None, "found_by": None, "hub": None, "in_graph": None}


def _row(found: Walk, key: str, limits: Limits) -> dict[str, Any]:
    """A paper of the graph, with its place there and the link that says most."""
    node, link = found.nodes[key], lanes.strongest(found, key) if key != found.seed else None
    cited, cites = lanes.cited_here(found)[key], lanes.cites_here(found)[key]
    told = _link(found, key, link[0], link[1]) if link else None
    place = {"hops": node.hops, "cited_here": cited, "cites_here": cites, "link": told}
    return {**row(node.paper, limits), "in_graph": place, "citation": link[2].to_dict(limits) if link else None}


def _link(found: Walk, key: str, citing: str, cited: str) -> dict[str, Any]:
    """Whose words `citation` quotes: this paper's about the other, or the other's about this one."""
    other = found.nodes[cited if citing == key else citing].paper
    return {"says": "cites" if citing == key else "is cited by", "arxiv_id": other.arxiv_id, "title": other.title}


def _write(found: Walk, ask: Ask, today: date, aims: dict[str, Path]) -> list[dict[str, Any]]:
    if not aims:
        return []
    graph = data.whole(found, ask, today)
    written = []
    for name, path in aims.items():
        if name == "html":
            from ml_intern_helpers.papers.walk.page import page

            text = page(graph)
        else:
            text = bibtex(graph["papers"]) if name == "bibtex" else json.dumps(graph, ensure_ascii=False, indent=1) + "\n"
        written.append({"kind": name, **files.write(path, text)})
    return written


def _keep(found: Walk) -> None:
    """Into the library, once: stored answers have been through here already."""
    if any(not response.cached for response in found.responses):
        when = min(response.fetched_at for response in found.responses)
        kept.keep(kept.Kept(node.paper, found.service, when) for node in found.nodes.values())
