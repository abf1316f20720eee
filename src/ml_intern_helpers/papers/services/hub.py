"""Requests the Hub's paper pages and the repositories and collections of a paper, and parses them into `HubPaper`, `Repo` ….

A paper page lists a few linked repositories and their totals; the lists by tag are sorted and longer.
Both are needed, and each request can fail by itself.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar
from urllib.parse import quote

from ml_intern_helpers.core.errors import BadData
from ml_intern_helpers.papers.ids import parse_id
from ml_intern_helpers.papers.model import Paper
from ml_intern_helpers.papers.services.fields import count, date, flag, mapping, mappings, names, text, texts
from ml_intern_helpers.web.client import Http, Params, Response
from ml_intern_helpers.web.services import HUB

_LINKED: dict[Kind, tuple[str, str]] = {
    "models": ("linkedModels", "numTotalModels"),
    "datasets": ("linkedDatasets", "numTotalDatasets"),
    "spaces": ("linkedSpaces", "numTotalSpaces"),
}
T = TypeVar("T")
Kind = Literal["models", "datasets", "spaces"]
KINDS: tuple[Kind, ...] = ("models", "datasets", "spaces")
#: What each list is sorted by; Spaces have no downloads.
SORTS: dict[Kind, str] = {"models": "downloads", "datasets": "downloads", "spaces": "likes"}
_EXPAND: dict[Kind, list[str]] = {
    "models": ["downloads", "likes", "gated", "lastModified", "pipeline_tag", "library_name", "safetensors", "tags", "private"],
    "datasets": ["downloads", "likes", "gated", "lastModified", "tags", "private"],
    "spaces": ["likes", "sdk", "lastModified", "private"],
}
_REPO_ID = re.compile(r"[\w.-]{1,96}(?:/[\w.-]{1,96})?", re.ASCII)
_SLUG = re.compile(r"[\w.-]{1,96}/[\w.-]{1,200}", re.ASCII)


@dataclass(frozen=True)
class HubPaper:
    """The Hub's paper page: the paper, and what the Hub links to it.

    Attributes:
        linked: some repositories of each kind, chosen and ordered by the Hub.
        totals: the number of linked repositories of each kind.
        stars: GitHub stars of `code`, when the Hub last counted them.
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


@dataclass(frozen=True)
class Repo:
    """A linked model, dataset or Space; None where the Hub does not say.

    Attributes:
        downloads: downloads in the last 30 days (models, datasets).
        gated: `auto` or `manual` when access must be requested, else "".
        parameters: the size of a model, counted from its safetensors.
        license: the license that its card names (`apache-2.0`, `other`), None when it names none or the list does not say.
    """

    id: str
    url: str
    downloads: int | None
    likes: int | None
    gated: str | None
    task: str | None
    library: str | None
    parameters: int | None
    last_modified: str | None
    license: str | None = None


@dataclass(frozen=True)
class Collection:
    """A collection that holds the paper."""

    slug: str
    title: str
    owner: str | None
    upvotes: int | None
    last_updated: str | None
    url: str


@dataclass(frozen=True)
class ListPage(Generic[T]):
    """The first items of a list; `more` when the Hub has further ones."""

    items: tuple[T, ...]
    more: bool
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
    """The papers that are popular on the Hub now."""
    params: Params = {"sort": "trending", "limit": limit}
    return _list(http.get(HUB, "/api/daily_papers", params).raise_for_status("the trending papers"))


def _list(response: Response) -> PaperList:
    """A list whose items wrap the paper in `paper`; other items are left out."""
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
    """A web address in an answer; None for anything else, which could be mistaken for a command or a path."""
    address = text(value, 300)
    return address if address and re.fullmatch(r"https?://[^\s<>\"'`]+", address) else None


def repos(http: Http, arxiv_id: str, kind: Kind, limit: int) -> ListPage[Repo]:
    """The first repositories of `kind` that name the paper, sorted by downloads (Spaces: by likes)."""
    params: Params = {
        "filter": f"arxiv:{arxiv_id}",
        "sort": SORTS[kind],
        "direction": -1,
        "limit": limit,
        "expand[]": _EXPAND[kind],
    }
    response = http.get(HUB, f"/api/{kind}", params).raise_for_status(f"the {kind} of {arxiv_id}")
    return ListPage(parsed(rows(response), kind), _has_next(response), response)


def collections(http: Http, arxiv_id: str, limit: int) -> ListPage[Collection]:
    """The collections that hold the paper, most upvoted first."""
    params: dict[str, str | int] = {"item": f"papers/{arxiv_id}", "sort": "upvotes", "limit": limit}
    response = http.get(HUB, "/api/collections", params).raise_for_status(f"the collections with {arxiv_id}")
    found = [each for each in map(_collection, rows(response)) if each is not None]
    return ListPage(tuple(found), _has_next(response), response)


def rows(response: Response) -> list[dict[str, Any]]:
    """The objects of an answer that is a list; `BadData` when it is not a list."""
    body = response.json()
    if not isinstance(body, list):
        raise BadData("the Hub's answer is not a list", hint="ask again later")
    return mappings(body)


def parsed(entries: list[dict[str, Any]], kind: Kind) -> tuple[Repo, ...]:
    """The repositories of a list; an entry with an invalid id is left out."""
    return tuple(repo for repo in (_repo(entry, kind) for entry in entries) if repo is not None)


def _repo(row: dict[str, Any], kind: Kind) -> Repo | None:
    repo_id = str(row.get("id") or "")
    if not _REPO_ID.fullmatch(repo_id):
        return None
    # Some cards have several licences.
    licenses = [tag.removeprefix("license:") for tag in texts(row.get("tags"), 80) if tag.startswith("license:")]
    return Repo(
        id=repo_id,
        url=f"{HUB.base_url}/{'' if kind == 'models' else kind + '/'}{repo_id}",
        downloads=count(row.get("downloads")),
        likes=count(row.get("likes")),
        gated="" if row.get("gated") is False else text(row.get("gated"), 20),
        task=text(row.get("pipeline_tag"), 60),
        library=text(row.get("library_name") or row.get("sdk"), 60),
        parameters=count(row.get("numParameters") or mapping(row.get("safetensors")).get("total")),
        last_modified=date(row.get("lastModified")),
        license=", ".join(dict.fromkeys(licenses)) or None,
    )


def _collection(row: dict[str, Any]) -> Collection | None:
    slug = str(row.get("slug") or "")
    if not _SLUG.fullmatch(slug) or flag(row.get("private")):
        return None
    title, owner = text(row.get("title"), 200) or "(no title)", text(mapping(row.get("owner")).get("name"), 100)
    upvotes, updated = count(row.get("upvotes")), date(row.get("lastUpdated"))
    return Collection(slug, title, owner, upvotes, updated, f"{HUB.base_url}/collections/{slug}")


def _has_next(response: Response) -> bool:
    return 'rel="next"' in response.headers.get("link", "")
