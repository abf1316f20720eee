"""Citation counts of many papers at once: Semantic Scholar's, else OpenAlex's, which is asked only then (its budget is small)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ml_intern_helpers.core.errors import ToolError, Unavailable
from ml_intern_helpers.papers import openalex
from ml_intern_helpers.papers import semantic_scholar as s2
from ml_intern_helpers.papers.model import Paper
from ml_intern_helpers.web.client import Http, Response


@dataclass(frozen=True)
class Counted:
    """What was counted.

    Attributes:
        papers: by arXiv id; only their counts are meant to be used, the rest may describe another version.
        note: who counted when it was not Semantic Scholar, and why; or why nobody did; None when all is as it should be.
    """

    papers: dict[str, Paper]
    responses: tuple[Response, ...] = ()
    note: str | None = None


def counted(http: Http, arxiv_ids: Sequence[str], *, refused: bool = False) -> Counted:
    """Counts of these papers; never raises a `ToolError`.

    Args:
        arxiv_ids: at most 100.
        refused: Semantic Scholar has just given no answer, so it is not asked a second thing.
    """
    try:
        if refused:
            raise Unavailable("no answer from Semantic Scholar")
        found: s2.Found | openalex.WorkPage = s2.batch(http, arxiv_ids)
        return Counted(_by_id(found.papers), (found.response,))
    except ToolError as err:
        return _by_openalex(http, arxiv_ids, err)


def _by_openalex(http: Http, arxiv_ids: Sequence[str], reason: ToolError) -> Counted:
    try:
        found = openalex.counted(http, arxiv_ids)
    except ToolError as err:
        return Counted({}, (), f"citations are unknown: {reason.message}; {err.message}")
    told = f"citation counts are OpenAlex's, which counts preprints apart and judges no influence: {reason.message}"
    return Counted(_by_id(found.papers), (found.response,), told)


def _by_id(papers: Sequence[Paper]) -> dict[str, Paper]:
    return {paper.arxiv_id: paper for paper in papers if paper.arxiv_id}
