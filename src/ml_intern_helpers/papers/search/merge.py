"""Three lists -> one, each paper once: by arXiv id whatever its version or style, by DOI, or by title and author."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from ml_intern_helpers.papers.hub import HubPaper
from ml_intern_helpers.papers.ids import parse_id
from ml_intern_helpers.papers.model import Paper, same_title
from ml_intern_helpers.papers.search.ask import Answered

#: A title of fewer words ("Introduction", "Adapters") is shared by papers that have nothing else in common.
_TELLING_WORDS = 4


@dataclass
class Hit:
    """One paper and who found it.

    Attributes:
        ranks: service -> place in its list, from 1.
        page: the Hub's paper page, None when it has none or was not asked.
        page_asked: whether the Hub has said so.
    """

    paper: Paper
    ranks: dict[str, int] = field(default_factory=dict)
    page: HubPaper | None = None
    page_asked: bool = False


def merged(answers: Sequence[Answered]) -> list[Hit]:
    """Every paper of every answer, once; the first service that describes it is believed, the others fill gaps."""
    hits: list[Hit] = []
    known: dict[str, Hit] = {}
    for answer in answers:
        for rank, paper in enumerate(answer.papers, start=1):
            names = _names(paper)
            hit = next((known[name] for name in names if name in known and _may_be(known[name].paper, paper)), None)
            if hit is None:
                hit = Hit(paper)
                hits.append(hit)
            else:
                hit.paper = hit.paper.filled(paper)
            hit.ranks.setdefault(answer.service, rank)
            _add_page(hit, answer)
            for name in [*names, *_names(hit.paper)]:
                known.setdefault(name, hit)
    return hits


def _add_page(hit: Hit, answer: Answered) -> None:
    page = answer.pages.get(hit.paper.arxiv_id or "")
    if page:
        hit.page, hit.page_asked = page, True


def _names(paper: Paper) -> list[str]:
    """What the same paper may be known by, the surest first."""
    names = []
    from_doi = parse_id(paper.doi) if paper.doi else None
    arxiv_id = paper.arxiv_id or (from_doi.base if from_doi else None)
    if arxiv_id:
        names.append(f"arxiv:{arxiv_id}")
    if paper.doi and not from_doi:
        names.append(f"doi:{paper.doi.lower()}")
    title = same_title(paper.title)
    if len(title.split()) >= _TELLING_WORDS and paper.authors:
        names += [f"title:{title}|{surname}" for surname in sorted(_surnames(paper))]
    return names


def _may_be(one: Paper, other: Paper) -> bool:
    """Two arXiv ids are two papers, whatever their titles; and so are papers years apart."""
    if one.arxiv_id and other.arxiv_id:
        return one.arxiv_id == other.arxiv_id
    return one.year is None or other.year is None or abs(one.year - other.year) <= 2


def _surnames(paper: Paper) -> set[str]:
    return {same_title(name).split()[-1] for name in paper.authors[:3] if same_title(name)}
