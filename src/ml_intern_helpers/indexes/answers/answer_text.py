"""The text form of an answer: small, because it is read before every line of code."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import Any

_MOST_ARGUMENTS = 40
_MOST_NAMES = 60
_WIDTH = 118
_SENTENCE = 90


def text_of(fields: dict[str, Any]) -> str:
    """One block a name, then the matches of `--grep`."""
    everything = bool(fields.get("all"))
    blocks = ["\n".join(_result(result, everything)) for result in fields["results"]]
    if fields["matches"] or not fields["results"]:
        blocks.append("\n".join(_matches(fields)))
    return "\n\n".join(blocks)


def _result(result: dict[str, Any], everything: bool) -> Iterator[str]:
    entries = result["entries"]
    if len(entries) > 1:
        yield f"{result['query']} is {len(entries)} things; ask for one:"
        yield from (f"  {entry['name']}: {_head(entry)}" for entry in entries)
    elif entries:
        yield f"{entries[0]['name']}: {_head(entries[0])}"
        yield from _body(entries[0], everything)
    else:
        yield from _missing(result)


def _missing(result: dict[str, Any]) -> Iterator[str]:
    if result["unknown"]:
        yield f"{result['query']}: could not tell: {result['unknown']}"
        return
    removed = result["removed"]
    yield f"{result['query']}: does not exist in {result['asked']}" + (f": {removed['sentence']}" if removed else "")
    if removed and removed["name"] != result["query"]:
        yield f"  that is {removed['name']}"
    if result["similar"]:
        yield f"  did you mean: {', '.join(result['similar'])}"


def _head(entry: dict[str, Any]) -> str:
    where = f"in {entry['release']} ({entry['file']})"
    if entry["kind"] == "argument":
        return f"argument {where}"
    if entry["kind"] == "keyword":
        return f"taken out of **kwargs {where}"
    if entry["kind"] == "name":
        return f"exists {where}; its arguments are not indexed"
    if entry["kind"] == "module":
        return f"module {where}, {len(entry['names'])} names"
    return f"{entry['kind']} {where}, {_counted(len(entry['arguments']), 'argument')}"


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _body(entry: dict[str, Any], everything: bool) -> Iterator[str]:
    if entry["kind"] == "module":
        yield from _names(entry["names"], everything)
    elif entry["kind"] == "keyword":
        return
    elif entry["kind"] == "argument":
        yield from _full(entry["arguments"][0])
    elif entry["arguments"] is not None:
        yield from _arguments(entry, everything)


def _names(names: list[str], everything: bool) -> Iterator[str]:
    shown = names if everything else names[:_MOST_NAMES]
    yield from textwrap.wrap(", ".join(shown), _WIDTH, initial_indent="  ", subsequent_indent="  ")
    if len(shown) < len(names):
        yield f"  … {len(names) - len(shown)} more: --all"


def _arguments(entry: dict[str, Any], everything: bool) -> Iterator[str]:
    rows = entry["arguments"]
    own = [row for row in rows if row["own"]]
    detailed = rows if everything else own[:_MOST_ARGUMENTS]
    for row in detailed:
        yield from _full(row) if everything else [_line(row)]
    if len(detailed) < len(own):
        yield f"  … {len(own) - len(detailed)} more: --all"
    if not everything:
        yield from _inherited([row for row in rows if not row["own"]])
    if entry["open"]:
        known = [name for name in entry["also_taken"] if not name.startswith("_")]
        yield from _wrapped("**kwargs" + (", of which it knows " if known else ""), known)
    if entry["methods"]:
        yield from _wrapped("methods: ", entry["methods"] if everything else entry["methods"][: _MOST_NAMES // 2])


def _inherited(rows: list[dict[str, Any]]) -> Iterator[str]:
    """Names alone: what they do is one more question away."""
    for owner in dict.fromkeys(row["from"] for row in rows):
        names = [row["name"] for row in rows if row["from"] == owner]
        yield from _wrapped(f"from {owner} ({len(names)}; sentences with --all): ", names)


def _wrapped(start: str, names: list[str]) -> list[str]:
    return textwrap.wrap(start + ", ".join(names), _WIDTH, initial_indent="  ", subsequent_indent="    ")


def _line(row: dict[str, Any]) -> str:
    doc = row["doc"] or ""
    doc = doc if len(doc) <= _SENTENCE else doc[:_SENTENCE].rpartition(" ")[0] + " …"
    return f"  {row['name']}{_default(row)}" + (f"  # {doc}" if doc else "")


def _full(row: dict[str, Any]) -> list[str]:
    kind = f": {row['type']}" if row["type"] else ""
    first = f"  {row['name']}{kind}{' = ' + row['default'] if row['default'] is not None else ' (required)'}"
    return [f"{first}  [{row['from']}]", *([f"      {row['doc']}"] if row["doc"] else [])]


def _default(row: dict[str, Any]) -> str:
    if row["default"] is None:
        return " (required)"
    shown = row["default"] if len(row["default"]) <= 50 else row["default"][:50] + " …"
    return f"={shown}"


def _matches(fields: dict[str, Any]) -> Iterator[str]:
    shown, total = fields["matches"], fields["matches_total"]
    yield f"{_counted(total, 'match')[:-1] + 'es' if total != 1 else '1 match'}" + (":" if shown else "")
    yield from (f"  {name}" for name in shown)
    if len(shown) < total:
        yield f"  … {total - len(shown)} more: --all, or a narrower pattern"
