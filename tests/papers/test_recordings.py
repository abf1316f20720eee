"""Every recorded answer of the paper services is read, and says what is known to be in it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ml_intern_helpers.errors import BadData, NotFound, ToolError
from ml_intern_helpers.http import Http, Response
from ml_intern_helpers.papers import arxiv, hub, openalex
from ml_intern_helpers.papers import semantic_scholar as s2
from ml_intern_helpers.papers.fields import mapping, mappings
from ml_intern_helpers.papers.ids import ArxivId
from ml_intern_helpers.papers.model import Limits
from ml_intern_helpers.services import HUB, OPENALEX, SEMANTIC_SCHOLAR, Service
from support.loopback import Answer, Loopback
from support.recordings import FOLDER, http_recording, recording


def names(folder: str, pattern: str = "*") -> list[str]:
    """Recordings that are there now; one name that cannot exist where there are none, so that the test says so."""
    found = sorted(str(path.relative_to(FOLDER)) for path in (FOLDER / folder).glob(pattern) if path.is_file())
    return found or [f"{folder}/none"]


def response(service: Service, name: str) -> Response:
    raw = (
        http_recording(name)
        if name.endswith(".http.json")
        else {"status": 200, "headers": {}, "body": recording(name).read_text("utf-8")}
    )
    headers = {key.lower(): value for key, value in raw["headers"].items()}
    return Response(raw["status"], "https://recorded", headers, raw["body"].encode(), time.time(), False, service)


def whole(paper: object) -> None:
    """A paper that would print well: no control character, no line break, a title."""
    assert isinstance(paper, arxiv.Paper)
    assert paper.title
    assert paper.title.isprintable()
    row = paper.to_dict(Limits(abstract=100, authors=2))
    assert len(row["authors"]) <= 2 <= max(2, row["authors_total"])
    assert all("\n" not in value for value in row.values() if isinstance(value, str))


@pytest.mark.parametrize("name", names("arxiv"))
def test_arxiv_feeds(name: str) -> None:
    recording(name)
    answer = response(SEMANTIC_SCHOLAR, name)
    if answer.status == 429:
        with pytest.raises(BadData, match="not an Atom feed"):
            arxiv.parse_feed(answer.body)
        return
    found = arxiv.parse_feed(answer.body)
    entries = answer.text().count("<entry")
    assert len(found.papers) == (0 if found.error else entries)
    assert found.total is not None
    for paper in found.papers:
        whole(paper)
        assert paper.published
        assert paper.categories
        assert paper.primary_category in paper.categories


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("id_abc_s0_m100.http.json", "incorrect id format for abc"),
        ("manual_error_legacy_format_1234.12345.xml", "incorrect id format"),
    ],
    ids=["today: status 400", "2007: status 200"],
)
def test_arxiv_errors_in_both_styles(name: str, error: str) -> None:
    assert error in (arxiv.parse_feed(response(SEMANTIC_SCHOLAR, f"arxiv/{name}").body).error or "")


def test_arxiv_old_and_new_feeds_say_the_same_kind_of_thing() -> None:
    old = arxiv.parse_feed(recording("arxiv/search_2020_legacy_format_ml_nlp.xml").read_bytes()).papers[0]
    new = arxiv.parse_feed(response(SEMANTIC_SCHOLAR, "arxiv/id_2104.12255v1_s0_m100.http.json").body).papers[0]
    assert (old.arxiv_id, old.version, old.comment) == ("2008.11708", 1, "23 pages, 32 figures")
    assert old.title == "A Multitask Deep Learning Approach for User Depression Detection on Sina Weibo"
    assert (new.arxiv_id, new.title, new.authors) == ("2104.12255", "0", ("Quan Thoi Minh Nguyen",))


def test_arxiv_restores_the_asked_order(service: Loopback, http: Callable[[], Http]) -> None:
    body = http_recording("arxiv/id_0808.05394_1707.08567_s0_m100.http.json")["body"]
    service.routes["/api/query"] = Answer(body.encode())
    found = [paper.arxiv_id for paper in arxiv.parse_feed(body.encode()).papers]
    asked = [ArxivId(str(base)) for base in reversed(found)]
    assert [paper.arxiv_id for paper in arxiv.details(http(), asked).feed.papers] == [paper_id.base for paper_id in asked]


@pytest.mark.parametrize("name", names("semantic_scholar"))
def test_semantic_scholar_papers(name: str) -> None:
    """Whatever holds papers, each with a title is read; the rest (authors, errors, snippets) yields none and no crash."""
    recording(name)
    body = json.loads(response(SEMANTIC_SCHOLAR, name).body)
    rows = body if isinstance(body, list) else body.get("data") or body.get("recommendedPapers") or [body]
    for row in mappings(rows):
        paper = s2.parse_paper(row)
        assert (paper is None) == (not row.get("title"))
        if paper:
            whole(paper)
            assert paper.citation_count == row.get("citationCount")


@pytest.mark.parametrize(
    ("name", "direction", "count", "following"),
    [
        ("citations_page1", "citations", 100, 100),
        ("citations_last_page", "citations", 81, None),
        ("references_page1", "references", 50, 50),
        ("references_last_page", "references", 17, None),
    ],
)
def test_semantic_scholar_edges(name: str, direction: s2.Direction, count: int, following: int | None) -> None:
    page = s2.parse_edges(response(SEMANTIC_SCHOLAR, f"semantic_scholar/{name}.http.json"), direction)
    assert (len(page.edges) + page.undescribed, page.next_offset) == (count, following)
    for edge in page.edges:
        citation = s2.parse_edge(edge, direction)
        assert citation
        assert citation.is_influential is None, "the recording did not ask for it"
        whole(citation.paper)


def test_semantic_scholar_papers_without_an_id_are_kept_without_a_link() -> None:
    page = s2.parse_edges(response(SEMANTIC_SCHOLAR, "semantic_scholar/references_last_page.http.json"), "references")
    papers = [citation.paper for edge in page.edges if (citation := s2.parse_edge(edge, "references"))]
    assert {paper.page is None for paper in papers} == {True, False}


def test_semantic_scholar_empty_search_has_no_data() -> None:
    page = s2.parse_edges(response(SEMANTIC_SCHOLAR, "semantic_scholar/search_empty.http.json"), "citations")
    assert (page.edges, page.undescribed, page.next_offset) == ((), 0, None)


@pytest.mark.parametrize("name", names("openalex", "work*"))
def test_openalex_works(name: str) -> None:
    recording(name)
    answer = response(OPENALEX, name)
    if answer.status == 404:
        with pytest.raises(NotFound):
            answer.raise_for_status("the work")
        return
    body = mapping(answer.json())
    for row in mappings(body.get("results")) or [body]:
        paper = openalex.parse_paper(row)
        assert (paper is None) == (not row.get("display_name")), "a `select` without a title is no paper"
        if paper:
            whole(paper)
            assert paper.citation_count == row["cited_by_count"]
            assert (paper.page or "").startswith("https://openalex.org/W")


def test_openalex_list_names_the_preprint_by_its_arxiv_id() -> None:
    page = openalex.parse_page(response(OPENALEX, "openalex/works_filter_title_search_chemcrow.http.json"))
    assert page.total == 2
    assert "2304.05376" in {paper.arxiv_id for paper in page.papers}


def test_hub_paper_page() -> None:
    answer = response(HUB, "hf_hub/paper_detail_llama3.http.json")
    page = hub.parse_paper(mapping(answer.json()), "2407.21783", answer)
    whole(page.paper)
    assert (page.code, page.stars, page.upvotes) == ("https://github.com/meta-llama/llama3", 28000, 110)
    assert page.totals == {"models": 72, "datasets": 15, "spaces": 324}
    assert page.linked["models"][0].gated == "manual"
    assert page.linked["models"][0].parameters == 8030261248


def test_hub_papers_of_a_search() -> None:
    for row in json.loads(recording("hf_hub/papers_search_kazakh.json").read_text("utf-8")):
        whole(hub.parse_paper(row["paper"], row["paper"]["id"], response(HUB, "hf_hub/paper_404.http.json")).paper)


def test_hub_lists_of_papers(service: Loopback, http: Callable[[], Http]) -> None:
    service.routes["/api/papers/search"] = Answer(json.loads(recording("hf_hub/papers_search_kazakh.json").read_text("utf-8")))
    service.routes["/api/daily_papers"] = Answer(json.loads(http_recording("hf_hub/daily_papers_page_link.http.json")["body"]))
    found = hub.search(http(), "kazakh " * 60, 50)
    assert found.pages[0].paper.arxiv_id == "2404.04487"
    assert len(service.requests[0].query["q"][0]) == 250, "the service refuses more"
    assert hub.trending(http(), 20).pages[0].paper.arxiv_id == "2606.00467"
    assert service.requests[1].query["sort"] == ["trending"]


@pytest.mark.parametrize(
    ("name", "total", "papers"), [("search_empty", 0, 0), ("search_turing", 70499, 100), ("search_min_citation", 70, 0)]
)
def test_semantic_scholar_searches(
    service: Loopback, http: Callable[[], Http], name: str, total: int | None, papers: int
) -> None:
    """The last one asked for no titles, and a paper without a title is none."""
    service.routes["/graph/v1/paper/search"] = Answer(json.loads(http_recording(f"semantic_scholar/{name}.http.json")["body"]))
    found = s2.search(http(), "turing", limit=100, since=None, until=None, min_citations=None)
    assert (found.total, len(found.papers)) == (total, papers)
    assert set(service.requests[0].query) == {"query", "limit", "fields"}, "no filter, no parameter"


def test_semantic_scholar_counts_many_and_recommends(service: Loopback, http: Callable[[], Http]) -> None:
    batch = json.loads(http_recording("semantic_scholar/batch_full_fields_with_null.http.json")["body"])
    service.routes["/graph/v1/paper/batch"] = Answer(batch)
    recommended = json.loads(http_recording("semantic_scholar/recommend_forpaper.http.json")["body"])
    service.routes["/recommendations/v1/papers/forpaper/"] = Answer(recommended)
    assert None in batch
    assert len(s2.batch(http(), ["2401.00001"]).papers) == len([row for row in batch if row])
    assert len(s2.recommended(http(), "ARXIV:2401.00001", 100).papers) == len(recommended["recommendedPapers"])
    assert service.requests[1].path == "/recommendations/v1/papers/forpaper/ARXIV:2401.00001"


def test_hub_models_by_tag(service: Loopback, http: Callable[[], Http]) -> None:
    recorded = http_recording("hf_hub/models_filter_arxiv_list.http.json")
    service.routes["/api/models"] = Answer(json.loads(recorded["body"]), headers={"Link": recorded["headers"]["Link"]})
    page = hub.repos(http(), "2505.09388", "models", 1)
    assert page.repos[0].license == "apache-2.0"
    assert (page.repos[0].id, page.repos[0].downloads, page.more) == ("Qwen/Qwen3-0.6B", 21888310, True)
    assert service.requests[0].query["filter"] == ["arxiv:2505.09388"]


def test_hub_collection(service: Loopback, http: Callable[[], Http]) -> None:
    service.routes["/api/collections"] = Answer(
        [json.loads(http_recording("hf_hub/collection_prism_ml_bonsai2.http.json")["body"])]
    )
    found = hub.collections(http(), "2505.09388", 5).collections
    assert [(each.title, each.owner, each.upvotes) for each in found] == [("Bonsai-2", "prism-ml", 149)]
    assert service.requests[0].query["item"] == ["papers/2505.09388"], "the parameter is `item`; `paper` is ignored in silence"


@pytest.mark.parametrize("name", [*names("hf_hub/errors"), "hf_hub/paper_404.http.json"])
def test_hub_errors(name: str) -> None:
    recording(name)
    with pytest.raises(ToolError) as caught:
        response(HUB, name).raise_for_status("the paper page of 2505.09388")
    assert "\n" not in caught.value.message


def test_there_is_something_to_test() -> None:
    """Where the recordings are, an empty folder would pass every test above."""
    recording("INDEX.md")
    assert len(names("arxiv")) >= 24
    assert len(names("semantic_scholar")) >= 43
    assert len(names("openalex")) >= 14
    assert Path(FOLDER / "hf_hub/errors").is_dir()
