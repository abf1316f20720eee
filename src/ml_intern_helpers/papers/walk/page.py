"""The graph as one file: time to the right, citations upward, drawn before any script runs; the script lets one explore.

The same graph makes the same bytes. Nothing loads and nothing is sent: the policy allows this style and this script alone.
"""

from __future__ import annotations

import hashlib
import json
import math
from functools import cache
from pathlib import Path
from typing import Any

from ml_intern_helpers import __version__
from ml_intern_helpers.output import without_tokens
from ml_intern_helpers.page_policy import policy

TEMPLATES = Path(__file__).with_name("templates")
WIDTH, HEIGHT, MARGIN = 960, 520, 44
#: Sentences per link that the page carries; all of them are in `--save`.
_CONTEXTS = 2


def page(graph: dict[str, Any]) -> str:
    """The page of a graph that `data.whole` made."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    style, script = _own("graph.css"), _own("graph.js")
    dots = _dots(graph)
    context = {
        "version": __version__,
        "graph": graph,
        "seed": next(paper for paper in graph["papers"] if paper["key"] == graph["seed"]),
        "dots": dots,
        "lines": _lines(graph, dots),
        "years": _years(graph),
        "width": WIDTH,
        "height": HEIGHT,
        "data": _embedded(graph),
        "style": style,
        "script": script,
        "policy": policy(style, script),
    }
    return without_tokens(environment.get_template("graph.html").render(context)) + "\n"


@cache
def _own(name: str) -> str:
    return (TEMPLATES / name).read_text(encoding="utf-8").strip()


def _embedded(graph: dict[str, Any]) -> str:
    """Links and sentences for the script. No `<` is left: a title cannot end the block that holds it."""
    numbers = {paper["key"]: number for number, paper in enumerate(graph["papers"])}
    links = [
        [numbers[link["citing"]], numbers[link["cited"]], bool(link["is_influential"]), (link["contexts"] or [])[:_CONTEXTS]]
        for link in graph["links"]
    ]
    text = json.dumps({"links": links}, ensure_ascii=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _when(paper: dict[str, Any]) -> float | None:
    """The date as a year with its fraction; the middle of the year when only that is known."""
    if paper["published"]:
        year, month, day = map(int, paper["published"].split("-"))
        return year + (month - 1) / 12 + (day - 1) / 366
    return paper["year"] + 0.5 if paper["year"] else None


def _span(graph: dict[str, Any]) -> tuple[float, float]:
    """First and last date to draw; the oldest twentieth stands at the left edge, so that one classic squeezes nobody."""
    known = sorted(when for when in map(_when, graph["papers"]) if when is not None)
    if not known:
        return 0.0, 1.0
    first, last = known[len(known) // 20], known[-1]
    return (first, last) if last - first >= 1 else (last - 1, last)


def _dots(graph: dict[str, Any]) -> list[dict[str, Any]]:
    first, last = _span(graph)
    most = max((paper["citation_count"] or 0 for paper in graph["papers"]), default=0)
    dots = []
    for number, paper in enumerate(graph["papers"]):
        when = _when(paper)
        right = 0.0 if when is None else min(max((when - first) / (last - first), 0.0), 1.0)
        up = math.log1p(paper["citation_count"] or 0) / math.log1p(max(most, 1))
        x = MARGIN + right * (WIDTH - 2 * MARGIN) + _shake(paper["key"], 0)
        y = HEIGHT - MARGIN - up * (HEIGHT - 2 * MARGIN) + _shake(paper["key"], 1)
        radius = 4 + min(math.sqrt(paper["cited_here"]) * 1.6, 10)
        dots.append({"number": number, "paper": paper, "x": round(x, 1), "y": round(y, 1), "r": round(radius, 1)})
    return dots


def _shake(key: str, which: int) -> float:
    """A few units aside, always the same ones: papers of one day with no citations must not lie on each other."""
    return hashlib.sha256(key.encode()).digest()[which] / 255 * 12 - 6


def _lines(graph: dict[str, Any], dots: list[dict[str, Any]]) -> list[dict[str, Any]]:
    at = {dot["paper"]["key"]: dot for dot in dots}
    return [{"one": at[link["citing"]], "two": at[link["cited"]], "strong": link["is_influential"]} for link in graph["links"]]


def _years(graph: dict[str, Any]) -> list[dict[str, Any]]:
    first, last = _span(graph)
    step = max(round((last - first) / 8), 1)
    years = [year for year in range(math.ceil(first), math.floor(last) + 1) if year % step == 0]
    return [{"year": y, "x": round(MARGIN + (y - first) / (last - first) * (WIDTH - 2 * MARGIN), 1)} for y in years]
