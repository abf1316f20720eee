"""The page of `--html` in a real browser: nothing runs, nothing loads, everything can be read."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from dataset import hostile
from dataset.cases import Row, bot, chat, question, system, user
from support.browser import Browser, chromium
from support.helpers import Outcome
from support.loopback import Loopback

Make = Callable[..., Path]
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(chromium() is None, reason="no Chromium: set CHROMIUM_BIN, or let scripts/test fetch one"),
]


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    running = Browser(str(chromium()), tmp_path_factory.mktemp("browser"))
    yield running
    running.close()


def ordinary() -> list[Row]:
    """Chats of many lengths with one of each fault that the page marks."""
    draw = random.Random(1)
    key = "gh" + "p_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"
    made = [[system("be kind"), *chat(n), user(f"more {n}"), bot("so it is " * draw.randint(1, 200))] for n in range(60)]
    made[3][-1] = bot("")
    made[5].append(user("and then?"))
    made[7][-1] = bot(f"use {key}")
    made[9].insert(2, user("again"))
    made[0][-1] = bot("اكتب جملة قصيرة عن تعلم الآلة")
    return [{"messages": turns, "quality": n / 60, "label": ["good", "bad"][n % 2]} for n, turns in enumerate(made)]


@pytest.fixture
def make(call: Callable[..., Outcome], tmp_path: Path) -> Make:
    """`make(rows, "--method", "sft")` -> the page."""

    def run(rows: list[Row], *arguments: str, name: str = "rows.jsonl") -> Path:
        (tmp_path / name).write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        done = call(str(tmp_path / name), "--html", str(tmp_path / "page.html"), *arguments)
        assert "\npage: " in done.stdout, done.stderr
        return tmp_path / "page.html"

    return run


KINDS: list[Any] = [
    pytest.param(lambda url: ordinary(), id="ordinary"),
    pytest.param(hostile.conversations, id="hostile conversations"),
    pytest.param(hostile.pairs, id="hostile pairs"),
]
TOUCH_ALL = """
for (const element of document.querySelectorAll("*")) {
  for (const name of ["mouseover", "mouseenter", "focus", "click", "error", "load"]) {
    if (element.tagName != "A" && element.tagName != "BUTTON") element.dispatchEvent(new Event(name, {bubbles: false}));
  }
}
"""


@pytest.mark.parametrize("rows", KINDS)
@pytest.mark.parametrize("policy", [True, False], ids=["as written", "without its policy"])
def test_no_row_runs_or_loads_anything(
    browser: Browser, make: Make, service: Loopback, rows: Callable[[str], list[Row]], policy: bool
) -> None:
    """Twice: the escaping alone holds, and nothing even tries what the policy would stop."""
    path = make(rows(service.url), name="a<b>&'\"{{x}}.jsonl")
    if not policy:
        text = path.read_text()
        assert text.count('http-equiv="Content-Security-Policy"') == 1
        path.write_text(text.replace('http-equiv="Content-Security-Policy"', 'name="nothing"'))
    with browser.page(path) as page:
        page.eval(TOUCH_ALL)
        page.eval("new Promise(done => setTimeout(done, 200))")
        assert page.eval("window.pwned") is None
        assert "pwned" not in page.eval("document.title").split(" – ")[0]
        assert page.eval("document.querySelectorAll('script, style').length") == 2
        assert page.eval("document.querySelectorAll('img,iframe,object,embed,form,link,base,video,animate').length") == 0
        inside = "[...document.querySelectorAll('*')].flatMap(e => e.getAttributeNames()).filter(n => /^on|^style$|^src/.test(n))"
        assert page.eval(inside) == []
        assert page.eval("[...document.links].filter(a => !/^(#|https:)/.test(a.getAttribute('href'))).length") == 0
        assert page.requested() == [path.as_uri()]
        assert page.events("Log.entryAdded") == []
        assert page.events("Page.javascriptDialogOpening") == []
    assert service.requests == []


def test_the_policy_stops_what_gets_past_the_escaping(browser: Browser, make: Make, service: Loopback) -> None:
    """As if escaping had failed: a script, a handler, a style and a picture written into the page by hand."""
    path = make(ordinary())
    bad = (
        f"<script>window.pwned=1</script><img src='{service.url}/x' onerror='window.pwned=2'><style>main{{display:none}}</style>"
    )
    path.write_text(path.read_text().replace("<main", bad + "<main", 1))
    with browser.page(path) as page:
        page.eval("new Promise(done => setTimeout(done, 200))")
        assert page.eval("window.pwned") is None
        assert page.eval("getComputedStyle(document.querySelector('main')).display") == "block"
        assert page.eval("document.querySelector('button').hidden") is False, "our own script runs all the same"
        assert len(page.events("Log.entryAdded")) >= 3
    assert service.requests == []


@pytest.mark.parametrize("rows", KINDS)
@pytest.mark.parametrize("width", [320, 768])
def test_no_sideways_scrolling(browser: Browser, make: Make, rows: Callable[[str], list[Row]], width: int) -> None:
    with browser.page(make(rows("http://127.0.0.1:9")), width=width) as page:
        assert page.eval("[innerWidth, document.documentElement.scrollWidth]") == [width, width]
        beyond = f"[...document.querySelectorAll('main *')].filter(e => e.getBoundingClientRect().right > {width} + 1)"
        assert page.eval(f"{beyond}.filter(e => !e.closest('.unseen')).map(e => e.outerHTML.slice(0, 90))") == []


#: Every element with text of its own: its colour against the first background behind it that is not transparent.
CONTRAST = """
(() => {
  const canvas = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
  const numbers = colour => { canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data]; };
  const light = ([r, g, b]) => [r, g, b].map(v => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, at) => sum + v * [0.2126, 0.7152, 0.0722][at], 0);
  const behind = element => { for (let at = element; at; at = at.parentElement) {
    const colour = numbers(getComputedStyle(at).backgroundColor); if (colour[3] > 250) return colour; } return [255, 255, 255, 255]; };
  const poor = [];
  let seen = 0;
  for (const element of document.querySelectorAll("body *")) {
    const own = [...element.childNodes].some(node => node.nodeType == 3 && node.textContent.trim());
    if (!own || element.closest(".unseen, .skip, script, style, title, desc") || !element.getClientRects().length) continue;
    const style = getComputedStyle(element);
    let ink = numbers(element instanceof SVGElement ? style.fill : style.color);
    const ground = behind(element), opacity = Number(style.opacity);
    ink = ink.map((v, at) => v * opacity + ground[at] * (1 - opacity));
    const [high, low] = [light(ink), light(ground)].sort((a, b) => b - a);
    const size = parseFloat(style.fontSize), large = size >= 24 || (size >= 18.66 && style.fontWeight >= 700);
    seen += 1;
    if ((high + 0.05) / (low + 0.05) < (large ? 3 : 4.5))
      poor.push([element.className.baseVal ?? element.className, element.textContent.slice(0, 40), (high + 0.05) / (low + 0.05)]);
  }
  return {poor, seen};
})()
"""


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("method", ["sft", "dpo"])
def test_contrast(browser: Browser, make: Make, tmp_path: Path, dark: bool, method: str) -> None:
    """WCAG AA for every text, in both schemes, on a page with good, bad and doubtful parts and a comparison."""
    (tmp_path / "other.jsonl").write_text('{"text": "another"}\n')
    with browser.page(make(ordinary(), "--method", method, "--compare", str(tmp_path / "other.jsonl")), dark=dark) as page:
        found = page.eval(CONTRAST)
        assert found["poor"] == []
        assert found["seen"] > 100
        ground = page.eval("getComputedStyle(document.body).backgroundColor")
        assert (int(ground.split("(")[1].split(",")[0]) < 60) == dark
        page.screenshot(tmp_path / "shot.png")
        assert (tmp_path / "shot.png").stat().st_size > 50_000


def test_landmarks_headings_and_names(browser: Browser, make: Make) -> None:
    with browser.page(make(ordinary())) as page:
        page.send("Accessibility.enable")
        nodes = page.send("Accessibility.getFullAXTree")["nodes"]
        names: dict[str, list[str]] = {}
        for node in nodes:
            if not node.get("ignored"):
                names.setdefault(node["role"]["value"], []).append(node.get("name", {}).get("value", ""))
        assert names.keys() >= {"banner", "main", "navigation", "contentinfo", "heading", "table"}
        assert all(names["heading"])
        pictures = names.get("image", []) + names.get("img", [])
        assert any(name.startswith("How many rows have how many characters 60 rows; median") for name in pictures)
        assert all(pictures)
        levels = page.eval("[...document.querySelectorAll('h1,h2,h3,h4')].map(h => Number(h.tagName[1]))")
        assert levels[0] == 1
        assert all(after - before <= 1 for before, after in pairwise(levels))
        assert page.eval(
            "[...document.querySelectorAll('[id]')].length == new Set([...document.querySelectorAll('[id]')].map(e => e.id)).size"
        )
        targets = "[...document.querySelectorAll('a[href^=\"#\"]')].every(a => document.getElementById(a.hash.slice(1)))"
        assert page.eval(targets) is True


def test_copy_puts_the_mapping_on_the_clipboard(browser: Browser, make: Make) -> None:
    path = make([{"prompt": question(n), "messages": chat(n)} for n in range(6)], "--method", "sft")
    browser.send("Browser.grantPermissions", permissions=["clipboardReadWrite", "clipboardSanitizedWrite"])
    with browser.page(path) as page:
        page.send("Page.bringToFront")
        page.eval("document.querySelector('button').click()")
        page.eval("new Promise(done => setTimeout(done, 150))")
        assert page.eval("document.querySelector('button').textContent") == "Copied"
        copied = page.eval("navigator.clipboard.readText()")
        assert copied == page.eval("document.getElementById('code-1').textContent")
        assert 'dataset.select_columns(["messages"])' in copied


def test_print_and_right_to_left(browser: Browser, make: Make) -> None:
    path = make(ordinary())
    with browser.page(path, dark=True, media="print") as page:
        assert page.eval("getComputedStyle(document.querySelector('nav')).display") == "none"
        assert page.eval("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
        assert len(page.send("Page.printToPDF", printBackground=True)["data"]) > 20_000
    with browser.page(path) as page:
        arabic = "[...document.querySelectorAll('.said')].find(e => /[\\u0600-\\u06ff]/.test(e.textContent))"
        assert page.eval(f"getComputedStyle({arabic}).direction") == "rtl"


def test_what_is_wrong_is_marked_where_it_is(browser: Browser, make: Make) -> None:
    with browser.page(make(ordinary())) as page:
        told = (
            "Object.fromEntries([...document.querySelectorAll('article')].map(a => [a.querySelector('h3').textContent,"
            " [...a.querySelectorAll('.mark, mark')].map(m => m.textContent)]))"
        )
        marks = page.eval(told)
    assert marks["Row 4"] == ["says nothing"]
    assert marks["Row 6"] == ["the last turn is not the assistant's"]
    assert marks["Row 10"] == ["user twice in a row"]
    assert "blanked" in marks["Row 8"][0]
    assert "Row 1" in marks, "ordinary rows are shown, too"
    assert marks["Row 1"] == []
