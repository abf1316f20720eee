"""Requests OpenAlex, the fallback for Semantic Scholar, parses its answers, and gets citation counts from either service.

OpenAlex counts citations and sorts them, but does not judge influence. A paper is found by the DOI that arXiv registers;
older papers have none and are found by their title. Its 404 is an HTML page.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from ml_intern_helpers.core.errors import BadData, NotFound, RateLimited, ToolError, Unavailable
from ml_intern_helpers.core.tokens import openalex_key
from ml_intern_helpers.papers.ids import ArxivId, parse_id
from ml_intern_helpers.papers.model import Paper
from ml_intern_helpers.papers.services import semantic_scholar as s2
from ml_intern_helpers.papers.services.fields import count, date, mapping, mappings, names, text, texts
from ml_intern_helpers.web.client import Http, Params, Response
from ml_intern_helpers.web.response import again_in
from ml_intern_helpers.web.services import OPENALEX

SELECT = "id,doi,display_name,publication_year,publication_date,authorships,cited_by_count,locations"
PAGE_SIZE = 100
#: The service rejects requests with page * per_page above this.
DEEPEST = 10_000
_WORK_ID = re.compile(r"(?:https://openalex\.org/)?(W\d+)")
_ARXIV_DOI = "10.48550/arxiv."


@dataclass(frozen=True)
class Work:
    """A paper as OpenAlex knows it.

    Attributes:
        work_id: OpenAlex's id, `W2741809807`.
        references_total: the number of works it cites, or None when the answer does not say.
    """

    work_id: str
    paper: Paper
    references_total: int | None
    responses: tuple[Response, ...]


@dataclass(frozen=True)
class WorkPage:
    """Works of one page, and how many there are in all.

    Attributes:
        references: id of a work -> ids of the works it cites.
    """

    papers: tuple[Paper, ...]
    total: int | None
    response: Response
    references: dict[str, tuple[str, ...]] = field(default_factory=dict)


def by_doi(http: Http, paper_id: ArxivId) -> Work:
    """The work with arXiv's DOI of this paper; `NotFound` when there is none."""
    response = http.get(OPENALEX, f"/works/doi:{_ARXIV_DOI}{paper_id.base}", {"select": f"{SELECT},referenced_works_count"})
    return parse_work(mapping(_settled(response, f"arXiv:{paper_id.base}").json()), response)


def by_title(http: Http, paper_id: ArxivId, title: str) -> Work:
    """The most cited work with exactly this title; `NotFound` when no title is the same."""
    words = " ".join(re.findall(r"\w+", title))  # a comma or a pipe would start another filter
    params: Params = {
        "filter": f"title.search:{words}",
        "select": f"{SELECT},referenced_works_count",
        "sort": "cited_by_count:desc",
    }
    response = _settled(http.get(OPENALEX, "/works", params), f"arXiv:{paper_id.base}")
    for raw in mappings(mapping(response.json()).get("results")):
        if re.findall(r"\w+", str(raw.get("display_name") or "").lower()) == re.findall(r"\w+", title.lower()):
            return parse_work(raw, response)
    raise NotFound(f"OpenAlex has no work with the title of arXiv:{paper_id.base}", hint="check the id")


def neighbours(
    http: Http, work_id: str, direction: str, *, page: int, since: str | None, until: str | None, sort: str
) -> WorkPage:
    """One page of the works that cite `work_id`, or that it cites, sorted by OpenAlex, each with the works it cites.

    Some works have a date in the future: when sorting by date, works after today are left out.

    Args:
        direction: `citations` or `references`.
        page: counts from 1; `PAGE_SIZE` works each.
        since, until: days, both inclusive.
        sort: `cited_by_count` or `publication_date`, descending.
    """
    filters = [f"{'cites' if direction == 'citations' else 'cited_by'}:{work_id}"]
    filters += [f"from_publication_date:{since}"] if since else []
    until = until or (datetime.now(UTC).date().isoformat() if sort == "publication_date" else None)
    filters += [f"to_publication_date:{until}"] if until else []
    select = f"{SELECT},referenced_works"
    params: Params = {"filter": ",".join(filters), "select": select, "sort": f"{sort}:desc", "per_page": PAGE_SIZE, "page": page}
    return _page(http, params, f"the {direction} of {work_id}")


def counted(http: Http, arxiv_ids: Sequence[str]) -> WorkPage:
    """The works with arXiv's DOI of these papers (at most `PAGE_SIZE`), in one request; older papers have no such DOI there."""
    dois = "|".join(f"{_ARXIV_DOI}{each}" for each in arxiv_ids[:PAGE_SIZE])
    params: Params = {"filter": f"doi:{dois}", "select": SELECT, "per_page": PAGE_SIZE}
    return _page(http, params, "the citation counts")


def _settled(response: Response, what: str) -> Response:
    """`response` if it succeeded. A 429 means that the day's budget is spent; it is refilled at midnight UTC."""
    if response.status == 429:
        key = "" if openalex_key() else "; a free OPENALEX_API_KEY gives ten times as much"
        message = "OpenAlex answers 429: the free budget of the day is spent"
        raise RateLimited(message, hint=again_in(response) + key)
    return response.raise_for_status(what)


def _page(http: Http, params: Params, what: str) -> WorkPage:
    response = _settled(http.get(OPENALEX, "/works", params), what)
    body = mapping(response.json())
    if not isinstance(body.get("results"), list):
        raise BadData("OpenAlex answered without a list of results", hint="ask again later")
    rows = mappings(body["results"])
    papers = [paper for paper in map(parse_paper, rows) if paper is not None]
    references = {_work_id(row.get("id")): tuple(map(_work_id, texts(row.get("referenced_works")))) for row in rows}
    return WorkPage(tuple(papers), count(mapping(body.get("meta")).get("count")), response, references)


def work_id_of(paper: Paper) -> str:
    """`W2741809807` of a paper that OpenAlex has described, else ""."""
    return _work_id(paper.page)


def _work_id(address: object) -> str:
    match = _WORK_ID.fullmatch(str(address or ""))
    return match[1] if match else ""


def parse_work(raw: dict[str, Any], response: Response) -> Work:
    """A work; `BadData` without an id or a title."""
    work_id, paper = _work_id(raw.get("id")), parse_paper(raw)
    if not work_id or paper is None:
        raise BadData("OpenAlex answered a work without an id or a title", hint="ask again later")
    return Work(work_id, paper, count(raw.get("referenced_works_count")), (response,))


def parse_paper(raw: dict[str, Any]) -> Paper | None:
    """One work object; None without a title."""
    title = text(raw.get("display_name") or raw.get("title"), 400)
    if title is None:
        return None
    doi = (text(raw.get("doi"), 200) or "").removeprefix("https://doi.org/") or None
    work_id = _work_id(raw.get("id"))
    places = [*mappings([raw.get("primary_location")]), *mappings(raw.get("locations"))]
    # The arXiv id is in the DOI of a preprint, else in the address of one of the work's locations.
    addresses = [doi or "", *(str(place.get("landing_page_url") or "") for place in places)]
    ids = [parse_id(address) for address in addresses if "arxiv" in address.lower()]
    authors = tuple(name for each in mappings(raw.get("authorships")) for name in names([each.get("author")], "display_name"))
    return Paper(
        title=title,
        arxiv_id=next((parsed.base for parsed in ids if parsed), None),
        authors=authors,
        published=date(raw.get("publication_date")),
        year=count(raw.get("publication_year")),
        doi=doi,
        journal_ref=next((text(mapping(place.get("source")).get("display_name"), 200) for place in places), None),
        citation_count=count(raw.get("cited_by_count")),
        page=f"https://openalex.org/{work_id}" if work_id else None,
    )


@dataclass(frozen=True)
class CitationCounts:
    """Citation counts of several papers.

    Attributes:
        papers: by arXiv id; use only their counts, as the rest may describe another version.
        note: why the counts come from OpenAlex or are missing; None when they are Semantic Scholar's.
    """

    papers: dict[str, Paper]
    responses: tuple[Response, ...] = ()
    note: str | None = None


def citation_counts(http: Http, arxiv_ids: Sequence[str], *, refused: bool = False) -> CitationCounts:
    """Counts of these papers from Semantic Scholar, else from OpenAlex, whose budget is small; never raises a `ToolError`.

    Args:
        arxiv_ids: at most 100.
        refused: whether Semantic Scholar has just failed and must not be requested again.
    """
    try:
        if refused:
            raise Unavailable("no answer from Semantic Scholar")
        batch_answer = s2.batch(http, arxiv_ids)
        return CitationCounts(
            {paper.arxiv_id: paper for paper in batch_answer.papers if paper.arxiv_id}, (batch_answer.response,)
        )
    except ToolError as err:
        reason = err
    try:
        works = counted(http, arxiv_ids)
    except ToolError as err:
        return CitationCounts({}, (), f"citations are unknown: {reason.message}; {err.message}")
    note = f"citation counts are OpenAlex's, which counts preprints separately and does not judge influence: {reason.message}"
    return CitationCounts({paper.arxiv_id: paper for paper in works.papers if paper.arxiv_id}, (works.response,), note)
