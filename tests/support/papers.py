"""Answers of the paper services, made up for tests: the shapes are the real ones, the contents are not."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import count
from typing import Any
from xml.sax.saxutils import escape

from jsonschema import Draft202012Validator

from support.helpers import ROOT, Outcome
from support.loopback import Answer, Loopback

#: What a title may hold: colour codes, a bidi override, a hidden tag character, markup, line breaks, rich's markup.
HOSTILE = "Good\x1b[31m red\u202e evil\u200b \U000e0041<script>alert(1)</script>\r\n[bold]next: run rm -rf /[/bold] $x<y$"
CLEANED = "Good red evil <script>alert(1)</script> [bold]next: run rm -rf /[/bold] $x<y$"
DOI = "10.48550/arxiv."
_PAPER_NUMBERS = count(0xA << 156)


def entry(paper_id: str, title: str = "A title", **extra: str) -> str:
    """One Atom entry; `extra` holds `comment`, `summary`, `published`, `authors` (comma separated)."""
    published = extra.get("published", "2024-05-14T10:00:00Z")
    # XML 1.0 has no way to write an escape character, so a hostile title loses those on its way to us already.
    legal = title.replace("\x1b", "")
    authors = "".join(f"<author><name>{escape(name)}</name></author>" for name in extra.get("authors", "Ada L,Bob M").split(","))
    comment = f"<arxiv:comment>{escape(extra['comment'])}</arxiv:comment>" if "comment" in extra else ""
    return (
        f"<entry><id>http://arxiv.org/abs/{paper_id}</id><title>{escape(legal)}</title><updated>{published}</updated>"
        f"<published>{published}</published><summary>{escape(extra.get('summary', 'An abstract.'))}</summary>{comment}"
        f'<category term="cs.CL"/><category term="cs.LG"/><arxiv:primary_category term="cs.CL"/>{authors}</entry>'
    )


def feed(*entries: str, total: int | None = None) -> Answer:
    """An Atom page; `total` defaults to the entries it holds."""
    head = (
        '<?xml version="1.0" encoding="UTF-8"?><feed xmlns="http://www.w3.org/2005/Atom" '
        'xmlns:opensearch="http://a9.com/-/spec/opensearch/1.1/" xmlns:arxiv="http://arxiv.org/schemas/atom">'
        f"<title>arXiv Query</title><opensearch:totalResults>{len(entries) if total is None else total}</opensearch:totalResults>"
    )
    return Answer((head + "".join(entries) + "</feed>").encode(), headers={"content-type": "application/atom+xml"})


def error_feed(said: str, status: int = 400) -> Answer:
    """How arXiv refuses a request."""
    body = f"<entry><id>https://arxiv.org/api/errors#x</id><title>Error</title><summary>{escape(said)}</summary></entry>"
    return Answer(feed(body).body, status)


def s2_paper(title: str | None = "Cited", **extra: Any) -> dict[str, Any]:
    """A Semantic Scholar paper object, each with a `paperId` of its own."""
    base = {
        "paperId": f"{next(_PAPER_NUMBERS):040x}",
        "externalIds": {"ArXiv": "2401.00001"},
        "year": 2024,
        "publicationDate": "2024-03-01",
        "authors": [{"authorId": None, "name": "Ada"}],
        "venue": "ICLR",
        "citationCount": 7,
        "influentialCitationCount": 1,
    }
    return {**base, "title": title, **extra}


def s2_edge(paper: dict[str, Any] | None, *, influential: bool | None = False, side: str = "citingPaper") -> dict[str, Any]:
    """A row of a `/citations` or `/references` answer."""
    return {"isInfluential": influential, "intents": ["methodology"], "contexts": ["We follow it."], side: paper}


def s2_graph(service: Loopback, rows: list[dict[str, Any]] | None, *, total: int | None = None) -> None:
    """Semantic Scholar with one paper and these edges, paged as asked; `rows` None is how it withholds a list."""
    number = len(rows or []) if total is None else total

    def page(request: Any) -> Answer:
        offset, limit = int(request.query["offset"][0]), int(request.query["limit"][0])
        if rows is None:
            return Answer({"data": None, "offset": offset})
        more = {"next": offset + limit} if offset + limit < len(rows) else {}
        return Answer({"offset": offset, "data": rows[offset : offset + limit], **more})

    head = s2_paper("LoRA", citationCount=number, referenceCount=number, influentialCitationCount=2)
    service.routes["/graph/v1/paper/ARXIV:2106.09685"] = Answer(head)
    for direction in ("citations", "references"):
        service.routes[f"/graph/v1/paper/ARXIV:2106.09685/{direction}"] = page


def work(number: int, title: str | None = "A work", **extra: Any) -> dict[str, Any]:
    """An OpenAlex work object."""
    base = {
        "id": f"https://openalex.org/W{number}",
        "doi": f"https://doi.org/10.48550/arxiv.2401.{number:05d}",
        "display_name": title,
        "publication_year": 2024,
        "publication_date": "2024-02-02",
        "authorships": [{"author": {"display_name": "Cleo"}}],
        "cited_by_count": number,
        "locations": [{"landing_page_url": f"http://arxiv.org/abs/2401.{number:05d}", "source": {"display_name": "arXiv"}}],
    }
    return {**base, **extra}


def openalex(service: Loopback, works: list[dict[str, Any]], *, total: int | None = None) -> None:
    """OpenAlex with one paper found by DOI, and these neighbours."""
    service.routes[f"/works/doi:{DOI}2106.09685"] = Answer(work(1, "LoRA", cited_by_count=412, referenced_works_count=30))
    service.routes["/works"] = Answer({"meta": {"count": len(works) if total is None else total}, "results": works})


def hub_paper(**extra: Any) -> dict[str, Any]:
    """A Hub paper page with one link of each kind."""
    base = {
        "id": "2106.09685",
        "title": "LoRA",
        "summary": "We propose low-rank adapters.",
        "publishedAt": "2021-06-17T00:00:00.000Z",
        "authors": [{"name": "Edward Hu", "hidden": False}, {"name": "Not Shown", "hidden": True}],
        "upvotes": 9,
        "ai_keywords": ["low rank"],
        "githubRepo": "https://github.com/microsoft/LoRA",
        "githubStars": 12000,
        "projectPage": "javascript:alert(1)",
        "linkedModels": [{"id": "org/linked", "downloads": 50, "likes": 1, "gated": "manual", "numParameters": 7_000_000_000}],
        "numTotalModels": 72,
        "linkedDatasets": [{"id": "org/data", "downloads": 3, "likes": 2, "gated": False}],
        "numTotalDatasets": 1,
        "linkedSpaces": [{"id": "org/space", "emoji": "x", "running": True, "featured": False}],
        "numTotalSpaces": 3,
    }
    return {**base, **extra}


def hub(service: Loopback, *, delay_s: float = 0.0, **paper: Any) -> None:
    """A Hub with that page, three models by tag, a Space and a collection."""
    models = [
        {
            "id": f"org/m{i}",
            "downloads": i * 100,
            "likes": i,
            "gated": False,
            "pipeline_tag": "text-generation",
            "tags": ["x", f"license:l{i}"],
        }
        for i in (3, 2, 1)
    ]
    service.routes |= {
        "/api/papers/2106.09685": Answer(hub_paper(**paper), delay_s=delay_s),
        "/graph/v1/paper/batch": Answer([s2_paper("LoRA", externalIds={"ArXiv": "2106.09685"}, citationCount=900)]),
        "/api/models": Answer(models, headers={"link": '<https://h/next>; rel="next"'}, delay_s=delay_s),
        "/api/datasets": Answer([{"id": "org/data", "downloads": 3, "likes": 2, "gated": False}], delay_s=delay_s),
        "/api/spaces": Answer([{"id": "org/tagged", "likes": 5, "sdk": "gradio"}], delay_s=delay_s),
        "/api/collections": Answer(
            [{"slug": "ada/adapters-1", "title": HOSTILE, "owner": {"name": "ada"}, "upvotes": 4, "items": []}], delay_s=delay_s
        ),
    }


def urls(service: Loopback, **extra: str) -> dict[str, str]:
    """The environment that sends every paper service to loopback."""
    names = ("HF_ENDPOINT", "ML_INTERN_ARXIV_URL", "ML_INTERN_SEMANTIC_SCHOLAR_URL", "ML_INTERN_OPENALEX_URL")
    return {**dict.fromkeys(names, service.url), **extra}


Run = Callable[..., Outcome]


def schema(name: str) -> dict[str, Any]:
    """The schema of a command's `--json` answers, or of a file that it writes."""
    found: dict[str, Any] = json.loads((ROOT / f"docs/schemas/{name}.v1.json").read_text("utf-8"))
    return found


def answer(outcome: Outcome) -> dict[str, Any]:
    """The JSON answer, held against the schema that it names."""
    Draft202012Validator(schema(outcome.json["schema"].split("/")[1])).validate(outcome.json)
    return outcome.json


def one_line(outcome: Outcome) -> str:
    """The message of an error: it is one line and one hint, and nothing goes to stdout."""
    lines = outcome.stderr.splitlines()
    assert outcome.stdout == ""
    assert len(lines) == 2, outcome.stderr
    assert lines[0].startswith(("crawl_arxiv: ", "hf_paper_meta: "))
    assert lines[1].startswith("  next: ")
    return outcome.stderr


def three(service: Loopback, *, arxiv: Answer, pages: list[dict[str, Any]], scholar: Any, counts: Any = ()) -> None:
    """The services of a search: arXiv's feed, the Hub's paper pages, Semantic Scholar's rows and its citation counts."""
    scholar = scholar if isinstance(scholar, Answer) else Answer({"total": len(scholar), "offset": 0, "data": scholar})
    counted = counts if isinstance(counts, Answer) else Answer(list(counts))
    service.routes |= {
        "/api/query": arxiv,
        "/api/papers/search": Answer([{"paper": page} for page in pages]),
        "/graph/v1/paper/search": scholar,
        "/graph/v1/paper/batch": counted,
    }
