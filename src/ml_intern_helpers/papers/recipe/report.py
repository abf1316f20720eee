"""`crawl_arxiv recipe`: the report with values and quotes, what the Hub has of the names, and its text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ml_intern_helpers.cli.commands import Context
from ml_intern_helpers.core.report import Report
from ml_intern_helpers.papers.ids import ArxivId
from ml_intern_helpers.papers.library import parsed
from ml_intern_helpers.papers.model import sources
from ml_intern_helpers.papers.reading.document import Document
from ml_intern_helpers.papers.reading.obtain import Obtained, obtain
from ml_intern_helpers.papers.reading.report import described, fenced, paper_report, source_lines, version_name
from ml_intern_helpers.papers.recipe import hub_check

if TYPE_CHECKING:
    from ml_intern_helpers.papers.recipe.extract import Recipe, Setting

#: Entries of each kind in a report without `--full`.
MOST = {"base_models": 6, "datasets": 10, "methods": 6, "hardware": 6, "results": 12}
MOST_VALUES, MOST_QUOTES = 6, 6
#: Characters of the text's facts and quotes, and of one quote; quotes of one parameter in the text.
ROOM, QUOTE, SHOWN = 4200, 190, 3
_PARTS = {"base_models": "base model", "datasets": "data", "methods": "method", "hardware": "hardware", "results": "results"}


def recipe(paper_id: ArxivId, context: Context, *, full: bool) -> Report:
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
    answered = paper_report("recipe", got, described(got.document), recipe=_fields(stated, checks, full))
    answered.fields["sources"] = sources([*got.responses, *responses])
    return answered


def _stated(got: Obtained) -> dict[str, Any]:
    """All that the text states: extracted now or, when the answer was stored, by an earlier run from the same bytes."""
    response = got.responses[-1]
    known = parsed.known("recipe", response.body) if response.cached else None
    if known:
        return dict(known)
    from ml_intern_helpers.papers.recipe.extract import extract

    found = extract(got.document)
    stated: dict[str, Any] = {name: [entry.to_dict() for entry in getattr(found, name)] for name in MOST}
    stated["hyperparameters"] = {name: _setting(setting) for name, setting in found.hyperparameters.items()}
    stated |= {"not_stated": found.not_stated, "cut": found.cut, "to_check": _to_check(found, got.document)}
    parsed.keep("recipe", response.body, stated)
    return stated


def _setting(setting: Setting) -> dict[str, Any]:
    """One parameter as JSON has it; `value` is there where one value holds for the whole paper."""
    only = setting.values[0].fact.value if len(setting.values) == 1 else None
    shown = ("quote", "section", "label", "stage", "as_written")
    quotes = [{name: getattr(each.fact, name) for name in shown} | {"about_others": each.others} for each in setting.quotes]
    return {"state": setting.state, "value": only, "items": [entry.to_dict() for entry in setting.values], "quotes": quotes}


def _to_check(recipe: Recipe, document: Document) -> list[tuple[hub_check.Kind, str]]:
    """The names worth asking for: linked ones, base models, training data, then what else was named."""
    from ml_intern_helpers.papers.recipe.names import linked

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
    settings = {}
    for name, found in stated["hyperparameters"].items():
        quotes = found["quotes"][: None if full else MOST_QUOTES]
        items = _cut(found["items"], None if full else MOST_VALUES)
        settings[name] = {**items, "value": found["value"], "state": found["state"], "quotes": quotes}
    return {
        **parts,
        "hyperparameters": settings,
        "not_stated": stated["not_stated"],
        "hub": [check.to_dict() for check in checks],
    }


def _cut(entries: Sequence[dict[str, Any]], most: int | None) -> dict[str, Any]:
    """The first entries, and how many there are."""
    return {"total": len(entries), "items": list(entries[:most])}


def render(fields: dict[str, Any]) -> str:
    """The recipe as text for Claude; `--json` has the same with whole quotes."""
    recipe, reading = fields["recipe"], fields["reading"]
    settings = recipe["hyperparameters"]
    count = {state: [name for name, each in settings.items() if each["state"] == state] for state in ("stated", "quoted")}
    head = f"recipe of {version_name(reading)}: {len(count['stated'])} of {len(settings)} hyper-parameters stated without doubt"
    lines = [head + (f", {len(count['quoted'])} quoted for you to judge" if count["quoted"] else "")]
    lines.append(f"not stated: {', '.join(recipe['not_stated']) or 'nothing of what is looked for'}")
    lines += _hub(recipe["hub"])
    body, cut = _body(recipe)
    lines += fenced("\n".join([f"title: {reading['title']}", *body]))
    version = f"v{reading['version']}" if reading["version"] and reading["source"] != "ar5iv" else ""
    identity = f"{reading['arxiv_id']}{version}"
    if cut:
        lines.append(f"{cut} further values and quotes: crawl_arxiv recipe {identity} --full --json")
    lines.append(
        "a line with a value and no 'quoted' is stated by that one sentence or table row; judge the quotes of the others"
    )
    lines.append(f'check a value in its place: crawl_arxiv read {identity} --section NUMBER, or --find "learning rate"')
    lines.append("not found is no proof of absence: formulas, figures and the authors' code are not read")
    return "\n".join([*lines, *source_lines(fields)])


def _hub(checks: list[dict[str, Any]]) -> list[str]:
    """One line of each kind of answer."""
    if not checks:
        return []
    groups: dict[str, list[str]] = {}
    for check in checks:
        name = check["name"] if check["id"] in (None, check["name"]) else f"{check['name']} → {check['id']}"
        groups.setdefault(check["exists"], []).append(f"{check['kind']} {name}" + (" (gated)" if check["gated"] else ""))
    words = {
        "yes": "on the Hub",
        "same name": "a repository of that name is on the Hub (may be another's)",
        "no": "NOT on the Hub",
        "hidden": "missing or private on the Hub",
        "disabled": "switched off on the Hub: no file can be had",
        "no exact name": "no repository of exactly that name",
        "unknown": "could not be checked",
    }
    return ["Hub:", *(f"  {said}: {'; '.join(groups[kind])}" for kind, said in words.items() if kind in groups)]


def _body(recipe: dict[str, Any]) -> tuple[list[str], int]:
    """The facts in order of use, each with its quote, within `ROOM`; and how many did not fit or were cut before."""
    parts: list[tuple[str, list[str]]] = [(_PARTS[name], _facts(recipe[name])) for name in ("base_models", "datasets", "methods")]
    for name, setting in recipe["hyperparameters"].items():
        quotes = [_quoted(each) for each in setting["quotes"]]
        parts.append((name, [*_facts(setting), *(quotes[:SHOWN] if not setting["items"] else quotes[:1])]))
    parts += [(_PARTS[name], _facts(recipe[name])) for name in ("hardware", "results")]
    cut = sum(recipe[name]["total"] - len(recipe[name]["items"]) for name in MOST)
    shown: dict[str, list[str]] = {name: [] for name, lines in parts if lines}
    left = ROOM
    # Every kind gets its first line before any gets a second one: a long list must not hide the rest.
    for turn in range(max((len(lines) for _, lines in parts), default=0)):
        for name, lines in parts:
            if turn < len(lines):
                cost = len(lines[turn]) + 1 + (0 if shown[name] else len(name) + 2)
                if cost <= left:
                    left -= cost
                    shown[name].append(lines[turn])
                else:
                    cut += 1
    body = [line for name, lines in shown.items() if lines for line in (f"{name}:", *lines)]
    return body or ["(no training facts were found in the text)"], cut


def _facts(part: dict[str, Any]) -> list[str]:
    """One line for the values of each sentence, with it; values of one sentence share the line."""
    groups: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for item in part["items"]:
        groups.setdefault((item["quote"], item["kind"], item["stage"], item["context"], item["unit"]), []).append(item)
    return [f"  {', '.join(map(_value, items))}{_notes(items[0])} {_cited(items[0])}" for items in groups.values()]


def _quoted(quote: dict[str, Any]) -> str:
    notes = [note for note in (quote["stage"], "other work or a summary" if quote["about_others"] else None) if note]
    return f"  quoted{' (' + '; '.join(notes) + ')' if notes else ''} {_cited(quote)}"


def _cited(item: dict[str, Any]) -> str:
    """The quote with its place, cut around the value."""
    quote: str = item["quote"]
    where = item["section"] + (f", {item['label']}" if item["label"] else "")
    if len(quote) > QUOTE:
        place = max(quote.find(item["as_written"]), 0)
        start = max(min(place - QUOTE // 2, len(quote) - QUOTE), 0)
        quote = "…" * (start > 0) + quote[start : start + QUOTE].strip() + "…" * (start + QUOTE < len(quote))
    return f'[{where}] "{quote}"'


def _notes(item: dict[str, Any]) -> str:
    notes = [item["stage"]] if item["stage"] else []
    notes += [item["context"]] if item["context"] else []
    notes += ["in a section on other work or a summary"] if item["about_others"] else []
    notes += [f"also in {', '.join(item['also_in'][:2])}"] if item["also_in"] else []
    return f" ({'; '.join(notes)})" if notes else ""


def _value(item: dict[str, Any]) -> str:
    from ml_intern_helpers.papers.recipe.plain_text import canonical

    value = item["value"]
    if item["kind"] == "none":
        return "none"
    shown = canonical(value) if isinstance(value, (int, float)) else str(value)
    return f"{shown} {item['unit']}" if item["unit"] else shown
