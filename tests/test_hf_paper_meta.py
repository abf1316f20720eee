"""hf_paper_meta as a user runs it: side by side, each part failing alone, nothing unknown shown as none."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from support.loopback import Answer, Loopback, in_sequence
from support.papers import CLEANED, HOSTILE, Run, answer, entry, error_feed, feed, hub, hub_paper, one_line, urls

NOT_INDEXED = Answer({"error": "Paper not found"}, 404)
DOWN = Answer("bad gateway", 502, {"retry-after": "999"})


def ids(part: dict[str, Any] | None) -> list[str]:
    assert part is not None
    return [item["id"] for item in part["items"]]


def test_everything_in_json(service: Loopback, helper: Run) -> None:
    hub(service)
    outcome = helper("hf_paper_meta", "https://arxiv.org/abs/2106.09685v2", "--json", **urls(service))
    found = answer(outcome)
    paper = found["papers"][0]
    assert (outcome.code, found["status"], found["found"], found["not_found"], found["warnings"]) == (0, "ok", 1, [], [])
    assert (paper["title"], paper["published"], paper["authors"]) == ("LoRA", "2021-06-17", ["Edward Hu"])
    assert (paper["indexed_on_hub"], paper["described_by"], paper["upvotes"]) == (True, "Hugging Face Hub", 9)
    assert paper["code"] == {"repository": "https://github.com/microsoft/LoRA", "stars": 12000}
    assert paper["project_page"] is None, "javascript: is no address to show"
    assert ids(paper["models"]) == ["org/m3", "org/m2", "org/m1", "org/linked"], "by downloads, both lists, no doubles"
    assert (paper["models"]["total"], paper["models"]["more_url"]) == (72, f"{service.url}/models?other=arxiv:2106.09685")
    assert (ids(paper["datasets"]), paper["datasets"]["total"]) == (["org/data"], 1)
    assert ids(paper["spaces"]) == ["org/tagged", "org/space"], "by likes, the unknown last"
    assert [(each["title"], each["owner"]) for each in paper["collections"]["items"]] == [(CLEANED, "ada")]
    linked = paper["models"]["items"][3]
    assert (linked["gated"], linked["parameters"], linked["url"]) == ("manual", 7_000_000_000, f"{service.url}/org/linked")
    assert [item["license"] for item in paper["models"]["items"]] == ["l3", "l2", "l1", None]
    assert (paper["citation_count"], paper["influential_citation_count"]) == (900, 1)
    assert [source["service"] for source in found["sources"]] == ["Hugging Face Hub", "Semantic Scholar"]


def test_one_kind_costs_one_request_beside_the_page(service: Loopback, helper: Run) -> None:
    hub(service)
    found = answer(helper("hf_paper_meta", "2106.09685", "--kind", "datasets", "--json", **urls(service)))
    paper = found["papers"][0]
    assert (paper["asked"], paper["models"], paper["collections"], paper["citation_count"]) == (["datasets"], None, None, None)
    assert ids(paper["datasets"]) == ["org/data"]
    assert sorted(service.paths()) == ["/api/datasets", "/api/papers/2106.09685"]
    text = helper("hf_paper_meta", "2106.09685", "--kind", "datasets", **urls(service)).stdout
    assert text.splitlines()[0] == "arXiv:2106.09685: code, 1 dataset"
    assert "could not tell" not in text


def test_citations_that_cannot_be_had_are_noted_and_cost_nothing(service: Loopback, helper: Run) -> None:
    hub(service)
    service.routes["/graph/v1/paper/batch"] = Answer({"message": "Too Many"}, 429, {"retry-after": "900"})
    outcome = helper("hf_paper_meta", "2106.09685", "--json", **urls(service))
    found = answer(outcome)
    assert (outcome.code, found["papers"][0]["citation_count"]) == (0, None)
    assert any("citations are unknown" in warning for warning in found["warnings"])
    assert "citations unknown" in helper("hf_paper_meta", "2106.09685", **urls(service)).stdout


def test_the_questions_are_the_right_ones(service: Loopback, helper: Run) -> None:
    hub(service)
    helper("hf_paper_meta", "2106.09685v3", "--limit", "7", **urls(service))
    asked = {request.path: request.query for request in service.requests}
    assert set(asked) == {
        "/api/papers/2106.09685",
        "/api/models",
        "/api/datasets",
        "/api/spaces",
        "/api/collections",
        "/graph/v1/paper/batch",
    }
    assert asked["/api/collections"]["item"] == ["papers/2106.09685"]
    for kind, sort in (("models", "downloads"), ("datasets", "downloads"), ("spaces", "likes")):
        query = asked[f"/api/{kind}"]
        assert (query["filter"], query["sort"], query["limit"]) == (["arxiv:2106.09685"], [sort], ["7"])


def test_requests_run_side_by_side(service: Loopback, helper: Run) -> None:
    hub(service, delay_s=0.4)
    found = answer(helper("hf_paper_meta", "2106.09685", "--json", **urls(service)))
    assert found["status"] == "ok"
    assert service.most_at_once >= 4, "one round trip: all five wait together (a loaded machine may start one late)"


@pytest.mark.parametrize(
    ("changed", "most"),
    [
        ({}, 1),
        ({"/api/papers/2106.09685": NOT_INDEXED}, 2),
        ({"/graph/v1/paper/batch": Answer({}, 429, {"retry-after": "99"})}, 2),
    ],
    ids=["all at once", "not on the Hub: then arXiv", "Semantic Scholar refuses: then OpenAlex"],
)
def test_round_trips_one_after_another(service: Loopback, helper: Run, changed: dict[str, Answer], most: int) -> None:
    hub(service)
    service.routes |= {
        "/api/query": feed(entry("2106.09685v2")),
        "/works": Answer({"meta": {"count": 0}, "results": []}),
        **changed,
    }
    near = dict(service.routes)
    for path, route in near.items():
        assert isinstance(route, Answer)
        service.routes[path] = replace(route, delay_s=0.1)
    assert helper("hf_paper_meta", "2106.09685", **urls(service)).code == 0
    assert in_sequence(service) == most


def test_text(service: Loopback, helper: Run) -> None:
    hub(service, title=HOSTILE, summary=HOSTILE, ai_keywords=[HOSTILE])
    outcome = helper("hf_paper_meta", "2106.09685", "--limit", "2", **urls(service))
    lines = outcome.stdout.splitlines()
    assert lines[0] == "arXiv:2106.09685: code, 72 models, 1 dataset, 3 Spaces, 1 collection"
    assert "strangers' text" in lines[1]
    assert f"[2106.09685] {CLEANED}" in lines
    assert f"   abstract: {CLEANED}" in lines
    assert "   code: https://github.com/microsoft/LoRA (12,000 stars)" in lines
    assert "     org/m3: 300 downloads in 30 days, 3 likes, text-generation, licence l3" in lines
    assert any(line.startswith("     rest: --limit 100, or ") for line in lines)
    assert lines[-1].startswith("source: Hugging Face Hub, fetched 20")
    assert outcome.stdout.replace("\n", "").isprintable()


def test_a_repeated_question_makes_no_request(service: Loopback, helper: Run) -> None:
    hub(service)
    helper("hf_paper_meta", "2106.09685", **urls(service))
    before = len(service.requests)
    again = answer(helper("hf_paper_meta", "2106.09685", "--json", **urls(service)))
    assert (len(service.requests), [source["cached"] for source in again["sources"]]) == (before, [True, True])


PARTS = {"/api/models": "models", "/api/datasets": "datasets", "/api/spaces": "spaces", "/api/collections": "collections"}


@pytest.mark.parametrize(("path", "part"), PARTS.items(), ids=PARTS.values())
def test_a_part_that_failed_is_null_and_said(service: Loopback, helper: Run, path: str, part: str) -> None:
    """The page links nothing and gives no totals, so nobody knows: that is null, not none."""
    empty = {"linkedModels": [], "linkedDatasets": [], "linkedSpaces": []}
    hub(service, **empty, numTotalModels=None, numTotalDatasets=None, numTotalSpaces=None)
    service.routes[path] = DOWN
    outcome = helper("hf_paper_meta", "2106.09685", "--json", **urls(service))
    found = answer(outcome)
    assert (outcome.code, found["status"]) == (3, "unknown")
    assert (found["papers"][0][part], found["papers"][0]["failed"]) == (None, [part])
    assert [name for name in PARTS.values() if found["papers"][0][name] is None] == [part]
    assert "502" in found["warnings"][0]
    text = helper("hf_paper_meta", "2106.09685", **urls(service)).stdout
    assert "could not tell" in text
    assert "unknown" in text.splitlines()[0]


def test_a_failed_list_falls_back_on_what_the_page_links(service: Loopback, helper: Run) -> None:
    hub(service)
    service.routes["/api/models"] = DOWN
    found = answer(helper("hf_paper_meta", "2106.09685", "--json", **urls(service)))
    assert (ids(found["papers"][0]["models"]), found["papers"][0]["models"]["total"]) == (["org/linked"], 72)
    assert (found["status"], found["papers"][0]["failed"]) == ("unknown", ["models"])


def test_no_links_is_an_answer(service: Loopback, helper: Run) -> None:
    hub(
        service,
        linkedModels=[],
        numTotalModels=0,
        linkedDatasets=[],
        numTotalDatasets=0,
        linkedSpaces=[],
        numTotalSpaces=0,
        githubRepo=None,
    )
    service.routes |= dict.fromkeys(PARTS, Answer([]))
    outcome = helper("hf_paper_meta", "2106.09685", **urls(service))
    assert outcome.code == 0
    assert outcome.stdout.startswith("arXiv:2106.09685: no code linked, no models, no datasets, no Spaces, no collections\n")
    assert "   models: none\n" in outcome.stdout


def test_the_hubs_404_means_not_indexed_and_arxiv_describes_the_paper(service: Loopback, helper: Run) -> None:
    hub(service)
    service.routes["/api/papers/2106.09685"] = NOT_INDEXED
    service.routes["/api/query"] = feed(entry("2106.09685v2", "From arXiv"))
    outcome = helper("hf_paper_meta", "2106.09685", "--json", **urls(service))
    found = answer(outcome)
    paper = found["papers"][0]
    assert (outcome.code, found["status"]) == (0, "ok")
    assert (paper["indexed_on_hub"], paper["described_by"], paper["title"], paper["version"]) == (False, "arXiv", "From arXiv", 2)
    assert (paper["code"], paper["upvotes"]) == (None, None), "unknown, not none"
    assert ids(paper["models"]) == ["org/m3", "org/m2", "org/m1"]
    assert paper["models"]["total"] is None, "the Hub says that there are more"
    assert paper["datasets"]["total"] == 1, "the whole list was seen"
    assert "not indexed" in found["warnings"][0]
    assert [source["service"] for source in found["sources"]] == ["Hugging Face Hub", "Semantic Scholar", "arXiv"]
    text = helper("hf_paper_meta", "2106.09685", **urls(service)).stdout
    assert text.startswith("arXiv:2106.09685: code unknown, at least 3 models, 1 dataset")


@pytest.mark.parametrize("route", [DOWN, Answer("<html>login</html>"), Answer({"id": "x"})], ids=["502", "HTML", "no title"])
def test_a_paper_page_in_trouble_leaves_the_rest(service: Loopback, helper: Run, route: Answer) -> None:
    hub(service)
    service.routes["/api/papers/2106.09685"] = route
    service.routes["/api/query"] = feed(entry("2106.09685v2", "From arXiv"))
    outcome = helper("hf_paper_meta", "2106.09685", "--json", **urls(service))
    paper = answer(outcome)["papers"][0]
    assert outcome.code == 3
    assert (paper["indexed_on_hub"], paper["title"], paper["failed"]) == (None, "From arXiv", ["paper page"])
    assert len(ids(paper["models"])) == 3


def test_arxiv_down_too_leaves_the_title_unknown(service: Loopback, helper: Run) -> None:
    hub(service)
    service.routes |= {"/api/papers/2106.09685": NOT_INDEXED, "/api/query": DOWN}
    outcome = helper("hf_paper_meta", "2106.09685", "--json", **urls(service))
    paper = answer(outcome)["papers"][0]
    assert (outcome.code, paper["title"], paper["exists"], paper["failed"]) == (3, None, None, ["description"])
    assert "(title unknown)" in helper("hf_paper_meta", "2106.09685", **urls(service)).stdout


@pytest.mark.parametrize(
    ("paper_id", "route"),
    [
        ("2401.99999", feed()),
        ("2401.99999", error_feed("incorrect id format")),
        ("0000.00000", feed()),
        ("hep-th/9913001", feed()),
    ],
    ids=["unknown", "refused", "impossible", "impossible, old style"],
)
def test_an_id_that_does_not_exist(service: Loopback, helper: Run, paper_id: str, route: Answer) -> None:
    service.routes |= {**dict.fromkeys(PARTS, Answer([])), "/api/query": route}
    outcome = helper("hf_paper_meta", paper_id, **urls(service))
    assert outcome.code == 3
    assert f"neither the Hub nor arXiv has a paper {paper_id}" in one_line(outcome)
    assert answer(helper("hf_paper_meta", paper_id, "--json", **urls(service)))["error"]["code"] == "not-found"


def test_several_ids_share_the_round_trip_and_the_arxiv_request(service: Loopback, helper: Run) -> None:
    hub(service)
    service.routes["/api/query"] = feed(entry("hep-th/9901001v3", "Old"), entry("2401.00001v1", "New"))
    outcome = helper(
        "hf_paper_meta", "2106.09685", "hep-th/9901001", "2401.00001", "2401.99999", "2106.09685", "--json", **urls(service)
    )
    found = answer(outcome)
    assert (outcome.code, found["found"], found["not_found"]) == (3, 3, ["2401.99999"])
    assert [paper["title"] for paper in found["papers"]] == ["LoRA", "Old", "New", None]
    asked = [request for request in service.requests if request.path == "/api/query"]
    assert [request.query["id_list"] for request in asked] == [["hep-th/9901001,2401.00001,2401.99999"]]
    assert not any("2401.99999: " in warning for warning in found["warnings"]), "one missing id is said once"
    text = helper("hf_paper_meta", "2106.09685", "2401.99999", **urls(service)).stdout
    assert text.startswith("1 paper; not found: 2401.99999\n")


def test_no_network(helper: Run) -> None:
    outcome = helper("hf_paper_meta", "2106.09685")
    assert outcome.code == 3
    assert "could not be reached" in one_line(outcome)
    assert answer(helper("hf_paper_meta", "2106.09685", "--json"))["papers"] is None


USAGE = {
    "no id": [],
    "a word": ["lora"],
    "a path": ["../../etc/passwd"],
    "limit": ["2106.09685", "--limit", "101"],
    "too many": [f"2401.{i:05d}" for i in range(1, 22)],
}


@pytest.mark.parametrize("arguments", USAGE.values(), ids=USAGE)
def test_wrong_usage_asks_nobody(service: Loopback, helper: Run, arguments: list[str]) -> None:
    outcome = helper("hf_paper_meta", *arguments, **urls(service))
    assert outcome.code == 2
    one_line(outcome)
    assert service.requests == []


def test_the_hub_token_goes_to_the_hub_only(service: Loopback, helper: Run) -> None:
    hub(service)
    arxiv = Loopback()
    try:
        arxiv.routes["/api/query"] = feed(entry("2106.09685v2"))
        service.routes["/api/papers/2106.09685"] = NOT_INDEXED
        outcome = helper("hf_paper_meta", "2106.09685", **urls(service, ML_INTERN_ARXIV_URL=arxiv.url, HF_TOKEN="hf_secret"))
        assert outcome.code == 0
        to_hub = {request.headers.get("authorization") for request in service.requests if request.path.startswith("/api/")}
        to_others = {request.headers.get("authorization") for request in service.requests if request.path.startswith("/graph/")}
        assert (to_hub, to_others) == ({"Bearer hf_secret"}, {None})
        assert [request.headers.get("authorization") for request in arxiv.requests] == [None]
        assert "hf_secret" not in outcome.stdout + outcome.stderr
    finally:
        arxiv.close()


def test_hostile_ids_and_addresses_are_left_out(service: Loopback, helper: Run) -> None:
    evil = [{"id": "../../x"}, {"id": "a/b\n$(rm)"}, {"id": None}, {}, {"id": "ok/model", "downloads": "many", "likes": -1}]
    hub(service, linkedModels=evil, githubRepo="https://x.example/`rm -rf`", numTotalModels="lots")
    service.routes["/api/models"] = Answer([])
    paper = answer(helper("hf_paper_meta", "2106.09685", "--json", **urls(service)))["papers"][0]
    assert ids(paper["models"]) == ["ok/model"]
    assert (paper["models"]["items"][0]["downloads"], paper["models"]["items"][0]["likes"]) == (None, None)
    assert paper["code"]["repository"] is None


def test_a_withdrawn_paper_page_is_flagged(service: Loopback, helper: Run) -> None:
    hub(service, withdrawnAt="2024-01-02T00:00:00.000Z")
    assert "WITHDRAWN: withdrawn on 2024-01-02" in helper("hf_paper_meta", "2106.09685", **urls(service)).stdout


def test_a_page_with_nothing_but_a_title(service: Loopback, helper: Run) -> None:
    hub(service)
    service.routes["/api/papers/2106.09685"] = Answer(dict.fromkeys(hub_paper()) | {"title": "T"})
    paper = answer(helper("hf_paper_meta", "2106.09685", "--json", **urls(service)))["papers"][0]
    assert (paper["title"], paper["abstract"], paper["authors"], paper["code"]) == (
        "T",
        None,
        [],
        {"repository": None, "stars": None},
    )


def test_for_people(service: Loopback, helper: Run) -> None:
    hub(service, title=HOSTILE)
    service.routes |= {"/api/datasets": DOWN, "/api/query": feed()}
    outcome = helper("hf_paper_meta", "2106.09685", "2401.99999", "--human", COLUMNS="200", **urls(service))
    assert CLEANED in outcome.stdout
    assert outcome.stdout.replace("\n", "").isprintable()
    assert "org/m3" in outcome.stdout
    assert outcome.stdout.startswith("1 paper; not found: 2401.99999; parts of 1 could not be obtained")


def test_help_has_examples_and_exit_codes(helper: Run) -> None:
    outcome = helper("hf_paper_meta", "--help")
    assert outcome.code == 0
    assert outcome.stdout.count("\n  hf_paper_meta ") == 3
    assert "exit codes: 0 good" in outcome.stdout


def test_counts_alone_stand_in_the_first_line(service: Loopback, helper: Run) -> None:
    hub(service)
    first = helper("hf_paper_meta", "2106.09685", "--kind", "citations", **urls(service)).stdout.splitlines()[0]
    assert first == "arXiv:2106.09685: code, 900 citations (1 influential)"
