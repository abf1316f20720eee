"""A stored answer costs neither a request nor the modules that would make one."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

from support.citation_world import World
from support.helpers import ROOT, clean_environment
from support.loopback import Answer, Loopback
from support.papers import Run, entry, feed, hub, s2_edge, s2_graph, s2_paper, urls

PROBE = """
import sys
sys.path.insert(0, sys.argv[1])
from ml_intern_helpers.cli import commands as cli
code = cli.main(sys.argv[2], sys.argv[3:])
print(code, *sys.modules, file=sys.stderr)
"""
#: What sends requests, waits its turn, reads answers or draws for people: nobody pays for it who asks a second time.
HEAVY = {
    *("requests", "urllib3", "ssl", "socket", "filelock", "rich", "huggingface_hub", "asyncio", "email", "tempfile"),
    *("feedparser", "lxml", "pypdf", "jinja2", "html.parser", "concurrent.futures", "multiprocessing"),
}
OURS = "ml_intern_helpers."
READING, RECIPE = f"{OURS}papers.reading.latexml", f"{OURS}papers.recipe.extract"
SEARCH, SCHOLAR = f"{OURS}papers.search.ranking", f"{OURS}papers.services.semantic_scholar"
WORLD = World(300)
#: A command -> what it must not load besides.
COMMANDS = {
    "crawl_arxiv lora": {READING, RECIPE, f"{OURS}papers.graph.walk"},
    "crawl_arxiv 2401.00001": {READING, RECIPE, SEARCH},
    "crawl_arxiv --citations 2106.09685": {READING, RECIPE, SEARCH},
    f"crawl_arxiv --graph {WORLD.seed_id} --budget 6": {
        READING,
        RECIPE,
        SEARCH,
        f"{OURS}papers.services.hub",
        f"{OURS}papers.graph.page",
    },
    "crawl_arxiv --read 1810.04805 --section 1": {READING, RECIPE, SEARCH, SCHOLAR},
    "crawl_arxiv --read 1810.04805 --find model": {READING, RECIPE, SEARCH, SCHOLAR},
    "crawl_arxiv --recipe 1810.04805": {READING, RECIPE, SEARCH, SCHOLAR, f"{OURS}papers.recipe.parameters"},
    "crawl_arxiv --notes": {READING, RECIPE, SEARCH, SCHOLAR, f"{OURS}web.client", f"{OURS}papers.services.arxiv"},
    "hf_paper_meta 2106.09685": {READING, RECIPE, SEARCH},
}


def page() -> Answer:
    body = "<p class='ltx_p'>We train the model with a learning rate of 1e-4 on SQuAD.</p>" * 40
    section = (
        f"<section class='ltx_section' id='S1'><h2 class='ltx_title'><span class='ltx_tag'>1 </span>Setup</h2>{body}</section>"
    )
    title = "<h1 class='ltx_title ltx_title_document'>A paper</h1>"
    html = f"<html><body><article class='ltx_document'>{title}{section}</article></body></html>"
    return Answer(html.encode(), headers={"content-type": "text/html"})


@pytest.mark.parametrize("command", COMMANDS)
def test_a_stored_answer_needs_no_network_modules(service: Loopback, helper: Run, home: Path, command: str) -> None:
    hub(service)
    s2_graph(service, [s2_edge(s2_paper("one"))])
    service.routes |= {"/api/query": feed(entry("2401.00001v1")), "/html/": page()}
    WORLD.serve(service)
    service.routes["/graph/v1/paper/search"] = Answer({"total": 0, "offset": 0})
    everywhere = {**urls(service), "ML_INTERN_ARXIV_HTML_URL": service.url}
    first = helper(*command.split(), **everywhere)
    assert first.code == 0, first.stderr
    made = len(service.requests)
    again = subprocess.run(
        [sys.executable, "-I", "-c", PROBE, str(ROOT / "src"), *command.split()],
        env=clean_environment(home, **everywhere),
        capture_output=True,
        text=True,
        check=True,
    )
    code, *modules = again.stderr.splitlines()[-1].split()
    assert code == "0", again.stderr
    assert {name for name in modules if name in HEAVY or name in COMMANDS[command]} == set()
    assert len(service.requests) == made
    assert told(again.stdout) == told(first.stdout)


def test_the_modules_named_here_exist() -> None:
    assert all(importlib.util.find_spec(name) for name in {name for names in COMMANDS.values() for name in names})


def told(text: str) -> str:
    """An answer without what says how it was come by."""
    return re.sub(r" \(stored answer[^)]*\)|\(\d+ requests made now\)", "", text)
