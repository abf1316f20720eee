"""What `crawl_arxiv --recipe` prints as text: what is stated and what is not, then every value with its quote."""

from __future__ import annotations

from typing import Any

from ml_intern_helpers.papers.reading.answer_text import fenced, source_lines, version_name
from ml_intern_helpers.papers.recipe.numbers import canonical

#: Characters of the facts, quotes included; what is left out is counted.
ROOM = 4200
_PARTS = {"base_models": "base model", "datasets": "data", "methods": "method", "hardware": "hardware", "results": "results"}
_QUOTE = 170


def render(fields: dict[str, Any]) -> str:
    """The recipe as text for Claude; `--json` has the same with whole quotes."""
    recipe, reading = fields["recipe"], fields["reading"]
    stated = [name for name, found in recipe["hyperparameters"].items() if found["items"]]
    lines = [f"recipe of {version_name(reading)}: {len(stated)} of {len(recipe['hyperparameters'])} hyper-parameters stated"]
    lines.append(f"not stated: {', '.join(recipe['not_stated']) or 'nothing of what is looked for'}")
    lines += _hub(recipe["hub"])
    body, cut = _body(recipe)
    lines += fenced("\n".join([f"title: {reading['title']}", *body]))
    identity = f"{reading['arxiv_id']}" + (
        f"v{reading['version']}" if reading["version"] and reading["source"] != "ar5iv" else ""
    )
    if cut:
        lines.append(f"{cut} further values: crawl_arxiv --recipe {identity} --full --json")
    lines.append(f'check a value in its place: crawl_arxiv --read {identity} --section NUMBER, or --find "learning rate"')
    lines.append("not found by these patterns is not proof of absence: formulas, figures and the authors' code are not read")
    return "\n".join([*lines, *source_lines(fields)])


def _hub(checks: list[dict[str, Any]]) -> list[str]:
    """One line of each kind of answer."""
    if not checks:
        return []
    groups: dict[str, list[str]] = {}
    for check in checks:
        groups.setdefault(check["exists"], []).append(_checked(check))
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


def _checked(check: dict[str, Any]) -> str:
    name = check["name"] if check["id"] in (None, check["name"]) else f"{check['name']} → {check['id']}"
    return f"{check['kind']} {name}" + (" (gated)" if check["gated"] else "")


def _body(recipe: dict[str, Any]) -> tuple[list[str], int]:
    """The facts in order of use, within `ROOM`, their quotes below; and how many values did not fit or were cut before."""
    parts = [("base_models", recipe["base_models"]), ("datasets", recipe["datasets"]), ("methods", recipe["methods"])]
    parts += [*recipe["hyperparameters"].items(), ("hardware", recipe["hardware"]), ("results", recipe["results"])]
    filled = [(_PARTS.get(name, name), _together(found["items"])) for name, found in parts if found["items"]]
    cut = sum(found["total"] - len(found["items"]) for _, found in parts)
    page = _Page()
    # Every kind gets its first value before any gets a second one: a long list must not hide the rest.
    for turn in range(max((len(lines) for _, lines in filled), default=0)):
        for place, (name, groups) in enumerate(filled):
            if turn < len(groups) and not page.add(place, name, groups[turn]):
                cut += len(groups[turn])
    return page.lines(), cut


def _together(items: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """Values of one sentence and of one kind, which share a line."""
    groups: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for item in items:
        groups.setdefault((item["quote"], item["kind"], item["stage"], item["context"], item["unit"]), []).append(item)
    return list(groups.values())


class _Page:
    """Lines of facts by kind, and the quotes they rest on, each once, until the room is used up."""

    def __init__(self) -> None:
        self.left = ROOM
        self.facts: dict[int, list[str]] = {}
        self.quotes: dict[tuple[str, str], str] = {}

    def add(self, place: int, name: str, items: list[dict[str, Any]]) -> bool:
        """Take one line of facts with its quote; False when it does not fit."""
        first = items[0]
        where = first["section"] + (f", {first['label']}" if first["label"] else "")
        key = (where, first["quote"])
        number = list(self.quotes).index(key) + 1 if key in self.quotes else len(self.quotes) + 1
        quoted = f'q{number} [{where}] "{_around(first)}"'
        line = f"  {', '.join(map(_value, items))}{_notes(first)}  q{number}"
        cost = len(line) + (0 if key in self.quotes else len(quoted) + 1) + (0 if place in self.facts else len(name) + 2)
        if cost > self.left:
            return False
        self.left -= cost + 1
        self.quotes[key] = quoted
        self.facts.setdefault(place, [f"{name}:"]).append(line)
        return True

    def lines(self) -> list[str]:
        found = [line for _, lines in sorted(self.facts.items()) for line in lines]
        return [*found, "quotes:", *self.quotes.values()] if found else ["(no training facts were found in the text)"]


def _notes(item: dict[str, Any]) -> str:
    notes = [item["stage"]] if item["stage"] else []
    notes += [item["kind"]] if item["kind"] not in ("set", "none") else []
    notes += [item["context"]] if item["context"] and item["context"] != f"for {item['stage']}" else []
    notes += ["in a section on other work or a summary"] if item["about_others"] else []
    notes += [f"also in {', '.join(item['also_in'][:2])}"] if item["also_in"] else []
    return f" ({'; '.join(notes)})" if notes else ""


def _value(item: dict[str, Any]) -> str:
    value = item["value"]
    if item["kind"] == "none":
        return "none"
    shown = canonical(value) if isinstance(value, (int, float)) else str(value)
    return f"{shown} {item['unit']}" if item["unit"] else shown


def _around(item: dict[str, Any]) -> str:
    """The quote, cut around the value."""
    quote: str = item["quote"]
    if len(quote) <= _QUOTE:
        return quote
    place = max(quote.find(item["as_written"]), 0)
    start = max(min(place - _QUOTE // 2, len(quote) - _QUOTE), 0)
    return "…" * (start > 0) + quote[start : start + _QUOTE].strip() + "…" * (start + _QUOTE < len(quote))
