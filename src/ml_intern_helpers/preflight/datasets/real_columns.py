"""The columns that the script's datasets really have, asked of `inspect_dataset` in a process of its own."""

from __future__ import annotations

import importlib.util
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from ml_intern_helpers.core.text import clean
from ml_intern_helpers.preflight.datasets.loaded import Loaded, loaded
from ml_intern_helpers.preflight.facts import Facts

#: Datasets asked about in one check; each is a few requests.
_MOST = 3
_HUB_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9._-]+)?")
_PACKAGE = Path(__file__).resolve().parents[2]


def ask_for_columns(facts: Facts, wanted: str, *, offline: bool, timeout_s: float) -> None:
    """Put the columns of what `load_dataset` loads into `facts.script.real`, or why not into `facts.script.not_asked`.

    Args:
        wanted: `auto` for the Hub ids that the script names, else one id (or file) for the script's loading.
    """
    calls = loaded(facts)
    chosen = _named(calls) if wanted == "auto" else [(wanted, one) for one in calls if one.id in ("", wanted)]
    if not chosen:
        what = "names no Hub dataset in load_dataset" if wanted == "auto" else f"does not load {clean(wanted, limit=80)}"
        facts.script.not_asked.append(f"the script {what}")
    for name in list(dict.fromkeys(name for name, _ in chosen))[:_MOST]:
        for config, ones in _by_config(facts, [one for id_, one in chosen if id_ == name]).items():
            found = _inspected(name, config, offline=offline, timeout_s=timeout_s)
            if isinstance(found, str):
                facts.script.not_asked.append(f"columns of {clean(name, limit=80)}: {found}")
            else:
                facts.script.real.update(dict.fromkeys((one.call for one in ones), (name, found)))


def _named(calls: list[Loaded]) -> list[tuple[str, Loaded]]:
    """Only ids of the Hub: a path in a strange script is no reason to open that file."""
    return [(one.id, one) for one in calls if one.id and _HUB_ID.fullmatch(one.id) and not Path(one.id).exists()]


def _by_config(facts: Facts, ones: list[Loaded]) -> dict[str, list[Loaded]]:
    found: dict[str, list[Loaded]] = {}
    for one in ones:
        given = facts.keywords(one.call).items
        value = given["name"].value if "name" in given else facts.constant(one.call.args[1]) if len(one.call.args) > 1 else None
        found.setdefault(value.value if value and isinstance(value.value, str) else "", []).append(one)
    return found


def _inspected(name: str, config: str, *, offline: bool, timeout_s: float) -> frozenset[str] | str:
    """The columns, or one clause why they cannot be told."""
    options = [
        "--json",
        "--timeout",
        f"{timeout_s:g}",
        *(["--offline"] if offline else []),
        *(["--config", config] if config else []),
    ]
    program = _program()
    if program is None:
        return "the helpers' environment is not here to ask inspect_dataset"
    try:
        done = subprocess.run(
            [*program, "inspect_dataset", *options, "--", name],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, encoding="utf-8", errors="replace",
            timeout=timeout_s + 30, check=False,
        )  # fmt: skip
        answer: Any = json.loads(done.stdout)
    except (OSError, subprocess.TimeoutExpired, ValueError) as err:
        return f"inspect_dataset gave no answer ({type(err).__name__})"
    return _columns(answer)


def _columns(answer: Any) -> frozenset[str] | str:
    if not isinstance(answer, dict) or answer.get("error"):
        error = answer.get("error") if isinstance(answer, dict) else None
        return clean(error.get("message") if isinstance(error, dict) else "no answer", limit=160)
    names = [one["name"] for one in answer.get("columns", []) if isinstance(one, dict) and isinstance(one.get("name"), str)]
    if not names or len(names) < int(answer.get("columns_total") or 0):
        return "inspect_dataset does not list them all"
    return frozenset(names)


def _program() -> list[str] | None:
    """How the other helper is started: with this Python where it has what that helper needs, else through the launcher."""
    if importlib.util.find_spec("requests") is not None:
        return [sys.executable, "-I", "-X", "utf8", str(_PACKAGE / "__main__.py")]
    launcher = _PACKAGE.parent.parent / "scripts" / "launch"
    return [str(launcher)] if launcher.is_file() else None
