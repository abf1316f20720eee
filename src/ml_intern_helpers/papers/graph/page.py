"""The graph as one file: drawn and listed before any script runs; the script lets one explore.

The same graph makes the same bytes. Nothing loads and nothing is sent: the policy allows this style and this script alone.
"""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from ml_intern_helpers import __version__
from ml_intern_helpers.cli.output import without_tokens
from ml_intern_helpers.core.text import page_policy
from ml_intern_helpers.papers.model import FRONTIER_YEARS

TEMPLATES = Path(__file__).with_name("templates")
#: Sentences per link, and characters of an abstract, that the page carries; all of it is in `--save`.
_CONTEXTS, _ABSTRACT = 2, 1500
#: Group of papers (`lane` in the saved graph) -> what it is called and what that means.
GROUPS = {
    "seed": ("this paper", "the paper the walk began at"),
    "landmark": ("landmark", "among the twenty that most papers of this graph cite"),
    "frontier": ("frontier", f"less than {FRONTIER_YEARS:.0f} years old"),
    "other": ("other", "neither"),
}
#: The drawing: time to the right, citations upward (logarithmic).
WIDTH, HEIGHT = 1000, 640
LEFT, RIGHT, TOP, BOTTOM = 70, 40, 40, 46
#: Room left of the time axis for papers whose date nobody gives.
UNDATED = 46
#: How many papers of each group are named in the drawing.
NAMED = {"seed": 1, "landmark": 9, "frontier": 7}
_NAME, _LETTER, _LINE = 28, 7.7, 17.0
#: From here on letters are as wide as they are high (Chinese, Japanese, Korean).
_SQUARE = "\u2e80"
Row = dict[str, Any]
Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Axes:
    """The scales of one drawing.

    Attributes:
        first, last: years with their fraction, at the left and the right end.
        most: citations at the top.
        left: where time begins.
    """

    first: float
    last: float
    most: int
    left: float

    def x(self, when: float | None) -> float:
        """A date before the first stands at the left end; an unknown one left of it."""
        if when is None:
            return LEFT + UNDATED / 3
        share = min(max((when - self.first) / (self.last - self.first), 0.0), 1.0)
        return self.left + share * (WIDTH - RIGHT - self.left)

    def y(self, citations: int) -> float:
        return HEIGHT - BOTTOM - math.log1p(citations) / math.log1p(self.most) * (HEIGHT - BOTTOM - TOP)


def page(graph: dict[str, Any]) -> str:
    """The page of a graph as `--save` writes it (`docs/schemas/paper_graph.v1.json`)."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    graph = json.loads(without_tokens(json.dumps(graph)))  # before anything is cut: half a key is no longer known for one
    order = list(GROUPS)  # in each group, what most papers of the graph cite first, then what most papers anywhere do
    rank = lambda each: (order.index(each["lane"]), -each["cited_here"], -(each["citation_count"] or 0))  # noqa: E731
    papers = sorted(graph["papers"], key=rank)
    groups = [paper["lane"] for paper in papers]
    scale = axes(papers)
    drawn = dots(papers, scale)
    style, script = _own("graph.css"), _own("graph.js")
    context = {
        "version": __version__,
        "graph": graph,
        "seed": papers[0],
        "groups": [
            {"lane": key, "name": name, "means": text, "papers": groups.count(key)} for key, (name, text) in GROUPS.items()
        ],
        "abstract_most": _ABSTRACT,
        "dots": drawn,
        "lines": lines(graph["links"], drawn),
        "names": names(drawn),
        "years": years(scale),
        "counts": counts(scale),
        "undated": LEFT + UNDATED if scale.left > LEFT else None,
        "frontier_x": frontier(scale, graph["made_on"]),
        "box": {"width": WIDTH, "height": HEIGHT, "left": LEFT, "right": WIDTH - RIGHT, "top": TOP, "bottom": HEIGHT - BOTTOM},
        "data": _embedded(graph, papers),
        "style": style,
        "script": script,
        "policy": page_policy(style, script),
    }
    return environment.get_template("graph.html").render(context) + "\n"


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


def axes(papers: list[Row]) -> Axes:
    """Scales that hold all papers; the oldest twentieth stands at the left end, so that one classic squeezes nobody."""
    dates = [when(paper) for paper in papers]
    known = sorted(each for each in dates if each is not None)
    first, last = (known[len(known) // 20], known[-1]) if known else (0.0, 1.0)
    if last - first < 1:
        first, last = (first + last) / 2 - 0.5, (first + last) / 2 + 0.5
    most = max((paper["citation_count"] or 0 for paper in papers), default=0)
    return Axes(first, last, max(most, 9), LEFT + (UNDATED if None in dates and known else 0))


def when(paper: Row) -> float | None:
    """The date as a year with its fraction; the middle of the year when only that is known."""
    if paper["published"]:
        year, month, day = map(int, paper["published"].split("-"))
        return year + (month - 1) / 12 + (day - 1) / 366
    return paper["year"] + 0.5 if paper["year"] else None


def dots(papers: list[Row], scale: Axes) -> list[Row]:
    """One mark a paper: its number in `papers`, its middle, its size and its outline."""
    marks = []
    for number, paper in enumerate(papers):
        x = scale.x(when(paper)) + _shake(paper["key"], 0)
        y = scale.y(paper["citation_count"] or 0) + _shake(paper["key"], 1)
        size = 4.5 + min(math.sqrt(paper["cited_here"]) * 1.5, 10) + 3 * (paper["lane"] == "seed")
        marks.append({"number": number, "paper": paper, "x": round(x, 1), "y": round(y, 1), "r": round(size, 1)})
    return [{**dot, "outline": _outline(dot)} for dot in marks]


def _outline(dot: Row) -> str:
    """A shape for each group, so that colour is not all that tells them apart: ring, square on its tip, star, small disc."""
    x, y, r = dot["x"], dot["y"], dot["r"]
    if dot["paper"]["lane"] == "frontier":
        return f"M{x} {y - r:.1f}L{x + r:.1f} {y}L{x} {y + r:.1f}L{x - r:.1f} {y}Z"
    if dot["paper"]["lane"] == "seed":
        turns = [(math.pi * (point / 5 - 0.5), r if point % 2 == 0 else r * 0.45) for point in range(10)]
        return "M" + "L".join(f"{x + reach * math.cos(turn):.1f} {y + reach * math.sin(turn):.1f}" for turn, reach in turns) + "Z"
    return f"M{x - r:.1f} {y}a{r} {r} 0 1 0 {2 * r:.1f} 0a{r} {r} 0 1 0 {-2 * r:.1f} 0Z"


def lines(links: list[Row], drawn: list[Row]) -> list[Row]:
    """A curve for each link, bent to one side, so that links along one line stay apart."""
    at = {dot["paper"]["key"]: dot for dot in drawn}
    return [{"curve": _curve(at[link["citing"]], at[link["cited"]]), "strong": bool(link["is_influential"])} for link in links]


def _curve(one: Row, two: Row) -> str:
    x, y = (one["x"] + two["x"]) / 2, (one["y"] + two["y"]) / 2
    aside_x, aside_y = (two["y"] - one["y"]) * 0.12, (one["x"] - two["x"]) * 0.12
    return f"M{one['x']} {one['y']}Q{x + aside_x:.1f} {y + aside_y:.1f} {two['x']} {two['y']}"


def _shake(key: str, which: int) -> float:
    """A few units aside, always the same ones: papers of one day with no citations must not lie on each other."""
    return hashlib.sha256(key.encode()).digest()[which] / 255 * 14 - 7


def years(scale: Axes) -> list[Row]:
    """Marks of the time axis."""
    step = max(round((scale.last - scale.first) / 8), 1)
    shown = [year for year in range(math.ceil(scale.first), math.floor(scale.last) + 1) if year % step == 0]
    return [{"year": year, "x": round(scale.x(year), 1)} for year in shown if year]


def counts(scale: Axes) -> list[Row]:
    """Marks of the citation axis."""
    marks = [0, *(10**power for power in range(7) if 10**power <= scale.most)]
    return [{"count": count, "y": round(scale.y(count), 1)} for count in marks]


def frontier(scale: Axes, made_on: str) -> float | None:
    """Where the years of the frontier begin, or None when that is outside the drawing."""
    day = date.fromisoformat(made_on)
    begins = day.year + (day.timetuple().tm_yday - 1) / 366 - FRONTIER_YEARS
    return round(scale.x(begins), 1) if scale.first <= begins < scale.last else None


def names(drawn: list[Row]) -> list[Row]:
    """Short names beside the marks that matter most, where there is room; what finds none stays without."""
    boxes = [(dot["x"] - dot["r"], dot["y"] - dot["r"], dot["x"] + dot["r"], dot["y"] + dot["r"]) for dot in drawn]
    taken, left, placed = [box for box in boxes if box[2] - box[0] > 14], dict(NAMED), []
    for dot in drawn:
        lane = dot["paper"]["lane"]
        if not left.get(lane):
            continue
        text = short(dot["paper"]["title"])
        place = _place(dot, _width(text), [box for box in taken if box != boxes[dot["number"]]])
        if place:
            left[lane] -= 1
            taken.append(place[2])
            placed.append({"text": text, "x": place[0], "y": place[1], "number": dot["number"], "lane": lane})
    return placed


def short(title: str) -> str:
    """`LoRA` of `LoRA: Low-Rank Adaptation …`; else its first words."""
    head = title.partition(":")[0].strip()
    if 2 <= len(head) <= _NAME - 6:
        return head
    if len(title) <= _NAME:
        return title
    cut = title[:_NAME]
    return (cut.rpartition(" ")[0] if title[_NAME] != " " and " " in cut[10:] else cut) + " …"


def _width(text: str) -> float:
    return _LETTER * sum(1.75 if letter >= _SQUARE else 1.3 if letter in "WM@" else 1 for letter in text)


def _place(dot: Row, width: float, taken: list[Box]) -> tuple[float, float, Box] | None:
    """Right of the mark, left of it, above or below: the first place inside the drawing that nothing else has."""
    x, y, r = dot["x"], dot["y"], dot["r"] + 4
    for at_x, at_y in ((x + r, y + 4), (x - r - width, y + 4), (x - width / 2, y - r - 2), (x - width / 2, y + r + 11)):
        box = (at_x, at_y - _LINE + 3, at_x + width, at_y + 3)
        inside = box[0] >= LEFT and box[2] <= WIDTH - 4 and box[1] >= TOP - 8 and box[3] <= HEIGHT - BOTTOM + 12
        if inside and not any(_overlap(box, other) for other in taken):
            return round(at_x, 1), round(at_y, 1), box
    return None


def _overlap(one: Box, two: Box) -> bool:
    return one[0] < two[2] and two[0] < one[2] and one[1] < two[3] and two[1] < one[3]
