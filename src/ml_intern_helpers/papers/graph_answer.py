"""A look at the citations around one paper: what is asked, and what is found."""

from __future__ import annotations

from dataclasses import dataclass

from ml_intern_helpers.papers.ids import ArxivId
from ml_intern_helpers.papers.model import Citation, Paper
from ml_intern_helpers.papers.semantic_scholar_rows import Direction
from ml_intern_helpers.web.client import Response


@dataclass(frozen=True)
class Ask:
    """One look at the graph.

    Attributes:
        since, until: days, both inclusive, or None.
        scan: how many edges to read before ranking, where the service cannot rank.
        find: words that the other paper's title or the sentences around the citation must hold; "" for all.
    """

    paper_id: ArxivId
    direction: Direction
    start: int = 0
    limit: int = 10
    sort: str = "influence"
    influential_only: bool = False
    since: str | None = None
    until: str | None = None
    scan: int = 2000
    find: str = ""


@dataclass(frozen=True)
class Graph:
    """What was found.

    Attributes:
        service: who says so.
        sort: how `shown` is ranked: `influence`, `submitted`, or `citations` where nobody judges influence.
        paper: the one in the middle.
        total: edges the service counts in this direction; None when it does not say.
        read: edges looked at.
        matching: edges that pass the filters, among those read; at OpenAlex among all, None when it does not say.
        shown: the ranked slice that was asked for.
        complete: False when there are edges that were not read, so that a better ranked one may be missing.
        notes: what went wrong on the way, one line each.
    """

    service: str
    sort: str
    paper: Paper
    total: int | None
    read: int
    matching: int | None
    shown: tuple[Citation, ...]
    complete: bool
    responses: tuple[Response, ...]
    notes: tuple[str, ...] = ()
