"""The command `api_lookup`: shows what a library release offers, before code is written against it."""

from __future__ import annotations

import argparse
import re
import textwrap
from collections.abc import Iterator
from typing import Any

from ml_intern_helpers.cli.commands import Context
from ml_intern_helpers.core.errors import UsageError
from ml_intern_helpers.core.report import Report

SUMMARY = "Look up what a release of trl, transformers, peft, accelerate, datasets, trackio or huggingface_hub offers."
EPILOG = """examples:
  api_lookup SFTConfig GRPOTrainer.train          arguments with defaults, own ones first
  api_lookup trl.SFTConfig.max_seq_length         gone: since when, and what to write instead
  api_lookup --grep 'chat_template' --release trl==0.20

exit codes here: 1 a name does not exist in that release (the answer suggests others), 3 a release could not be fetched"""

EMPTY_FIELDS: dict[str, Any] = {"releases": {}, "results": [], "matches": [], "matches_total": 0, "all": False}
_QUERY = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*")
#: Limits of the text output, which is kept short because it is read often.
_MOST_MATCHES, _MOST_ARGUMENTS, _MOST_NAMES, _MOST_METHODS = 40, 40, 60, 30
_WIDTH, _LONGEST_SENTENCE, _LONGEST_DEFAULT = 118, 90, 50


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help="SFTConfig, trl.SFTConfig.max_length, Trainer.train, trl.experimental"
    )
    parser.add_argument("--grep", metavar="PATTERN", help="list public names and arguments that match a regular expression")
    parser.add_argument(
        "--release", action="append", default=[], metavar="PKG==VERSION", help="look in this release (repeatable)"
    )
    parser.add_argument("--python", metavar="PATH", help="look in the packages installed beside this interpreter")
    parser.add_argument("--all", action="store_true", help="show every argument with its type and description, and every match")


def run(args: argparse.Namespace, context: Context) -> Report:
    from ml_intern_helpers.indexes import lookup_results

    if not args.names and not args.grep:
        raise UsageError("neither a name nor --grep was given", hint="api_lookup SFTConfig, or api_lookup --grep PATTERN")
    for name in args.names:
        if not _QUERY.fullmatch(name):
            raise UsageError(f"{name!r} is not a valid name", hint="write a dotted Python name: trl.SFTConfig.max_length")
    libraries = lookup_results.libraries(args.release, args.python, context)
    try:
        pattern = re.compile(args.grep, re.IGNORECASE) if args.grep else None
    except re.error as err:
        hint = "escape the special characters ( [ + * . ? with a backslash"
        raise UsageError(f"--grep {args.grep!r} is not a valid regular expression: {err}", hint=hint) from err
    results = [lookup_results.result(library, name) for library in libraries for name in args.names]
    matches = [match for library in libraries for match in lookup_results.matches(library, pattern)] if pattern else []
    releases = [release for library in libraries for release in library.releases.values()]
    versions: dict[str, list[str]] = {release.package: [] for release in releases}
    for package, version in dict.fromkeys((release.package, release.version) for release in releases):
        versions[package].append(version)
    fields = {
        "releases": versions,
        "results": results,
        "matches": matches if args.all else matches[:_MOST_MATCHES],
        "matches_total": len(matches),
        "all": args.all,
    }
    missing = any(not result["found"] and not result["unknown"] for result in results)
    missing = missing or bool(pattern and not matches and not results)
    unknown = any(result["unknown"] for result in results)
    return Report("api_lookup", "failed" if missing else "unknown" if unknown else "ok", fields)


def render(report: Report) -> str:
    """One block per name, then the matches of `--grep`."""
    fields = report.fields
    blocks = ["\n".join(_result(result, bool(fields.get("all")))) for result in fields["results"]]
    if fields["matches"] or not fields["results"]:
        shown, total = fields["matches"], fields["matches_total"]
        lines = [f"{total} match{'' if total == 1 else 'es'}{':' if shown else ''}", *(f"  {name}" for name in shown)]
        lines += [f"  … {total - len(shown)} more: --all, or a narrower pattern"] if len(shown) < total else []
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks)


def _result(result: dict[str, Any], everything: bool) -> Iterator[str]:
    query, entries, removed = result["query"], result["entries"], result["removed"]
    if len(entries) > 1:
        yield f"{query} is ambiguous ({len(entries)} matches); ask for one of:"
        yield from (f"  {entry['name']}: {_head(entry)}" for entry in entries)
    elif entries:
        yield f"{entries[0]['name']}: {_head(entries[0])}"
        entry = entries[0]
        if entry["kind"] == "module":
            shown = entry["names"] if everything else entry["names"][:_MOST_NAMES]
            yield from textwrap.wrap(", ".join(shown), _WIDTH, initial_indent="  ", subsequent_indent="  ")
            if len(shown) < len(entry["names"]):
                yield f"  … {len(entry['names']) - len(shown)} more: --all"
        elif entry["kind"] == "argument":
            yield from _detailed(entry["arguments"][0])
        elif entry["kind"] != "keyword" and entry["arguments"] is not None:
            yield from _arguments(entry, everything)
    elif result["unknown"]:
        yield f"{query}: could not tell: {result['unknown']}"
    else:
        yield f"{query}: does not exist in {result['asked']}" + (f": {removed['sentence']}" if removed else "")
        if removed and removed["name"] != query:
            yield f"  that is {removed['name']}"
        if result["similar"]:
            yield f"  did you mean: {', '.join(result['similar'])}"


def _head(entry: dict[str, Any]) -> str:
    kind, where = entry["kind"], f"in {entry['release']} ({entry['file']})"
    if kind == "argument":
        return f"argument {where}"
    if kind == "keyword":
        return f"taken out of **kwargs {where}"
    if kind == "name":
        return f"exists {where}; its arguments are not indexed"
    if kind == "module":
        return f"module {where}, {len(entry['names'])} names"
    count = len(entry["arguments"])
    return f"{kind} {where}, {count} argument{'' if count == 1 else 's'}"


def _arguments(entry: dict[str, Any], everything: bool) -> Iterator[str]:
    """The call's own arguments one by one, and the names of inherited ones, which can be looked up by themselves."""
    rows = entry["arguments"]
    own = [row for row in rows if row["own"]]
    if everything:
        for row in rows:
            yield from _detailed(row)
    else:
        yield from (_brief(row) for row in own[:_MOST_ARGUMENTS])
        if len(own) > _MOST_ARGUMENTS:
            yield f"  … {len(own) - _MOST_ARGUMENTS} more: --all"
        inherited = [row for row in rows if not row["own"]]
        for owner in dict.fromkeys(row["from"] for row in inherited):
            names = [row["name"] for row in inherited if row["from"] == owner]
            yield from _wrapped(f"from {owner} ({len(names)}; sentences with --all): ", names)
    if entry["open"]:
        known = [name for name in entry["also_taken"] if not name.startswith("_")]
        yield from _wrapped("**kwargs" + (", known names: " if known else ""), known)
    if entry["methods"]:
        yield from _wrapped("methods: ", entry["methods"] if everything else entry["methods"][:_MOST_METHODS])


def _wrapped(start: str, names: list[str]) -> list[str]:
    return textwrap.wrap(start + ", ".join(names), _WIDTH, initial_indent="  ", subsequent_indent="    ")


def _brief(row: dict[str, Any]) -> str:
    doc, default = row["doc"] or "", row["default"]
    doc = doc if len(doc) <= _LONGEST_SENTENCE else doc[:_LONGEST_SENTENCE].rpartition(" ")[0] + " …"
    shown = " (required)" if default is None else f"={default[:_LONGEST_DEFAULT]}"
    shown += " …" if default is not None and len(default) > _LONGEST_DEFAULT else ""
    return f"  {row['name']}{shown}" + (f"  # {doc}" if doc else "")


def _detailed(row: dict[str, Any]) -> list[str]:
    kind = f": {row['type']}" if row["type"] else ""
    default = f" = {row['default']}" if row["default"] is not None else " (required)"
    first = f"  {row['name']}{kind}{default}  [{row['from']}]"
    return [first, *([f"      {row['doc']}"] if row["doc"] else [])]
