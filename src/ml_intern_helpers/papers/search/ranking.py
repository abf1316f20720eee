"""A search of all services from its words to its report: ask, merge, complete, filter, rank; and what is trending."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from functools import partial
from typing import Any

from ml_intern_helpers.cli.commands import Context
from ml_intern_helpers.core.errors import NotFound, ToolError
from ml_intern_helpers.core.report import Report
from ml_intern_helpers.core.text import clean, plural
from ml_intern_helpers.papers.ids import ArxivId
from ml_intern_helpers.papers.library import papers as library
from ml_intern_helpers.papers.model import ALL, Limits, paper_row, sources
from ml_intern_helpers.papers.search.score import Score, score
from ml_intern_helpers.papers.search.services import POOL, Hit, SearchOptions, ServiceAnswer, ask, merged, trending
from ml_intern_helpers.papers.services import arxiv, arxiv_query, hub
from ml_intern_helpers.papers.services.citation_counts import citation_counts
from ml_intern_helpers.web.client import Http, Response
from ml_intern_helpers.web.services import HUB, SEMANTIC_SCHOLAR

#: Paper pages are looked up for this many places of the ranking at a time: code and models decide within a block,
#: and a page of results is the same whichever page was asked for before.
BLOCK = 20
LIBRARY = "library"


@dataclass(frozen=True)
class Ranking:
    """The ranking.

    Attributes:
        hits: all that pass the filters, best first, each with its score.
        read: papers before the filters.
        answers: of the services, and of the library where it was looked through.
        notes: what could not be had, one line each.
    """

    hits: tuple[tuple[Hit, Score], ...]
    read: int
    answers: tuple[ServiceAnswer, ...]
    responses: tuple[Response, ...]
    notes: tuple[str, ...]


def run(args: argparse.Namespace, context: Context, words: str) -> Report:
    """crawl_arxiv search and trending."""
    options = None if args.trending else _options(args, words)
    context.progress("asking arXiv, the Hub and Semantic Scholar …")
    today, first, last = datetime.now(UTC).date(), args.start, args.start + args.limit
    ranking = _search(context.http, options, today, first, last) if options else _trending(context.http, today)
    for note in ranking.notes:
        context.warn(note)
    if any(not response.cached for response in ranking.responses):  # stored answers are in the library already
        when = min(response.fetched_at for response in ranking.responses)
        library.keep(library.KeptPaper(hit.paper, next(iter(hit.ranks)), when) for hit, _ in ranking.hits)
    shown = ranking.hits[first:last]
    limits = ALL if args.full else Limits()
    fields = {
        "mode": "trending" if args.trending else "search",
        "query": clean(words) or None,
        "sort": "trending" if args.trending else "score",
        "papers": [_row(hit, scored, limits) for hit, scored in shown],
        "matching": len(ranking.hits),
        "read": ranking.read,
        "start": first,
        "returned": len(shown),
        "next_start": last if last < len(ranking.hits) else None,
        "services": [answer.to_dict() for answer in ranking.answers],
        "sources": sources(ranking.responses),
    }
    # Nothing found is an answer only when everybody has looked.
    unsure = not ranking.hits and any(answer.error for answer in ranking.answers)
    return Report("crawl_arxiv", "unknown" if unsure else "ok", fields=fields)


def _options(args: argparse.Namespace, words: str) -> SearchOptions:
    """The search that the arguments name; `UsageError`, before any request, for a filter that cannot be."""
    arxiv_query.build(words, categories=args.category, since=args.since, until=args.until)
    categories = tuple(arxiv_query.one_category(each) for given in args.category for each in given.split(",") if each.strip())
    since = str(arxiv_query.parse_day(args.since, last=False)) if args.since else None
    until = str(arxiv_query.parse_day(args.until, last=True)) if args.until else None
    return SearchOptions(words, since, until, categories, args.min_citations)


def _row(hit: Hit, scored: Score, limits: Limits) -> dict[str, Any]:
    page = hit.page
    on_hub: dict[str, Any] | None = None
    if page:
        totals = {str(kind): total for kind, total in page.totals.items()}
        on_hub = {"code": page.code, "stars": page.stars, "upvotes": page.upvotes, **totals}
    return paper_row(hit.paper, limits, score=scored.to_dict(), found_by=dict(hit.ranks), hub=on_hub)


def _search(http: Http, options: SearchOptions, today: date, first: int, last: int) -> Ranking:
    """The ranking, complete for the places `first` to `last` (from 0, the last one excluded).

    Raises:
        ToolError: no service answered, and the library holds nothing that fits.
    """
    answers = ask(http, options)
    if all(answer.error for answer in answers):
        kept = library.find(options.words, POOL)
        if not kept:
            raise _first_error(answers)
        oldest = min(each.fetched_at for each in kept)
        answers.append(ServiceAnswer(LIBRARY, tuple(each.paper for each in kept), kept_at=oldest))
    hits = merged(answers)
    read = len(hits)
    responses = [answer.response for answer in answers if answer.response]
    # A service that has just given no answer is not asked a second thing.
    silent = {answer.service for answer in answers if answer.error}
    answered = [answer.service for answer in answers if not answer.error]
    notes = []
    if HUB.name in silent:
        notes.append("code and models are unknown, so no paper is ranked by them")
    if LIBRARY in answered:
        notes.append("no service answered; these are papers that earlier runs met, with the counts of that time")
    else:
        notes += _add_counts(http, hits, responses, refused=SEMANTIC_SCHOLAR.name in silent)
    if options.categories:
        notes += _add_categories(http, hits, responses)
    hits = [hit for hit in hits if _passes(hit, options)]
    # Ranked first by what is known of all alike: code and models are looked up for the best of them only.
    plain = {id(hit): score(replace(hit, page=None, page_asked=False), options.words, answered, today) for hit in hits}
    hits.sort(key=lambda hit: -plain[id(hit)].total)
    if HUB.name not in silent:
        notes += _add_pages(http, hits[first // BLOCK * BLOCK : -(-last // BLOCK) * BLOCK], responses)
    scored = [(hit, score(hit, options.words, answered, today)) for hit in hits]
    blocks = [scored[start : start + BLOCK] for start in range(0, len(scored), BLOCK)]
    ranked = tuple(pair for block in blocks for pair in sorted(block, key=lambda pair: -pair[1].total))
    return Ranking(ranked, read, tuple(answers), tuple(responses), tuple(notes))


def _trending(http: Http, today: date) -> Ranking:
    """What is trending, in the Hub's own order."""
    answers = trending(http)
    if answers[0].error:
        raise answers[0].error
    hits = merged(answers)
    responses = [answer.response for answer in answers if answer.response]
    notes = _add_counts(http, hits, responses)
    scored = tuple((hit, score(hit, "", [answers[0].service], today)) for hit in hits)
    return Ranking(scored, len(hits), tuple(answers), tuple(responses), tuple(notes))


def _first_error(answers: Sequence[ServiceAnswer]) -> ToolError:
    """The most telling of several failures: a refusal of the query before a dead line."""
    failed = [answer for answer in answers if answer.error]
    named = next((answer for answer in failed if answer.service != SEMANTIC_SCHOLAR.name), failed[0])
    others = " and ".join(answer.service for answer in failed if answer is not named)
    assert named.error is not None
    return type(named.error)(f"{named.error.message}; nor is there an answer from {others}", hint=named.error.hint)


def _passes(hit: Hit, options: SearchOptions) -> bool:
    """Whether a paper is wanted; what is unknown fails its filter."""
    paper = hit.paper
    if options.min_citations is not None and (paper.citation_count is None or paper.citation_count < options.min_citations):
        return False
    if options.categories and not any(_in_category(category, paper.categories) for category in options.categories):
        return False
    day = paper.published or str(paper.year or "")
    since, until = (options.since or "")[: len(day)], (options.until or "9999-12-31")[: len(day)]
    return not (options.since or options.until) or (bool(day) and since <= day <= until)


def _in_category(wanted: str, categories: Sequence[str]) -> bool:
    """`cs` and `cs.*` hold every `cs.…`."""
    archive = wanted.removesuffix(".*")
    return any(category == archive or ("." not in archive and category.startswith(f"{archive}.")) for category in categories)


def _add_counts(http: Http, hits: Sequence[Hit], responses: list[Response], *, refused: bool = False) -> list[str]:
    """Citation counts, in one request, for papers that Semantic Scholar has not listed itself; returns what is to be noted.

    Args:
        refused: Semantic Scholar has just given no answer, so OpenAlex is asked.
    """
    without = {hit.paper.arxiv_id: hit for hit in hits if hit.paper.arxiv_id and hit.paper.citation_count is None}
    if not without:
        return []
    counts = citation_counts(http, sorted(without), refused=refused)
    for arxiv_id, paper in counts.papers.items():
        hit = without.get(arxiv_id)
        if hit:
            hit.paper = hit.paper.counted_as(paper)
    responses += counts.responses
    return [counts.note] if counts.note else []


def _add_categories(http: Http, hits: Sequence[Hit], responses: list[Response]) -> list[str]:
    """Categories, in one request, of papers that arXiv has not listed itself; returns what is to be noted."""
    without = {hit.paper.arxiv_id: hit for hit in hits if hit.paper.arxiv_id and not hit.paper.categories}
    if not without:
        return []
    try:
        page = arxiv.details(http, [ArxivId(each) for each in sorted(without)])
    except ToolError as err:
        return [f"left out for want of their category: {plural(len(without), 'paper')}: {err.message}"]
    for paper in page.feed.papers:
        hit = without.get(paper.arxiv_id or "")
        if hit:
            hit.paper = hit.paper.filled(paper)
    responses += page.responses
    return []


def _add_pages(http: Http, hits: Sequence[Hit], responses: list[Response]) -> list[str]:
    """Paper pages of these hits, side by side; returns what is to be noted."""
    without = [hit for hit in hits if hit.paper.arxiv_id and not hit.page_asked]
    outcomes = http.together([partial(hub.paper, http, str(hit.paper.arxiv_id)) for hit in without])
    failed = []
    for hit, outcome in zip(without, outcomes, strict=True):
        hit.page_asked = isinstance(outcome, (hub.HubPaper, NotFound))
        if isinstance(outcome, hub.HubPaper):
            hit.page = outcome
            responses.append(outcome.response)
        elif not isinstance(outcome, ToolError):
            raise outcome
        elif not isinstance(outcome, NotFound):
            failed.append(outcome.message)
    return [f"code and models of {plural(len(failed), 'paper')} are unknown: {failed[0]}"] if failed else []
