"""The walked graph: its budget, its lanes, its files; how it ends early and goes on."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from support.helpers import ROOT, clean_environment
from support.loopback import Answer, Loopback, Request
from support.papers import Run, answer, one_line, s2_edge, s2_paper, schema, urls

SEED = "2106.09685"
THIS_YEAR = datetime.now(UTC).year
RECENT = (datetime.now(UTC) - timedelta(days=120)).date().isoformat()


def paper(number: int, title: str | None = None, **extra: Any) -> dict[str, Any]:
    base = {"paperId": f"{number:040x}", "externalIds": {"ArXiv": f"2401.{number:05d}"}, "citationCount": number % 97}
    return s2_paper(title or f"Paper {number}", **{**base, **extra})


def world(service: Loopback, *, delay_s: float = 0.0, citing: int = 150, cited: int = 40) -> None:
    """A seed with neighbours, each of which has ten neighbours of its own, one of them known already."""

    def edges(request: Request) -> Answer:
        parts = request.path.split("/")
        name, direction = parts[4], parts[5]
        side = "citingPaper" if direction == "citations" else "citedPaper"
        first = 1000 if direction == "citations" else 5000
        if name.endswith(SEED):
            count = citing if direction == "citations" else cited
            day = RECENT if direction == "citations" else "2019-01-01"
            rows = [
                s2_edge(paper(first + i, publicationDate=day, year=int(day[:4])), influential=i % 10 == 0, side=side)
                for i in range(count)
            ]
        else:
            number = int(name.rpartition(".")[2])
            rows = [s2_edge(paper(number * 10 % 90000 + i), side=side) for i in range(10)]
            rows.append(s2_edge(paper(first + 1, publicationDate=RECENT), influential=True, side=side))
        return Answer({"offset": 0, "data": rows}, delay_s=delay_s)

    head = s2_paper("LoRA", externalIds={"ArXiv": SEED}, citationCount=citing, referenceCount=cited)
    service.routes |= {
        f"/graph/v1/paper/ARXIV:{SEED}": Answer(head, delay_s=delay_s),
        "/graph/v1/paper/": edges,
        "/recommendations/v1/papers/forpaper/": Answer({"recommendedPapers": [paper(9000, "Recommended"), paper(1001)]}),
    }


def test_a_walk_stays_in_its_budget_and_repeats_for_nothing(service: Loopback, helper: Run) -> None:
    world(service)
    outcome = helper("crawl_arxiv", "--graph", SEED, "--budget", "9", "--json", **urls(service))
    graph = answer(outcome)["graph"]
    assert (outcome.code, graph["answers"], graph["requests_made"], len(service.requests)) == (0, 9, 9, 9)
    assert graph["papers"] <= 200
    assert (graph["complete"], graph["stopped"]) == (False, None)
    again = answer(helper("crawl_arxiv", "--graph", SEED, "--budget", "9", "--json", **urls(service)))["graph"]
    assert len(service.requests) == 9
    assert {**again, "requests_made": 9} == graph, "the same walk"
    offline = helper("crawl_arxiv", "--graph", SEED, "--budget", "9", "--offline", "--json", **urls(service))
    assert answer(offline)["graph"]["papers"] == graph["papers"]
    wider = answer(helper("crawl_arxiv", "--graph", SEED, "--budget", "12", "--json", **urls(service)))["graph"]
    assert (wider["requests_made"], len(service.requests)) == (3, 12), "a larger budget goes on from there"


def test_the_most_promising_papers_are_walked_first(service: Loopback, helper: Run) -> None:
    world(service)
    helper("crawl_arxiv", "--graph", SEED, "--budget", "7", **urls(service))
    walked = [path for path in service.paths() if path.startswith("/graph/") and SEED not in path]
    assert len(walked) == 3
    numbers = [int(path.split("/")[4].rpartition(".")[2]) for path in walked]
    assert all(number % 10 == 0 for number in numbers), "influential ones"


def test_lanes_contexts_and_recommendations(service: Loopback, helper: Run) -> None:
    world(service)
    found = answer(helper("crawl_arxiv", "--graph", SEED, "--json", **urls(service)))
    graph = found["graph"]
    assert all(row["published"] == RECENT for row in graph["frontier"])
    assert all(row["published"] < RECENT and row["in_graph"]["cited_here"] for row in graph["landmarks"])
    assert [row["title"] for row in graph["recommended"]] == ["Recommended"], "1001 is in the graph already"
    first = graph["frontier"][0]
    assert first["citation"]["contexts"] == ["We follow it."]
    assert first["in_graph"]["link"]["says"] in ("cites", "is cited by")
    text = helper("crawl_arxiv", "--graph", SEED, "--limit", "3", **urls(service)).stdout
    assert text.startswith(f"graph of arXiv:{SEED}: ")
    for title in ("LANDMARKS: ", "FRONTIER: ", "RECOMMENDED "):
        assert f"\n{title}" in text
    assert len(text) < 6000, "bounded"


def test_whole_graph_and_bibtex_in_files(service: Loopback, helper: Run, home: Path) -> None:
    world(service)
    outcome = helper("crawl_arxiv", "--graph", SEED, "--save", "g.json", "--bibtex", "g.bib", "--json", **urls(service))
    found = answer(outcome)
    assert [(each["kind"], each["size_bytes"]) for each in found["files"]] == [
        ("save", (home / "g.json").stat().st_size),
        ("bibtex", (home / "g.bib").stat().st_size),
    ]
    graph = json.loads((home / "g.json").read_text("utf-8"))
    Draft202012Validator(schema("paper_graph")).validate(graph)
    keys = {each["key"] for each in graph["papers"]}
    assert (len(keys), len(graph["links"])) == (found["graph"]["papers"], found["graph"]["links"])
    assert all({link["citing"], link["cited"]} <= keys for link in graph["links"])
    entries = re.findall(r"^@(?:article|misc)\{([^,]+),$", (home / "g.bib").read_text("utf-8"), re.MULTILINE)
    assert len(entries) == len(set(entries)) == len(keys)
    refused = helper("crawl_arxiv", "--graph", SEED, "--save", "g.json", **urls(service))
    assert refused.code == 2
    assert "--force" in refused.stderr
    assert helper("crawl_arxiv", "--graph", SEED, "--save", "g.json", "--force", **urls(service)).code == 0


def test_bibtex_of_shown_papers_is_escaped(service: Loopback, helper: Run, home: Path) -> None:
    rows = [s2_edge(paper(1, r"50% of A&B_{x} \o/ ~", authors=[{"name": "Édouard d'Ô {x}"}], venue="", year=2024))]
    service.routes[f"/graph/v1/paper/ARXIV:{SEED}"] = Answer(s2_paper("LoRA"))
    service.routes[f"/graph/v1/paper/ARXIV:{SEED}/citations"] = Answer({"offset": 0, "data": rows})
    assert helper("crawl_arxiv", "--cited-by", SEED, "--bibtex", "x.bib", **urls(service)).code == 0
    text = (home / "x.bib").read_text("utf-8")
    assert r"title = {{50\% of A\&B\_\textbraceleft{}x\textbraceright{} \textbackslash{}o/ \textasciitilde{}}}," in text
    assert text.startswith("@misc{x202450,\n")
    assert "eprint = {2401.00001}," in text


def test_a_killed_walk_goes_on_where_it_was(service: Loopback, helper: Run, home: Path) -> None:
    world(service, delay_s=0.25)
    command = [sys.executable, "-I", str(ROOT / "src/ml_intern_helpers/__main__.py"), "crawl_arxiv", "--graph", SEED]
    process = subprocess.Popen([*command, "--budget", "10"], env=clean_environment(home, **urls(service)), cwd=home)
    wait_for(service, 5)
    process.send_signal(signal.SIGKILL)
    process.wait()
    before = len(service.requests)
    assert before < 10
    graph = answer(helper("crawl_arxiv", "--graph", SEED, "--budget", "10", "--json", **urls(service)))["graph"]
    assert graph["answers"] == 10
    assert graph["requests_made"] <= 10 - before + 1, "at most the one answer that was under way is asked again"


def test_ctrl_c_keeps_and_shows_what_is_done(service: Loopback, home: Path) -> None:
    world(service, delay_s=0.3)
    command = [sys.executable, "-I", str(ROOT / "src/ml_intern_helpers/__main__.py"), "crawl_arxiv", "--graph", SEED, "--json"]
    environment = clean_environment(home, **urls(service))
    process = subprocess.Popen(command, env=environment, cwd=home, stdout=subprocess.PIPE, text=True)
    wait_for(service, 6)
    process.send_signal(signal.SIGINT)
    stdout, _ = process.communicate(timeout=30)
    found = json.loads(stdout)
    Draft202012Validator(schema("crawl_arxiv")).validate(found)
    assert process.returncode == 130
    assert found["status"] == "unknown"
    assert "Ctrl-C" in found["graph"]["stopped"]
    assert found["graph"]["papers"] > 100


def wait_for(service: Loopback, requests: int) -> None:
    end = time.monotonic() + 30
    while len(service.requests) < requests and time.monotonic() < end:
        time.sleep(0.02)


def test_a_storm_of_429_ends_the_walk_and_says_so(service: Loopback, helper: Run) -> None:
    world(service)
    inner = service.routes["/graph/v1/paper/"]
    storm = Answer({"message": "Too Many Requests", "code": "429"}, 429, {"retry-after": "900"})
    service.routes["/graph/v1/paper/"] = lambda request: inner(request) if SEED in request.path else storm  # type: ignore[operator]
    outcome = helper("crawl_arxiv", "--graph", SEED, "--json", **urls(service))
    found = answer(outcome)
    assert (outcome.code, found["status"]) == (3, "unknown")
    assert "429" in found["graph"]["stopped"]
    assert found["graph"]["papers"] > 50
    assert len(service.requests) == 5, "one refusal, and no more"


def test_a_paper_that_is_unknown_there(service: Loopback, helper: Run) -> None:
    outcome = helper("crawl_arxiv", "--graph", SEED, **urls(service))
    assert outcome.code == 3
    assert len(outcome.stderr.splitlines()) == 2


@pytest.mark.parametrize(
    "arguments",
    [
        ["--graph", SEED, "--hops", "4"],
        ["--graph", SEED, "--budget", "3"],
        ["--graph", SEED, "--papers", "5"],
        ["--graph", "no id"],
        ["--graph", SEED, "--since", "2024"],
        ["--graph", SEED, "--html", "no/such/folder.html"],
        ["--graph", SEED, "--html", "."],
        ["--graph", SEED, "--html", "x", "--save", "x"],
        ["--hops", "2", "lora"],
        ["--html", "x.html", "lora"],
        ["--read", SEED, "--bibtex", "x.bib"],
        ["--notes", "--bibtex", "x.bib"],
        ["lora", "--force"],
        ["--graph", SEED, "--cited-by", SEED],
    ],
    ids=" ".join,
)
def test_wrong_usage_asks_nobody(service: Loopback, helper: Run, arguments: list[str]) -> None:
    outcome = helper("crawl_arxiv", *arguments, **urls(service))
    assert outcome.code == 2, outcome.stderr
    assert (outcome.stdout, service.requests) == ("", [])


def balanced(text: str) -> bool:
    """As BibTeX counts: a backslash before a brace means nothing to it."""
    depth = 0
    for character in text:
        depth += {"{": 1, "}": -1}.get(character, 0)
        if depth < 0:
            return False
    return depth == 0


def test_no_title_can_break_a_bibtex_file(service: Loopback, helper: Run, home: Path) -> None:
    authors = [{"name": "The Research and Development Group"}, {"name": "Others"}, {"name": "Ada }{ L"}]
    rows = [
        s2_edge(paper(n, title, authors=authors, venue="V {")) for n, title in enumerate(("odd { brace", "} odd", r"\} }"), 1)
    ]
    service.routes[f"/graph/v1/paper/ARXIV:{SEED}"] = Answer(s2_paper("LoRA"))
    service.routes[f"/graph/v1/paper/ARXIV:{SEED}/citations"] = Answer({"offset": 0, "data": rows})
    assert helper("crawl_arxiv", "--cited-by", SEED, "--bibtex", "x.bib", **urls(service)).code == 0
    entries = (home / "x.bib").read_text("utf-8").split("\n\n")
    assert [balanced(each) for each in entries] == [True, True, True]
    assert "author = {{The Research and Development Group} and {Others} and Ada " in entries[0]


@pytest.mark.parametrize("option", ["--save", "--html", "--bibtex"])
def test_a_link_is_not_written_through_unasked(service: Loopback, helper: Run, home: Path, option: str) -> None:
    world(service)
    (home / "graph.out").symlink_to(home / "elsewhere.txt")
    refused = helper("crawl_arxiv", "--graph", SEED, option, "graph.out", **urls(service))
    assert refused.code == 2
    assert f"is a link to {home.resolve() / 'elsewhere.txt'}" in one_line(refused)
    assert (service.requests, (home / "elsewhere.txt").exists()) == ([], False)
    assert helper("crawl_arxiv", "--graph", SEED, option, "graph.out", "--force", **urls(service)).code == 0
    assert (home / "elsewhere.txt").stat().st_size > 100


def test_a_home_that_nobody_has_is_wrong_usage(service: Loopback, helper: Run) -> None:
    outcome = helper("crawl_arxiv", "--graph", SEED, "--save", "~nobody-of-that-name/x.json", **urls(service))
    assert outcome.code == 2
    assert "cannot be written" in one_line(outcome)


def test_a_walk_keeps_the_id_asked_for(service: Loopback, helper: Run) -> None:
    """Semantic Scholar joins two preprints of one paper and answers with the id of the other."""
    head = s2_paper("LoRA", externalIds={"ArXiv": "2106.00001"})
    service.routes |= {f"/graph/v1/paper/ARXIV:{SEED}": Answer(head), "/graph/v1/paper/": Answer({"offset": 0, "data": []})}
    service.routes["/recommendations/v1/papers/forpaper/"] = Answer({"recommendedPapers": []})
    outcome = helper("crawl_arxiv", "--graph", SEED, **urls(service))
    assert outcome.stdout.startswith(
        f"graph of arXiv:{SEED}: 1 paper, 0 links, at most 2 hops; 4 answers of at most 12 (4 requests"
    )
    assert not any("2106.00001" in path for path in service.paths())


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--budget", "4"), "papers not followed further (a larger --budget follows more)"),
        (("--hops", "1", "--papers", "10"), "the least promising papers were left out (a larger --papers keeps more)"),
    ],
    ids=["budget", "papers"],
)
def test_why_a_graph_is_not_complete(service: Loopback, helper: Run, options: tuple[str, ...], said: str) -> None:
    world(service)
    headline = helper("crawl_arxiv", "--graph", SEED, *options, **urls(service)).stdout.splitlines()[0]
    assert headline.endswith(said)
    assert "; not complete: " in headline
