"""Searches all services: merges what they list, filters, scores and ranks it; also lists the trending papers.

A score has five parts between 0 and 1, and the report shows each. An unknown part is left out and its weight is distributed
among the others: an unknown citation count is not a count of 0.
"""

from __future__ import annotations

import argparse
import math
import re
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime
from functools import cache, partial
from typing import Any

from ml_intern_helpers.cli.commands import Context
from ml_intern_helpers.core.errors import NotFound, ToolError
from ml_intern_helpers.core.report import Report
from ml_intern_helpers.core.text import clean, plural
from ml_intern_helpers.papers.ids import ArxivId
from ml_intern_helpers.papers.library import papers as library
from ml_intern_helpers.papers.model import ALL, Limits, age_years, citations_a_year, paper_row, sources, within_days
from ml_intern_helpers.papers.search.services import POOL, Hit, SearchOptions, ServiceAnswer, ask, merged, trending
from ml_intern_helpers.papers.services import arxiv, arxiv_query, hub
from ml_intern_helpers.papers.services.openalex import citation_counts
from ml_intern_helpers.web.client import Http, Response
from ml_intern_helpers.web.services import HUB, SEMANTIC_SCHOLAR

#: The Hub's paper pages are requested for blocks of this many places: code and models change the order only within a block,
#: so that a page of results does not depend on which pages were requested before.
BLOCK = 20
LIBRARY = "library"
WEIGHTS = {"relevance": 0.45, "citations_per_year": 0.2, "influence": 0.1, "recency": 0.15, "artifacts": 0.1}
#: Counts at which a part of the score reaches 1.
_MANY_A_YEAR, _MANY_INFLUENTIAL = 1000, 500
_HALF_LIFE_YEARS = 2.0
#: Higher places say more: place 1 counts 1, place 10 about half.
_RANK_SOFTNESS = 9


@dataclass(frozen=True)
class Score:
    """A total between 0 and 1, its parts (None: unknown), and the reasons in words."""

    total: float
    parts: dict[str, float | None]
    reason: str


@dataclass(frozen=True)
class Ranking:
    """The ranked papers.

    Attributes:
        hits: all that pass the filters, best first, each with its score.
        read: the number of papers before the filters.
        answers: the answers of the services, and of the library if it was searched.
        notes: what could not be obtained, one line each.
    """

    hits: tuple[tuple[Hit, Score], ...]
    read: int
    answers: tuple[ServiceAnswer, ...]
    responses: tuple[Response, ...]
    notes: tuple[str, ...]


def run(args: argparse.Namespace, context: Context, words: str) -> Report:
    """`crawl_arxiv search` and `crawl_arxiv trending`."""
    options = None
    if not args.trending:
        arxiv_query.build(
            words, categories=args.category, since=args.since, until=args.until
        )  # raises a `UsageError` for a bad filter
        categories = [arxiv_query.one_category(each) for given in args.category for each in given.split(",") if each.strip()]
        since = str(arxiv_query.parse_day(args.since, last=False)) if args.since else None
        until = str(arxiv_query.parse_day(args.until, last=True)) if args.until else None
        options = SearchOptions(words, since, until, tuple(categories), args.min_citations)
    context.progress("asking arXiv, the Hub and Semantic Scholar …")
    today, first, last = datetime.now(UTC).date(), args.start, args.start + args.limit
    ranking = _search(context.http, options, today, first, last) if options else _trending(context.http, today)
    for note in ranking.notes:
        context.warn(note)
    if any(not response.cached for response in ranking.responses):  # stored answers are in the library already
        fetched_at = min(response.fetched_at for response in ranking.responses)
        library.keep(library.KeptPaper(hit.paper, next(iter(hit.ranks)), fetched_at) for hit, _ in ranking.hits)
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
    # "Nothing found" is certain only when every service has answered.
    uncertain = not ranking.hits and any(answer.error for answer in ranking.answers)
    return Report("crawl_arxiv", "unknown" if uncertain else "ok", fields=fields)


def _row(hit: Hit, scored: Score, limits: Limits) -> dict[str, Any]:
    page = hit.page
    on_hub: dict[str, Any] | None = None
    if page:
        totals = {str(kind): total for kind, total in page.totals.items()}
        on_hub = {"code": page.code, "stars": page.stars, "upvotes": page.upvotes, **totals}
    return paper_row(hit.paper, limits, score=asdict(scored), found_by=dict(hit.ranks), hub=on_hub)


def _search(http: Http, options: SearchOptions, today: date, first: int, last: int) -> Ranking:
    """The ranking, complete for the places `first` to `last` (from 0, the last one excluded).

    Raises:
        ToolError: no service answered, and the library holds no matching paper.
    """
    answers = ask(http, options)
    if all(answer.error for answer in answers):
        library_papers = library.find(options.words, POOL)
        if not library_papers:
            raise _no_answer(answers)
        oldest = min(each.fetched_at for each in library_papers)
        answers.append(ServiceAnswer(LIBRARY, tuple(each.paper for each in library_papers), kept_at=oldest))
    hits = merged(answers)
    read = len(hits)
    responses = [answer.response for answer in answers if answer.response]
    # A service that has just failed is not asked again.
    failed_services = {answer.service for answer in answers if answer.error}
    answered = [answer.service for answer in answers if not answer.error]
    notes = []
    if HUB.name in failed_services:
        notes.append("code and models are unknown, so no paper is ranked by them")
    if LIBRARY in answered:
        notes.append("no service answered; these papers are from earlier runs, with the citation counts of that time")
    else:
        notes += _add_counts(http, hits, responses, refused=SEMANTIC_SCHOLAR.name in failed_services)
    if options.categories:
        notes += _add_categories(http, hits, responses)
    hits = [hit for hit in hits if _passes(hit, options)]
    # The first ranking uses only parts that are known of all papers: code and models are looked up only for the best.
    first_scores = {id(hit): score(replace(hit, page=None, page_asked=False), options.words, answered, today) for hit in hits}
    hits.sort(key=lambda hit: -first_scores[id(hit)].total)
    if HUB.name not in failed_services:
        notes += _add_pages(http, hits[first // BLOCK * BLOCK : -(-last // BLOCK) * BLOCK], responses)
    scored = [(hit, score(hit, options.words, answered, today)) for hit in hits]
    blocks = [scored[start : start + BLOCK] for start in range(0, len(scored), BLOCK)]
    ranked = tuple(pair for block in blocks for pair in sorted(block, key=lambda pair: -pair[1].total))
    return Ranking(ranked, read, tuple(answers), tuple(responses), tuple(notes))


def _trending(http: Http, today: date) -> Ranking:
    """The trending papers in the Hub's own order."""
    answers = trending(http)
    if answers[0].error:
        raise answers[0].error
    hits = merged(answers)
    responses = [answer.response for answer in answers if answer.response]
    notes = _add_counts(http, hits, responses)
    scored = tuple((hit, score(hit, "", [answers[0].service], today)) for hit in hits)
    return Ranking(scored, len(hits), tuple(answers), tuple(responses), tuple(notes))


def _no_answer(answers: Sequence[ServiceAnswer]) -> ToolError:
    """One error for several failed services: a rejected query is more informative than a failed connection."""
    failed = [answer for answer in answers if answer.error]
    named = next((answer for answer in failed if answer.service != SEMANTIC_SCHOLAR.name), failed[0])
    others = " and ".join(answer.service for answer in failed if answer is not named)
    assert named.error is not None
    return type(named.error)(f"{named.error.message}; nor is there an answer from {others}", hint=named.error.hint)


def _passes(hit: Hit, options: SearchOptions) -> bool:
    """Whether a paper passes the filters; an unknown value fails its filter."""
    paper = hit.paper
    if options.min_citations is not None and (paper.citation_count is None or paper.citation_count < options.min_citations):
        return False
    if options.categories:
        wanted = [each.removesuffix(".*") for each in options.categories]  # `cs` and `cs.*` include every `cs.…`
        archives = [category.partition(".")[0] for category in paper.categories]
        if not any(each in paper.categories or each in archives for each in wanted):
            return False
    return within_days(paper.published or str(paper.year or ""), options.since, options.until)


def _add_counts(http: Http, hits: Sequence[Hit], responses: list[Response], *, refused: bool = False) -> list[str]:
    """Add citation counts, in one request, to papers that Semantic Scholar has not listed itself; returns notes.

    Args:
        refused: Semantic Scholar has just failed, so OpenAlex is asked.
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
    """Add categories, in one request, to papers that arXiv has not listed itself; returns notes."""
    without = {hit.paper.arxiv_id: hit for hit in hits if hit.paper.arxiv_id and not hit.paper.categories}
    if not without:
        return []
    try:
        page = arxiv.details(http, [ArxivId(each) for each in sorted(without)])
    except ToolError as err:
        return [f"{plural(len(without), 'paper')} left out, because their category is unknown: {err.message}"]
    for paper in page.feed.papers:
        hit = without.get(paper.arxiv_id or "")
        if hit:
            hit.paper = hit.paper.filled(paper)
    responses += page.responses
    return []


def _add_pages(http: Http, hits: Sequence[Hit], responses: list[Response]) -> list[str]:
    """Add the Hub's paper pages, all requested side by side; returns notes."""
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


def score(hit: Hit, words: str, services: Collection[str], today: date) -> Score:
    """The score of one paper; `services` are those that answered."""
    paper, page = hit.paper, hit.page
    age, a_year = age_years(paper, today), citations_a_year(paper, today)
    influential = paper.influential_citation_count
    artifacts = None
    if page:
        artifacts = 0.4 * bool(page.code) + 0.35 * bool(page.totals["models"]) + 0.25 * bool(page.totals["datasets"])
    elif hit.page_asked:
        artifacts = 0.0
    parts: dict[str, float | None] = {
        "relevance": _relevance(hit, words, services),
        "citations_per_year": None if a_year is None else _share(a_year, _MANY_A_YEAR),
        "influence": None if influential is None else _share(influential, _MANY_INFLUENTIAL),
        "recency": None if age is None else 0.5 ** (age / _HALF_LIFE_YEARS),
        "artifacts": artifacts,
    }
    known = {name: value for name, value in parts.items() if value is not None}
    total = sum(WEIGHTS[name] * value for name, value in known.items()) / sum(WEIGHTS[name] for name in known)
    rounded = {name: None if value is None else round(value, 3) for name, value in parts.items()}
    reasons = [", ".join(f"{name} #{rank}" for name, rank in hit.ranks.items())]
    if a_year is not None:
        reasons.append(f"{plural(round(a_year), 'citation')} a year")
    if influential:
        reasons.append(f"{influential:,} influential")
    if page:
        models, data = page.totals["models"], page.totals["datasets"]
        hub_items = [
            "code" if page.code else "",
            plural(models, "model") if models else "",
            plural(data, "dataset") if data else "",
        ]
        reasons.append(", ".join(filter(None, hub_items)))
    elif hit.page_asked:
        reasons.append("no Hub page")
    return Score(round(total, 3), rounded, "; ".join(filter(None, reasons)))


def _relevance(hit: Hit, words: str, services: Collection[str]) -> float:
    """Half for how high and by how many services the paper was listed, half for how many of the words it contains."""
    list_share = sum((1 + _RANK_SOFTNESS) / (rank + _RANK_SOFTNESS) for rank in hit.ranks.values()) / max(len(services), 1)
    query_words = set(re.findall(r"\w+", words.lower()))
    if not query_words:
        return min(list_share, 1.0)
    title = _stems(hit.paper.title)
    anywhere = title | _stems(hit.paper.abstract or "")
    word_share = sum(0.6 * (_stem(word) in title) + 0.4 * (_stem(word) in anywhere) for word in query_words) / len(query_words)
    return 0.5 * min(list_share, 1.0) + 0.5 * word_share


def _stems(text: str) -> set[str]:
    return {_stem(word) for word in set(re.findall(r"\w+", text.lower()))}


@cache
def _stem(word: str) -> str:
    """Plural and -ing folded, so that `models` finds `model`."""
    for ending in ("ing", "es", "s"):
        if word.endswith(ending) and len(word) - len(ending) >= 4:
            return word.removesuffix(ending).removesuffix("e")
    return word.removesuffix("e") if len(word) > 4 else word


def _share(value: float, many: float) -> float:
    return min(math.log1p(value) / math.log1p(many), 1.0)
