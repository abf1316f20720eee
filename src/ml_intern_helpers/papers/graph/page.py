"""Renders the citation graph as one HTML file with a drawing and a list; its script only adds ways to explore them.

The same graph gives the same bytes. The page loads and sends nothing: its policy allows only its own style and script.
"""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from ml_intern_helpers import __version__
from ml_intern_helpers.cli.output import without_tokens
from ml_intern_helpers.core.text import page_policy
from ml_intern_helpers.papers.model import FRONTIER_YEARS

TEMPLATES = Path(__file__).with_name("templates")
#: Sentences per link, and characters of an abstract, in the page; `--save` has all of them.
_CONTEXTS, _ABSTRACT = 2, 1500
#: Group of papers (`lane` in the saved graph) -> its name and what it means.
GROUPS = {
    "seed": ("this paper", "the paper that the walk started from"),
    "landmark": ("landmark", "among the twenty that most papers of this graph cite"),
    "frontier": ("frontier", f"less than {FRONTIER_YEARS:.0f} years old"),
    "other": ("other", "neither"),
}
#: The size and margins of the drawing: time runs to the right, citations upward (logarithmic).
WIDTH, HEIGHT = 1000, 640
LEFT, RIGHT, TOP, BOTTOM = 70, 40, 40, 46
#: Width of the strip left of the time axis for papers without a date.
UNDATED = 46
#: How many papers of each group are named in the drawing.
NAMED = {"seed": 1, "landmark": 9, "frontier": 7}
#: Characters of a name, width of a letter, height of a line.
_NAME, _LETTER, _LINE = 28, 7.7, 17.0
#: The first character of the scripts whose letters are as wide as they are high (Chinese, Japanese, Korean).
_FIRST_SQUARE = "\u2e80"
Row = dict[str, Any]
Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Axes:
    """The scales of one drawing.

    Attributes:
        first, last: the years, with fractions, at the left and the right end.
        most: the citation count at the top.
        left: the x coordinate where the time axis begins.
    """

    first: float
    last: float
    most: int
    left: float

    def x(self, when: float | None) -> float:
        """The x coordinate of a date: the left end for one before the first, and left of it for an unknown one."""
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
    graph = json.loads(without_tokens(json.dumps(graph)))  # before texts are shortened: half an access token is not recognised
    order = list(GROUPS)  # in each group: the most cited within the graph first, then the most cited anywhere
    rank = lambda each: (order.index(each["lane"]), -each["cited_here"], -(each["citation_count"] or 0))  # noqa: E731
    papers = sorted(graph["papers"], key=rank)
    groups = [paper["lane"] for paper in papers]
    scale = axes(papers)
    drawn = dots(papers, scale)
    numbers = {paper["key"]: number for number, paper in enumerate(papers)}
    links = [
        [
            *(numbers[link["citing"]], numbers[link["cited"]], bool(link["is_influential"])),
            *((link["contexts"] or [])[:_CONTEXTS], link["intents"] or []),
        ]
        for link in graph["links"]
    ]
    # Links and sentences for the script. No `<` is left in them, so that no title can close the script element.
    data = json.dumps({"links": links}, ensure_ascii=False, separators=(",", ":"))
    style, script = ((TEMPLATES / name).read_text(encoding="utf-8").strip() for name in ("graph.css", "graph.js"))
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
        "data": data.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029"),
        "style": style,
        "script": script,
        "policy": page_policy(style, script),
    }
    return environment.get_template("graph.html").render(context) + "\n"


def axes(papers: list[Row]) -> Axes:
    """Scales that hold all papers; the oldest twentieth is drawn at the left end, so that one old paper does not stretch them."""
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
    """One mark for each paper: its number in `papers`, its center, its size and its outline."""
    marks = []
    for number, paper in enumerate(papers):
        # Moved by a few units that depend only on the key, so that papers of one day without citations do not overlap.
        shift = [byte / 255 * 14 - 7 for byte in hashlib.sha256(paper["key"].encode()).digest()[:2]]
        x, y = scale.x(when(paper)) + shift[0], scale.y(paper["citation_count"] or 0) + shift[1]
        size = 4.5 + min(math.sqrt(paper["cited_here"]) * 1.5, 10) + 3 * (paper["lane"] == "seed")
        marks.append({"number": number, "paper": paper, "x": round(x, 1), "y": round(y, 1), "r": round(size, 1)})
    return [{**dot, "outline": _outline(dot)} for dot in marks]


def _outline(dot: Row) -> str:
    """A shape for each group, so that they do not differ in colour alone: a diamond, a star or a disc."""
    x, y, r = dot["x"], dot["y"], dot["r"]
    if dot["paper"]["lane"] == "frontier":
        return f"M{x} {y - r:.1f}L{x + r:.1f} {y}L{x} {y + r:.1f}L{x - r:.1f} {y}Z"
    if dot["paper"]["lane"] == "seed":
        turns = [(math.pi * (point / 5 - 0.5), r if point % 2 == 0 else r * 0.45) for point in range(10)]
        return "M" + "L".join(f"{x + reach * math.cos(turn):.1f} {y + reach * math.sin(turn):.1f}" for turn, reach in turns) + "Z"
    return f"M{x - r:.1f} {y}a{r} {r} 0 1 0 {2 * r:.1f} 0a{r} {r} 0 1 0 {-2 * r:.1f} 0Z"


def lines(links: list[Row], drawn: list[Row]) -> list[Row]:
    """A curve for each link, bent to one side, so that links along one line stay apart."""
    at = {dot["paper"]["key"]: (dot["x"], dot["y"]) for dot in drawn}
    curves = []
    for link in links:
        (x1, y1), (x2, y2) = at[link["citing"]], at[link["cited"]]
        x, y = (x1 + x2) / 2 + (y2 - y1) * 0.12, (y1 + y2) / 2 + (x1 - x2) * 0.12
        curves.append({"curve": f"M{x1} {y1}Q{x:.1f} {y:.1f} {x2} {y2}", "strong": bool(link["is_influential"])})
    return curves


def years(scale: Axes) -> list[Row]:
    step = max(round((scale.last - scale.first) / 8), 1)
    shown = [year for year in range(math.ceil(scale.first), math.floor(scale.last) + 1) if year % step == 0]
    return [{"year": year, "x": round(scale.x(year), 1)} for year in shown if year]


def counts(scale: Axes) -> list[Row]:
    marks = [0, *(10**power for power in range(7) if 10**power <= scale.most)]
    return [{"count": count, "y": round(scale.y(count), 1)} for count in marks]


def frontier(scale: Axes, made_on: str) -> float | None:
    """Where the years of the frontier begin, or None when that is outside the drawing."""
    day = date.fromisoformat(made_on)
    begins = day.year + (day.timetuple().tm_yday - 1) / 366 - FRONTIER_YEARS
    return round(scale.x(begins), 1) if scale.first <= begins < scale.last else None


def names(drawn: list[Row]) -> list[Row]:
    """Short names beside the most important marks, where there is room for them."""
    boxes = [(dot["x"] - dot["r"], dot["y"] - dot["r"], dot["x"] + dot["r"], dot["y"] + dot["r"]) for dot in drawn]
    taken, remaining, placed = [box for box in boxes if box[2] - box[0] > 14], dict(NAMED), []
    for dot in drawn:
        lane = dot["paper"]["lane"]
        if not remaining.get(lane):
            continue
        text = short(dot["paper"]["title"])
        width = _LETTER * sum(1.75 if letter >= _FIRST_SQUARE else 1.3 if letter in "WM@" else 1 for letter in text)
        place = _place(dot, width, [box for box in taken if box != boxes[dot["number"]]])
        if place:
            remaining[lane] -= 1
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


def _place(dot: Row, width: float, taken: list[Box]) -> tuple[float, float, Box] | None:
    """Right of the mark, left of it, above or below: the first free place inside the drawing."""
    x, y, r = dot["x"], dot["y"], dot["r"] + 4
    for at_x, at_y in ((x + r, y + 4), (x - r - width, y + 4), (x - width / 2, y - r - 2), (x - width / 2, y + r + 11)):
        box = (at_x, at_y - _LINE + 3, at_x + width, at_y + 3)
        inside = box[0] >= LEFT and box[2] <= WIDTH - 4 and box[1] >= TOP - 8 and box[3] <= HEIGHT - BOTTOM + 12
        covered = any(box[0] < other[2] and other[0] < box[2] and box[1] < other[3] and other[1] < box[3] for other in taken)
        if inside and not covered:
            return round(at_x, 1), round(at_y, 1), box
    return None
