"""The graph as one file: drawn and listed before any script runs; the script lets one explore.

The same graph makes the same bytes. Nothing loads and nothing is sent: the policy allows this style and this script alone.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from ml_intern_helpers import __version__
from ml_intern_helpers.cli.output import without_tokens
from ml_intern_helpers.core.page_policy import policy
from ml_intern_helpers.papers.walk import chart
from ml_intern_helpers.papers.walk.lanes import FRONTIER_YEARS

TEMPLATES = Path(__file__).with_name("templates")
#: Sentences per link, and characters of an abstract, that the page carries; all of it is in `--save`.
_CONTEXTS, _ABSTRACT = 2, 1500
#: Lane -> what it is called and what that means.
LANES = {
    "seed": ("this paper", "the paper the walk began at"),
    "landmark": ("landmark", "among the twenty that most papers of this graph cite"),
    "frontier": ("frontier", f"less than {FRONTIER_YEARS:.0f} years old"),
    "other": ("other", "neither"),
}


def page(graph: dict[str, Any]) -> str:
    """The page of a graph that `data.whole` made."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    graph = json.loads(without_tokens(json.dumps(graph)))  # before anything is cut: half a key is no longer known for one
    papers = _ordered(graph["papers"])
    style, script = _own("graph.css"), _own("graph.js")
    context = {
        "version": __version__,
        "graph": graph,
        "seed": papers[0],
        "lanes": _lanes(papers),
        "abstract_most": _ABSTRACT,
        **_drawing(graph, papers),
        "data": _embedded(graph, papers),
        "style": style,
        "script": script,
        "policy": policy(style, script),
    }
    return environment.get_template("graph.html").render(context) + "\n"


def _ordered(papers: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Lane by lane; in each, what most papers here cite first, then what most papers anywhere do."""
    order = list(LANES)
    return sorted(papers, key=lambda each: (order.index(each["lane"]), -each["cited_here"], -(each["citation_count"] or 0)))


def _lanes(papers: list[dict[str, Any]]) -> list[dict[str, Any]]:
    found = [paper["lane"] for paper in papers]
    return [{"lane": key, "name": name, "means": means, "papers": found.count(key)} for key, (name, means) in LANES.items()]


def _drawing(graph: dict[str, Any], papers: list[dict[str, Any]]) -> dict[str, Any]:
    scale = chart.axes(papers)
    dots = chart.dots(papers, scale)
    return {
        "dots": dots,
        "lines": chart.lines(graph["links"], dots),
        "names": chart.names(dots),
        "years": chart.years(scale),
        "counts": chart.counts(scale),
        "undated": chart.LEFT + chart.UNDATED if scale.left > chart.LEFT else None,
        "frontier_x": chart.frontier(scale, graph["made_on"]),
        "box": {"width": chart.WIDTH, "height": chart.HEIGHT, "left": chart.LEFT, "right": chart.WIDTH - chart.RIGHT}
        | {"top": chart.TOP, "bottom": chart.HEIGHT - chart.BOTTOM},
    }


@cache
def _own(name: str) -> str:
    return (TEMPLATES / name).read_text(encoding="utf-8").strip()


def _embedded(graph: dict[str, Any], papers: list[dict[str, Any]]) -> str:
    """Links and sentences for the script. No `<` is left: a title cannot end the block that holds it."""
    numbers = {paper["key"]: number for number, paper in enumerate(papers)}
    links = [
        [
            *(numbers[link["citing"]], numbers[link["cited"]], bool(link["is_influential"])),
            *((link["contexts"] or [])[:_CONTEXTS], link["intents"] or []),
        ]
        for link in graph["links"]
    ]
    text = json.dumps({"links": links}, ensure_ascii=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
