"""The datasets a script loads by name, and the columns they really have, as `inspect_dataset` finds them in its own process."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any, NamedTuple

from ml_intern_helpers.analysis.values import Value, runtime
from ml_intern_helpers.core.text import clean
from ml_intern_helpers.preflight.context import ScriptContext

#: Builders of `datasets` that read files: what they load is named by `data_files`.
BUILDERS = frozenset({"json", "csv", "parquet", "text", "arrow", "imagefolder", "audiofolder", "webdataset"})
#: Datasets asked about in one check; each is a few requests.
_MOST = 3
_HUB_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9._-]+)?")
_PACKAGE = Path(__file__).resolve().parents[1]


class Loaded(NamedTuple):
    """One `load_dataset(…)`.

    Attributes:
        call: the call.
        value: the repository, or the one file of `data_files`.
    """

    call: ast.Call
    value: Value

    @property
    def id(self) -> str:
        """The name, "" when only the run decides."""
        return self.value.value if self.value.settled and isinstance(self.value.value, str) else ""


def loaded(context: ScriptContext) -> list[Loaded]:
    """What `load_dataset` is called with, in source order."""
    calls = context.calls.get("datasets.load_dataset", [])
    return [Loaded(call, _source(context, call)) for call in sorted(calls, key=lambda call: call.lineno)]


def _source(context: ScriptContext, call: ast.Call) -> Value:
    given = context.keywords(call).items
    if call.args and not isinstance(call.args[0], ast.Starred):
        path = context.constant(call.args[0])
    else:
        path = given["path"].value if "path" in given else runtime("its name is not spelt out")
    if not path.settled or path.value not in BUILDERS:
        return path
    files = given["data_files"].value if "data_files" in given else runtime(f"{path.value} files are not spelt out")
    if isinstance(files.value, dict) and len(files.value) == 1:
        files = files._replace(value=next(iter(files.value.values())))
    return files._replace(value=files.value[0]) if isinstance(files.value, list) and len(files.value) == 1 else files


def add_real_columns(context: ScriptContext, wanted: str, *, offline: bool, timeout_s: float) -> None:
    """Put the columns of what `load_dataset` loads into `script.inspected_columns`, or why not into `script.uninspected`.

    Args:
        wanted: `auto` for the Hub ids that the script names, else one id (or file) for the script's loading.
    """
    calls = loaded(context)
    if wanted == "auto":
        # Only ids of the Hub: a path in a strange script is no reason to open that file.
        chosen = [(one.id, one) for one in calls if _HUB_ID.fullmatch(one.id) and not Path(one.id).exists()]
    else:
        chosen = [(wanted, one) for one in calls if one.id in ("", wanted)]
    if not chosen:
        what = "names no Hub dataset in load_dataset" if wanted == "auto" else f"does not load {clean(wanted, limit=80)}"
        context.script.uninspected.append(f"the script {what}")
    for name in list(dict.fromkeys(name for name, _ in chosen))[:_MOST]:
        by_config: dict[str, list[ast.Call]] = {}
        for id_, one in chosen:
            if id_ == name:
                given, args = context.keywords(one.call).items, one.call.args
                value = given["name"].value.value if "name" in given else context.constant(args[1]).value if len(args) > 1 else ""
                by_config.setdefault(value if isinstance(value, str) else "", []).append(one.call)
        for config, loading in by_config.items():
            found = _inspected(name, config, offline=offline, timeout_s=timeout_s)
            if isinstance(found, str):
                context.script.uninspected.append(f"columns of {clean(name, limit=80)}: {found}")
            else:
                context.script.inspected_columns.update(dict.fromkeys(loading, (name, found)))


def _inspected(name: str, config: str, *, offline: bool, timeout_s: float) -> frozenset[str] | str:
    """The columns, or one clause why they cannot be determined."""
    import json
    import subprocess

    program = _program()
    if program is None:
        return "the helpers' environment is not here to ask inspect_dataset"
    options = ["--json", "--timeout", f"{timeout_s:g}"]
    options += ["--offline"] if offline else []
    options += ["--config", config] if config else []
    try:
        done = subprocess.run(
            [*program, "inspect_dataset", *options, "--", name],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, encoding="utf-8", errors="replace",
            timeout=timeout_s + 30, check=False,
        )  # fmt: skip
        report: Any = json.loads(done.stdout)
    except (OSError, subprocess.TimeoutExpired, ValueError) as err:
        return f"inspect_dataset gave no answer ({type(err).__name__})"
    error = report.get("error") if isinstance(report, dict) else None
    if not isinstance(report, dict) or error:
        return clean(error.get("message") if isinstance(error, dict) else "no answer", limit=160)
    names = [one["name"] for one in report.get("columns", []) if isinstance(one, dict) and isinstance(one.get("name"), str)]
    if not names or len(names) < int(report.get("columns_total") or 0):
        return "inspect_dataset does not list them all"
    return frozenset(names)


def _program() -> list[str] | None:
    """How the other helper is started: with this Python where it has what that helper needs, else through the launcher."""
    import importlib.util
    import sys

    if importlib.util.find_spec("requests") is not None:
        return [sys.executable, "-I", "-X", "utf8", str(_PACKAGE / "__main__.py")]
    launcher = _PACKAGE.parent.parent / "scripts" / "launch"
    return [str(launcher)] if launcher.is_file() else None
