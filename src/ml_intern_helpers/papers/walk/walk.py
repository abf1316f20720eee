"""The walk: from one paper outward, the most promising paper first, until the budget of answers is spent.

It resumes by itself: every answer is stored the moment it comes, and the same walk asks the same questions in the same
order, so that one that was killed, stopped or cut off by a limit goes on where it was when it is started again. Answers
that were stored count against the budget like fresh ones: it bounds what is looked at. It bounds what is sent, too: where a
service must be asked twice for an answer, a run ends with fewer of them, and the next one goes on from there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date

from ml_intern_helpers.core.errors import NotFound, RateLimited, ToolError
from ml_intern_helpers.papers import semantic_scholar as s2
from ml_intern_helpers.papers.semantic_scholar_rows import Direction
from ml_intern_helpers.papers.walk.expand import Room, expand
from ml_intern_helpers.papers.walk.found import Ask, Node, Walk, node_key
from ml_intern_helpers.web.client import Http

#: Edges read around the seed, and around each further paper.
_SEED_PAGE, _PAGE = 1000, 200
#: New papers taken from one page of a further paper; its links to papers that are here already are all kept.
_WIDTH = 12
_RECOMMENDED = 20
#: Failures one after another that mean "the service", not "this paper".
_FAILURES = 2
GOES_ON = "; the same command goes on from here"


def walk(http: Http, ask: Ask, today: date, progress: Callable[[str], None]) -> Walk:
    """Walk; whatever ends it early, what was found until then is returned.

    Raises:
        ToolError: the paper itself could not be had.
    """
    head = s2.head(http, ask.paper_id, "citations")
    paper = replace(head.paper, arxiv_id=ask.paper_id.base)  # a merged work may bear another's id
    key = node_key(paper)
    found = Walk(key, {key: Node(paper, 0, None)}, responses=[head.response])
    try:
        _around_seed(http, found, ask, today)
        _outward(http, found, ask, today, progress)
    except KeyboardInterrupt:
        found.stopped, found.interrupted = f"stopped by Ctrl-C{GOES_ON}", True
    except ToolError as err:
        found.stopped = f"{err.message}{GOES_ON}"
    return found


def _around_seed(http: Http, found: Walk, ask: Ask, today: date) -> None:
    """Both directions and the recommendations; one of the three may be withheld."""
    failures: list[ToolError] = []
    directions: tuple[Direction, ...] = ("citations", "references")
    for direction in directions:
        try:
            expand(http, found, found.seed, direction, Room(_SEED_PAGE, max(ask.papers // 4, 1), ask.papers), today)
        except ToolError as err:
            _settle(found, failures, err)
    found.nodes[found.seed].expanded = True
    try:
        answer = s2.recommended(http, found.seed, _RECOMMENDED)
        found.responses.append(answer.response)
        found.recommended = {node_key(paper): paper for paper in answer.papers}
    except ToolError as err:
        _settle(found, failures, err)


def _outward(http: Http, found: Walk, ask: Ask, today: date, progress: Callable[[str], None]) -> None:
    failures: list[ToolError] = []
    while spent(http, found) + ask.spare < ask.budget and (waiting := found.open_nodes(ask.hops)):
        node = found.nodes[waiting[0]]
        node.expanded = True
        progress(f"{len(found.responses)} of {ask.budget} answers, {len(found.nodes)} papers: {node.paper.title}")
        try:
            expand(http, found, waiting[0], node.direction or "citations", Room(_PAGE, _WIDTH, ask.papers), today)
            failures.clear()
        except NotFound:
            found.notes.append(f"Semantic Scholar does not list the {node.direction} of {waiting[0]}")
        except ToolError as err:
            node.expanded = False
            _settle(found, failures, err)
            node.expanded = True
    if found.open_nodes(ask.hops):
        found.notes.append(_budget_note(found, ask))


def spent(http: Http, found: Walk) -> int:
    """Of the budget: answers, stored or not, or the requests of this run where they are more (some were asked again)."""
    return max(len(found.responses), http.requests_made)


def _budget_note(found: Walk, ask: Ask) -> str:
    if len(found.responses) + ask.spare < ask.budget:
        told = f"the budget of {ask.budget} requests is spent, some of them on asking again"
        return f"{told} ({len(found.responses)} answers): the same command goes on from here"
    return f"the budget of {ask.budget} answers is spent: --budget {ask.budget * 2} goes on from here"


def _settle(found: Walk, failures: list[ToolError], err: ToolError) -> None:
    """One failure is noted, a second in a row or a rate limit ends the walk."""
    failures.append(err)
    if isinstance(err, RateLimited) or len(failures) >= _FAILURES:
        raise err
    found.notes.append(err.message)
