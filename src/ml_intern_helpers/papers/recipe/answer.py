"""What `crawl_arxiv --recipe` answers: the facts a trainer needs, each with its quote, and what the Hub has of the names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ml_intern_helpers.cli.commands import Context
from ml_intern_helpers.core.report import Report
from ml_intern_helpers.papers.ids import ArxivId
from ml_intern_helpers.papers.library import parsed
from ml_intern_helpers.papers.model import sources
from ml_intern_helpers.papers.reading.answer import described, report
from ml_intern_helpers.papers.reading.document import Document
from ml_intern_helpers.papers.reading.obtain import Obtained, obtain
from ml_intern_helpers.papers.recipe import hub_check

if TYPE_CHECKING:
    from ml_intern_helpers.papers.recipe.extract import Recipe

#: Entries of each kind in an answer without `--full`.
MOST = {"base_models": 6, "datasets": 10, "methods": 6, "hardware": 6, "results": 12}
MOST_VALUES = 6


def answer(paper_id: ArxivId, context: Context, *, full: bool) -> Report:
    """The report; the Hub's part of it may be unknown, the paper's may not."""
    context.progress("fetching the paper …")
    got = obtain(context.http, paper_id)
    for note in [*got.passed_over, *got.document.notes]:
        context.warn(note)
    stated = _stated(got)
    if stated["cut"]:
        context.warn("the text is longer than any paper: values were looked for in its first 2,000,000 characters only")
    context.progress("asking the Hub …")
    checks, responses = hub_check.check(context.http, [(kind, name) for kind, name in stated["to_check"]])
    unknown = sorted({check.reason or "" for check in checks if check.exists == "unknown"})
    if unknown:
        context.warn(f"whether the named models and data sets exist is unknown: {unknown[0]}")
    answered = report("recipe", got, described(got.document), recipe=_fields(stated, checks, full))
    answered.fields["sources"] = sources([*got.responses, *responses])
    return answered


def _stated(got: Obtained) -> dict[str, Any]:
    """All that the text states: extracted now or, when the answer was stored, by an earlier run from the same bytes."""
    response = got.responses[-1]
    known = parsed.known("recipe", response.body) if response.cached else None
    if known:
        return dict(known)
    from ml_intern_helpers.papers.recipe.extract import extract

    recipe = extract(got.document)
    stated: dict[str, Any] = {name: [entry.to_dict() for entry in getattr(recipe, name)] for name in MOST}
    stated["hyperparameters"] = {name: [entry.to_dict() for entry in found] for name, found in recipe.hyperparameters.items()}
    stated |= {"not_stated": recipe.not_stated, "cut": recipe.cut, "to_check": _to_check(recipe, got.document)}
    parsed.keep("recipe", response.body, stated)
    return stated


def _to_check(recipe: Recipe, document: Document) -> list[tuple[hub_check.Kind, str]]:
    """The names worth asking for: linked ones, base models, training data, then what else was named."""
    from ml_intern_helpers.papers.recipe.data import linked

    half = hub_check.MOST // 2
    links: list[tuple[hub_check.Kind, str]] = [
        ("dataset" if kind == "dataset" else "model", name) for kind, name in linked(document.links)
    ]
    models: list[tuple[hub_check.Kind, str]] = [
        ("model", str(entry.fact.value)) for entry in recipe.base_models if not entry.others
    ]
    data: list[tuple[hub_check.Kind, str]] = [("dataset", str(entry.fact.value)) for entry in recipe.datasets if not entry.others]
    return [*links[:4], *models[:half], *data[:half], *links[4:], *models[half:], *data[half:]]


def _fields(stated: dict[str, Any], checks: Sequence[hub_check.Check], full: bool) -> dict[str, Any]:
    parts = {name: _cut(stated[name], None if full else most) for name, most in MOST.items()}
    every = stated["hyperparameters"].items()
    return {
        **parts,
        "hyperparameters": {name: _cut(found, None if full else MOST_VALUES) for name, found in every},
        "not_stated": stated["not_stated"],
        "hub": [check.to_dict() for check in checks],
    }


def _cut(entries: Sequence[dict[str, Any]], most: int | None) -> dict[str, Any]:
    """The first entries, and how many there are."""
    return {"total": len(entries), "items": list(entries[:most])}
