"""A search of all services: merged, ranked, filtered; what did not answer is said; what was met is kept."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import Any

import pytest

from support.loopback import Answer, Loopback
from support.papers import CLEANED, HOSTILE, Run, answer, entry, feed, hub_paper, one_line, s2_paper, three, urls, work

WORDS = ("preference", "optimization")


def scholar(arxiv_id: str | None, title: str, **extra: Any) -> dict[str, Any]:
    return s2_paper(title, **{"externalIds": {"ArXiv": arxiv_id} if arxiv_id else {}, **extra})


def usual(service: Loopback) -> None:
    """One paper that all know, one of each alone."""
    three(
        service,
        arxiv=feed(
            entry("2305.18290v3", "Direct Preference Optimization"), entry("2401.00002v1", "Only arXiv preference"), total=812
        ),
        pages=[
            hub_paper(id="2305.18290", title="DPO on the Hub", numTotalModels=5000),
            hub_paper(id="2401.00003", title="Only the Hub", githubRepo=None, numTotalModels=0, numTotalDatasets=0),
        ],
        scholar=[
            scholar("2305.18290", "DPO at S2", citationCount=4000, influentialCitationCount=900, abstract="S2's abstract"),
            scholar(None, "Published elsewhere, about preference", citationCount=3),
        ],
        counts=[None, scholar("2401.00002", "x", citationCount=11)],
    )


def test_a_paper_that_three_services_know_is_one_paper(service: Loopback, helper: Run) -> None:
    usual(service)
    outcome = helper("crawl_arxiv", *WORDS, "--json", **urls(service))
    found = answer(outcome)
    assert (outcome.code, found["mode"], found["sort"], found["matching"], found["read"]) == (0, "search", "score", 4, 4)
    first = found["papers"][0]
    assert (first["arxiv_id"], first["version"], first["title"]) == ("2305.18290", 3, "Direct Preference Optimization")
    assert first["found_by"] == {"arXiv": 1, "Hugging Face Hub": 1, "Semantic Scholar": 1}
    assert (first["citation_count"], first["influential_citation_count"]) == (4000, 900)
    assert (first["hub"]["code"], first["hub"]["models"]) == ("https://github.com/microsoft/LoRA", 5000)
    assert "4,000" not in first["score"]["reason"]
    assert "citations a year" in first["score"]["reason"]
    counts = {paper["arxiv_id"]: paper["citation_count"] for paper in found["papers"]}
    assert counts["2401.00002"] == 11, "counted by the batch request"
    assert counts["2401.00003"] is None, "nobody counts it: null, not 0"
    assert next(p for p in found["papers"] if p["arxiv_id"] == "2401.00003")["score"]["parts"]["citations_per_year"] is None
    batch = next(request for request in service.requests if request.path.endswith("/batch"))
    assert json.loads(batch.body)["ids"] == ["ARXIV:2401.00002", "ARXIV:2401.00003"]


def test_the_text_says_who_answered_and_why(service: Loopback, helper: Run) -> None:
    usual(service)
    text = helper("crawl_arxiv", *WORDS, **urls(service)).stdout
    lines = text.splitlines()
    assert lines[0] == "4 papers found by arXiv, Hugging Face Hub, Semantic Scholar; showing 1-4, by score"
    assert "  arXiv: 2 of 812 papers" in lines
    assert any(line.startswith("   score 0.") and "arXiv #1" in line and "citations a year" in line for line in lines)
    again = helper("crawl_arxiv", *WORDS, **urls(service)).stdout
    assert "  arXiv: 2 of 812 papers (stored answer, " in again


def test_a_repeated_question_costs_no_request_and_no_time(service: Loopback, helper: Run) -> None:
    usual(service)
    helper("crawl_arxiv", *WORDS, **urls(service))
    asked = len(service.requests)
    took = []
    for _ in range(3):
        began = time.monotonic()
        assert helper("crawl_arxiv", *WORDS, "--json", **urls(service)).code == 0
        took.append(time.monotonic() - began)
    assert len(service.requests) == asked
    assert min(took) < 1.5, "a bound for a busy machine, not the figure to reach"


@pytest.mark.parametrize("dead", ["/api/query", "/api/papers/search", "/graph/v1/paper/search"])
def test_one_dead_service_is_said_and_costs_no_answer(service: Loopback, helper: Run, dead: str) -> None:
    usual(service)
    service.routes[dead] = Answer("gone", 410)
    outcome = helper("crawl_arxiv", *WORDS, "--json", **urls(service))
    found = answer(outcome)
    assert (outcome.code, [each["answered"] for each in found["services"]].count(False)) == (0, 1)
    assert [each["error"] for each in found["services"] if not each["answered"]]
    assert "NO ANSWER from" in helper("crawl_arxiv", *WORDS, **urls(service)).stdout.splitlines()[0]


def test_who_refuses_a_search_is_not_asked_for_counts(service: Loopback, helper: Run) -> None:
    usual(service)
    service.routes["/graph/v1/paper/search"] = Answer({"message": "Forbidden"}, 403)
    assert helper("crawl_arxiv", *WORDS, **urls(service)).code == 0
    assert not any(path.endswith("/batch") for path in service.paths())


@pytest.mark.parametrize("refused", ["/graph/v1/paper/search", "/graph/v1/paper/batch"])
def test_openalex_counts_where_semantic_scholar_does_not(service: Loopback, helper: Run, refused: str) -> None:
    usual(service)
    service.routes[refused] = Answer({"message": "Too Many"}, 429, {"retry-after": "900"})
    service.routes["/works"] = Answer({"meta": {"count": 1}, "results": [work(2, cited_by_count=77)]})
    found = answer(helper("crawl_arxiv", *WORDS, "--json", **urls(service)))
    counts = {paper["arxiv_id"]: paper["citation_count"] for paper in found["papers"]}
    assert counts["2401.00002"] == 77
    assert any("OpenAlex's" in warning for warning in found["warnings"])
    asked = [request.query["filter"] for request in service.requests if request.path == "/works"]
    assert len(asked) == 1
    assert asked[0][0].startswith("doi:10.48550/arxiv.2")


def test_openalex_is_not_asked_while_semantic_scholar_answers(service: Loopback, helper: Run) -> None:
    usual(service)
    helper("crawl_arxiv", *WORDS, **urls(service))
    assert "/works" not in service.paths(), "its free budget is small"


@pytest.mark.parametrize(
    ("one", "other", "together"),
    [
        (entry("math/0309136v1", "Old"), scholar("math.GT/0309136", "Old"), True),
        (entry("2401.00001v1", "Same"), scholar(None, "Same", externalIds={"DOI": "10.48550/arXiv.2401.00001"}), True),
        (
            entry("2401.00001v1", "One long and telling title"),
            scholar(None, "One Long & Telling Title!", authors=[{"name": "A. L"}], year=2024),
            False,
        ),
        (
            entry("2401.00001v1", "One long and telling title"),
            scholar(None, "One long and Telling: title!", authors=[{"name": "B. L"}], year=2025),
            True,
        ),
        (
            entry("2401.00001v1", "One long and telling title"),
            scholar("2401.00009", "One long and telling title", authors=[{"name": "Ada L"}]),
            False,
        ),
        (entry("2401.00001v1", "Adapters"), scholar(None, "Adapters", authors=[{"name": "Ada L"}]), False),
    ],
    ids=["old id with a subject class", "arXiv's DOI", "other title", "title and surname", "two arXiv ids", "a short title"],
)
def test_merging(service: Loopback, helper: Run, one: str, other: dict[str, Any], together: bool) -> None:
    three(service, arxiv=feed(one), pages=[], scholar=[other])
    found = answer(helper("crawl_arxiv", "title", "--json", **urls(service)))
    assert found["matching"] == (1 if together else 2)


def test_filters(service: Loopback, helper: Run) -> None:
    usual(service)
    few = answer(helper("crawl_arxiv", *WORDS, "--min-citations", "10", "--json", **urls(service)))
    assert {paper["arxiv_id"] for paper in few["papers"]} == {"2305.18290", "2401.00002"}
    assert (few["matching"], few["read"]) == (2, 4)
    query = next(r for r in service.requests if r.path == "/graph/v1/paper/search").query
    assert query["minCitationCount"] == ["10"]
    placed = answer(helper("crawl_arxiv", *WORDS, "--category", "cs", "--json", **urls(service)))
    assert {paper["arxiv_id"] for paper in placed["papers"]} == {"2305.18290", "2401.00002"}
    late = answer(helper("crawl_arxiv", *WORDS, "--since", "2024-04", "--until", "2024-05", "--json", **urls(service)))
    assert {paper["arxiv_id"] for paper in late["papers"]} == {"2305.18290", "2401.00002"}, "by the date of the first version"
    dated = [r.query for r in service.requests if r.path == "/graph/v1/paper/search"][-1]
    assert dated["publicationDateOrYear"] == ["2024-04-01:2024-05-31"]


def test_paging_asks_for_nothing_new_and_repeats_nothing(service: Loopback, helper: Run) -> None:
    usual(service)
    first = answer(helper("crawl_arxiv", *WORDS, "--limit", "2", "--json", **urls(service)))
    asked = len(service.requests)
    second = answer(helper("crawl_arxiv", *WORDS, "--limit", "2", "--start", "2", "--json", **urls(service)))
    assert (first["next_start"], second["next_start"], len(service.requests)) == (2, None, asked)
    titles = [paper["title"] for paper in first["papers"] + second["papers"]]
    assert len(set(titles)) == 4


def test_field_syntax_and_sorting_by_date_go_to_arxiv_alone(service: Loopback, helper: Run) -> None:
    usual(service)
    for arguments in (["ti:lora"], ["lora OR dora"], ["lora", "--sort", "submitted"], ["lora", "--source", "arxiv"]):
        found = answer(helper("crawl_arxiv", *arguments, "--json", **urls(service)))
        assert found["services"] is None
    assert set(service.paths()) == {"/api/query"}


@pytest.mark.parametrize(
    "arguments",
    [
        ["ti:lora", "--min-citations", "3"],
        ["lora", "--min-citations", "-1"],
        ["--trending", "lora"],
        ["--trending", "--since", "2024"],
        ["--cited-by", "2106.09685", "--min-citations", "3"],
        ["2106.09685", "--source", "arxiv"],
        ["--read", "2106.09685", "--source", "arxiv"],
        ["--note", "2106.09685", " "],
        ["--note", "no id", "text"],
        ["--note", "2106.09685", "x" * 2001],
        ["--notes", "--quote", "x"],
        ["lora", "--quote", "x"],
        ["--notes", "a", "--forget", "1"],
    ],
    ids=" ".join,
)
def test_wrong_usage_asks_nobody(service: Loopback, helper: Run, arguments: list[str]) -> None:
    outcome = helper("crawl_arxiv", *arguments, **urls(service))
    assert outcome.code == 2, outcome.stderr
    assert (outcome.stdout, service.requests) == ("", [])


def test_trending(service: Loopback, helper: Run) -> None:
    pages = [
        hub_paper(id="2401.00007", title=HOSTILE),
        hub_paper(id="2401.00008", title="Second"),
        {"id": "nonsense", "title": "x"},
    ]
    service.routes["/api/daily_papers"] = Answer([{"paper": page} for page in pages])
    service.routes["/graph/v1/paper/batch"] = Answer([None, scholar("2401.00008", "x", citationCount=5)])
    found = answer(helper("crawl_arxiv", "--trending", "--json", **urls(service)))
    assert [(p["arxiv_id"], p["citation_count"]) for p in found["papers"]] == [("2401.00007", None), ("2401.00008", 5)]
    assert found["papers"][0]["title"] == CLEANED
    text = helper("crawl_arxiv", "--trending", **urls(service)).stdout
    assert text.splitlines()[0] == "2 trending papers found by Hugging Face Hub; showing 1-2, in the Hub's order"


# --- the library


def test_offline_finds_what_earlier_runs_have_met(service: Loopback, helper: Run) -> None:
    usual(service)
    helper("crawl_arxiv", *WORDS, **urls(service))
    asked = len(service.requests)
    outcome = helper("crawl_arxiv", "preferences", "--offline", "--json", **urls(service))
    found = answer(outcome)
    assert (outcome.code, len(service.requests)) == (0, asked)
    assert found["papers"][0]["arxiv_id"] == "2305.18290"
    assert {paper["arxiv_id"] for paper in found["papers"]} >= {"2305.18290", "2401.00002"}, "found by a word of another form"
    assert [each["service"] for each in found["services"] if each["answered"]] == ["library"]
    assert any("earlier runs" in warning for warning in found["warnings"])
    library = found["services"][-1]
    assert library["cached"] is True
    assert 0 <= library["age_s"] < 600
    text = helper("crawl_arxiv", "preferences", "--offline", **urls(service)).stdout
    assert re.search(r"library: \d+ papers \(the oldest .+ old\)", text), "how old it is"
    assert helper("crawl_arxiv", "unheard", "--offline", **urls(service)).code == 3


def test_notes_are_kept_found_and_taken_out(helper: Run) -> None:
    made = answer(
        helper(
            "crawl_arxiv", "--note", "arXiv:2305.18290v2", HOSTILE, "--quote", "we use β = 0.1", "--place", "Section 6", "--json"
        )
    )
    assert made["notes"][0] | {"written_at": ""} == {
        "number": 1,
        "arxiv_id": "2305.18290",
        "text": CLEANED,
        "quote": "we use β = 0.1",
        "place": "Section 6",
        "written_at": "",
        "title": None,
    }
    helper("crawl_arxiv", "--note", "2305.18290", HOSTILE, "--quote", "we use β = 0.1", "--place", "Section 6")
    helper("crawl_arxiv", "--note", "hep-th/9901001", "strings")
    everything = answer(helper("crawl_arxiv", "--notes", "--json"))
    assert [note["number"] for note in everything["notes"]] == [2, 1], "the same note twice is one"
    for words in ("β", "2305.18290", "evil β", "using", "https://arxiv.org/abs/2305.18290"):
        assert [note["number"] for note in answer(helper("crawl_arxiv", "--notes", words, "--json"))["notes"]] == [1], words
    for words in ('"', "NEAR(", "text:evil*", "(", "-"):
        assert helper("crawl_arxiv", "--notes", words).code == 0, "no word of a question is an operator"
    text = helper("crawl_arxiv", "--notes", "strings").stdout
    assert text.startswith("1 note\n")
    assert "[hep-th/9901001]" in text
    assert helper("crawl_arxiv", "--notes", "nothing like it").stdout.startswith("no note matches")
    assert helper("crawl_arxiv", "--forget", "1").code == 0
    assert helper("crawl_arxiv", "--forget", "1").code == 3
    assert answer(helper("crawl_arxiv", "--notes", "--json"))["matching"] == 1


def test_the_library_alone_says_each_silence_once(service: Loopback, helper: Run) -> None:
    usual(service)
    helper("crawl_arxiv", *WORDS, **urls(service))
    outcome = helper("crawl_arxiv", WORDS[0], "--offline", **urls(service))
    whole = outcome.stdout + outcome.stderr
    assert "found by library; NO ANSWER from" in outcome.stdout
    assert whole.count("no stored answer from arXiv") == 1
    assert "source: none" not in whole
    assert re.search(r"  library: \d+ papers? \(the oldest \d+ s old\)", outcome.stdout)


def test_one_of_a_thing_is_told_as_one(service: Loopback, helper: Run) -> None:
    page = hub_paper(numTotalModels=1, numTotalDatasets=1)
    found = scholar("2106.09685", "LoRA", year=2026, publicationDate=None, citationCount=1, influentialCitationCount=0)
    three(service, arxiv=feed(), pages=[page], scholar=[found])
    text = helper("crawl_arxiv", *WORDS, **urls(service)).stdout
    assert text.startswith("1 paper found by ")
    assert "  Hugging Face Hub: 1 paper\n" in text
    assert "  Semantic Scholar: 1 of 1 paper\n" in text
    assert "; code, 1 model, 1 dataset\n" in text
    assert not re.search(r"\b1 (papers|models|datasets|citations)\b", text)


@pytest.mark.parametrize("words", ["***", '" - ^ :'])
def test_notes_that_hold_no_word_are_none(helper: Run, words: str) -> None:
    assert helper("crawl_arxiv", "--note", "2106.09685", "rank 8").stdout.startswith("kept note 1\n")
    assert helper("crawl_arxiv", "--notes", words).stdout == (
        "no note matches\nnext: one shorter word, or all: crawl_arxiv notes\n"
    )
    assert helper("crawl_arxiv", "--forget", "1").stdout.startswith("took out note 1\n")
    assert helper("crawl_arxiv", "--notes").stdout == "no notes yet\n"


@pytest.mark.parametrize("number", ["-1", "0", "7", "9" * 30])
def test_a_note_that_is_not_there(helper: Run, number: str) -> None:
    outcome = helper("crawl_arxiv", f"--forget={number}")
    assert outcome.code == 3
    assert f"there is no note {number}" in one_line(outcome)


def test_notes_that_have_no_folder_name_the_variable(helper: Run, home: Path) -> None:
    (home / "file").write_text("x")
    outcome = helper("crawl_arxiv", "--note", "2106.09685", "rank 8", ML_INTERN_DATA=str(home / "file"))
    assert outcome.code == 3
    assert "  next: see to its folder, or name another with ML_INTERN_DATA" in one_line(outcome)


def test_a_person_hears_who_was_silent_and_what_was_written(service: Loopback, helper: Run, home: Path) -> None:
    usual(service)
    service.routes["/api/papers/search"] = Answer("gone", 410)
    text = helper("crawl_arxiv", *WORDS, "--human", "--bibtex", "x.bib", **urls(service)).stdout
    assert "  Hugging Face Hub: no answer: " in text
    assert "wrote BibTeX: " in text
    assert (home / "x.bib").read_text("utf-8").startswith("@")
