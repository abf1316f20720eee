"""What the Hub has around papers, with their citation counts: gathered from each service, joined into one object a paper.

All requests of all papers go out side by side, and each may fail alone: what could not be had is null and named.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

from ml_intern_helpers.core.errors import NotFound, ToolError
from ml_intern_helpers.papers.ids import ArxivId
from ml_intern_helpers.papers.model import Limits, Paper
from ml_intern_helpers.papers.services import arxiv, hub
from ml_intern_helpers.papers.services.citation_counts import CitationCounts, citation_counts
from ml_intern_helpers.papers.services.hub import KINDS, CollectionPage, HubPaper, Kind, RepoPage
from ml_intern_helpers.web.client import Http, Response
from ml_intern_helpers.web.services import HUB

T = TypeVar("T")
#: What can be asked for beside the paper page itself.
PARTS = ("models", "datasets", "spaces", "collections", "citations")


@dataclass
class Metadata:
    """Everything about one paper; a part that could not be had is None.

    Attributes:
        parts: what was asked for, of `PARTS`.
        counted: another service's description, for its citation counts.
        page: the Hub's paper page, None when there is none or it could not be had.
        indexed: whether the Hub has a paper page; None when it could not be asked.
        paper: the description, the Hub's or arXiv's.
        described_by: whose description `paper` is.
        exists: False when neither the Hub nor arXiv knows the id; None when that could not be found out.
        lists: repositories by tag.
        failed: parts whose request failed.
        errors: why, in the same order.
        notes: one line for each thing worth knowing about how this was made, failures apart.
    """

    arxiv_id: str
    limit: int
    parts: tuple[str, ...] = ()
    counted: Paper | None = None
    page: HubPaper | None = None
    indexed: bool | None = None
    paper: Paper | None = None
    described_by: str | None = None
    exists: bool | None = None
    lists: dict[Kind, RepoPage] = field(default_factory=dict)
    collections: CollectionPage | None = None
    failed: list[str] = field(default_factory=list)
    errors: list[ToolError] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    responses: list[Response] = field(default_factory=list)

    def messages(self) -> list[str]:
        """The failures and the notes; one line for all parts that failed alike, as when a service refuses all of them."""
        alike: dict[str, list[tuple[str, ToolError]]] = {}
        for part, err in zip(self.failed, self.errors, strict=True):
            alike.setdefault(err.general, []).append((part, err))
        failures = [
            f"{', '.join(part for part, _ in group)}: {general if len(group) > 1 else group[0][1].message}"
            for general, group in alike.items()
        ]
        return [*failures, *self.notes]

    def to_dict(self, limits: Limits) -> dict[str, Any]:
        """The paper's object in a `--json` answer; every key is always there."""
        paper = self.paper or Paper(title="", arxiv_id=self.arxiv_id)
        described = paper.to_dict(limits)
        if self.counted:
            counts = ("citation_count", "influential_citation_count")
            described |= {name: getattr(self.counted, name) for name in counts}
        return {
            **described,
            "title": described["title"] or None,
            "asked": list(self.parts),
            "exists": self.exists,
            "indexed_on_hub": self.indexed,
            "described_by": self.described_by,
            "upvotes": self.page.upvotes if self.page else None,
            "keywords": list(self.page.keywords) if self.page else None,
            "project_page": self.page.project if self.page else None,
            "code": {"repository": self.page.code, "stars": self.page.stars} if self.page else None,
            **{kind: self._part(kind) for kind in KINDS},
            "collections": self._collections(),
            "failed": list(self.failed),
        }

    def _part(self, kind: Kind) -> dict[str, Any] | None:
        """`{items, total, more_url}` of one kind, or None when nothing can be said about it."""
        if kind not in self.parts:
            return None
        listed, linked = self.lists.get(kind), self.page.linked[kind] if self.page else ()
        # Both lists without doubles, most used first; the list by tag says more of each repository, so it wins.
        repos = {repo.id: repo for repo in [*linked, *(listed.repos if listed else ())]}
        used = (lambda repo: repo.likes or 0) if kind == "spaces" else (lambda repo: (repo.downloads or 0, repo.likes or 0))
        merged = sorted(repos.values(), key=used, reverse=True)
        # The Hub's own count, or what was listed when that was all.
        total = self.page.totals[kind] if self.page else None
        if total is not None:
            total = max(total, len(listed.repos) if listed else 0)
        elif listed and not listed.more:
            total = len(listed.repos)
        if listed is None and not merged and total != 0:
            return None
        # Spaces are linked through the models they use, so only the paper page shows all of them.
        more = f"papers/{self.arxiv_id}" if kind == "spaces" else f"{kind}?other=arxiv:{self.arxiv_id}"
        items = [repo.to_dict() for repo in merged[: self.limit]]
        return {"items": items, "total": total, "more_url": f"{HUB.base_url}/{more}"}

    def _collections(self) -> dict[str, Any] | None:
        if self.collections is None:
            return None
        items = [each.to_dict() for each in self.collections.collections[: self.limit]]
        total = None if self.collections.more else len(self.collections.collections)
        return {"items": items, "total": total, "more_url": f"{HUB.base_url}/papers/{self.arxiv_id}"}


def gather(http: Http, arxiv_ids: Sequence[str], limit: int, parts: Sequence[str] = PARTS) -> tuple[list[Metadata], list[str]]:
    """One `Metadata` per id, and what is to be said of all of them.

    One round trip; a second, to arXiv, for papers the Hub cannot describe, and to OpenAlex when Semantic Scholar counts none.
    """
    calls: list[Callable[[], Any]] = []
    for arxiv_id in arxiv_ids:
        calls.append(partial(hub.paper, http, arxiv_id))
        calls += [partial(hub.repos, http, arxiv_id, kind, limit) for kind in KINDS if kind in parts]
        calls += [partial(hub.collections, http, arxiv_id, limit)] if "collections" in parts else []
    counting: list[Callable[[], Any]] = [partial(citation_counts, http, arxiv_ids)] if "citations" in parts else []
    outcomes = http.together([*calls, *counting])
    width = len(calls) // len(arxiv_ids)
    found = [_meta(arxiv_id, limit, parts, outcomes[i * width : (i + 1) * width]) for i, arxiv_id in enumerate(arxiv_ids)]
    notes = _count(found, outcomes[-1]) if counting else []
    _describe(http, [meta for meta in found if meta.page is None])
    return found, notes


def _count(metas: Sequence[Metadata], outcome: CitationCounts | Exception) -> list[str]:
    """Citation counts; without them the rest is as good as before, so their absence is noted and is no failure."""
    if isinstance(outcome, Exception):
        raise outcome
    for meta in metas:
        meta.counted = outcome.papers.get(meta.arxiv_id)
        if meta.counted:
            meta.responses += outcome.responses
    return [outcome.note] if outcome.note else []


def _meta(arxiv_id: str, limit: int, parts: Sequence[str], outcomes: Sequence[Any]) -> Metadata:
    meta = Metadata(arxiv_id, limit, tuple(parts))
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


def _kept(meta: Metadata, part: str, outcome: T | Exception) -> T | None:
    """The outcome, or None with the failure written down; what is not a service's failure is a bug and is raised."""
    if isinstance(outcome, ToolError):
        meta.failed.append(part)
        meta.errors.append(outcome)
        return None
    if isinstance(outcome, Exception):
        raise outcome
    meta.responses.append(getattr(outcome, "response"))  # noqa: B009
    return outcome


def _describe(http: Http, metas: Sequence[Metadata]) -> None:
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
