"""The command `api_lookup`: shows what a library release offers, before code is written against it."""

from __future__ import annotations

import argparse
import re
import textwrap
from collections.abc import Iterator
from itertools import product
from typing import Any

from ml_intern_helpers.cli.commands import Context
from ml_intern_helpers.core.errors import NotFound, UsageError
from ml_intern_helpers.core.report import Report
from ml_intern_helpers.core.text import clean
from ml_intern_helpers.indexes.libraries import PACKAGES, installed, release, shipped
from ml_intern_helpers.indexes.lookup import Found, is_public, lookup, similar_names, taken
from ml_intern_helpers.indexes.removed import Gone, what_became
from ml_intern_helpers.indexes.signatures import Argument, Library, Release
from ml_intern_helpers.indexes.stored_release import StoredRelease

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
    if not args.names and not args.grep:
        raise UsageError("neither a name nor --grep was given", hint="api_lookup SFTConfig, or api_lookup --grep PATTERN")
    for name in args.names:
        if not _QUERY.fullmatch(name):
            raise UsageError(f"{name!r} is not a valid name", hint="write a dotted Python name: trl.SFTConfig.max_length")
    libraries = _libraries(args.release, args.python, context)
    try:
        pattern = re.compile(args.grep, re.IGNORECASE) if args.grep else None
    except re.error as err:
        hint = "escape the special characters ( [ + * . ? with a backslash"
        raise UsageError(f"--grep {args.grep!r} is not a valid regular expression: {err}", hint=hint) from err
    results = [_result(library, name) for library in libraries for name in args.names]
    found = [match for library in libraries for match in _matches(library, pattern)] if pattern else []
    versions: dict[str, dict[str, None]] = {}
    for library in libraries:
        for index in library.releases.values():
            versions.setdefault(index.package, {})[index.version] = None
    fields = {
        "releases": {package: [*those] for package, those in versions.items()},
        "results": results,
        "matches": found if args.all else found[:_MOST_MATCHES],
        "matches_total": len(found),
        "all": args.all,
    }
    missing = any(not result["found"] and not result["unknown"] for result in results)
    missing = missing or bool(pattern and not found and not results)
    unknown = any(result["unknown"] for result in results)
    return Report("api_lookup", "failed" if missing else "unknown" if unknown else "ok", fields)


def render(report: Report) -> str:
    """One block per name, then the matches of `--grep`."""
    fields = report.fields
    blocks = ["\n".join(_lines_of(result, bool(fields.get("all")))) for result in fields["results"]]
    if fields["matches"] or not fields["results"]:
        shown, total = fields["matches"], fields["matches_total"]
        lines = [f"{total} match{'' if total == 1 else 'es'}{':' if shown else ''}", *(f"  {name}" for name in shown)]
        lines += [f"  … {total - len(shown)} more: --all, or a narrower pattern"] if len(shown) < total else []
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks)


def _lines_of(result: dict[str, Any], everything: bool) -> Iterator[str]:
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


_PIN = re.compile(r"\s*([A-Za-z][\w-]*)\s*==\s*(\S+?)\s*")
_MOST_LIBRARIES = 12


def _libraries(pins: list[str], python: str | None, context: Context) -> list[Library]:
    """One library per combination of the requested releases; other packages are the interpreter's, or shipped ones."""
    asked: dict[str, list[str]] = {}
    for pin in pins:
        match = _PIN.fullmatch(pin)
        if not match:
            raise UsageError(f"--release {clean(pin, limit=80)!r} is not PACKAGE==VERSION", hint="--release trl==0.20.0")
        asked.setdefault(match[1].replace("-", "_").lower(), []).append(match[2])
    named: dict[str, list[Release]] = {}
    for package, versions in asked.items():
        for version in versions:
            context.progress(f"reading {package} {version} …")
            index = release(package, version, offline=context.offline, timeout_s=context.deadline_s or 180)
            named.setdefault(package, []).append(index)
    combinations = list(product(*named.values()))
    if len(combinations) > _MOST_LIBRARIES:
        message = f"{len(combinations)} combinations of releases are too many"
        raise UsageError(message, hint=f"name at most {_MOST_LIBRARIES} combinations")
    rest = _unnamed([package for package in PACKAGES if package not in named], python, context)
    if "trl" in named and "transformers" not in named and not python:
        version = next(index.version for index in rest if index.package == "transformers")
        context.warn(f"inherited arguments are those of transformers {version}; name another with --release transformers==…")
    ordered = (sorted([*combination, *rest], key=lambda index: PACKAGES.index(index.package)) for combination in combinations)
    return [Library(*releases) for releases in ordered]


def _unnamed(packages: list[str], python: str | None, context: Context) -> list[Release]:
    if python is None:
        return [shipped(package) for package in packages]
    context.progress(f"reading what is installed beside {python} …")
    indexes: list[Release] = [index for package in packages if (index := installed(python, package)) is not None]
    if not indexes and len(packages) == len(PACKAGES):
        message = f"none of {', '.join(PACKAGES)} is installed beside {clean(python, limit=200)}"
        raise NotFound(message, hint="pass another interpreter with --python")
    return indexes


def _result(library: Library, query: str) -> dict[str, Any]:
    """The result for one name: everything that it names, or else why it does not exist and what replaced it."""
    found = lookup(library, query)
    gone = None if found else _gone(library, query)
    asked = library.release_of(query)
    releases = [asked] if asked else [*library.releases.values()]
    return {
        "query": query,
        "asked": ", ".join(f"{searched.package} {searched.version}" for searched in releases),
        "found": bool(found),
        "unknown": None if found or gone else _why_unknown(library, query),
        "entries": [_entry(library, item) for item in found],
        "removed": None if gone is None else _removed(gone),
        "similar": [] if found or (gone and gone.replacement) else similar_names(library, query),
    }


def _why_unknown(library: Library, query: str) -> str | None:
    """Why it is unknown whether a name exists; None when it is known."""
    head, _, last = query.rpartition(".")
    for start in lookup(library, head) if head else ():
        if start.signature is not None and start.signature.open:
            return f"{start.name} takes **kwargs, and it is not known whether it uses {last}"
        if start.kind == "name":
            return f"the arguments and methods of {start.name} are not indexed"
        holder = library.release_of(start.origin)
        if start.kind == "module" and holder is not None and holder.may_hold(start.origin, last):
            return f"the names that {start.origin} imports for its own use are not indexed"
    return None


def _gone(library: Library, query: str) -> Gone | None:
    """What replaced a name; for a bare one, in the first package that had it."""
    first, _, rest = query.partition(".")
    if first in library.releases:
        return what_became(library, query)
    starts = [item.name for item in lookup(library, first)]
    names = [f"{start}.{rest or query}" for start in starts] or [f"{package}.{query}" for package in library.releases]
    return next((gone for name in names if (gone := what_became(library, name))), None)


def _removed(gone: Gone) -> dict[str, Any]:
    removal = gone.removal
    return {
        "name": gone.name,
        "last": removal.last if removal else None,
        "gone": removal.gone if removal else None,
        "via": removal.via if removal else None,
        "via_last": removal.via_last if removal else None,
        "replacement": gone.replacement,
        "hint": gone.hint,
        "why": removal.why if removal else None,
        "sentence": gone.sentence(),
    }


def _entry(library: Library, found: Found) -> dict[str, Any]:
    release, signature = library.release_of(found.origin), found.signature
    module = found.origin.partition(":")[0]
    entry: dict[str, Any] = {
        "name": found.name,
        "kind": found.kind,
        "release": f"{release.package} {release.version}" if release else None,
        "module": module,
        "file": module.replace(".", "/") + ("/__init__.py" if release and release.is_package(module) else ".py"),
        "arguments": None,
        "open": None,
        "also_taken": [],
        "methods": [],
        "names": [],
    }
    if found.argument is not None:
        entry["arguments"] = [_argument(library, found.argument, found.owner)]
    if found.kind == "module" and release is not None:
        entry["names"] = sorted(name for name in release.names(module) if not name.startswith("_"))
    if signature is not None:
        owners = library.owners(found.origin) if found.kind == "class" else {}
        rows = [_argument(library, item, owners.get(item.name, found.origin)) for item in signature.arguments]
        for row in rows:
            # Arguments of a private base count as own: TRL's `_BaseConfig` changes three defaults of TrainingArguments.
            row["own"] = row["from"] == library.public_name(found.origin) or row["from"].rpartition(".")[2].startswith("_")
        entry["arguments"] = sorted(rows, key=lambda row: not row["own"])
        entry["open"] = signature.open
        entry["also_taken"] = sorted(taken(library, found.name, signature) - {item.name for item in signature.arguments})
    if signature is not None and found.kind == "class":  # own methods first, then each ancestor's
        entry["methods"] = list(dict.fromkeys(name for _, record in library.line(found.origin) for name in record.methods))
    return entry


def _argument(library: Library, item: Argument, owner: str) -> dict[str, Any]:
    return {**item._asdict(), "required": item.default is None, "from": library.public_name(owner), "own": True}


def _matches(library: Library, pattern: re.Pattern[str]) -> list[str]:
    """The names that match: those of the packages and their arguments first, then those of deeper modules.

    Each match occurs once, under its shortest name; arguments under the class or function that declares them.
    """
    stored = [release for release in library.releases.values() if isinstance(release, StoredRelease)]
    names = [name for release in stored for name in _matching_names(library, release, pattern)]
    arguments: list[str] = []
    for stored_release in stored:
        for origin, declared in stored_release.argument_names():
            matching = [argument for argument in declared if pattern.search(argument)]
            if matching and is_public(dotted := library.public_name(origin)):
                arguments += (f"{dotted}.{argument}" for argument in matching)
    offered = [name for name in names if name.count(".") == 1] + [name for name in arguments if name.count(".") == 2]
    return list(dict.fromkeys([*offered, *names, *arguments]))


def _matching_names(library: Library, release: StoredRelease, pattern: re.Pattern[str]) -> Iterator[str]:
    for module in sorted(filter(is_public, release.modules()), key=lambda module: (module.count("."), module)):
        for name in release.names(module):
            if pattern.search(name) and not name.startswith("_"):
                origin = library.follow(f"{module}:{name}")
                if library.release_of(origin) is release:
                    yield library.public_name(origin)
