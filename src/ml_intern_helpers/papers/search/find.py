"""A search from its words to its ranking: ask, merge, complete, filter, rank."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import partial

from ml_intern_helpers.core.errors import NotFound, ToolError
from ml_intern_helpers.core.text import plural
from ml_intern_helpers.papers import arxiv, hub
from ml_intern_helpers.papers.counts import counted
from ml_intern_helpers.papers.ids import ArxivId
from ml_intern_helpers.papers.library import kept
from ml_intern_helpers.papers.search.ask import POOL, Answered, Wanted, ask, trending
from ml_intern_helpers.papers.search.merge import Hit, merged
from ml_intern_helpers.papers.search.score import Score, score
from ml_intern_helpers.web.client import Http, Response
from ml_intern_helpers.web.services import HUB, SEMANTIC_SCHOLAR

#: Paper pages are looked up for this many places of the ranking at a time: code and models decide within a block,
#: and a page of results is the same whichever page was asked for before.
BLOCK = 20
LIBRARY = "library"


@dataclass(frozen=True)
class Ranked:
    """The ranking.

    Attributes:
        hits: all that pass the filters, best first, each with its score.
        read: papers before the filters.
        answers: of the services, and of the library where it was looked through.
        notes: what could not be had, one line each.
    """

    hits: tuple[tuple[Hit, Score], ...]
    read: int
    answers: tuple[Answered, ...]
    responses: tuple[Response, ...]
    notes: tuple[str, ...]


def search(http: Http, wanted: Wanted, today: date, first: int, last: int) -> Ranked:
    """The ranking, complete for the places `first` to `last` (from 0, the last one excluded).

    Raises:
        ToolError: no service answered, and the library holds nothing that fits.
    """
    answers = ask(http, wanted)
    if all(answer.error for answer in answers):
        answers.append(_library(wanted.words))
        if not answers[-1].papers:
            raise _first_error(answers)
    return _ranked(http, wanted, answers, today, (first, last))


def popular(http: Http, today: date, first: int, last: int) -> Ranked:
    """What is trending, in the Hub's own order."""
    answers = trending(http)
    if answers[0].error:
        raise answers[0].error
    hits = merged(answers)
    responses, notes = _counted(http, hits)
    scored = tuple((hit, score(hit, "", [answers[0].service], today)) for hit in hits)
    return Ranked(scored, len(hits), tuple(answers), (*_responses(answers), *responses), tuple(notes))


def _ranked(http: Http, wanted: Wanted, answers: list[Answered], today: date, places: tuple[int, int]) -> Ranked:
    hits = merged(answers)
    read = len(hits)
    # A service that has just given no answer is not asked a second thing.
    silent = {answer.service for answer in answers if answer.error}
    only_kept = any(answer.service == LIBRARY for answer in answers)
    responses, notes = ([], []) if only_kept else _counted(http, hits, refused=SEMANTIC_SCHOLAR.name in silent)
    more, told = _placed(http, hits) if wanted.categories else ((), [])
    passing = [hit for hit in hits if passes(hit, wanted)]
    names = [answer.service for answer in answers if not answer.error]
    ordered = _sorted(passing, wanted.words, names, today)
    pages, missed = ([], []) if HUB.name in silent else _with_pages(http, ordered, places)
    scored = [(hit, score(hit, wanted.words, names, today)) for hit in ordered]
    blocks = [scored[i : i + BLOCK] for i in range(0, len(scored), BLOCK)]
    final = tuple(pair for block in blocks for pair in sorted(block, key=lambda pair: -pair[1].total))
    all_responses = (*_responses(answers), *responses, *more, *pages)
    return Ranked(final, read, tuple(answers), all_responses, (*_failures(answers), *notes, *told, *missed))


def passes(hit: Hit, wanted: Wanted) -> bool:
    """Whether a paper is wanted; what is unknown fails its filter."""
    paper = hit.paper
    if wanted.min_citations is not None and (paper.citation_count is None or paper.citation_count < wanted.min_citations):
        return False
    if wanted.categories and not any(_in_category(category, paper.categories) for category in wanted.categories):
        return False
    day = paper.published or str(paper.year or "")
    since, until = (wanted.since or "")[: len(day)], (wanted.until or "9999-12-31")[: len(day)]
    return not (wanted.since or wanted.until) or (bool(day) and since <= day <= until)


def _in_category(wanted: str, categories: Sequence[str]) -> bool:
    """`cs` and `cs.*` hold every `cs.…`."""
    archive = wanted.removesuffix(".*")
    return any(category == archive or ("." not in archive and category.startswith(f"{archive}.")) for category in categories)


def _sorted(hits: list[Hit], words: str, names: list[str], today: date) -> list[Hit]:
    """Ranked by what is known of all alike: code and models are looked up for the best of them only."""
    plain = {id(hit): score(replace(hit, page=None, page_asked=False), words, names, today).total for hit in hits}
    return sorted(hits, key=lambda hit: -plain[id(hit)])


def _counted(http: Http, hits: Sequence[Hit], *, refused: bool = False) -> tuple[list[Response], list[str]]:
    """Citation counts, in one request, for papers that Semantic Scholar has not listed itself; else OpenAlex's.

    Args:
        refused: Semantic Scholar has just given no answer.
    """
    without = {hit.paper.arxiv_id: hit for hit in hits if hit.paper.arxiv_id and hit.paper.citation_count is None}
    if not without:
        return [], []
    found = counted(http, sorted(without), refused=refused)
    for arxiv_id, paper in found.papers.items():
        hit = without.get(arxiv_id)
        if hit:
            counts = (paper.citation_count, paper.influential_citation_count)
            hit.paper = replace(hit.paper, citation_count=counts[0], influential_citation_count=counts[1])
    return list(found.responses), [found.note] if found.note else []


def _placed(http: Http, hits: Sequence[Hit]) -> tuple[tuple[Response, ...], list[str]]:
    """Categories, in one request, of papers that arXiv has not listed itself."""
    without = {hit.paper.arxiv_id: hit for hit in hits if hit.paper.arxiv_id and not hit.paper.categories}
    if not without:
        return (), []
    try:
        page = arxiv.details(http, [ArxivId(each) for each in sorted(without)])
    except ToolError as err:
        return (), [f"left out for want of their category: {plural(len(without), 'paper')}: {err.message}"]
    for paper in page.feed.papers:
        hit = without.get(paper.arxiv_id or "")
        if hit:
            hit.paper = hit.paper.filled(paper)
    return page.responses, []


def _with_pages(http: Http, hits: list[Hit], places: tuple[int, int]) -> tuple[list[Response], list[str]]:
    """Paper pages, side by side, for the blocks of the ranking that are shown."""
    first, last = places[0] // BLOCK * BLOCK, -(-places[1] // BLOCK) * BLOCK
    shown = [hit for hit in hits[first:last] if hit.paper.arxiv_id and not hit.page_asked]
    outcomes = http.together([partial(hub.paper, http, str(hit.paper.arxiv_id)) for hit in shown])
    responses, failed = [], []
    for hit, outcome in zip(shown, outcomes, strict=True):
        hit.page_asked = isinstance(outcome, (hub.HubPaper, NotFound))
        if isinstance(outcome, hub.HubPaper):
            hit.page = outcome
            responses.append(outcome.response)
        elif not isinstance(outcome, ToolError):
            raise outcome
        elif not isinstance(outcome, NotFound):
            failed.append(outcome.message)
    return responses, [f"code and models of {plural(len(failed), 'paper')} are unknown: {failed[0]}"] if failed else []


def _library(words: str) -> Answered:
    """What earlier runs have met; how old it is, is how old the oldest description is."""
    found = kept.find(words, POOL)
    return Answered(LIBRARY, tuple(each.paper for each in found), kept_at=min((each.fetched_at for each in found), default=None))


def _failures(answers: Sequence[Answered]) -> list[str]:
    """What else their silence means: who gave no answer and why stands beside those who did."""
    told = []
    if any(answer.error for answer in answers if answer.service == HUB.name):
        told.append("code and models are unknown, so no paper is ranked by them")
    if any(answer.service == LIBRARY for answer in answers):
        told.append("no service answered; these are papers that earlier runs met, with the counts of that time")
    return told


def _responses(answers: Sequence[Answered]) -> list[Response]:
    return [answer.response for answer in answers if answer.response]


def _first_error(answers: Sequence[Answered]) -> ToolError:
    """The most telling of several failures: a refusal of the query before a dead line."""
    errors = [answer.error for answer in answers if answer.error]
    named = next((answer.error for answer in answers if answer.error and answer.service != SEMANTIC_SCHOLAR.name), errors[0])
    others = " and ".join(answer.service for answer in answers if answer.error and answer.error is not named)
    return type(named)(f"{named.message}; nor is there an answer from {others}", hint=named.hint)
