"""Everything about one paper: what each service said of it, joined; what could not be had is null and named."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from ml_intern_helpers.core.errors import ToolError
from ml_intern_helpers.papers.hub import HubPaper
from ml_intern_helpers.papers.hub_repos import KINDS, CollectionPage, Kind, Repo, RepoPage
from ml_intern_helpers.papers.model import Limits, Paper
from ml_intern_helpers.web.client import Response
from ml_intern_helpers.web.services import HUB

#: From here on a message names the thing that was asked for.
_WHAT = re.compile(r" (?:for|at) ")

#: What can be asked for beside the paper page itself.
PARTS = ("models", "datasets", "spaces", "collections", "citations")


@dataclass
class Meta:
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

    def told(self) -> list[str]:
        """The failures and the notes; one line for all parts that failed alike, as when a service refuses all of them."""
        alike: dict[str, list[int]] = {}
        for number, err in enumerate(self.errors):
            alike.setdefault(_WHAT.split(err.message)[0], []).append(number)
        failures = [
            f"{', '.join(self.failed[n] for n in numbers)}: {said if len(numbers) > 1 else self.errors[numbers[0]].message}"
            for said, numbers in alike.items()
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
            **{kind: self.part(kind) for kind in KINDS},
            "collections": self._collections(),
            "failed": list(self.failed),
        }

    def part(self, kind: Kind) -> dict[str, Any] | None:
        """`{items, total, more_url}` of one kind, or None when nothing can be said about it."""
        if kind not in self.parts:
            return None
        listed, linked = self.lists.get(kind), self.page.linked[kind] if self.page else ()
        total = self._total(kind, listed)
        merged = merge(listed.repos if listed else (), linked, kind)
        if listed is None and not merged and total != 0:
            return None
        return {"items": [repo.to_dict() for repo in merged[: self.limit]], "total": total, "more_url": self._more_url(kind)}

    def _total(self, kind: Kind, listed: RepoPage | None) -> int | None:
        """How many there are: the Hub's own count, or what was listed when that was all."""
        said = self.page.totals[kind] if self.page else None
        counted = len(listed.repos) if listed else 0
        if said is not None:
            return max(said, counted)
        return counted if listed and not listed.more else None

    def _more_url(self, kind: Kind) -> str:
        # Spaces are linked through the models they use, so only the paper page shows all of them.
        return (
            f"{HUB.base_url}/papers/{self.arxiv_id}" if kind == "spaces" else f"{HUB.base_url}/{kind}?other=arxiv:{self.arxiv_id}"
        )

    def _collections(self) -> dict[str, Any] | None:
        if self.collections is None:
            return None
        items = [each.to_dict() for each in self.collections.collections[: self.limit]]
        total = None if self.collections.more else len(self.collections.collections)
        return {"items": items, "total": total, "more_url": f"{HUB.base_url}/papers/{self.arxiv_id}"}


def merge(listed: Sequence[Repo], linked: Sequence[Repo], kind: Kind) -> list[Repo]:
    """Both lists without doubles, most used first; the list by tag says more of each, so it wins."""
    found = {repo.id: repo for repo in [*linked, *listed]}
    if kind == "spaces":
        return sorted(found.values(), key=lambda repo: repo.likes or 0, reverse=True)
    return sorted(found.values(), key=lambda repo: (repo.downloads or 0, repo.likes or 0), reverse=True)
