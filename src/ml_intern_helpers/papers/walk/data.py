"""The whole graph as plain objects: what `--save` writes and the page draws."""

from __future__ import annotations

from datetime import date
from typing import Any

from ml_intern_helpers.papers.model import Limits
from ml_intern_helpers.papers.walk import lanes
from ml_intern_helpers.papers.walk.found import Ask, Walk

WHOLE = Limits(abstract=None, authors=None, contexts=None)


def whole(found: Walk, ask: Ask, today: date) -> dict[str, Any]:
    """Every paper and every link, sentences included; `docs/schemas/paper_graph.v1.json` tells the keys."""
    lane, cited, cites = lanes.lane_of(found, today), lanes.cited_here(found), lanes.cites_here(found)
    papers = [
        {
            "key": key,
            "lane": lane[key],
            "hops": node.hops,
            "cited_here": cited[key],
            "cites_here": cites[key],
            "expanded": node.expanded,
            **node.paper.to_dict(WHOLE),
        }
        for key, node in found.nodes.items()
    ]
    links = [{"citing": citing, "cited": at, **said.to_dict(WHOLE)} for (citing, at), said in found.links.items()]
    return {
        "schema": "ml-intern/paper_graph/v1",
        "seed": found.seed,
        "made_on": today.isoformat(),
        "hops": ask.hops,
        "complete": found.complete(ask.hops),
        "stopped": found.stopped,
        "source": found.service,
        "fetched_at": min(response.date for response in found.responses),
        "papers": papers,
        "links": links,
        "recommended": [paper.to_dict(WHOLE) for paper in found.recommended.values()],
    }
