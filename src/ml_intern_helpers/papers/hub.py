"""The Hub's paper pages: JSON -> `HubPaper` (pure), and the requests for one, for some words, for what is trending.

A paper page lists a few linked repositories and their totals; the lists by tag (`hub_repos`) are sorted and go further.
Both are needed, and each request can fail by itself.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from ml_intern_helpers.core.errors import BadData
from ml_intern_helpers.papers.fields import count, date, mapping, mappings, names, text, texts
from ml_intern_helpers.papers.hub_repos import KINDS, Kind, Repo, parsed, rows
from ml_intern_helpers.papers.ids import parse_id
from ml_intern_helpers.papers.model import Paper
from ml_intern_helpers.web.client import Http, Params, Response
from ml_intern_helpers.web.services import HUB

_LINKED: dict[Kind, tuple[str, str]] = {
    "models": ("linkedModels", "numTotalModels"),
    "datasets": ("linkedDatasets", "numTotalDatasets"),
    "spaces": ("linkedSpaces", "numTotalSpaces"),
}


@dataclass(frozen=True)
class HubPaper:
    """What the paper page knows beyond the paper itself.

    Attributes:
        linked: some repositories of each kind, the Hub's choice and order.
        totals: how many there are of each kind.
        stars: of `code`, as the Hub last read them.
    """

    paper: Paper
    code: str | None
    stars: int | None
    project: str | None
    upvotes: int | None
    keywords: tuple[str, ...]
    linked: dict[Kind, tuple[Repo, ...]]
    totals: dict[Kind, int | None]
    response: Response


@dataclass(frozen=True)
class PaperList:
    """Paper pages in the Hub's order."""

    pages: tuple[HubPaper, ...]
    response: Response


def paper(http: Http, arxiv_id: str) -> HubPaper:
    """The paper page; `NotFound` when the Hub has not indexed the paper."""
    response = http.get(HUB, f"/api/papers/{quote(arxiv_id, safe='')}").raise_for_status(f"the paper page of {arxiv_id}")
    return parse_paper(mapping(response.json()), arxiv_id, response)


def search(http: Http, words: str, limit: int) -> PaperList:
    """Paper pages for plain words, the Hub's order (it takes 250 characters and lists at most 120)."""
    params: Params = {"q": words[:250], "limit": limit}
    return _list(http.get(HUB, "/api/papers/search", params).raise_for_status("this search"))


def trending(http: Http, limit: int) -> PaperList:
    """The papers that the Hub's readers look at now."""
    params: Params = {"sort": "trending", "limit": limit}
    return _list(http.get(HUB, "/api/daily_papers", params).raise_for_status("the trending papers"))


def _list(response: Response) -> PaperList:
    """A list whose items wrap the paper in `paper`; what is no paper is left out."""
    found = []
    for raw in (mapping(row.get("paper")) for row in rows(response)):
        paper_id = parse_id(str(raw.get("id") or ""))
        if paper_id and text(raw.get("title"), 400):
            found.append(parse_paper(raw, paper_id.base, response))
    return PaperList(tuple(found), response)


def parse_paper(raw: dict[str, Any], arxiv_id: str, response: Response) -> HubPaper:
    """A paper page's JSON; `BadData` without a title."""
    title = text(raw.get("title"), 400)
    if title is None:
        raise BadData(f"the Hub's paper page of {arxiv_id} has no title", hint="ask again later")
    published = date(raw.get("publishedAt"))
    withdrawn = date(raw.get("withdrawnAt"))
    shown = [author for author in mappings(raw.get("authors")) if author.get("hidden") is not True]
    described = Paper(
        title=title,
        arxiv_id=arxiv_id,
        authors=names(shown),
        published=published,
        year=int(published[:4]) if published else None,
        abstract=text(raw.get("summary")),
        withdrawn=f"withdrawn on {withdrawn}, says its paper page" if withdrawn else None,
    )
    return HubPaper(
        paper=described,
        code=_address(raw.get("githubRepo")),
        stars=count(raw.get("githubStars")),
        project=_address(raw.get("projectPage")),
        upvotes=count(raw.get("upvotes")),
        keywords=texts(raw.get("ai_keywords"), 60)[:12],
        linked={kind: parsed(mappings(raw.get(_LINKED[kind][0])), kind) for kind in KINDS},
        totals={kind: count(raw.get(_LINKED[kind][1])) for kind in KINDS},
        response=response,
    )


def _address(value: object) -> str | None:
    """A web address out of an answer, or None: anything else could be mistaken for a command or a path."""
    address = text(value, 300)
    return address if address and re.fullmatch(r"https?://[^\s<>\"'`]+", address) else None
