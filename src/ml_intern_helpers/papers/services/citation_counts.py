"""Citation counts of many papers at once: Semantic Scholar's, else OpenAlex's, which is asked only then (its budget is small)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ml_intern_helpers.core.errors import ToolError, Unavailable
from ml_intern_helpers.papers.model import Paper
from ml_intern_helpers.papers.services import openalex
from ml_intern_helpers.papers.services import semantic_scholar as s2
from ml_intern_helpers.web.client import Http, Response


@dataclass(frozen=True)
class CitationCounts:
    """What was counted.

    Attributes:
        papers: by arXiv id; only their counts are meant to be used, the rest may describe another version.
        note: who counted when it was not Semantic Scholar, and why; or why nobody did; None when all is as it should be.
    """

    papers: dict[str, Paper]
    responses: tuple[Response, ...] = ()
    note: str | None = None


def citation_counts(http: Http, arxiv_ids: Sequence[str], *, refused: bool = False) -> CitationCounts:
    """Counts of these papers; never raises a `ToolError`.

    Args:
        arxiv_ids: at most 100.
        refused: Semantic Scholar has just given no answer, so it is not asked a second thing.
    """
    try:
        if refused:
            raise Unavailable("no answer from Semantic Scholar")
        found = s2.batch(http, arxiv_ids)
        return CitationCounts(_by_id(found.papers), (found.response,))
    except ToolError as err:
        reason = err
    try:
        works = openalex.counted(http, arxiv_ids)
    except ToolError as err:
        return CitationCounts({}, (), f"citations are unknown: {reason.message}; {err.message}")
    note = f"citation counts are OpenAlex's, which counts preprints apart and judges no influence: {reason.message}"
    return CitationCounts(_by_id(works.papers), (works.response,), note)


def _by_id(papers: Sequence[Paper]) -> dict[str, Paper]:
    return {paper.arxiv_id: paper for paper in papers if paper.arxiv_id}
