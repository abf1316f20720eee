"""The abstracts of a graph's papers: the lists of neighbours come without them, and one request brings five hundred."""

from __future__ import annotations

from dataclasses import replace

from ml_intern_helpers.core.errors import ToolError
from ml_intern_helpers.papers.fields import mapping, text
from ml_intern_helpers.papers.semantic_scholar_rows import ref_of
from ml_intern_helpers.papers.walk.found import Walk
from ml_intern_helpers.papers.walk.walk import spent
from ml_intern_helpers.web.client import Http
from ml_intern_helpers.web.services import SEMANTIC_SCHOLAR

#: The service takes no more ids at once.
BATCH = 500


def answers(papers: int) -> int:
    """How many answers of the budget that many papers take."""
    return -(-papers // BATCH)


def fill(http: Http, found: Walk, budget: int) -> None:
    """Add the abstracts that the service has; what cannot be had is noted, and the graph stands without."""
    refs = {key: ref for key, node in found.nodes.items() if (ref := ref_of(node.paper)) and node.paper.abstract is None}
    keys = list(refs)
    if spent(http, found) + answers(len(keys)) > budget:
        found.notes.append(f"no abstracts: the budget of {budget} is spent")
        return
    try:
        for start in range(0, len(keys), BATCH):
            _fill(http, found, {key: refs[key] for key in keys[start : start + BATCH]})
    except ToolError as err:
        found.notes.append(f"abstracts are missing: {err.message}")


def _fill(http: Http, found: Walk, refs: dict[str, str]) -> None:
    """The answer lists the papers in the order asked, with null for those it does not know."""
    response = http.post(SEMANTIC_SCHOLAR, "/graph/v1/paper/batch", {"ids": list(refs.values())}, {"fields": "abstract"})
    rows = response.raise_for_status("the abstracts").json()
    found.responses.append(response)
    for key, row in zip(refs, rows if isinstance(rows, list) else [], strict=False):
        node = found.nodes[key]
        node.paper = replace(node.paper, abstract=text(mapping(row).get("abstract")))
