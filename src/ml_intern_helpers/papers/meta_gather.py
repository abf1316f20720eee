"""Gathers what the Hub has around papers: every request of every paper side by side, each allowed to fail alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeVar

from ml_intern_helpers.core.errors import NotFound, ToolError
from ml_intern_helpers.papers import arxiv, hub, hub_repos
from ml_intern_helpers.papers.counts import Counted, counted
from ml_intern_helpers.papers.hub_repos import KINDS
from ml_intern_helpers.papers.ids import ArxivId
from ml_intern_helpers.papers.meta import PARTS, Meta
from ml_intern_helpers.web.client import Http
from ml_intern_helpers.web.services import HUB

T = TypeVar("T")


def gather(http: Http, arxiv_ids: Sequence[str], limit: int, parts: Sequence[str] = PARTS) -> tuple[list[Meta], list[str]]:
    """One `Meta` per id, and what is to be said of all of them.

    One round trip; a second, to arXiv, for papers the Hub cannot describe, and to OpenAlex when Semantic Scholar counts none.
    """
    calls = [call for arxiv_id in arxiv_ids for call in _calls(http, arxiv_id, limit, parts)]
    counting: list[Callable[[], Any]] = [partial(counted, http, arxiv_ids)] if "citations" in parts else []
    outcomes = http.together([*calls, *counting])
    width = len(calls) // len(arxiv_ids)
    found = [_meta(arxiv_id, limit, parts, outcomes[i * width : (i + 1) * width]) for i, arxiv_id in enumerate(arxiv_ids)]
    notes = _count(found, outcomes[-1]) if counting else []
    _describe(http, [meta for meta in found if meta.page is None])
    return found, notes


def _calls(http: Http, arxiv_id: str, limit: int, parts: Sequence[str]) -> list[Callable[[], Any]]:
    lists = [partial(hub_repos.repos, http, arxiv_id, kind, limit) for kind in KINDS if kind in parts]
    held = [partial(hub_repos.collections, http, arxiv_id, limit)] if "collections" in parts else []
    return [partial(hub.paper, http, arxiv_id), *lists, *held]


def _count(metas: Sequence[Meta], outcome: Counted | Exception) -> list[str]:
    """Citation counts; without them the rest is as good as before, so their absence is noted and is no failure."""
    if isinstance(outcome, Exception):
        raise outcome
    for meta in metas:
        meta.counted = outcome.papers.get(meta.arxiv_id)
        if meta.counted:
            meta.responses += outcome.responses
    return [outcome.note] if outcome.note else []


def _meta(arxiv_id: str, limit: int, parts: Sequence[str], outcomes: Sequence[Any]) -> Meta:
    meta = Meta(arxiv_id, limit, tuple(parts))
    page = outcomes[0]
    if isinstance(page, NotFound):
        meta.indexed = False
        meta.notes.append("not indexed on the Hub, so code, upvotes and totals are unknown there")
    else:
        meta.page = _kept(meta, "paper page", page)
        meta.indexed = True if meta.page else None
    if meta.page:
        meta.paper, meta.described_by, meta.exists = meta.page.paper, HUB.name, True
    for kind, outcome in zip([kind for kind in KINDS if kind in parts], outcomes[1:], strict=False):
        listed = _kept(meta, kind, outcome)
        if listed:
            meta.lists[kind] = listed
    if "collections" in parts:
        meta.collections = _kept(meta, "collections", outcomes[-1])
    return meta


def _kept(meta: Meta, part: str, outcome: T | Exception) -> T | None:
    """The outcome, or None with the failure written down; what is not a service's failure is a bug and is raised."""
    if isinstance(outcome, ToolError):
        meta.failed.append(part)
        meta.errors.append(outcome)
        return None
    if isinstance(outcome, Exception):
        raise outcome
    meta.responses.append(getattr(outcome, "response"))  # noqa: B009
    return outcome


def _describe(http: Http, metas: Sequence[Meta]) -> None:
    """Title and abstract from arXiv for papers the Hub did not describe, all in one request."""
    if not metas:
        return
    try:
        page = arxiv.details(http, [ArxivId(meta.arxiv_id) for meta in metas])
    except NotFound:
        page = arxiv.Page(arxiv.Feed(0, ()), ())
    except ToolError as err:
        for meta in metas:
            meta.failed.append("description")
            meta.errors.append(err)
        return
    known = {paper.arxiv_id: paper for paper in page.feed.papers}
    for meta in metas:
        meta.paper = known.get(meta.arxiv_id)
        meta.described_by = "arXiv" if meta.paper else None
        meta.exists = meta.paper is not None
        meta.responses += page.responses
