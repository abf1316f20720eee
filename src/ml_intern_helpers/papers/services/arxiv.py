"""Requests the arXiv API (a search, a look-up by ids) and parses its Atom feeds into `Paper`.

The service answers a malformed request with an entry called "Error" (status 400 today, 200 before 2025), returns ids in its
own order, and sometimes sends an empty page although `totalResults` says more.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ml_intern_helpers.core.errors import BadData, NotFound, Unavailable
from ml_intern_helpers.core.text import clean
from ml_intern_helpers.papers.ids import ArxivId, parse_id
from ml_intern_helpers.papers.model import Paper, withdrawn_evidence
from ml_intern_helpers.papers.services.fields import count, date, names, text
from ml_intern_helpers.web.client import Http, Response
from ml_intern_helpers.web.services import ARXIV

SORTS = {"relevance": "relevance", "submitted": "submittedDate", "updated": "lastUpdatedDate"}
#: The service refuses to page beyond this many results.
DEEPEST = 30_000
_ERRORS = "/api/errors"
#: Ids that arXiv cannot read are left out one at a time, each with a request of three seconds; so at most this many.
_MOST_UNREADABLE = 3


@dataclass(frozen=True)
class Feed:
    """One page of results.

    Attributes:
        total: results of the whole query, the service's estimate; None when it does not say.
        papers: of this page, in the service's order.
        error: the service's message about a bad request, or None.
    """

    total: int | None
    papers: tuple[Paper, ...]
    error: str | None = None


@dataclass(frozen=True)
class Page:
    """A page of results and its responses."""

    feed: Feed
    responses: tuple[Response, ...]


def search(http: Http, search_query: str, *, start: int, max_results: int, sort: str) -> Page:
    """One page of a search.

    Raises:
        Unavailable: no answer, or only empty pages although the service counts more results.
        BadData: not an Atom feed, or the service rejects the query.
    """
    sent: dict[str, str | int] = {"search_query": search_query, "start": start, "sortBy": SORTS[sort], "sortOrder": "descending"}
    responses: list[Response] = []
    # A smaller page often succeeds when the full one comes back empty, so the last try halves it.
    for size, ttl_s in ((max_results, None), (max_results, 0), (max(max_results // 2, 1), 0)):
        response = http.get(ARXIV, "/api/query", {**sent, "max_results": size}, ttl_s=ttl_s)
        responses.append(response)
        feed = _checked(response, "this search")
        if feed.papers or (feed.total or 0) <= start:
            return Page(feed, tuple(responses))
    message = f"arXiv counts {feed.total} results but sent an empty page {len(responses)} times"
    raise Unavailable(message, hint="this is a known fault of its API: run again in a minute, or with a smaller --max-results")


def details(http: Http, ids: Sequence[ArxivId]) -> Page:
    """The papers with these ids, in the order asked; those that arXiv does not know are absent.

    For one id that it cannot read (`abc/9901001`), arXiv rejects the whole request: the others are requested again.
    """
    wanted = [paper_id for paper_id in ids if paper_id.possible]
    if not wanted:
        return Page(Feed(0, ()), ())
    response = _by_id(http, wanted)
    for _ in range(_MOST_UNREADABLE):
        match = None
        if response.status in (200, 400) and _ERRORS.encode() in response.body:
            match = re.search(r"incorrect id format for (\S+)", parse_feed(response.body).error or "")
        readable = [paper_id for paper_id in wanted if not match or str(paper_id) != match[1]]
        if not readable or len(readable) == len(wanted):
            break
        wanted, response = readable, _by_id(http, readable)
    feed = _checked(response, ",".join(map(str, wanted)))
    papers = []
    for paper_id in wanted:  # an id with a version matches that version only
        matching = (each for each in feed.papers if each.arxiv_id == paper_id.base and paper_id.version in (None, each.version))
        papers += [paper for paper in (next(matching, None),) if paper]
    return Page(Feed(feed.total, tuple(papers)), (response,))


def _by_id(http: Http, wanted: Sequence[ArxivId]) -> Response:
    joined = ",".join(map(str, wanted))
    return http.get(ARXIV, "/api/query", {"id_list": joined, "start": 0, "max_results": len(wanted)})


def _checked(response: Response, what: str) -> Feed:
    """The feed of `response`, or the error that its status or feed reports."""
    if response.status != 400:  # a 400 comes with a feed that gives the reason
        response.raise_for_status(clean(what, limit=100))
    feed = _read(response)
    if feed.error and "incorrect id format" in feed.error:
        raise NotFound(f"arXiv knows no such paper: {feed.error}", hint="check the id")
    if feed.error:
        raise BadData(f"arXiv rejects {clean(what, limit=100)}: {feed.error}", hint="simplify the query")
    response.raise_for_status(clean(what, limit=100))
    return feed


def _read(response: Response) -> Feed:
    """The feed, parsed now or, when the answer was stored, by an earlier run."""
    from ml_intern_helpers.papers.library import papers

    known = papers.stored_result("feed", response.body) if response.cached else None
    if known:
        return Feed(known["total"], tuple(papers.paper(each) for each in known["papers"]))
    feed = parse_feed(response.body)
    if feed.papers and response.ok:
        papers.store_result("feed", response.body, {"total": feed.total, "papers": [asdict(each) for each in feed.papers]})
    return feed


def parse_feed(body: bytes) -> Feed:
    """Atom bytes -> `Feed`; `BadData` when they are something else."""
    import feedparser

    if b"<!ENTITY" in body:  # arXiv declares none, and nested ones can expand without bound
        raise BadData(
            "arXiv's answer declares XML entities, which its feeds never do", hint="check whether a proxy changes the answer"
        )
    # Sanitising would drop `<y` from "if $x<y$"; the text is cleaned and never rendered as HTML.
    parsed = feedparser.parse(body, sanitize_html=False, resolve_relative_uris=False)
    if not str(parsed.get("version") or "").startswith("atom"):
        seen = clean(body[:300], limit=80)
        raise BadData(f"arXiv answered something that is not an Atom feed: {seen!r}", hint="ask again later")
    if parsed.bozo and not body.rstrip().endswith(b"</feed>"):
        raise BadData("arXiv's answer was cut off on the way", hint="ask again")
    for entry in parsed.entries:
        if _ERRORS in str(entry.get("id", "")):
            return Feed(0, (), error=text(entry.get("summary"), 300) or "no reason given")
    papers = tuple(paper for paper in map(_paper, parsed.entries) if paper is not None)
    total = str(parsed.feed.get("opensearch_totalresults", ""))
    return Feed(count(int(total)) if total.isdigit() else None, papers)


def _paper(entry: Any) -> Paper | None:
    """One entry; None when it has no arXiv id."""
    paper_id = parse_id(str(entry.get("id", "")))
    if paper_id is None:
        return None
    published = date(entry.get("published"))
    comment, abstract = text(entry.get("arxiv_comment"), 500), text(entry.get("summary"))
    primary = entry.get("arxiv_primary_category")
    return Paper(
        title=text(entry.get("title"), 400) or "(no title)",
        arxiv_id=paper_id.base,
        version=paper_id.version,
        authors=names(entry.get("authors")),
        published=published,
        updated=date(entry.get("updated")),
        year=int(published[:4]) if published else None,
        primary_category=text(primary.get("term"), 40) if isinstance(primary, dict) else None,
        categories=names(entry.get("tags"), "term"),
        abstract=abstract,
        comment=comment,
        journal_ref=text(entry.get("arxiv_journal_ref"), 300),
        doi=text(entry.get("arxiv_doi"), 200),
        withdrawn=withdrawn_evidence(comment, abstract),
    )
