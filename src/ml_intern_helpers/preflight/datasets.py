"""Finds the datasets that a script loads, and gets their real columns from `inspect_dataset`, run as a process of its own."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any, NamedTuple

from ml_intern_helpers.analysis.values import Value, runtime
from ml_intern_helpers.core.text import clean
from ml_intern_helpers.preflight.context import ScriptContext

#: Builders of `datasets` that read files; `data_files` names what they load.
BUILDERS = frozenset({"json", "csv", "parquet", "text", "arrow", "imagefolder", "audiofolder", "webdataset"})
#: The most datasets that one check inspects; each takes a few requests.
_MOST_DATASETS = 3
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
        """The repository or file; "" when it is known only at run time."""
        return self.value.value if self.value.settled and isinstance(self.value.value, str) else ""


def loaded(context: ScriptContext) -> list[Loaded]:
    """The calls of `load_dataset`, in source order."""
    calls = context.calls.get("datasets.load_dataset", [])
    return [Loaded(call, _source(context, call)) for call in sorted(calls, key=lambda call: call.lineno)]


def _source(context: ScriptContext, call: ast.Call) -> Value:
    keywords = context.keywords(call).items
    if call.args and not isinstance(call.args[0], ast.Starred):
        path = context.constant(call.args[0])
    else:
        path = keywords["path"].value if "path" in keywords else runtime("the script does not name the dataset")
    if not path.settled or path.value not in BUILDERS:
        return path
    files = keywords["data_files"].value if "data_files" in keywords else runtime(f"the script names no {path.value} files")
    if isinstance(files.value, dict) and len(files.value) == 1:
        files = files._replace(value=next(iter(files.value.values())))
    return files._replace(value=files.value[0]) if isinstance(files.value, list) and len(files.value) == 1 else files


def add_real_columns(context: ScriptContext, wanted: str, *, offline: bool, timeout_s: float) -> None:
    """Store the columns of loaded datasets in `script.inspected_columns`, or the reasons for gaps in `script.uninspected`.

    Args:
        wanted: `auto` for every Hub id that the script names, otherwise the one id (or file) that the script loads.
    """
    calls = loaded(context)
    if wanted == "auto":
        # Only Hub ids: no file is opened merely because an untrusted script names its path.
        chosen = [(load.id, load) for load in calls if _HUB_ID.fullmatch(load.id) and not Path(load.id).exists()]
    else:
        chosen = [(wanted, load) for load in calls if load.id in ("", wanted)]
    if not chosen:
        what = "names no Hub dataset in load_dataset" if wanted == "auto" else f"does not load {clean(wanted, limit=80)}"
        context.script.uninspected.append(f"the script {what}")
    for name in list(dict.fromkeys(name for name, _ in chosen))[:_MOST_DATASETS]:
        by_config: dict[str, list[ast.Call]] = {}
        for id_, load in chosen:
            if id_ == name:
                named, args = context.keywords(load.call).items, load.call.args
                value = named["name"].value.value if "name" in named else context.constant(args[1]).value if len(args) > 1 else ""
                by_config.setdefault(value if isinstance(value, str) else "", []).append(load.call)
        for config, config_calls in by_config.items():
            columns = _inspected_columns(name, config, offline=offline, timeout_s=timeout_s)
            if isinstance(columns, str):
                context.script.uninspected.append(f"columns of {clean(name, limit=80)}: {columns}")
            else:
                context.script.inspected_columns.update(dict.fromkeys(config_calls, (name, columns)))


def _inspected_columns(name: str, config: str, *, offline: bool, timeout_s: float) -> frozenset[str] | str:
    """The columns that inspect_dataset reports, or the reason why it does not."""
    import json
    import subprocess

    program = _program()
    if program is None:
        return "inspect_dataset cannot be started: the helpers' environment is not installed"
    options = ["--json", "--timeout", f"{timeout_s:g}"]
    options += ["--offline"] if offline else []
    options += ["--config", config] if config else []
    try:
        process = subprocess.run(
            [*program, "inspect_dataset", *options, "--", name],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, encoding="utf-8", errors="replace",
            timeout=timeout_s + 30, check=False,
        )  # fmt: skip
        report: Any = json.loads(process.stdout)
    except (OSError, subprocess.TimeoutExpired, ValueError) as err:
        return f"inspect_dataset returned no readable report ({type(err).__name__})"
    error = report.get("error") if isinstance(report, dict) else None
    if not isinstance(report, dict) or error:
        unreadable = "inspect_dataset returned no readable report"
        return clean(error.get("message") if isinstance(error, dict) else unreadable, limit=160)
    names = [item["name"] for item in report.get("columns", []) if isinstance(item, dict) and isinstance(item.get("name"), str)]
    if not names or len(names) < int(report.get("columns_total") or 0):
        return "inspect_dataset lists only some of them"
    return frozenset(names)


def _program() -> list[str] | None:
    """The command that starts helpers: this Python if the packages they need are installed, otherwise `scripts/launch`."""
    import importlib.util
    import sys

    if importlib.util.find_spec("requests") is not None:
        return [sys.executable, "-I", "-X", "utf8", str(_PACKAGE / "__main__.py")]
    launcher = _PACKAGE.parent.parent / "scripts" / "launch"
    return [str(launcher)] if launcher.is_file() else None
