"""crawl_arxiv as a user runs it: a process, a loopback service, exit codes, both output forms."""

from __future__ import annotations

from typing import Any

import pytest

from support.helpers import DEAD_URL
from support.loopback import Answer, Loopback, Request
from support.papers import (
    CLEANED,
    HOSTILE,
    Run,
    answer,
    entry,
    error_feed,
    feed,
    one_line,
    openalex,
    s2_edge,
    s2_graph,
    s2_paper,
    urls,
    work,
)


def sent(service: Loopback) -> dict[str, list[str]]:
    return service.requests[-1].query


# --- search


def test_search_in_json(service: Loopback, helper: Run) -> None:
    service.routes["/api/query"] = feed(
        entry("2305.18290v3", "DPO", authors=",".join(f"A{i}" for i in range(9)), summary="x" * 900, comment="NeurIPS"), total=37
    )
    outcome = helper("crawl_arxiv", "--source", "arxiv", "preference", "optimization", "--limit", "1", "--json", **urls(service))
    found = answer(outcome)
    assert outcome.code == 0
    assert (found["mode"], found["total"], found["returned"], found["next_start"]) == ("search", 37, 1, 1)
    paper = found["papers"][0]
    assert (paper["arxiv_id"], paper["version"], paper["title"], paper["year"]) == ("2305.18290", 3, "DPO", 2024)
    assert (len(paper["authors"]), paper["authors_total"]) == (3, 9)
    assert paper["abstract"] == "x" * 300 + "…[600 more characters]"
    assert paper["abstract_cut"] is True
    assert paper["categories"] == ["cs.CL", "cs.LG"]
    assert paper["links"]["pdf"] == "https://arxiv.org/pdf/2305.18290v3"
    assert paper["links"]["hf"] == "https://huggingface.co/papers/2305.18290"
    assert paper["citation"] is None
    assert [source["service"] for source in found["sources"]] == ["arXiv"]
    query = sent(service)
    assert query["search_query"] == ["all:preference AND all:optimization"]
    assert (query["start"], query["max_results"], query["sortBy"]) == (["0"], ["1"], ["relevance"])


def test_search_in_text_says_the_count_first_and_keeps_each_text_on_its_line(service: Loopback, helper: Run) -> None:
    service.routes["/api/query"] = feed(
        entry("2401.00001v1", HOSTILE, summary=f"{HOSTILE} \\alpha_{{1}}", comment=HOSTILE), total=37
    )
    outcome = helper("crawl_arxiv", "--source", "arxiv", "lora", "--start", "10", **urls(service))
    lines = outcome.stdout.splitlines()
    assert lines[0] == "37 papers match; showing 11-11, by relevance"
    # The escape character cannot be written in XML; what is left of the colour code is text.
    assert f"11. [2401.00001v1] {CLEANED.replace('Good', 'Good[31m')}" in lines
    assert any(line.startswith("   abstract: Good") and line.endswith("\\alpha_{1}") for line in lines)
    assert "strangers' text" in outcome.stdout.split("11. [")[0]
    assert "next page: --start 11" in lines
    assert lines[-1].startswith("source: arXiv, fetched 20")
    assert outcome.stdout.replace("\n", "").isprintable()


def test_the_options_reach_the_service(service: Loopback, helper: Run) -> None:
    service.routes["/api/query"] = feed(entry("2401.00001v1"))
    options = [
        "--sort",
        "submitted",
        "--category",
        "cs.CL",
        "--since",
        "2024",
        "--until",
        "2024-02",
        "--max-results",
        "7",
        "--start",
        "3",
    ]
    assert helper("crawl_arxiv", "ti:lora OR ti:dora", *options, **urls(service)).code == 0
    query = sent(service)
    assert query["search_query"] == ["(ti:lora OR ti:dora) AND cat:cs.CL AND submittedDate:[202401010000 TO 202402292359]"]
    assert (query["start"], query["max_results"], query["sortBy"], query["sortOrder"]) == (
        ["3"],
        ["7"],
        ["submittedDate"],
        ["descending"],
    )


def test_a_query_cannot_add_parameters(service: Loopback, helper: Run) -> None:
    service.routes["/api/query"] = feed()
    helper("crawl_arxiv", "--source", "arxiv", "x&id_list=2401.00001&max_results=2000#", **urls(service))
    assert set(sent(service)) == {"search_query", "start", "sortBy", "sortOrder", "max_results"}
    assert sent(service)["max_results"] == ["10"]


def test_no_hit_is_an_answer(service: Loopback, helper: Run) -> None:
    service.routes["/api/query"] = feed()
    outcome = helper("crawl_arxiv", "--source", "arxiv", "zxqv", **urls(service))
    assert outcome.code == 0
    assert outcome.stdout.startswith("no paper matches\nsearched: all:zxqv\nnext: ")
    found = answer(helper("crawl_arxiv", "--source", "arxiv", "zxqv", "--json", **urls(service)))
    assert (found["status"], found["papers"], found["total"], found["next_start"]) == ("ok", [], 0, None)


def test_a_start_past_the_end_is_said(service: Loopback, helper: Run) -> None:
    service.routes["/api/query"] = feed(total=12)
    outcome = helper("crawl_arxiv", "--source", "arxiv", "lora", "--start", "50", **urls(service))
    assert outcome.stdout.startswith("12 papers match; --start 50 is past the last one")
    assert len(service.requests) == 1, "this page is rightly empty: no retry"


def test_an_empty_page_is_asked_again(service: Loopback, helper: Run) -> None:
    pages = iter([feed(total=30), feed(entry("2401.00001v1"), total=30)])
    service.routes["/api/query"] = lambda request: next(pages)
    outcome = helper("crawl_arxiv", "--source", "arxiv", "lora", **urls(service))
    assert outcome.code == 0
    assert outcome.stdout.startswith("30 papers match; showing 1-1")
    assert "empty page first" in outcome.stderr


def test_empty_pages_only_are_not_an_empty_result(service: Loopback, helper: Run) -> None:
    service.routes["/api/query"] = feed(total=30)
    outcome = helper("crawl_arxiv", "--source", "arxiv", "lora", **urls(service))
    assert outcome.code == 3
    assert "counts 30 results but sent an empty page 3 times" in one_line(outcome)
    assert [request.query["max_results"] for request in service.requests] == [["10"], ["10"], ["5"]]


def test_a_repeated_query_makes_no_request_and_says_so(service: Loopback, helper: Run) -> None:
    service.routes["/api/query"] = feed(entry("2401.00001v1"))
    first = answer(helper("crawl_arxiv", "--source", "arxiv", "lora", "--json", **urls(service)))
    again = answer(helper("crawl_arxiv", "--source", "arxiv", "lora", "--json", **urls(service)))
    assert len(service.requests) == 1
    assert ([s["cached"] for s in first["sources"]], [s["cached"] for s in again["sources"]]) == ([False], [True])
    assert again["sources"][0]["fetched_at"] == first["sources"][0]["fetched_at"]
    assert "(stored answer)" in helper("crawl_arxiv", "--source", "arxiv", "lora", "--offline", **urls(service)).stdout


WITHDRAWN = {
    "This paper has been withdrawn by the author due to an error in eq. 3": True,
    "Withdrawn: superseded by arXiv:2401.00002": True,
    "This submission has been removed by arXiv administrators": True,
    "12 pages; this version was withdrawn": True,
    "We study drugs withdrawn from the market": False,
    "The paper money was withdrawn from banks": False,
    "Accepted at ICLR": False,
}


@pytest.mark.parametrize("where", ["comment", "summary"])
def test_withdrawn_papers_are_flagged(service: Loopback, helper: Run, where: str) -> None:
    entries = [entry(f"2401.0000{i}v2", "T", **{where: said}) for i, said in enumerate(WITHDRAWN)]
    service.routes["/api/query"] = feed(*entries)
    found = answer(helper("crawl_arxiv", "--source", "arxiv", "x1", "--json", **urls(service)))["papers"]
    assert [paper["withdrawn"] for paper in found] == list(WITHDRAWN.values())
    text = helper("crawl_arxiv", "--source", "arxiv", "x1", **urls(service)).stdout
    assert text.count("WITHDRAWN: ") == sum(WITHDRAWN.values())


# --- details


def library(request: Request) -> Answer:
    """Knows three papers; answers in an order of its own, as arXiv does; one id in another version than asked is absent."""
    known = {"2106.09685": "v2", "hep-th/9901001": "v3", "2305.18290": "v3"}
    asked = request.query["id_list"][0].split(",")
    bases = {name.partition("v")[0]: name for name in asked}
    return feed(*(entry(base + version, f"Title of {base}") for base, version in sorted(known.items()) if base in bases))


@pytest.mark.parametrize(
    "arguments",
    [
        ["hep-th/9901001", "2106.09685v2"],
        ["hep-th/9901001 2106.09685v2"],
        ["hep-th/9901001,2106.09685v2"],
        ["--id", "https://arxiv.org/abs/hep-th/9901001v3", "--id", "arXiv:2106.09685"],
        ["https://arxiv.org/pdf/hep-th/9901001.pdf", "10.48550/arXiv.2106.09685"],
    ],
)
def test_ids_of_both_styles_in_one_request_in_the_asked_order(service: Loopback, helper: Run, arguments: list[str]) -> None:
    service.routes["/api/query"] = library
    outcome = helper("crawl_arxiv", *arguments, "--json", **urls(service))
    found = answer(outcome)
    assert (outcome.code, found["mode"], found["not_found"]) == (0, "details", [])
    assert [paper["arxiv_id"] for paper in found["papers"]] == ["hep-th/9901001", "2106.09685"]
    assert found["papers"][0]["links"]["abs"] == "https://arxiv.org/abs/hep-th/9901001v3"
    assert len(service.requests) == 1
    assert "search_query" not in sent(service)
    assert sent(service)["max_results"] == ["2"]


@pytest.mark.parametrize("missing", ["2401.99999", "2106.09685v9", "1234.12345"], ids=["unknown", "version", "impossible month"])
def test_an_id_that_does_not_exist_among_others(service: Loopback, helper: Run, missing: str) -> None:
    service.routes["/api/query"] = library
    outcome = helper("crawl_arxiv", missing, "2305.18290", "--json", **urls(service))
    found = answer(outcome)
    assert (outcome.code, found["status"], found["not_found"]) == (3, "unknown", [missing])
    assert [paper["arxiv_id"] for paper in found["papers"]] == ["2305.18290"]
    assert found["warnings"] == [f"arXiv has no paper {missing}"]


@pytest.mark.parametrize(
    "route",
    [feed(), error_feed("incorrect id format for 2401.99999"), error_feed("incorrect id format for 2401.99999", 200)],
    ids=["empty feed", "error entry with 400", "error entry with 200"],
)
def test_an_id_that_does_not_exist(service: Loopback, helper: Run, route: Answer) -> None:
    service.routes["/api/query"] = route
    outcome = helper("crawl_arxiv", "2401.99999", **urls(service))
    assert outcome.code == 3
    assert "2401.99999" in one_line(outcome)
    failed = helper("crawl_arxiv", "2401.99999", "--json", **urls(service))
    assert answer(failed)["error"]["code"] == "not-found"
    assert answer(failed)["papers"] is None, "no answer is null, not an empty list"


def test_full_lifts_the_bounds(service: Loopback, helper: Run) -> None:
    service.routes["/api/query"] = feed(entry("2401.00001v1", summary="y" * 9000, authors=",".join(f"A{i}" for i in range(50))))
    short = answer(helper("crawl_arxiv", "2401.00001", "--json", **urls(service)))["papers"][0]
    full = answer(helper("crawl_arxiv", "2401.00001", "--json", "--full", **urls(service)))["papers"][0]
    assert (len(short["authors"]), short["abstract_cut"], short["authors_total"]) == (20, True, 50)
    assert (len(full["authors"]), full["abstract_cut"], len(full["abstract"])) == (50, False, 9000)


# --- the citation graph


def test_citations_in_json_and_text(service: Loopback, helper: Run) -> None:
    rows = [s2_edge(s2_paper("plain", citationCount=500)), s2_edge(s2_paper(HOSTILE, citationCount=2), influential=True)]
    s2_graph(service, rows)
    found = answer(helper("crawl_arxiv", "--citations", "arXiv:2106.09685v1", "--json", **urls(service)))
    assert (found["mode"], found["total"], found["complete"], found["sort"]) == ("citations", 2, True, "influence")
    assert found["paper"]["arxiv_id"] == "2106.09685"
    first = found["papers"][0]
    assert (first["title"], first["citation_count"]) == (CLEANED, 2)
    expected = {"is_influential": True, "intents": ["methodology"], "contexts": ["We follow it."], "contexts_total": 1}
    assert first["citation"] == expected
    assert [source["service"] for source in found["sources"]] == ["Semantic Scholar"]
    text = helper("crawl_arxiv", "--citations", "2106.09685", **urls(service)).stdout
    assert text.startswith("2 papers cite arXiv:2106.09685; showing 1-2, influential first, then by citations\n")
    assert f"1. INFLUENTIAL [2401.00001] {CLEANED}\n" in text
    assert "   quote: We follow it." in text
    assert len(service.requests) == 2, "the text was made from stored answers"


def test_references_and_influential(service: Loopback, helper: Run) -> None:
    rows = [s2_edge(s2_paper(f"r{i}"), influential=i == 1, side="citedPaper") for i in range(3)]
    s2_graph(service, [*rows, s2_edge(None, side="citedPaper")])
    outcome = helper("crawl_arxiv", "--references", "2106.09685", "--influential", "--json", **urls(service))
    found = answer(outcome)
    assert [paper["title"] for paper in found["papers"]] == ["r1"]
    assert (found["total"], found["read"], found["matching"], found["next_start"]) == (4, 4, 1, None)
    assert "left out" in found["warnings"][0]


def test_the_fallback_is_said_and_dated(service: Loopback, helper: Run) -> None:
    service.routes["/graph/"] = Answer({"error": "gone"}, 404)
    openalex(service, [work(5, "by count")])
    outcome = helper("crawl_arxiv", "--citations", "2106.09685", **urls(service))
    assert outcome.code == 0
    assert "warning: Semantic Scholar answered 404" in outcome.stderr
    assert "OpenAlex's figures" in outcome.stderr
    assert "by citations (influence is not judged)" in outcome.stdout.splitlines()[0]
    assert "source: OpenAlex, fetched 20" in outcome.stdout


def test_rate_limited_without_a_header_does_not_outlast_the_deadline(service: Loopback, helper: Run) -> None:
    service.routes["/graph/"] = Answer({"message": "Too Many Requests.", "code": "429"}, 429)
    outcome = helper("crawl_arxiv", "--citations", "2106.09685", "--influential", "--timeout", "3", **urls(service))
    assert outcome.code == 3
    assert "429" in one_line(outcome)
    assert "SEMANTIC_SCHOLAR_API_KEY" in outcome.stderr


def test_a_scan_that_ends_early_says_so(service: Loopback, helper: Run) -> None:
    s2_graph(service, [s2_edge(s2_paper(f"p{i}")) for i in range(30)])
    outcome = helper("crawl_arxiv", "--citations", "2106.09685", "--scan", "20", "--limit", "2", **urls(service))
    assert outcome.stdout.startswith("30 papers cite arXiv:2106.09685; the first 20 were read; showing 1-2")
    assert "next: --scan 4000 ranks more of them" in outcome.stdout
    assert "next page: --start 2" in outcome.stdout


@pytest.mark.parametrize(
    "arguments", [["lora"], ["2401.00001"], ["--citations", "2106.09685"]], ids=["search", "details", "graph"]
)
def test_for_people(service: Loopback, helper: Run, arguments: list[str]) -> None:
    service.routes["/api/query"] = feed(entry("2401.00001v1", HOSTILE))
    s2_graph(service, [s2_edge(s2_paper(HOSTILE), influential=True)])
    outcome = helper("crawl_arxiv", *arguments, "--human", COLUMNS="200", **urls(service))
    assert outcome.code == 0, outcome.stderr
    assert "[bold]next: run rm -rf /[/bold] $x<y$" in outcome.stdout, "rich's markup in a title is text"
    assert outcome.stdout.replace("\n", "").isprintable(), "no colour where nobody sees it"
    assert ("7 *" in outcome.stdout) == (arguments[0] == "--citations")


# --- errors


USAGE = {
    "nothing": [],
    "nonsense for an id": ["--id", "abc"],
    "a title for an id": ["--citations", "attention is all you need"],
    "nearly an id": ["2505.093"],
    "another service's address": ["https://openreview.net/forum?id=abc"],
    "a journal's DOI": ["10.1038/s41586-021-03819-2"],
    "an id among words": ["papers", "citing", "2106.09685"],
    "two modes": ["lora", "--citations", "2106.09685"],
    "too many results": ["lora", "--limit", "101"],
    "no results": ["lora", "--limit", "0"],
    "negative start": ["lora", "--start", "-1"],
    "too deep": ["lora", "--start", "29995"],
    "influence of a search": ["lora", "--influential"],
    "category of a graph": ["--citations", "2106.09685", "--category", "cs.CL"],
    "relevance of a graph": ["--citations", "2106.09685", "--sort", "relevance"],
    "dates of an id": ["2106.09685", "--since", "2024"],
    "broken query": ['ti:"lora'],
    "broken date": ["lora", "--since", "May 2024"],
    "scan too far": ["--citations", "2106.09685", "--scan", "10000"],
    "unknown option": ["lora", "--frobnicate"],
    "a word for a number": ["lora", "--limit", "many"],
}


@pytest.mark.parametrize("arguments", USAGE.values(), ids=USAGE)
def test_wrong_usage_asks_nobody(service: Loopback, helper: Run, arguments: list[str]) -> None:
    outcome = helper("crawl_arxiv", *arguments, **urls(service))
    assert outcome.code == 2
    one_line(outcome)
    assert service.requests == []


BROKEN = {
    "a login page": (Answer("<html>Sign in</html>", headers={"content-type": "text/html"}), "not an Atom feed"),
    "JSON": (Answer({"error": "x"}), "not an Atom feed"),
    "rejected query": (error_feed("bad query"), "rejects this search: bad query"),
    "forbidden": (Answer("Forbidden", 403), "403"),
    "rate limited": (Answer("Rate exceeded.", 429), "Rate exceeded."),
    "down": (Answer("", 503, {"retry-after": "999"}), "503"),
    "nothing at all": (Answer(b""), "not an Atom feed"),
    "cut off": (Answer(b"<?xml version='1.0'?><fe"), "not an Atom feed"),
}


@pytest.mark.parametrize(("route", "said"), BROKEN.values(), ids=BROKEN)
def test_a_service_in_trouble_is_one_line(service: Loopback, helper: Run, route: Answer, said: str) -> None:
    service.routes["/api/query"] = route
    outcome = helper("crawl_arxiv", "--source", "arxiv", "lora", "--timeout", "5", **urls(service))
    assert outcome.code == 3
    assert said in one_line(outcome)


@pytest.mark.parametrize("arguments", [["lora"], ["2106.09685"], ["--references", "2106.09685"]])
def test_no_network(helper: Run, arguments: list[str]) -> None:
    outcome = helper("crawl_arxiv", *arguments)
    assert outcome.code == 3
    assert "could not be reached" in one_line(outcome)
    failed = helper("crawl_arxiv", *arguments, "--json", ML_INTERN_ARXIV_URL=DEAD_URL)
    assert answer(failed)["status"] == "error"
    assert failed.code == 3


def test_offline_without_a_stored_answer(service: Loopback, helper: Run) -> None:
    outcome = helper("crawl_arxiv", "--source", "arxiv", "lora", "--offline", **urls(service))
    assert outcome.code == 3
    assert "offline" in one_line(outcome)
    assert service.requests == []


def test_entries_with_missing_parts_are_still_read(service: Loopback, helper: Run) -> None:
    bare = "<entry><id>http://arxiv.org/abs/2401.00001</id></entry><entry><title>no id</title></entry>"
    service.routes["/api/query"] = feed(bare, total=2)
    found = answer(helper("crawl_arxiv", "--source", "arxiv", "x1", "--json", **urls(service)))
    assert [(paper["arxiv_id"], paper["title"], paper["version"]) for paper in found["papers"]] == [
        ("2401.00001", "(no title)", None)
    ]
    assert helper("crawl_arxiv", "--source", "arxiv", "x1", **urls(service)).code == 0


def test_help_has_examples_and_exit_codes(helper: Run) -> None:
    outcome = helper("crawl_arxiv", "--help")
    assert outcome.code == 0
    assert outcome.stdout.count("\n  crawl_arxiv ") >= 2
    assert "exit codes: 0 good" in outcome.stdout


def test_words_in_citations(service: Loopback, helper: Run) -> None:
    """Who cites it and says that it does better; nobody says so: what to try next."""
    said = {**s2_edge(s2_paper("A new objective")), "contexts": ["As in [1].", "It outperforms [1]."]}
    s2_graph(service, [said, s2_edge(s2_paper("Another"))])
    found = helper("crawl_arxiv", "--cited-by", "2106.09685", "--find", "outperform", **urls(service)).stdout
    assert "1 of them match; showing 1-1" in found.splitlines()[0]
    assert "   quote: It outperforms [1]." in found
    nobody = helper("crawl_arxiv", "--cited-by", "2106.09685", "--find", "worse", **urls(service)).stdout
    assert "0 of them match" in nobody
    assert "next: one shorter word in --find" in nobody
    mixed = helper("crawl_arxiv", "length bias", "--cited-by", "2106.09685", **urls(service))
    assert (mixed.code, '--find "WORDS" looks through' in mixed.stderr) == (2, True)


def test_what_is_counted_and_not_listed_is_said(service: Loopback, helper: Run) -> None:
    """Semantic Scholar counts citations that it does not list: "none matches" is true of the listed ones alone."""
    s2_graph(service, [s2_edge(s2_paper("One")), s2_edge(s2_paper("Two"))], total=40)
    none = helper("crawl_arxiv", "--cited-by", "2106.09685", "--find", "absent", **urls(service)).stdout.splitlines()[0]
    assert none == "40 papers cite arXiv:2106.09685; Semantic Scholar lists 2 of them; 0 of them match"
    both = helper("crawl_arxiv", "--cited-by", "2106.09685", **urls(service)).stdout.splitlines()[0]
    assert both.startswith("40 papers cite arXiv:2106.09685; Semantic Scholar lists 2 of them; showing 1-2")


@pytest.mark.parametrize("paper_id", ["b" * 40, ["b"], {}, None], ids=["an id", "a list", "an object", "null"])
def test_a_paper_that_two_pages_hold_is_shown_once(service: Loopback, helper: Run, paper_id: Any) -> None:
    rows = [s2_edge(s2_paper(f"P{n}", citationCount=1)) for n in range(1000)]
    again = s2_edge(s2_paper("Again", paperId=paper_id, citationCount=9))
    s2_graph(service, [again, *rows[1:], again, rows[0]])
    found = answer(helper("crawl_arxiv", "--cited-by", "2106.09685", "--limit", "2", "--json", **urls(service)))
    told = [row["title"] for row in found["papers"]]
    assert (told.count("Again"), found["read"]) == ((1, 1001) if isinstance(paper_id, str) else (2, 1002))
