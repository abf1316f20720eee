"""Every recorded answer of the paper services goes through the adapter that would get it, and says what is in it.

`recordings.txt` is the whole list: one that stands there neither with what it says nor with a reason fails the suite. What an
answer means to a command, and the known faults of the services, are in `test_known_faults.py`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ml_intern_helpers.core.errors import ToolError
from ml_intern_helpers.papers.ids import ArxivId
from ml_intern_helpers.papers.model import Limits, Paper
from ml_intern_helpers.papers.reading.latexml import read_page
from ml_intern_helpers.papers.recipe.report import check
from ml_intern_helpers.papers.services import arxiv, hub, openalex
from ml_intern_helpers.papers.services import semantic_scholar as s2
from ml_intern_helpers.papers.services.semantic_scholar import parse_edge
from ml_intern_helpers.web.client import Http
from ml_intern_helpers.web.services import HUB
from support.loopback import Answer, Loopback
from support.recordings import FOLDER, http_recording, recording

Door = Callable[[], Http]
FOLDERS = ("arxiv", "arxiv_html", "semantic_scholar", "openalex", "hf_hub")
PAPER = ArxivId("2106.09685")


def recorded(name: str) -> Answer:
    """The recording as a service would send it again; headers about the bytes on their way are the server's own."""
    if not name.endswith(".http.json"):
        return Answer(recording(name).read_bytes())
    raw = http_recording(name)
    own = ("content-length", "connection", "transfer-encoding", "content-encoding", "date", "keep-alive")
    headers = {key: value for key, value in raw["headers"].items() if key.lower() not in own and not key.startswith("x-amzn-R")}
    return Answer(raw["body"].encode(), raw["status"], headers)


def brief(paper: Paper) -> tuple[Any, ...]:
    """What tells that the right keys were read: id, title, first author, date or year, citations; and that it prints well."""
    assert paper.title.isprintable()
    row = paper.to_dict(Limits(abstract=100, authors=2))
    assert all(value.isprintable() for value in row.values() if isinstance(value, str))
    when = paper.published or paper.year
    return paper.arxiv_id or paper.doi, paper.title[:20], *paper.authors[:1], when, paper.citation_count


def several(papers: tuple[Paper, ...]) -> tuple[Any, ...]:
    """How many, the first and the last."""
    whole = [brief(paper) for paper in papers]
    return (len(whole), *whole[:1], *whole[-1:]) if len(whole) > 1 else (len(whole), *whole)


# --- adapters: what the commands would make of the answer


def feed(_: Http, answer: Answer) -> tuple[Any, ...]:
    found = arxiv.parse_feed(answer.encoded()[0])
    assert all(paper.primary_category in paper.categories and paper.abstract and paper.updated for paper in found.papers)
    return (found.error,) if found.error else (found.total, *several(found.papers))


def no_feed(http: Http, _: Answer) -> tuple[Any, ...]:
    with pytest.raises(ToolError) as caught:
        arxiv.details(http, [PAPER])
    return caught.value.code, caught.value.message


def one(http: Http, _: Answer) -> tuple[Any, ...]:
    found = s2.head(http, PAPER, "citations")
    return brief(found.paper)


def searched(http: Http, _: Answer) -> tuple[Any, ...]:
    found = s2.search(http, "turing", limit=100, since=None, until=None, min_citations=None)
    return found.total, *several(found.papers)


def counts(http: Http, _: Answer) -> tuple[Any, ...]:
    return several(s2.batch(http, ["2401.00001"]).papers)


def advice(http: Http, _: Answer) -> tuple[Any, ...]:
    return several(s2.recommended(http, "ARXIV:2401.00001", 100).papers)


def edges(direction: s2.Direction) -> Callable[[Http, Answer], tuple[Any, ...]]:
    def read(http: Http, _: Answer) -> tuple[Any, ...]:
        page = s2.edges(http, PAPER, direction, offset=0, limit=1000)
        citations = [citation for edge in page.edges if (citation := parse_edge(edge, direction))]
        assert {citation.is_influential for citation in citations} == {None}, "the recordings did not ask for it"
        without_page = sum(citation.paper.page is None for citation in citations)
        return page.next_offset, page.undescribed, without_page, *several(tuple(citation.paper for citation in citations))

    return read


def refused(http: Http, _: Answer) -> tuple[Any, ...]:
    """How the recorded refusal is told."""
    with pytest.raises(ToolError) as caught:
        s2.head(http, PAPER, "citations")
    return caught.value.code, caught.value.message.rpartition(": ")[2]


def work(http: Http, _: Answer) -> tuple[Any, ...]:
    found = openalex.by_doi(http, PAPER)
    return found.work_id, found.references_total, *brief(found.paper)


def works(http: Http, _: Answer) -> tuple[Any, ...]:
    page = openalex.neighbours(http, "W1", "citations", page=1, since=None, until=None, sort="cited_by_count")
    return page.total, sum(map(len, page.references.values())), *several(page.papers)


def no_work(http: Http, _: Answer) -> tuple[Any, ...]:
    with pytest.raises(ToolError) as caught:
        openalex.by_doi(http, PAPER)
    return caught.value.code, caught.value.message


def page_of(http: Http, _: Answer) -> tuple[Any, ...]:
    page = hub.paper(http, "2407.21783")
    first = page.linked["models"][0]
    assert page.response.service is HUB
    return *brief(page.paper), page.code, page.stars, page.upvotes, page.totals, (first.id, first.gated, first.parameters)


def pages_of(http: Http, _: Answer) -> tuple[Any, ...]:
    return several(tuple(page.paper for page in hub.search(http, "kazakh", 50).pages))


def trending(http: Http, _: Answer) -> tuple[Any, ...]:
    return several(tuple(page.paper for page in hub.trending(http, 20).pages))


def models(http: Http, _: Answer) -> tuple[Any, ...]:
    page = hub.repos(http, "2505.09388", "models", 1)
    return page.more, *[(repo.id, repo.downloads, repo.license, repo.gated) for repo in page.items]


def named(kind: Any, name: str) -> Callable[[Http, Answer], tuple[Any, ...]]:
    """A repository that a recipe names."""

    def read(http: Http, _: Answer) -> tuple[Any, ...]:
        (found,), _responses = check(http, [(kind, name)])
        return found.exists, found.id, found.gated, found.downloads

    return read


def collections(http: Http, answer: Answer) -> tuple[Any, ...]:
    page = hub.collections(http, "2505.09388", 5)
    return tuple((each.title, each.owner, each.upvotes, each.last_updated) for each in page.items)


def refused_by_hub(http: Http, _: Answer) -> tuple[Any, ...]:
    with pytest.raises(ToolError) as caught:
        hub.paper(http, "2106.09685")
    return caught.value.code, caught.value.message.rpartition("2106.09685")[2].removeprefix(": ")


def html(_: Http, answer: Answer) -> tuple[Any, ...]:
    document = read_page(answer.encoded()[0], "1810.04805", "arxiv-html", "https://arxiv.org/html/1810.04805")
    kinds = [block.kind for _, block in document.blocks()]
    return document.title, len(document.sections), len(kinds), kinds.count("table"), kinds.count("equation")


def renamed(http: Http, _: Answer) -> tuple[Any, ...]:
    """The redirect leads to another recording."""
    return named("model", "bert-base-uncased/x")(http, _)


ADAPTERS: dict[str, Callable[[Http, Answer], tuple[Any, ...]]] = {
    each.__name__: each
    for each in (
        *(feed, no_feed, html),
        *(one, searched, counts, advice, refused),
        *(work, works, no_work),
        *(page_of, pages_of, trending, models, collections, renamed, refused_by_hub),
    )
} | {
    "citations": edges("citations"),
    "references": edges("references"),
    "model": named("model", "org/name"),
    "dataset": named("dataset", "org/name"),
}
ROWS = [
    [cell.strip() for cell in line.split("|", 2)]
    for line in (Path(__file__).parent / "recordings.txt").read_text("utf-8").splitlines()[1:]
]
BERT = "hf_hub/model_google_bert_base_uncased.http.json"


@pytest.mark.parametrize(("name", "adapter", "said"), [row for row in ROWS if row[1] != "-"], ids=lambda cell: str(cell)[:60])
def test_what_a_recording_says(service: Loopback, http: Door, name: str, adapter: str, said: str) -> None:
    answer = recorded(name)
    served = Answer(b"[" + answer.encoded()[0] + b"]") if adapter == "collections" else answer
    service.routes |= {
        "/": served,
        "/api/models/google-bert/bert-base-uncased": recorded(BERT) if adapter == "renamed" else served,
    }
    assert json.loads(json.dumps(ADAPTERS[adapter](http(), answer))) == json.loads(said)


def test_no_recording_is_left_out() -> None:
    """A recording that is added and read by nobody would look like one that is tested."""
    recording("INDEX.md")
    there = {str(path.relative_to(FOLDER)) for folder in FOLDERS for path in (FOLDER / folder).rglob("*") if path.is_file()}
    listed = [row[0] for row in ROWS]
    assert sorted(listed) == sorted(there)
    assert all(row[2] for row in ROWS), "each says something, or why it is not read"
