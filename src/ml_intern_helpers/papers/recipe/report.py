"""Makes the report of `crawl_arxiv recipe`: values with quotes, and whether the named models and data sets are on the Hub."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any, Literal
from urllib.parse import quote

from ml_intern_helpers.cli.commands import Context
from ml_intern_helpers.core.errors import AccessDenied, NotFound, ToolError
from ml_intern_helpers.core.report import Report
from ml_intern_helpers.core.text import plain_number
from ml_intern_helpers.papers.ids import ArxivId
from ml_intern_helpers.papers.library import papers as library
from ml_intern_helpers.papers.model import sources
from ml_intern_helpers.papers.reading.obtain import Obtained, obtain
from ml_intern_helpers.papers.reading.report import described, fenced, paper_report, source_lines, version_name
from ml_intern_helpers.papers.services.fields import count, mapping, mappings, text
from ml_intern_helpers.web.client import Http, Response
from ml_intern_helpers.web.services import HUB

#: Entries of each kind in a report without `--full`.
MOST = {"base_models": 6, "datasets": 10, "methods": 6, "hardware": 6, "results": 12}
MOST_VALUES, MOST_QUOTES = 6, 6
#: Limits of the text: characters of all facts and quotes, characters of one quote, quotes of one parameter.
_TEXT_CHARACTERS, _QUOTE_CHARACTERS, _QUOTES_SHOWN = 4200, 190, 3
_PARTS = {"base_models": "base model", "datasets": "data", "methods": "method", "hardware": "hardware", "results": "results"}
Kind = Literal["model", "dataset"]
#: `yes` (the id exists); `disabled` (it exists, but the Hub has disabled it: no file can be read); `same name` (only a name was
#: given, and repositories have it); `no` (the id does not exist); `hidden` (missing or private, which the Hub does not tell
#: apart without a token); `no exact name` (no repository has the name); `unknown` (the request failed).
Exists = Literal["yes", "disabled", "same name", "no", "hidden", "no exact name", "unknown"]
#: The wording of `Check.exists`, in the order of the text.
_ON_HUB: dict[Exists, str] = {
    "yes": "on the Hub",
    "same name": "a repository of that name is on the Hub (perhaps of another author)",
    "no": "NOT on the Hub",
    "hidden": "missing or private on the Hub",
    "disabled": "disabled on the Hub: its files cannot be downloaded",
    "no exact name": "no repository of exactly that name",
    "unknown": "could not be checked",
}
#: Names that are looked up on the Hub, at most.
MOST_CHECKED = 12
_ID = re.compile(r"[\w.-]{1,96}/[\w.-]{1,96}", re.ASCII)


@dataclass(frozen=True)
class Check:
    """The result of looking up one name on the Hub.

    Attributes:
        id: the repository; where only a name was known, the most downloaded one with exactly this name.
        others: further repositories with exactly this name, most downloaded first.
        gated: whether access must be requested; None when unknown.
        reason: why `exists` is `unknown`.
    """

    kind: Kind
    name: str
    exists: Exists
    id: str | None = None
    others: tuple[str, ...] = ()
    gated: bool | None = None
    downloads: int | None = None
    reason: str | None = None

    def to_dict(self) -> dict[str, Any]:
        return asdict(self) | {"others": list(self.others)}


def recipe(paper_id: ArxivId, context: Context, *, full: bool) -> Report:
    """The report; a paper that cannot be read is an error, while failed requests to the Hub are reported as unknown."""
    context.progress("fetching the paper …")
    obtained = obtain(context.http, paper_id)
    for note in [*obtained.passed_over, *obtained.document.notes]:
        context.warn(note)
    found = _stated(obtained)
    if found["cut"]:
        context.warn("the text is unusually long: only its first 2,000,000 characters were searched for values")
    context.progress("asking the Hub …")
    checks, responses = check(context.http, [(kind, name) for kind, name in found["to_check"]])
    unknown = sorted({each.reason or "" for each in checks if each.exists == "unknown"})
    if unknown:
        context.warn(f"whether the named models and data sets exist is unknown: {unknown[0]}")
    report = paper_report("recipe", obtained, described(obtained.document), recipe=_fields(found, checks, full))
    report.fields["sources"] = sources([*obtained.responses, *responses])
    return report


def _stated(obtained: Obtained) -> dict[str, Any]:
    """Everything that the text states: extracted now, or reused from an earlier run on the same stored answer."""
    response = obtained.responses[-1]
    earlier = library.stored_result("recipe", response.body) if response.cached else None
    if earlier:
        return dict(earlier)
    from ml_intern_helpers.papers.recipe.extract import extract
    from ml_intern_helpers.papers.recipe.facts import linked

    extracted = extract(obtained.document)
    stated: dict[str, Any] = {name: [entry.to_dict() for entry in getattr(extracted, name)] for name in MOST}
    stated["hyperparameters"] = {}
    quote_keys = ("quote", "section", "label", "stage", "as_written")
    for name, setting in extracted.hyperparameters.items():
        items = [entry.to_dict() for entry in setting.values]
        quotes = [
            {key: getattr(claim.fact, key) for key in quote_keys} | {"about_others": claim.about_others}
            for claim in setting.quotes
        ]
        single_value = items[0]["value"] if len(items) == 1 else None  # a single value holds for the whole paper
        stated["hyperparameters"][name] = {"state": setting.state, "value": single_value, "items": items, "quotes": quotes}
    # The names to look up, in order of priority: some links, base models and data sets, then the rest of each.
    half_limit = MOST_CHECKED // 2
    links = linked(obtained.document.links)
    models = [("model", str(entry.fact.value)) for entry in extracted.base_models if not entry.about_others]
    data = [("dataset", str(entry.fact.value)) for entry in extracted.datasets if not entry.about_others]
    to_check = [*links[:4], *models[:half_limit], *data[:half_limit], *links[4:], *models[half_limit:], *data[half_limit:]]
    stated |= {"not_stated": extracted.not_stated, "cut": extracted.cut, "to_check": to_check}
    library.store_result("recipe", response.body, stated)
    return stated


def _fields(stated: dict[str, Any], checks: Sequence[Check], full: bool) -> dict[str, Any]:
    def cut(entries: Sequence[dict[str, Any]], most: int) -> dict[str, Any]:
        return {"total": len(entries), "items": list(entries[: None if full else most])}

    settings = {}
    for name, setting in stated["hyperparameters"].items():
        quotes = setting["quotes"][: None if full else MOST_QUOTES]
        items = cut(setting["items"], MOST_VALUES)
        settings[name] = {**items, "value": setting["value"], "state": setting["state"], "quotes": quotes}
    return {
        **{name: cut(stated[name], most) for name, most in MOST.items()},
        "hyperparameters": settings,
        "not_stated": stated["not_stated"],
        "hub": [check.to_dict() for check in checks],
    }


def check(http: Http, wanted: Sequence[tuple[Kind, str]]) -> tuple[list[Check], list[Response]]:
    """Look up the first `MOST_CHECKED` names in parallel; returns one check for each, and the responses."""
    names = list(dict.fromkeys(wanted))[:MOST_CHECKED]
    outcomes = http.together([partial(_by_id if _ID.fullmatch(name) else _by_name, http, kind, name) for kind, name in names])
    checks: list[Check] = []
    responses: list[Response] = []
    for (kind, name), outcome in zip(names, outcomes, strict=True):
        if isinstance(outcome, ToolError):
            checks.append(Check(kind, name, "unknown", reason=outcome.message))
        elif isinstance(outcome, Exception):
            raise outcome
        else:
            checks.append(outcome[0])
            responses.append(outcome[1])
    return checks, responses


def _by_id(http: Http, kind: Kind, name: str) -> tuple[Check, Response]:
    response = http.get(HUB, f"/api/{kind}s/{quote(name, safe='/')}")
    try:
        response.raise_for_status(f"the {kind} {name}")
    except NotFound:
        return Check(kind, name, "no"), response
    except AccessDenied:
        return Check(kind, name, "hidden"), response
    body = mapping(response.json())
    exists: Exists = "disabled" if body.get("disabled") is True else "yes"
    return Check(kind, name, exists, text(body.get("id"), 200) or name, (), _gated(body), count(body.get("downloads"))), response


def _by_name(http: Http, kind: Kind, name: str) -> tuple[Check, Response]:
    params = {"search": name, "sort": "downloads", "direction": -1, "limit": 20}
    response = http.get(HUB, f"/api/{kind}s", params).raise_for_status(f"{kind}s called {name}")
    rows = [
        row for row in mappings(response.json()) if _normalized(str(row.get("id", "")).rpartition("/")[2]) == _normalized(name)
    ]
    ids = [repo_id for repo_id in (text(row.get("id"), 200) for row in rows) if repo_id]
    if not ids:
        return Check(kind, name, "no exact name"), response
    return Check(kind, name, "same name", ids[0], tuple(ids[1:4]), _gated(rows[0]), count(rows[0].get("downloads"))), response


def _normalized(name: str) -> str:
    """A name for comparison: `Llama 3.1 8B` and `Llama-3.1-8B` are the same."""
    return re.sub(r"[\s_-]+", "-", name.strip().lower())


def _gated(row: dict[str, Any]) -> bool | None:
    gated = row.get("gated")
    return None if gated is None else gated in (True, "auto", "manual")


def render(fields: dict[str, Any]) -> str:
    """The recipe as text for Claude; `--json` has the same with whole quotes."""
    recipe, reading = fields["recipe"], fields["reading"]
    settings = recipe["hyperparameters"]
    count = {state: [name for name, each in settings.items() if each["state"] == state] for state in ("stated", "quoted")}
    head = f"recipe of {version_name(reading)}: {len(count['stated'])} of {len(settings)} hyper-parameters stated without doubt"
    lines = [head + (f", {len(count['quoted'])} quoted for you to judge" if count["quoted"] else "")]
    lines.append(f"not stated: {', '.join(recipe['not_stated']) or 'nothing; every part was found'}")
    lines += ["Hub:"] if recipe["hub"] else []
    for exists, meaning in _ON_HUB.items():
        names = []
        for each in recipe["hub"]:
            if each["exists"] == exists:
                name = each["name"] if each["id"] in (None, each["name"]) else f"{each['name']} → {each['id']}"
                names.append(f"{each['kind']} {name}" + (" (gated)" if each["gated"] else ""))
        lines += [f"  {meaning}: {'; '.join(names)}"] if names else []
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
    lines.append("a value may still exist where it was not found: formulas, figures and the authors' code are not read")
    return "\n".join([*lines, *source_lines(fields)])


def _body(recipe: dict[str, Any]) -> tuple[list[str], int]:
    """The facts in order of use, each with its quote, within `_TEXT_CHARACTERS`; and how many are not shown."""
    not_shown = sum(recipe[name]["total"] - len(recipe[name]["items"]) for name in MOST)
    parts: list[tuple[str, list[str]]] = [(_PARTS[name], _facts(recipe[name])) for name in ("base_models", "datasets", "methods")]
    for name, setting in recipe["hyperparameters"].items():
        shown_quotes = setting["quotes"][: 1 if setting["items"] else _QUOTES_SHOWN]
        not_shown += len(setting["quotes"]) - len(shown_quotes)
        parts.append((name, [*_facts(setting), *map(_quoted, shown_quotes)]))
    parts += [(_PARTS[name], _facts(recipe[name])) for name in ("hardware", "results")]
    shown_lines: dict[str, list[str]] = {name: [] for name, lines in parts if lines}
    characters_left = _TEXT_CHARACTERS
    # Every kind gets its first line before any gets a second one: a long list must not hide the rest.
    for position in range(max((len(lines) for _, lines in parts), default=0)):
        for name, lines in parts:
            if position < len(lines):
                cost = len(lines[position]) + 1 + (0 if shown_lines[name] else len(name) + 2)
                if cost <= characters_left:
                    characters_left -= cost
                    shown_lines[name].append(lines[position])
                else:
                    not_shown += 1
    body = [line for name, lines in shown_lines.items() if lines for line in (f"{name}:", *lines)]
    return body or ["(no training facts were found in the text)"], not_shown


def _facts(part: dict[str, Any]) -> list[str]:
    """One line for each quote with all of its values."""
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
    if len(quote) > _QUOTE_CHARACTERS:
        place = max(quote.find(item["as_written"]), 0)
        start = max(min(place - _QUOTE_CHARACTERS // 2, len(quote) - _QUOTE_CHARACTERS), 0)
        quote = (
            "…" * (start > 0) + quote[start : start + _QUOTE_CHARACTERS].strip() + "…" * (start + _QUOTE_CHARACTERS < len(quote))
        )
    return f'[{where}] "{quote}"'


def _notes(item: dict[str, Any]) -> str:
    notes = [item["stage"]] if item["stage"] else []
    notes += [item["context"]] if item["context"] else []
    notes += ["in a section on other work or a summary"] if item["about_others"] else []
    notes += [f"also in {', '.join(item['also_in'][:2])}"] if item["also_in"] else []
    return f" ({'; '.join(notes)})" if notes else ""


def _value(item: dict[str, Any]) -> str:
    value = item["value"]
    if item["kind"] == "none":
        return "none"
    shown = plain_number(value) if isinstance(value, (int, float)) else str(value)
    return f"{shown} {item['unit']}" if item["unit"] else shown
