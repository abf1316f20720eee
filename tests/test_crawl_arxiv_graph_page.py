"""The graph page: its bytes, its drawing, and what it does in a real browser, also for titles that attack it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from ml_intern_helpers.papers.graph import page
from ml_intern_helpers.papers.graph.page import page as written
from support.browser import Browser, Page, chromium
from support.citation_world import World
from support.loopback import Loopback
from support.papers import CLEANED, HOSTILE, Run, s2_paper, urls

pytestmark = pytest.mark.slow

world = cache(World)
ATTACKS = [
    HOSTILE + "</script><img src=https://evil.example/x onerror=alert(1)>",
    "W" * 300,
    "العربية: نموذج لغوي كبير للتفضيلات",
    "<b>bold</b> & 'quotes' \"double\" {{ 7*7 }} {% raw %} ]]> <!--",
    "</title></style></svg><svg onload=alert(1)><a href=javascript:alert(1)>x</a>",
]


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    program = chromium()
    if program is None:
        pytest.skip("no Chromium: set CHROMIUM_BIN, or let scripts/test fetch one")
    running = Browser(program, tmp_path_factory.mktemp("browser"))
    yield running
    running.close()


class Hostile(World):
    def paper(self, number: int) -> dict[str, Any]:
        return super().paper(number) | {"title": ATTACKS[number % len(ATTACKS)], "authors": [{"name": ATTACKS[number % 2]}]}


Make = Callable[..., Path]


@pytest.fixture
def made(service: Loopback, helper: Run, home: Path) -> Make:
    """`made(world(), 200)` is the page of a walk through that world."""

    def make(walked: World, papers: int, budget: int = 24) -> Path:
        walked.serve(service)
        asked = ["--graph", walked.seed_id, "--papers", str(papers), "--budget", str(budget)]
        outcome = helper("crawl_arxiv", *asked, "--html", "g.html", "--save", "g.json", "--force", **urls(service))
        assert outcome.code == 0, outcome.stderr
        return home / "g.html"

    return make


def alone(service: Loopback, *citing: dict[str, Any]) -> World:
    """A world in which only these papers cite the seed, and nobody cites them."""
    empty = World(300)
    empty.cites, empty.cited_by = ([[] for _ in empty.cites] for _ in range(2))
    numbers = [int(paper["paperId"], 16) for paper in citing]
    empty.cited_by[int(empty.seed_id.rpartition(".")[2])] = numbers
    return empty


def quiet(page: Page, path: Path) -> None:
    """Nothing was loaded, nothing failed, nothing is wider than the window."""
    assert page.requested() == [path.as_uri()]
    assert not page.events("Runtime.exceptionThrown")
    assert not [each for each in page.events("Log.entryAdded") if each["entry"]["level"] == "error"]
    assert page.eval("document.documentElement.scrollWidth <= innerWidth")


def count(page: Page, selector: str) -> int:
    return int(page.eval(f"document.querySelectorAll({json.dumps(selector)}).length"))


def press(page: Page, key: str) -> None:
    codes = {"Tab": 9, "Enter": 13, "Escape": 27, "ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40}
    for kind in ("rawKeyDown", "keyUp"):
        page.send("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=codes[key])


def click(page: Page, selector: str) -> None:
    """Where the middle of it is on the screen, as a finger does."""
    page.eval(f"document.querySelector({json.dumps(selector)}).scrollIntoView({{block: 'center', behavior: 'instant'}})")
    box = page.eval(f"(({{x, y, width, height}}) => [x + width / 2, y + height / 2])"
                    f"(document.querySelector({json.dumps(selector)}).getBoundingClientRect())")  # fmt: skip
    for kind in ("mousePressed", "mouseReleased"):
        page.send("Input.dispatchMouseEvent", type=kind, x=box[0], y=box[1], button="left", clickCount=1)


def enter(page: Page, field: str, value: str) -> None:
    page.eval(f"(({field}).value = {json.dumps(value)}, ({field}).dispatchEvent(new Event('input')))")


SHOWN = "[...document.querySelectorAll('tbody tr')].filter((row) => !row.hidden).length"
DRAWN = "[...document.querySelectorAll('.dot')].filter((dot) => !dot.classList.contains('gone')).length"


def test_the_page_is_escaped_and_the_same_each_time(made: Make, home: Path) -> None:
    path = made(Hostile(600), 60, 8)
    text = path.read_text("utf-8")
    assert "<img" not in text
    assert "onload=alert(1)><a" not in text
    assert text.count("</script>") == 2
    assert text.count("</style>") == 1
    assert "default-src &#39;none&#39;" in text
    assert CLEANED.partition("<")[0] in text
    path.rename(home / "first.html")
    assert made(Hostile(600), 60, 8).read_text("utf-8") == (home / "first.html").read_text("utf-8")


@pytest.mark.parametrize(("width", "dark"), [(1280, False), (1280, True), (390, False)], ids=["wide", "dark", "phone"])
def test_two_hundred_papers(made: Make, browser: Browser, width: int, dark: bool) -> None:
    path = made(world(), 200)
    graph = json.loads(path.with_name("g.json").read_text("utf-8"))
    with browser.page(path, width=width, dark=dark) as page:
        quiet(page, path)
        assert count(page, ".dot") == count(page, "tbody tr") == len(graph["papers"]) == 200
        assert count(page, ".link") == len(graph["links"])
        for lane in ("seed", "landmark", "frontier", "other"):
            assert count(page, f".dot.{lane}") == sum(paper["lane"] == lane for paper in graph["papers"]) > 0
        assert count(page, ".name") >= 8
        assert page.eval(INSIDE), "every mark and name stands inside the drawing"
        assert page.eval(OVERLAPS) == 0, "no name lies on another"
        assert min(page.eval(CONTRASTS)) >= 4.5


INSIDE = """(() => { const {width, height} = document.getElementById('chart').viewBox.baseVal;
return [...document.querySelectorAll('.dot, .name')].every((each) => { const b = each.getBBox();
  return b.x >= 0 && b.y >= 0 && b.x + b.width <= width && b.y + b.height <= height; }); })()"""
OVERLAPS = """(() => { const boxes = [...document.querySelectorAll('.name')].map((each) => each.getBBox()); let count = 0;
boxes.forEach((a, i) => boxes.slice(i + 1).forEach((b) => { count += a.x + 1 < b.x + b.width && b.x + 1 < a.x + a.width
  && a.y + 4 < b.y + b.height && b.y + 4 < a.y + a.height; })); return count; })()"""
#: Of text on what is behind it, by the definition of WCAG 2.
CONTRASTS = """(() => { const light = (text) => { const [r, g, b] = text.match(/[\\d.]+/g).map((v) => { const c = v / 255;
  return c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4; }); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
const ratio = (one, two) => { const [a, b] = [light(one), light(two)]; return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05); };
const of = (selector, name) => getComputedStyle(document.querySelector(selector))[name];
return [ratio(of('.facts', 'color'), of('body', 'backgroundColor')), ratio(of('.kicker', 'color'), of('body', 'backgroundColor')),
  ratio(of('figcaption', 'color'), of('figure', 'backgroundColor')), ratio(of('.axis', 'fill'), of('figure', 'backgroundColor')),
  ratio(of('.name', 'fill'), of('figure', 'backgroundColor')), ratio(of('.new-name', 'fill'), of('.new', 'fill')),
  ratio(of('tbody small', 'color'), of('table', 'backgroundColor')), ratio(of('#detail a', 'color'), of('#detail', 'backgroundColor'))];
})()"""


@pytest.mark.parametrize("citing", [0, 1], ids=["one paper", "two papers"])
def test_a_graph_of_nearly_nothing(made: Make, service: Loopback, browser: Browser, citing: int) -> None:
    path = made(alone(service, *[s2_paper(paperId=f"{250:040x}")] * citing), 10)
    with browser.page(path) as page:
        quiet(page, path)
        assert count(page, ".dot") == count(page, "tbody tr") == citing + 1
        assert count(page, ".link") == citing
        assert count(page, ".name") == citing + 1
        assert page.eval(INSIDE)
        assert page.eval("document.querySelector('#detail h2').textContent") == page.eval(
            "document.querySelector('h1').textContent"
        )


def test_attacking_titles_are_words(made: Make, browser: Browser) -> None:
    path = made(Hostile(600), 60, 8)
    with browser.page(path, width=390) as page:
        page.eval("window.alert = () => { window.attacked = true; }")
        page.eval("rows.forEach((row, n) => choose(n))")
        quiet(page, path)
        assert count(page, "img, iframe, object, embed, form[action], svg[onload], a[href^=javascript]") == 0
        assert count(page, "b") == 2, "the two figures in the head of the page"
        assert page.eval("window.attacked") is None
        assert page.eval(f"rows.some((row) => row.querySelector('.title').textContent.startsWith({json.dumps(CLEANED)}))")
        assert page.eval("document.title").startswith("Citation graph – ")


def test_a_click_tells_all_of_a_paper(made: Make, browser: Browser) -> None:
    path = made(world(2000), 90, 10)
    graph = json.loads(path.with_name("g.json").read_text("utf-8"))
    with browser.page(path) as page:
        assert page.eval("chosen") == 0, "the paper itself is shown first"
        assert count(page, ".lit") == 0, "and dims nothing"
        number = page.eval("rows.findIndex((row) => row.dataset.lane === 'landmark')")
        click(page, f"#d{number}")
        title = page.eval("document.querySelector('#detail h2').textContent")
        paper = next(each for each in graph["papers"] if each["title"] == title)
        ties = [link for link in graph["links"] if paper["key"] in (link["citing"], link["cited"])]
        assert count(page, ".lit") == len(ties) > 1
        told = page.eval("document.getElementById('detail').textContent")
        assert paper["abstract"] in told
        assert f"cited by {paper['cited_here']}, cites {paper['cites_here']}" in told
        assert "We follow it." in told
        assert "among the twenty" in told
        assert set(page.eval("[...document.querySelectorAll('#detail a')].map((a) => a.href)")) >= {
            paper["links"]["abs"],
            paper["links"]["pdf"],
            paper["links"]["hf"],
        }
        while count(page, ".ties > button"):
            click(page, ".ties > button")
        assert count(page, "#detail .ties li") == len(ties)
        click(page, ".ties li button")
        assert page.eval("document.querySelector('#detail h2').textContent") != title, "from paper to paper along the links"
        click(page, "#detail .lane button")
        assert page.eval("[chosen, document.getElementById('detail').hidden]") == [None, True]
        quiet(page, path)


def test_filters_and_order(made: Make, browser: Browser) -> None:
    path = made(world(2000), 90, 10)
    papers = json.loads(path.with_name("g.json").read_text("utf-8"))["papers"]
    with browser.page(path) as page:
        assert page.eval("document.getElementById('shown').textContent") == f"{len(papers)} of {len(papers)} papers"
        assert page.eval("document.getElementById('all').hidden")
        enter(page, "find", page.eval("title(7)").split()[1])
        assert 1 <= page.eval(SHOWN) == page.eval(DRAWN) < len(papers)
        click(page, "#all")
        assert page.eval(SHOWN) == len(papers)
        click(page, ".chip.other")
        assert page.eval(SHOWN) == page.eval(DRAWN) == len(papers) - count(page, ".dot.other")
        assert count(page, ".picked") == 0, "what is left is seen, though the first paper is told beside it"
        enter(page, "since", "2025")
        assert page.eval("rows.filter((row) => !row.hidden).every((row) => row.dataset.year >= '2025')")
        click(page, "#all")
        lines = "[...document.querySelectorAll('.link')].filter((line) => getComputedStyle(line).display !== 'none').length"
        assert page.eval(lines) == count(page, ".link")
        click(page, "#strong")
        assert page.eval(lines) == count(page, ".link.strong") > 0
        click(page, "th[data-sort=count] button")
        column = "[...document.querySelectorAll('tbody tr')].map((row) => Number(row.cells[2].dataset.value))"
        assert page.eval(column) == sorted(page.eval(column), reverse=True)
        click(page, "th[data-sort=count] button")
        assert page.eval(column) == sorted(page.eval(column))
        assert page.eval("document.querySelector('th[data-sort=count]').ariaSort") == "ascending"
        quiet(page, path)


def test_the_keyboard_reaches_everything(made: Make, browser: Browser) -> None:
    path = made(world(2000), 90, 10)
    with browser.page(path) as page:
        assert count(page, ".dot[tabindex='0']") == 1, "one stop for all marks, not one each"
        page.eval("document.querySelector('.scroll').focus()")
        press(page, "Tab")
        assert page.eval("document.activeElement.id") == "d0"
        press(page, "ArrowRight")
        moved = page.eval("document.activeElement.id")
        assert moved != "d0"
        assert page.eval("place[here][0] > place[0][0]")
        assert count(page, ".dot[tabindex='0']") == 1
        press(page, "Enter")
        assert page.eval("`d${chosen}`") == moved
        assert page.eval("document.activeElement.id") == moved
        press(page, "Escape")
        assert page.eval("chosen") is None
        seen = page.eval(
            "(() => { const seen = new Set([here]); for (const [x, y] of [[1,0],[0,1],[-1,0],[0,-1]])"
            " for (let i = 0; i < 40; i++) { step(x, y); seen.add(here); } return seen.size; })()"
        )
        assert seen > 10, "the arrows walk through the drawing"
        quiet(page, path)


def test_without_scripts_all_is_there_to_read(made: Make, browser: Browser) -> None:
    path = made(world(), 60, 8)
    with browser.page(path) as page:
        page.send("Emulation.setScriptExecutionDisabled", value=True)
        page.send("Page.reload")
        end = time.monotonic() + 20
        while page.eval("document.readyState + document.body?.className") != "complete" and time.monotonic() < end:
            time.sleep(0.05)
        assert count(page, ".dot") == count(page, "tbody tr") > 40
        assert count(page, ".tools[hidden], aside[hidden]") == 2, "nothing is offered that would not work"
        page.eval("document.querySelector('tbody details').open = true")
        assert page.eval("document.querySelector('tbody .abstract').getBoundingClientRect().height > 10")


# --- the drawing, without a browser


def paper(number: int, **extra: Any) -> dict[str, Any]:
    base = {"key": f"k{number}", "title": f"Paper {number}", "lane": "other", "published": None, "year": 2020}
    return base | {"citation_count": number, "cited_here": 0} | extra


def test_papers_without_a_date_stand_beside_the_time() -> None:
    papers = [paper(1, year=None), paper(2), paper(3, year=2024)]
    scale = page.axes(papers)
    drawn = {dot["paper"]["key"]: dot["x"] for dot in page.dots(papers, scale)}
    assert drawn["k1"] < scale.left - 10 < drawn["k2"]
    assert page.axes(papers[1:]).left == page.LEFT, "no room is kept where all have one"


def test_one_old_classic_squeezes_nobody() -> None:
    papers = [paper(1, year=1950), *(paper(number, year=2020 + number % 5) for number in range(2, 60))]
    assert page.axes(papers).first > 2019
    assert min(dot["x"] for dot in page.dots(papers, page.axes(papers))) > 0


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("LoRA: Low-Rank Adaptation of Large Language Models", "LoRA"),
        ("Attention Is All You Need", "Attention Is All You Need"),
        ("A Very Long Title That Never Comes to Its Point", "A Very Long Title That Never …"),
        ("W" * 50, "W" * 28 + " …"),
        (": nothing before it", ": nothing before it"),
    ],
    ids=["name before a colon", "short", "cut between words", "one word", "empty name"],
)
def test_short_names(title: str, expected: str) -> None:
    assert page.short(title) == expected


def test_a_crowd_leaves_names_out() -> None:
    papers = [paper(number, lane="landmark", title="The same long name here") for number in range(40)]
    drawn = page.dots(papers, page.axes(papers))
    assert 1 <= len(page.names(drawn)) <= page.NAMED["landmark"]


def test_a_token_in_a_title_is_blanked(monkeypatch: pytest.MonkeyPatch, made: Make, home: Path) -> None:
    graph = json.loads(made(World(300), 10, 4).with_name("g.json").read_text("utf-8"))
    monkeypatch.setenv("HF_TOKEN", "hf_" + "sample" * 5)
    graph["papers"][0]["title"] = "my hf_" + "sample" * 5
    assert "hf_sample" not in written(graph)
