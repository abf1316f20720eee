"""The terms of a task as command-line options and as JSON."""

from __future__ import annotations

import argparse
import difflib
import json
import math
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ml_intern_helpers.core.errors import UsageError
from ml_intern_helpers.core.text import clean
from ml_intern_helpers.runs.agreeing import TERMS, UNSAID
from ml_intern_helpers.runs.contract import MAX_BYTES
from ml_intern_helpers.runs.task_schema import ADAPTERS, METHODS, PLACES, TRACKERS
from ml_intern_helpers.runs.when import seconds

#: What a text stands for on the command line where a term may be absent.
_NONE = ("none", "null", "")
#: Entries of a task file that are bookkeeping: `task show --json` may be edited and given back.
_KEPT_BY_US = {"schema", "id", "state", "agreed_at", "closed_at", "history", "status", "findings", "warnings", "error"}
_KEPT_BY_US |= {"path", "ends_at", "written", "changes", "faults"}


def add_terms(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("terms (for agree and change)")
    group.add_argument("--request", metavar="TEXT", help="the user's words")
    group.add_argument("--method", choices=METHODS)
    group.add_argument("--adapter", choices=ADAPTERS, help="full training, or which adapter")
    group.add_argument("--base-model", metavar="ID[,revision=R]", help="Qwen/Qwen3-0.6B,revision=main")
    group.add_argument(
        "--dataset", action="append", metavar="ID[,config=C][,split=S][,revision=R]", help="repeatable; replaces all of them"
    )
    group.add_argument("--max-length", metavar="TOKENS|none", help="none where the method has none")
    group.add_argument("--effective-batch", metavar="ROWS", help="per device x accumulation x processes")
    group.add_argument("--tracking", choices=TRACKERS)
    group.add_argument("--project", metavar="NAME|none", help="Trackio project")
    group.add_argument("--space", metavar="ID|none", help="Trackio Space; none: local")
    group.add_argument("--hub-id", metavar="ID|none", help="where the model is uploaded; none: nowhere")
    private = group.add_mutually_exclusive_group()
    private.add_argument("--private", action="store_true", default=None, help="the model's repository is private (default)")
    private.add_argument("--public", dest="private", action="store_false", help="… is public")
    group.add_argument("--where", choices=PLACES)
    group.add_argument("--account", metavar="NAME|none", help="user or organisation that pays for jobs")
    group.add_argument("--spend-cap", metavar="USD", help="for all runs of the task together; default 0: no paid job")
    group.add_argument("--spend-cap-day", metavar="USD|none", help="within any 24 hours")
    group.add_argument("--deadline", metavar="TIME|none", help="2026-12-01T18:00:00Z")
    group.add_argument("--time-budget", metavar="SPAN|none", help="counted from the agreement: 90m, 2h, 1h30m")
    group.add_argument("--from", dest="json_file", metavar="FILE", help="a JSON object with terms, - for stdin; options win")


def terms_of(args: argparse.Namespace, on_file: Mapping[str, Any]) -> dict[str, Any]:
    """The terms that were given; parts of `tracking` and `hub` complete those of `on_file`.

    Raises:
        UsageError: an option or the JSON is malformed, or names what is no term.
    """
    found = _from_json(args.json_file) if args.json_file else {}
    for name, option in (("request", "request"), ("method", "method"), ("adapter", "adapter"), ("where", "where")):
        _put(found, name, getattr(args, option))
    if args.base_model is not None:
        found["base_model"] = _repository(args.base_model, ("revision",))
    if args.dataset:
        found["datasets"] = [_repository(one, ("config", "split", "revision")) for one in args.dataset]
    _put_figures(found, args)
    _put(found, "account", args.account, _absent)
    _put(found, "deadline", args.deadline, _absent)
    _put(found, "time_budget_s", args.time_budget, lambda text: None if text in _NONE else seconds(text))
    tracking = {"tool": args.tracking, "project": args.project, "space_id": args.space}
    _put_parts(found, "tracking", tracking, on_file)
    _put_parts(found, "hub", {"model_id": args.hub_id, "private": args.private}, on_file)
    return found


def _put(found: dict[str, Any], name: str, given: Any, read: Any = lambda value: value) -> None:
    if given is not None:
        found[name] = read(given)


def _put_figures(found: dict[str, Any], args: argparse.Namespace) -> None:
    _put(found, "max_length", args.max_length, lambda text: _figure("--max-length", text, whole=True))
    _put(found, "effective_batch", args.effective_batch, lambda text: _figure("--effective-batch", text, whole=True))
    _put(found, "spend_cap_usd", args.spend_cap, lambda text: _figure("--spend-cap", text))
    _put(found, "spend_cap_usd_per_day", args.spend_cap_day, lambda text: _figure("--spend-cap-day", text))


def _absent(text: str) -> str | None:
    return None if text.strip().lower() in _NONE else text.strip()


def _figure(option: str, text: str, *, whole: bool = False) -> float | int | None:
    if text.strip().lower() in _NONE:
        return None
    try:
        value: float | int = int(text) if whole else float(text.removeprefix("$"))
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        kind = "a whole number" if whole else "a number of dollars"
        raise UsageError(f"{option} {clean(text, limit=60)!r} is not {kind}", hint="give digits, or none")
    return value


def _repository(text: str, parts: tuple[str, ...]) -> dict[str, Any]:
    """`owner/name,split=train` as an entry; a comma in a path stays where no part's name follows it."""
    name, *rest = text.split(",")
    found: dict[str, Any] = {"id": "", **{part: None for part in parts if part != "revision"}, "revision": "main"}
    for piece in rest:
        key, sign, value = piece.partition("=")
        if sign and key.strip() in parts:
            found[key.strip()] = value.strip() or None
        elif sign and key.strip().isidentifier():
            told = f"{clean(text, limit=100)!r}: {clean(key, limit=40)!r} is no part of it"
            raise UsageError(told, hint=f"parts: {', '.join(parts)}")
        else:
            name += f",{piece}"
    return {**found, "id": name.strip(), "revision": found["revision"] or "main"}


def _put_parts(found: dict[str, Any], name: str, given: dict[str, Any], on_file: Mapping[str, Any]) -> None:
    """Options that each set one part of an object; what they leave is as in the JSON, else as on file, else as unsaid."""
    said = {part: _absent(value) if isinstance(value, str) and part != "tool" else value for part, value in given.items()}
    changed = {part: said[part] for part, value in given.items() if value is not None}
    if changed:
        before = found.get(name, on_file.get(name))
        found[name] = {**UNSAID[name], **(before if isinstance(before, dict) else {}), **changed}
    if name == "tracking" and changed.get("tool") == "none":
        found[name] |= {"project": changed.get("project"), "space_id": changed.get("space_id")}


def _from_json(name: str) -> dict[str, Any]:
    try:
        data = sys.stdin.buffer.read(MAX_BYTES + 1) if name == "-" else _head(Path(name))
        values = json.loads(data)
    except (OSError, ValueError, RecursionError, AttributeError) as err:
        why = err.strerror if isinstance(err, OSError) else err
        raise UsageError(f"--from {clean(name, limit=200)}: {clean(why, limit=120)}", hint="give a JSON object") from err
    if not isinstance(values, dict):
        raise UsageError(f"--from {clean(name, limit=200)} holds no JSON object", hint='{"method": "sft", …}')
    strange = [key for key in values if key not in TERMS and key not in _KEPT_BY_US]
    if strange:
        near = difflib.get_close_matches(strange[0], TERMS, 1)
        hint = f"did you mean {near[0]}?" if near else f"terms: {', '.join(TERMS)}"
        raise UsageError(f"--from: {clean(strange[0], limit=60)!r} is no term of a task", hint=hint)
    return {key: value for key, value in values.items() if key in TERMS}


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise ValueError(f"larger than {MAX_BYTES // 1024} KiB")
    return data
