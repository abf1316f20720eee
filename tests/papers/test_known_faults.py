"""One test for each fault, limit and oddity that is known of a service; each row quotes what is known.

Every row runs the command itself against a service that behaves so. The recordings alone are read in `test_recordings.py`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from support.helpers import Outcome
from support.loopback import Answer, Loopback, Request
from support.papers import (
    DOI,
    entry,
    error_feed,
    feed,
    hub,
    hub_paper,
    openalex,
    s2_edge,
    s2_graph,
    s2_paper,
    three,
    work,
)
from support.recordings import http_recording, recording

Command = Callable[..., Outcome]
PAPER = "2106.09685"
HEAD = f"/graph/v1/paper/ARXIV:{PAPER}"
LIMITED = Answer({"message": "Too Many Requests.", "code": "429"}, 429)
GONE = Answer({"error": "Paper not found"}, 404)


def replayed(name: str) -> Answer:
    raw = http_recording(name)
    return Answer(raw["body"].encode(), raw["status"], {"content-type": raw["headers"].get("Content-Type", "text/plain")})


def in_turn(*answers: Answer) -> Callable[[Request], Answer]:
    """One answer after another, the last for ever."""
    left = list(answers)
    return lambda _: left.pop(0) if len(left) > 1 else left[0]


def ids(outcome: Outcome) -> list[str | None]:
    return [paper["arxiv_id"] for paper in outcome.json["papers"]]


# --- arXiv


ARXIV_IDS: dict[str, tuple[Any, list[str], int, str]] = {
    "a malformed id: status 400 with a feed whose one entry is an error": (
        error_feed("incorrect id format for abc/9901001"),
        ["abc/9901001"],
        3,
        "arXiv knows no such paper: incorrect id format for abc/9901001",
    ),
    "before 2025: the same with status 200": (
        error_feed("incorrect id format for abc/9901001", 200),
        ["abc/9901001"],
        3,
        "arXiv knows no such paper: incorrect id format for abc/9901001",
    ),
    "a well-formed unknown id: 200 and totalResults 0": (feed(), ["2401.99999"], 3, "arXiv has no paper 2401.99999"),
    "of a mixed list only the known ones come": (feed(entry("2106.09685v2")), [PAPER, "2401.99999"], 3, PAPER),
    "the order is not the asked order": (
        feed(entry("2106.09685v2"), entry("hep-th/9901001v3")),
        ["hep-th/9901001", PAPER],
        0,
        "1. [hep-th/9901001v3]",
    ),
    "asked without a version, the latest is answered": (feed(entry("2106.09685v2")), [PAPER], 0, "[2106.09685v2]"),
    "another version than asked is another text": (
        feed(entry("2106.09685v2")),
        ["2106.09685v9"],
        3,
        "arXiv has no paper 2106.09685v9",
    ),
    "a title may be missing": (
        feed(entry("2104.12255v1").replace("<title>A title</title>", "")),
        ["2104.12255"],
        0,
        "(no title)",
    ),
    "withdrawn papers carry no flag: the comment says it": (
        feed(entry("2401.00001v2", comment="This paper has been withdrawn by the author due to an error in Lemma 3")),
        ["2401.00001"],
        0,
        "WITHDRAWN: This paper has been withdrawn",
    ),
}


@pytest.mark.parametrize("known", ARXIV_IDS, ids=ARXIV_IDS)
def test_arxiv_by_id(service: Loopback, command: Command, known: str) -> None:
    answer, asked, code, said = ARXIV_IDS[known]
    service.routes["/api/query"] = answer
    outcome = command("crawl_arxiv", *asked)
    assert (outcome.code, said in outcome.stdout + outcome.stderr) == (code, True), outcome
    assert len(service.requests) == 1


def test_arxiv_refuses_a_whole_list_for_one_id_it_cannot_read(service: Loopback, command: Command) -> None:
    """`id_list` with one malformed id is answered 400 for all of them; the others must not look unknown."""

    def answer(request: Request) -> Answer:
        asked = request.query["id_list"][0].split(",")
        bad = [each for each in asked if each.startswith("abc")]
        return error_feed(f"incorrect id format for {bad[0]}") if bad else feed(*(entry(f"{each}v1") for each in asked))

    service.routes["/api/query"] = answer
    outcome = command("crawl_arxiv", "abc/9901001", PAPER, "abc/9901002", "--json")
    assert (outcome.code, ids(outcome), outcome.json["not_found"]) == (3, [PAPER], ["abc/9901001", "abc/9901002"])
    service.routes |= {"/api/papers/": GONE, "/graph/v1/paper/batch": Answer([None, None]), "/api/": Answer([])}
    found = command("hf_paper_meta", "abc/9901001", PAPER, "--json").json
    assert ([paper["exists"] for paper in found["papers"]], found["not_found"]) == ([False, True], ["abc/9901001"])


def test_arxiv_gets_no_id_that_cannot_exist(service: Loopback, command: Command) -> None:
    """One impossible id (month 34, wrong number of digits) would have the whole list refused."""
    service.routes["/api/query"] = feed(entry(f"{PAPER}v2"))
    assert command("crawl_arxiv", "1234.12345", "0808.05394", PAPER, "--json").json["not_found"] == ["1234.12345", "0808.05394"]
    assert service.requests[0].query["id_list"] == [PAPER]


def test_arxiv_sends_an_empty_page_although_it_counts_more(service: Loopback, command: Command) -> None:
    """arxiv.py #43 and #175: asked again, then for half as many."""
    empty, full = replayed("arxiv/unexpected_empty_page_200.http.json"), replayed("arxiv/q_testing_s10_m10.http.json")
    service.routes["/api/query"] = in_turn(empty, empty, full)
    outcome = command("crawl_arxiv", "--source", "arxiv", "testing", "--start", "10", "--limit", "10")
    assert outcome.code == 0
    assert "214,881 papers match; showing 11-20" in outcome.stdout
    assert "arXiv sent an empty page first; these papers came on attempt 3" in outcome.stderr
    assert [request.query["max_results"] for request in service.requests] == [["10"], ["10"], ["5"]]


@pytest.mark.parametrize(
    ("first", "waited", "told"),
    [
        (Answer("Rate exceeded.", 429), 30.0, "arXiv answers 429: asking again in 3"),
        (Answer("Rate exceeded.", 429, {"retry-after": "7"}), 7.0, ""),
        (Answer("down", 503), 3.0, ""),
    ],
    ids=["429 'Rate exceeded.' without Retry-After: half a minute, told", "Retry-After is honoured", "503: its normal distance"],
)
def test_arxiv_asks_for_patience(
    service: Loopback, command: Command, waits: list[float], first: Answer, waited: float, told: str
) -> None:
    service.routes["/api/query"] = in_turn(first, feed(entry(f"{PAPER}v2")))
    outcome = command("crawl_arxiv", PAPER)
    assert outcome.code == 0
    assert [round(wait / waited) for wait in waits if wait] == [1]
    assert told in outcome.stderr


def test_arxiv_is_asked_twice_at_most_when_it_refuses(service: Loopback, command: Command, waits: list[float]) -> None:
    """Many users saw 429 while under the limit: one more try, then the truth."""
    service.routes["/api/query"] = Answer("Rate exceeded.", 429)
    outcome = command("crawl_arxiv", PAPER)
    assert (outcome.code, len(service.requests)) == (3, 2)
    assert "arXiv answered 429 for 2106.09685: Rate exceeded." in outcome.stderr
    assert sum(waits) < 40


def test_arxiv_lists_no_more_than_thirty_thousand(service: Loopback, command: Command) -> None:
    """Above 30,000 it answers 400; the question is refused before it is asked."""
    assert command("crawl_arxiv", "--source", "arxiv", "x", "--start", "29991").code == 2
    assert service.requests == []


def test_arxiv_keeps_the_slash_of_an_old_id(service: Loopback, command: Command) -> None:
    service.routes["/api/query"] = feed(entry("math/0309136v1"))
    assert ids(command("crawl_arxiv", "math.GT/0309136v1", "--json")) == ["math/0309136"]
    assert service.requests[0].query["id_list"] == ["math/0309136v1"]


# --- Semantic Scholar


def test_semantic_scholar_wants_exponential_backoff(service: Loopback, command: Command, waits: list[float]) -> None:
    """Its 429 names no wait, and backoff with jitter is required; then OpenAlex answers, and it is said."""
    service.routes["/graph/"] = replayed("semantic_scholar/rate_limited_429.http.json")
    openalex(service, [work(7)])
    outcome = command("crawl_arxiv", "--cited-by", PAPER)
    assert outcome.code == 0
    backoff = [wait for wait in waits if wait]
    assert all(least <= wait <= least * 1.25 for wait, least in zip(backoff, (1, 2, 4), strict=True))
    assert "SEMANTIC_SCHOLAR_API_KEY (a key is free)" in outcome.stderr
    assert "these are OpenAlex's figures" in outcome.stderr


def test_semantic_scholar_refuses_a_wrong_key_with_403(
    service: Loopback, command: Command, monkeypatch: pytest.MonkeyPatch, waits: list[float]
) -> None:
    monkeypatch.setenv("SEMANTIC_SCHOLAR_API_KEY", "wrong-key")
    service.routes["/graph/"] = replayed("semantic_scholar/paper_batch_403_debug.http.json")
    outcome = command("crawl_arxiv", "--cited-by", PAPER, "--influential")
    assert (outcome.code, waits) == (3, []), "no wait mends a key"
    assert "refuses the API key (403)" in outcome.stderr
    assert "wrong-key" not in outcome.stderr


def test_semantic_scholar_names_a_field_it_does_not_know(service: Loopback, command: Command) -> None:
    service.routes["/graph/"] = replayed("semantic_scholar/paper_bad_fields_400.http.json")
    outcome = command("crawl_arxiv", "--cited-by", PAPER, "--influential")
    assert (
        "Semantic Scholar rejects the request for arXiv:2106.09685: Unrecognized or unsupported fields: [unknown]"
        in outcome.stderr
    )


def test_semantic_scholar_takes_one_comma_separated_fields_and_the_id_without_version(
    service: Loopback, command: Command
) -> None:
    """arXiv DOIs sometimes 404 where `ARXIV:x` works."""
    s2_graph(service, [s2_edge(s2_paper())])
    command("crawl_arxiv", "--cited-by", f"10.48550/arXiv.{PAPER}v3")
    assert [request.path for request in service.requests] == [HEAD, f"{HEAD}/citations"]
    assert all(len(request.query["fields"]) == 1 and "," in request.query["fields"][0] for request in service.requests)


def test_semantic_scholar_answers_an_empty_search_without_data(service: Loopback, command: Command) -> None:
    three(service, arxiv=feed(), pages=[], scholar=replayed("semantic_scholar/search_empty.http.json"))
    outcome = command("crawl_arxiv", "n0resultsearchterm")
    assert outcome.code == 0
    assert outcome.stdout.startswith("no papers found by arXiv, Hugging Face Hub, Semantic Scholar\n")


@pytest.mark.parametrize(
    "answer", [Answer({"error": "Internal error"}), Answer(b"null"), Answer([])], ids=["an error object", "null", "a list"]
)
def test_an_error_with_status_200_is_no_empty_answer(service: Loopback, command: Command, answer: Answer) -> None:
    """Nothing found because nobody looked is exit 3, not "no paper matches"."""
    three(service, arxiv=feed(), pages=[], scholar=answer)
    outcome = command("crawl_arxiv", "preference")
    assert outcome.code == 3
    assert outcome.stdout.startswith("no papers found by arXiv, Hugging Face Hub; NO ANSWER from Semantic Scholar\n")
    assert "  Semantic Scholar: no answer: Semantic Scholar answered without a list of papers" in outcome.stdout
    assert "next: the same again later, when Semantic Scholar may answer\n" in outcome.stdout


def test_semantic_scholar_has_null_in_place_of_unknown_ids(service: Loopback, command: Command) -> None:
    hub(service)
    service.routes["/graph/v1/paper/batch"] = Answer([None])
    paper = command("hf_paper_meta", PAPER, "--json").json["papers"][0]
    assert paper["citation_count"] is None, "not 0"


@pytest.mark.parametrize(
    "paper",
    [
        s2_paper(
            "T", paperId=None, externalIds=None, authors=None, year=None, publicationDate=None, venue=None, citationCount=None
        ),
        s2_paper("T", authors=[{"authorId": None, "name": None}, None, "x"], externalIds=[], citationCount=-1, year="2024"),
        {"title": "T"},
    ],
    ids=["keys are null", "of the wrong type", "absent"],
)
def test_semantic_scholar_may_leave_any_key_null(service: Loopback, command: Command, paper: dict[str, Any]) -> None:
    """`citedPaper.paperId`, abstracts, authors, dates: shown as unknown, without a link."""
    s2_graph(service, [{"citedPaper": paper, "contexts": None, "intents": None, "isInfluential": None}])
    outcome = command("crawl_arxiv", "--refs", PAPER)
    assert outcome.code == 0
    assert "1. [not on arXiv] T\n" in outcome.stdout
    assert "no authors given" in outcome.stdout
    assert "None" not in outcome.stdout


def test_semantic_scholar_withholds_a_list(service: Loopback, command: Command) -> None:
    """`data: null` although it counts 50: publishers may forbid it. Not "cites no paper"."""
    s2_graph(service, None, total=50)
    service.routes["/works/"] = Answer("<html>", 404)
    service.routes["/api/query"] = feed()
    outcome = command("crawl_arxiv", "--refs", PAPER)
    assert (outcome.code, outcome.stdout) == (3, "")
    assert "counts 50 references of arXiv:2106.09685 but withholds them" in outcome.stderr


def test_semantic_scholar_reads_no_further_than_9999(service: Loopback, command: Command) -> None:
    """`offset + limit` must stay below 10,000; the last page is the one without `next`."""
    s2_graph(service, [s2_edge(s2_paper(f"p{i}", citationCount=i)) for i in range(12000)])
    found = command("crawl_arxiv", "--cited-by", PAPER, "--scan", "9999", "--limit", "1", "--json").json
    assert (found["read"], found["total"], found["complete"]) == (9999, 12000, False)
    sums = [int(r.query["offset"][0]) + int(r.query["limit"][0]) for r in service.requests[1:]]
    assert max(sums) == 9999
    assert all(int(request.query["limit"][0]) <= 1000 for request in service.requests[1:])


def test_semantic_scholar_searches_only_a_thousand_deep(service: Loopback, command: Command) -> None:
    """limit 1 to 100, the first 1,000: one page is asked for, whatever slice is shown."""
    three(service, arxiv=feed(), pages=[], scholar=[s2_paper("T")])
    command("crawl_arxiv", "lora", "--start", "950", "--limit", "100")
    query = next(request.query for request in service.requests if request.path == "/graph/v1/paper/search")
    assert (query["limit"], set(query)) == (["50"], {"query", "limit", "fields"}), "no filter, no parameter"


# --- OpenAlex


def fallback(service: Loopback) -> None:
    """Semantic Scholar refuses for long, OpenAlex answers."""
    service.routes["/graph/"] = Answer({"message": "Too Many"}, 429, {"retry-after": "900"})
    openalex(service, [work(9, "Known there")])


def test_openalex_answers_404_with_a_page_of_html(service: Loopback, command: Command) -> None:
    fallback(service)
    service.routes[f"/works/doi:{DOI}{PAPER}"] = replayed("openalex/work_404.http.json")
    service.routes |= {"/api/query": feed(), "/graph/": GONE}
    outcome = command("crawl_arxiv", "--cited-by", PAPER)
    assert outcome.code == 3
    assert "neither Semantic Scholar nor OpenAlex knows arXiv:2106.09685" in outcome.stderr
    assert "<" not in outcome.stderr


@pytest.mark.parametrize("key", ["", "a-key"], ids=["without key", "with key"])
def test_openalex_has_spent_its_day(
    service: Loopback, command: Command, waits: list[float], monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    """429 means the daily budget is gone until midnight UTC: stop, do not loop."""
    monkeypatch.setenv("OPENALEX_API_KEY", key)
    service.routes["/graph/"] = GONE
    service.routes["/works/"] = Answer({"error": "x"}, 429, {"x-ratelimit-reset": "40736", "x-ratelimit-remaining": "0"})
    outcome = command("crawl_arxiv", "--cited-by", PAPER)
    assert (outcome.code, waits, service.paths().count(f"/works/doi:{DOI}{PAPER}")) == (3, [], 1)
    assert "OpenAlex answers 429: the free budget of the day is spent" in outcome.stderr
    assert "ask again in 11 h" in outcome.stderr
    assert ("a free OPENALEX_API_KEY" in outcome.stderr) is not bool(key)


def test_openalex_says_slow_down_with_403(service: Loopback, command: Command, waits: list[float]) -> None:
    fallback(service)
    good = service.routes[f"/works/doi:{DOI}{PAPER}"]
    assert isinstance(good, Answer)
    service.routes[f"/works/doi:{DOI}{PAPER}"] = in_turn(Answer("slow down", 403), good)
    assert command("crawl_arxiv", "--cited-by", PAPER).code == 0
    assert [round(wait) for wait in waits if wait] == [1]


def test_openalex_sends_on_to_the_work_that_another_was_merged_into(service: Loopback, command: Command) -> None:
    fallback(service)
    service.routes[f"/works/doi:{DOI}{PAPER}"] = Answer("", 301, {"location": "/works/W2"})
    service.routes["/works/W2"] = Answer(work(2, "LoRA", cited_by_count=5, referenced_works_count=3))
    assert command("crawl_arxiv", "--cited-by", PAPER, "--json").json["total"] == 5
    assert service.requests[-1].query["filter"] == ["cites:W2"]


def test_openalex_has_works_of_the_future(service: Loopback, command: Command) -> None:
    """Sorted by date they would be the newest of all."""
    fallback(service)
    command("crawl_arxiv", "--cited-by", PAPER, "--sort", "submitted")
    assert service.requests[-1].query["filter"] == [f"cites:W1,to_publication_date:{datetime.now(UTC).date()}"]


def test_openalex_separates_filters_by_commas(service: Loopback, command: Command) -> None:
    """There is no arXiv prefix and not every paper has its DOI: then the title is searched, without `,` and `|`."""
    fallback(service)
    service.routes[f"/works/doi:{DOI}{PAPER}"] = Answer("<html>", 404)
    service.routes["/api/query"] = feed(entry(f"{PAPER}v2", "LoRA: Low-Rank, Adaptation|of"))
    service.routes["/works"] = Answer({"meta": {"count": 1}, "results": [work(6, "LoRA - low rank adaptation of")]})
    assert command("crawl_arxiv", "--cited-by", PAPER).code == 0
    searched, listed = [request.query["filter"][0] for request in service.requests if request.path == "/works"]
    assert (searched, listed) == ("title.search:LoRA Low Rank Adaptation of", "cites:W6")


def test_openalex_pages_by_a_hundred_and_ten_thousand_deep(service: Loopback, command: Command) -> None:
    fallback(service)
    outcome = command("crawl_arxiv", "--cited-by", PAPER, "--start", "9990", "--limit", "20")
    assert outcome.code == 2
    assert "OpenAlex lists only the first 10000" in outcome.stderr
    command("crawl_arxiv", "--cited-by", PAPER, "--start", "9980", "--limit", "20")
    assert (service.requests[-1].query["per_page"], service.requests[-1].query["page"]) == (["100"], ["100"])


def test_openalex_names_the_wrong_filter(service: Loopback, command: Command) -> None:
    fallback(service)
    service.routes["/works"] = replayed("openalex/error_400_doc.http.json")
    assert "Invalid filter: Unknown filter field: author_name" in command("crawl_arxiv", "--cited-by", PAPER).stderr


def test_openalex_counts_a_preprint_and_its_publication_apart(service: Loopback, command: Command) -> None:
    """REC chemcrow: 236 and 106; both are listed under their own names."""
    fallback(service)
    service.routes["/works"] = replayed("openalex/works_filter_title_search_chemcrow.http.json")
    found = command("crawl_arxiv", "--cited-by", PAPER, "--json").json["papers"]
    assert [(paper["arxiv_id"], paper["doi"], paper["citation_count"]) for paper in found] == [
        (None, "10.1038/s42256-024-00832-8", 236),
        ("2304.05376", "10.48550/arxiv.2304.05376", 106),
    ]


# --- the Hub


def test_the_hub_searches_250_characters_and_wraps_its_papers(service: Loopback, command: Command) -> None:
    rows = json.loads(recording("hf_hub/papers_search_kazakh.json").read_text("utf-8"))
    three(service, arxiv=feed(), pages=[], scholar=[])
    service.routes["/api/papers/search"] = Answer(rows)
    found = command("crawl_arxiv", *["kazakh"] * 60, "--json")
    assert len(next(r for r in service.requests if r.path == "/api/papers/search").query["q"][0]) == 250
    assert (found.json["matching"], "2404.04487" in ids(found)) == (9, True)


def test_the_hub_has_one_page_for_all_versions_and_404_for_what_it_has_not_indexed(service: Loopback, command: Command) -> None:
    service.routes |= {"/api/papers/": GONE, "/api/": Answer([]), "/api/query": feed(entry(f"{PAPER}v2", "From arXiv"))}
    outcome = command("hf_paper_meta", f"{PAPER}v1")
    assert outcome.code == 0
    assert f"/api/papers/{PAPER}" in service.paths()
    assert "not indexed on the Hub" in outcome.stderr


def test_the_hub_pages_by_a_link_that_may_be_relative(service: Loopback, command: Command) -> None:
    hub(service)
    service.routes["/api/collections"] = Answer(
        [{"slug": "a/b-1", "title": "T", "upvotes": 1}], headers={"link": '</api/collections?cursor=x>; rel="next"'}
    )
    found = command("hf_paper_meta", PAPER, "--kind", "collections", "--json").json["papers"][0]["collections"]
    assert (len(found["items"]), found["total"]) == (1, None), "there are more, and nobody says how many"


def test_the_hub_finds_collections_by_item(service: Loopback, command: Command) -> None:
    """The parameter is `item`; `paper` is ignored in silence and would list any collection."""
    hub(service)
    command("hf_paper_meta", PAPER, "--kind", "collections")
    assert next(r for r in service.requests if r.path == "/api/collections").query["item"] == [f"papers/{PAPER}"]


def test_the_hub_shows_gated_repositories_and_says_so(service: Loopback, command: Command) -> None:
    hub(service)
    service.routes["/api/models"] = Answer([{"id": "meta/llama", "downloads": 5, "gated": "manual", "tags": ["license:llama3"]}])
    assert "meta/llama: 5 downloads in 30 days, licence llama3, gated (manual)" in command("hf_paper_meta", PAPER).stdout


HUB_429 = {
    "r=0;t=55: the window is used up, 55 s are too long to wait": ({"ratelimit": '"api";r=0;t=55'}, [], "ask again in 55 s"),
    "r=0;t=6: worth waiting for": ({"ratelimit": '"api";r=0;t=6'}, [6.0, 6.0, 6.0], "ask again in 6 s"),
    "r>0 is another quota, which t does not refill": ({"ratelimit": '"api";r=99794;t=241'}, [], "ask again later"),
    "no header: the network's edge refused": ({}, [0.5, 1.0, 2.0], "ask again later"),
}


@pytest.mark.parametrize("known", HUB_429, ids=HUB_429)
def test_the_hub_limits_by_windows(service: Loopback, command: Command, waits: list[float], known: str) -> None:
    headers, waited, hint = HUB_429[known]
    service.routes["/api/daily_papers"] = Answer({"error": "Too Many Requests"}, 429, headers)
    outcome = command("crawl_arxiv", "--trending")
    assert (outcome.code, outcome.stderr.splitlines()[1]) == (3, f"  next: {hint}")
    assert [round(wait / least) for wait, least in zip(waits, waited, strict=True)] == [1] * len(waited)


def test_the_hub_hides_authors_and_may_withdraw_a_page(service: Loopback, command: Command) -> None:
    hub(service, withdrawnAt="2024-01-02T00:00:00.000Z", title="Gone")
    text = command("hf_paper_meta", PAPER).stdout
    assert "WITHDRAWN: withdrawn on 2024-01-02, says its paper page" in text
    assert "Not Shown" not in text


def test_the_hub_lists_trending_papers_in_its_own_order(service: Loopback, command: Command) -> None:
    service.routes["/api/daily_papers"] = Answer(json.loads(http_recording("hf_hub/daily_papers_page_link.http.json")["body"]))
    service.routes["/graph/v1/paper/batch"] = Answer([None, None])
    assert ids(command("crawl_arxiv", "--trending", "--json")) == ["2606.00467", "2606.12730"]
    assert service.requests[0].query["sort"] == ["trending"]


def test_the_hub_links_some_and_counts_all(service: Loopback, command: Command) -> None:
    """The page holds a few of `numTotalModels`; the list by tag goes further, and either may be all there is."""
    hub(service, linkedModels=[], numTotalModels=1)
    assert command("hf_paper_meta", PAPER, "--json").json["papers"][0]["models"]["total"] == 3, "never fewer than are listed"
    hub_page = hub_paper(numTotalModels=None, linkedModels=None)
    service.routes["/api/papers/2106.09685"] = Answer(hub_page)
    assert "models" in command("hf_paper_meta", PAPER).stdout
