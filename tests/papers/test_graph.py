"""The citation graph: ranking, paging, and what happens when Semantic Scholar cannot answer."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import pytest

from ml_intern_helpers.core.errors import NotFound, RateLimited, ToolError, Unavailable
from ml_intern_helpers.papers.graph.citation_lists import CitationList, CitationOptions, citation_list
from ml_intern_helpers.papers.ids import ArxivId
from ml_intern_helpers.web.client import Http
from support.loopback import Answer, Loopback
from support.papers import entry, feed, openalex, s2_edge, s2_graph, s2_paper, work
from support.recordings import http_recording

Door = Callable[[], Http]
LORA = ArxivId("2106.09685")
LIMITED = Answer({"message": "Too Many Requests.", "code": "429"}, 429)
HEAD = "/graph/v1/paper/ARXIV:2106.09685"


def titles(graph: CitationList) -> list[str]:
    return [edge.paper.title for edge in graph.shown]


def service_of(graph: CitationList) -> str:
    return graph.responses[-1].service.name


def edges(*rows: tuple[str, bool | None, int | None, str | None]) -> list[dict[str, Any]]:
    """(title, influential, citations, date) -> rows of a `/citations` answer."""
    return [
        s2_edge(
            s2_paper(title, citationCount=count, publicationDate=day, year=int(day[:4]) if day else None), influential=influential
        )
        for title, influential, count, day in rows
    ]


MIXED = edges(
    ("unknown", None, None, None),
    ("cited", False, 900, "2023-05-01"),
    ("influential", True, 3, "2024-05-01"),
    ("influential, cited", True, 80, "2022-01-01"),
    ("new", False, 0, "2025-07-01"),
)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, ["influential, cited", "influential", "cited", "unknown", "new"]),
        ({"sort": "submitted"}, ["new", "influential", "cited", "influential, cited", "unknown"]),
        ({"influential_only": True}, ["influential, cited", "influential"]),
        ({"since": "2024-01-01"}, ["influential", "new"]),
        ({"since": "2023-05-01", "until": "2023-05-01"}, ["cited"]),
        ({"start": 1, "limit": 2}, ["influential", "cited"]),
        ({"start": 99}, []),
    ],
    ids=["influence then citations", "newest", "influential only", "since", "one day", "a page", "past the end"],
)
def test_ranking_and_filters(service: Loopback, http: Door, options: dict[str, Any], expected: list[str]) -> None:
    s2_graph(service, MIXED)
    graph = citation_list(http(), CitationOptions(LORA, "citations", **options))
    assert titles(graph) == expected
    assert (service_of(graph), graph.total, graph.read, graph.complete) == ("Semantic Scholar", 5, 5, True)


SPOKEN = [
    {**s2_edge(s2_paper("A new objective")), "contexts": ["As in DPO [1].", "It OUTPERFORMS DPO by 3 points."]},
    {**s2_edge(s2_paper("How to outperform DPO"), influential=True), "contexts": None},
    {**s2_edge(s2_paper("Something else")), "contexts": ["We use DPO."]},
]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("outperform", ["How to outperform DPO", "A new objective"]),
        ("OUTPERFORM points", ["A new objective"]),
        ("outperform ppo", []),
        ("", ["How to outperform DPO", "A new objective", "Something else"]),
    ],
    ids=["title or sentence, part of a word", "each of them", "nothing", "no words"],
)
def test_words_in_what_a_citation_says(service: Loopback, http: Door, words: str, expected: list[str]) -> None:
    s2_graph(service, SPOKEN)
    graph = citation_list(http(), CitationOptions(LORA, "citations", find=words))
    assert titles(graph) == expected
    assert (graph.matching, graph.read) == (len(expected), 3)


def test_the_sentence_that_holds_the_words_comes_first(service: Loopback, http: Door) -> None:
    s2_graph(service, SPOKEN)
    [_, found] = citation_list(http(), CitationOptions(LORA, "citations", find="outperform")).shown
    assert found.contexts == ("It OUTPERFORMS DPO by 3 points.", "As in DPO [1].")


def test_citing_sentences_are_not_looked_for_at_openalex(service: Loopback, http: Door) -> None:
    service.routes["/graph/"] = LIMITED
    openalex(service, [work(1)])
    with pytest.raises(ToolError, match="only Semantic Scholar has the citing sentences"):
        citation_list(http(), CitationOptions(LORA, "citations", find="outperform"))


def test_a_year_alone_matches_a_date_within_it(service: Loopback, http: Door) -> None:
    s2_graph(service, [s2_edge(s2_paper("year only", publicationDate=None, year=2024))])
    assert titles(citation_list(http(), CitationOptions(LORA, "citations", since="2024-06-01"))) == ["year only"]
    assert titles(citation_list(http(), CitationOptions(LORA, "citations", since="2025-01-01"))) == []


def test_pages_are_read_up_to_scan_and_the_rest_is_said(service: Loopback, http: Door) -> None:
    s2_graph(service, edges(*((f"p{i}", False, i, "2024-01-01") for i in range(2500))))
    graph = citation_list(http(), CitationOptions(LORA, "citations", limit=1, scan=2200))
    assert titles(graph) == ["p2199"]
    assert (graph.read, graph.total, graph.complete) == (2200, 2500, False)
    assert [request.query["limit"] for request in service.requests[1:]] == [["1000"], ["1000"], ["200"]]
    assert titles(citation_list(http(), CitationOptions(LORA, "citations", limit=1, scan=9999))) == ["p2499"]


def test_a_next_that_does_not_advance_ends_the_reading(service: Loopback, http: Door) -> None:
    s2_graph(service, MIXED)
    service.routes[f"{HEAD}/citations"] = Answer({"offset": 0, "next": 0, "data": MIXED})
    assert citation_list(http(), CitationOptions(LORA, "citations")).read == 5


@pytest.mark.parametrize("empty", [None, {}, s2_paper(None), s2_paper("")], ids=["null", "empty", "null title", "empty title"])
def test_rows_without_a_paper_are_counted_not_shown(service: Loopback, http: Door, empty: dict[str, Any] | None) -> None:
    s2_graph(service, [s2_edge(empty, side="citedPaper"), s2_edge(s2_paper("there"), side="citedPaper")])
    graph = citation_list(http(), CitationOptions(LORA, "references"))
    assert (titles(graph), graph.read) == (["there"], 2)
    assert "1 references are left out" in graph.notes[0]


def test_every_field_of_a_row_may_be_missing(service: Loopback, http: Door) -> None:
    s2_graph(service, [{"citingPaper": {"title": "bare"}}])
    edge = citation_list(http(), CitationOptions(LORA, "citations")).shown[0]
    assert (edge.is_influential, edge.intents, edge.contexts, edge.paper.citation_count, edge.paper.page) == (None,) * 5


def test_a_page_that_fails_later_leaves_the_first_ones(service: Loopback, http: Door, waits: list[float]) -> None:
    s2_graph(service, MIXED)
    first = {"offset": 0, "next": 1000, "data": MIXED}
    service.routes[f"{HEAD}/citations"] = lambda request: Answer(first) if request.query["offset"] == ["0"] else LIMITED
    graph = citation_list(http(), CitationOptions(LORA, "citations"))
    assert (graph.read, graph.complete) == (5, False)
    assert "only the first 1000 citations were read" in graph.notes[0]
    assert "429" in graph.notes[0]


BROKEN = {
    "rate limited, no header": LIMITED,
    "down": Answer("upstream", 503),
    "a login page": Answer("<html>sign in</html>", headers={"content-type": "text/html"}),
    "not known there": Answer({"error": "Paper with id ARXIV:2106.09685 not found"}, 404),
    "not JSON of a paper": Answer([1, 2]),
}


@pytest.mark.parametrize("answer", BROKEN.values(), ids=BROKEN)
@pytest.mark.parametrize("direction", ["citations", "references"])
def test_openalex_answers_instead_and_it_is_said(service: Loopback, http: Door, answer: Answer, direction: Any) -> None:
    service.routes["/graph/"] = answer
    openalex(service, [work(90, "most cited"), work(3, "less")], total=412)
    graph = citation_list(http(), CitationOptions(LORA, direction, limit=5))
    assert titles(graph) == ["most cited", "less"]
    assert (service_of(graph), graph.sort) == ("OpenAlex", "citations")
    assert (graph.total, graph.matching) == (412 if direction == "citations" else 30, 412)
    assert [edge.is_influential for edge in graph.shown] == [None, None]
    assert [edge.paper.arxiv_id for edge in graph.shown] == ["2401.00090", "2401.00003"]
    assert graph.notes[0].startswith("Semantic Scholar")
    assert "do not judge influence" in graph.notes[0]
    wanted = "cites:W1" if direction == "citations" else "cited_by:W1"
    assert service.requests[-1].query["filter"] == [wanted]


def test_semantic_scholar_backs_off_before_giving_up(service: Loopback, http: Door, waits: list[float]) -> None:
    service.routes["/graph/"] = LIMITED
    openalex(service, [work(1)])
    citation_list(http(), CitationOptions(LORA, "citations"))
    asked = [wait for wait in waits if wait]
    assert len(asked) == 3
    assert all(wait >= least for wait, least in zip(asked, (1, 2, 4), strict=True)), asked


def test_a_withheld_list_is_not_an_empty_one(service: Loopback, http: Door) -> None:
    s2_graph(service, None, total=50)
    openalex(service, [work(7, "found elsewhere")])
    graph = citation_list(http(), CitationOptions(LORA, "references"))
    assert titles(graph) == ["found elsewhere"]
    assert "withholds" in graph.notes[0]


def test_an_id_of_the_old_style_keeps_its_slash(service: Loopback, http: Door) -> None:
    service.routes["/works/"] = Answer("<html>", 404)
    service.routes["/api/query"] = feed()
    with pytest.raises(NotFound):
        citation_list(http(), CitationOptions(ArxivId("hep-th/9901001", 2), "citations"))
    assert service.paths()[:2] == ["/graph/v1/paper/ARXIV:hep-th/9901001", "/works/doi:10.48550/arxiv.hep-th/9901001"]


def test_no_citations_at_all_is_an_answer(service: Loopback, http: Door) -> None:
    s2_graph(service, [])
    graph = citation_list(http(), CitationOptions(LORA, "citations"))
    assert (graph.total, graph.shown, service_of(graph)) == (0, (), "Semantic Scholar")


def test_influential_only_is_not_answered_by_openalex(service: Loopback, http: Door) -> None:
    service.routes["/graph/"] = LIMITED
    openalex(service, [work(1)])
    with pytest.raises(RateLimited, match="only Semantic Scholar judges influence"):
        citation_list(http(), CitationOptions(LORA, "citations", influential_only=True))


def test_a_refused_key_is_named_and_the_fallback_used(service: Loopback, http: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEMANTIC_SCHOLAR_API_KEY", "wrong")
    service.routes["/graph/"] = Answer({"message": "Forbidden"}, 403)
    openalex(service, [work(1)])
    note = citation_list(http(), CitationOptions(LORA, "citations")).notes[0]
    assert "refuses the API key" in note
    assert "SEMANTIC_SCHOLAR_API_KEY" in note
    assert "wrong" not in note
    sent = {request.path: request.headers.get("x-api-key") for request in service.requests}
    assert sent.pop(HEAD) == "wrong"
    assert set(sent.values()) == {None}, "the key goes to Semantic Scholar only"
    assert os.environ["SEMANTIC_SCHOLAR_API_KEY"]


def test_openalex_finds_by_title_what_has_no_doi(service: Loopback, http: Door) -> None:
    service.routes["/graph/"] = Answer({"error": "not found"}, 404)
    service.routes["/api/query"] = feed(entry("2106.09685v2", "LoRA: Low-Rank, Adaptation|of"))
    others = [work(5, "LoRA: another"), work(6, "LoRA: low-rank adaptation of")]
    service.routes["/works"] = Answer({"meta": {"count": 2}, "results": others})
    graph = citation_list(http(), CitationOptions(LORA, "citations"))
    assert graph.paper.citation_count == 6
    searched, listed = [request.query["filter"][0] for request in service.requests if request.path == "/works"]
    assert searched == "title.search:LoRA Low Rank Adaptation of", "a comma or a pipe would start another filter"
    assert listed == "cites:W6"


def test_openalex_404_is_a_page_of_html(service: Loopback, http: Door) -> None:
    missing = http_recording("openalex/work_404.http.json")
    service.routes["/works/"] = Answer(missing["body"], 404, {"content-type": "text/html; charset=utf-8"})
    service.routes["/api/query"] = feed()
    with pytest.raises(NotFound, match="neither Semantic Scholar nor OpenAlex knows") as caught:
        citation_list(http(), CitationOptions(LORA, "citations"))
    assert "<" not in caught.value.message


@pytest.mark.parametrize(
    ("answer", "said"),
    [(Answer({"error": "Too many"}, 429, {"x-ratelimit-reset": "40000"}), "429"), (Answer({"nothing": 1}), "without an id")],
    ids=["daily budget gone", "not a work"],
)
def test_both_failing_names_both(service: Loopback, http: Door, waits: list[float], answer: Answer, said: str) -> None:
    service.routes |= {"/graph/": LIMITED, "/works/": answer}
    with pytest.raises(Unavailable) as caught:
        citation_list(http(), CitationOptions(LORA, "citations"))
    assert "Semantic Scholar" in caught.value.message
    assert said in caught.value.message
    assert caught.value.hint
    assert max(waits) < 10, "OpenAlex's reset is hours away: not waited for"


def test_openalex_pages_and_filters(service: Loopback, http: Door) -> None:
    service.routes["/graph/"] = Answer("x", 404)
    openalex(service, [], total=1000)
    service.routes["/works"] = lambda request: Answer(
        {"meta": {"count": 1000}, "results": [work(int(request.query["page"][0]) * 1000 + i, f"p{i}") for i in range(100)]}
    )
    graph = citation_list(
        http(), CitationOptions(LORA, "citations", start=190, limit=20, since="2024-01-01", until="2024-12-31", sort="submitted")
    )
    listed = [request.query for request in service.requests if request.path == "/works"]
    assert [query["page"] for query in listed] == [["2"], ["3"]]
    assert listed[0]["filter"] == ["cites:W1,from_publication_date:2024-01-01,to_publication_date:2024-12-31"]
    assert listed[0]["sort"] == ["publication_date:desc"]
    assert [edge.paper.citation_count for edge in graph.shown] == [*range(2090, 2100), *range(3000, 3010)]


def test_a_dead_network_is_one_line(http: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ML_INTERN_SEMANTIC_SCHOLAR_URL", "ML_INTERN_OPENALEX_URL"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with pytest.raises(ToolError, match="could not be reached") as caught:
        citation_list(http(), CitationOptions(LORA, "citations"))
    assert "\n" not in caught.value.message
