"""The command `dry_run`: runs a training script here with a shrunk model, few rows and three steps, before it costs anything."""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from pathlib import Path
from typing import Any

from ml_intern_helpers.analysis.header import read_header
from ml_intern_helpers.analysis.requirements import is_requirement, parse_requirement
from ml_intern_helpers.analysis.source import Source, read_source
from ml_intern_helpers.cli.commands import Context
from ml_intern_helpers.core import tokens
from ml_intern_helpers.core.errors import UsageError
from ml_intern_helpers.core.report import Finding, Report, Status
from ml_intern_helpers.core.text import clean
from ml_intern_helpers.dryrun import environment, process, verdict
from ml_intern_helpers.dryrun.render import text_of
from ml_intern_helpers.dryrun.scratch import Scratch, scratch_copy

SUMMARY = "Run a training script on this CPU with a shrunk model, a few rows and three steps; nothing is uploaded or tracked."
EPILOG = """examples:
  dry_run train.py                                before `hf jobs uv run train.py`
  dry_run train.py -- --dataset you/data --lora   with the arguments that the real run will get
  dry_run train.py --with bitsandbytes            in an environment that also has bitsandbytes

The script itself runs, with its side effects on this machine; the working folder is a copy that is removed afterwards.
exit codes here: 0 PASS, 1 FAIL, 3 UNKNOWN with its reason"""
EMPTY_FIELDS: dict[str, Any] = {
    "path": None, "verdict": None, "reason": None, "environment": None, "seconds": None, "peak_bytes": None, "substitutions": [],
    "seen": [], "writes": [], "output_tail": None,
}  # fmt: skip
DEFAULT_TIMEOUT_S = 900.0
_LIMIT_S, _LIMIT_GB = 180.0, 6.0
_STEPS, _ROWS = 3, 200
_MAIN = Path(__file__).parent / "inside/main.py"
_PACKAGE = Path(__file__).parents[2]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("path", type=Path, metavar="PATH", help="a script (.py) or notebook (.ipynb)")
    parser.add_argument("arguments", nargs="*", metavar="-- ARGS", help="the script's own arguments, after --")
    parser.add_argument(
        "--with", dest="with_", action="append", default=[], metavar="REQ", help="a requirement beside the header's (repeatable)"
    )
    parser.add_argument("--python", metavar="PATH", help="the interpreter of the run, instead of an environment chosen here")
    parser.add_argument(
        "--limit", type=float, default=_LIMIT_S, metavar="S", help=f"seconds that the script may take ({_LIMIT_S:g})"
    )
    parser.add_argument("--memory", type=float, default=_LIMIT_GB, metavar="GB", help=f"memory that it may take ({_LIMIT_GB:g})")


def run(args: argparse.Namespace, context: Context) -> Report:
    if args.limit <= 0 or args.memory <= 0:
        raise UsageError("--limit and --memory must be above 0", hint="leave them out")
    wrong = next((text for text in args.with_ if not is_requirement(text)), None)
    if wrong is not None:
        raise UsageError(f"--with {clean(wrong, limit=80)!r} is not a requirement", hint="--with trl==1.16.0")
    source = read_source(args.path)
    header = read_header(source)
    requirements = [*header.requirements, *(parsed for text in args.with_ if (parsed := parse_requirement(text)) is not None)]
    try:
        chosen = environment.choose(requirements, args.python, context.deadline_s or DEFAULT_TIMEOUT_S)
    except environment.Unresolvable as err:
        return _unresolvable(args.path, header.line, str(err))
    context.progress(f"running {args.path} in {chosen.description}")
    notebook = args.path.suffix == ".ipynb"
    mentioned = "\n".join([*_texts_beside(args.path), *args.arguments])
    with scratch_copy(args.path, _code(source) if notebook else None, Path.cwd(), mentioned) as scratch:
        if scratch.left_out:
            context.warn(f"{scratch.left_out} files of the working folder were not copied: it has too many or too large files")
        return _report(args, context, chosen, scratch, bool(requirements))


def _code(source: Source) -> str:
    return "\n".join(source.lines)


def _texts_beside(path: Path) -> list[str]:
    """The texts in which the script may name Hub repositories: its own, and those of modules and configurations beside it."""
    beside = [file for pattern in ("*.py", "*.y*ml", "*.json") for file in sorted(path.parent.glob(pattern))[:50]]
    texts = []
    for file in [path, *beside]:
        try:
            texts.append(file.read_text(encoding="utf-8", errors="replace") if file.stat().st_size < 1_000_000 else "")
        except OSError:
            continue
    return texts


def _report(
    args: argparse.Namespace, context: Context, chosen: environment.Environment, scratch: Scratch, has_header: bool
) -> Report:
    events_file, output = scratch.folder / "events.jsonl", scratch.folder / "output.txt"
    spec = {
        "script": str(scratch.script), "argv": list(args.arguments), "work": str(scratch.work), "scratch": str(scratch.folder),
        "events": str(events_file), "folder": str(Path.cwd()), "package": str(_PACKAGE), "steps": _STEPS, "rows": _ROWS,
    }  # fmt: skip
    (scratch.folder / "spec.json").write_text(json.dumps(spec), encoding="utf-8")
    call = [chosen.python, "-X", "utf8", "-W", "ignore", str(_MAIN), str(scratch.folder / "spec.json")]
    ended = process.run(call, scratch.work, _variables(scratch, context.offline), output, args.limit, round(args.memory * 1e9))
    events, tail = _events(events_file), _tail(output, scratch)
    script = str(args.path)
    outcome = verdict.decide(events, ended, script, has_header, _stack_line(events_file, scratch), tail)
    findings = verdict.findings_of(events, script)
    if outcome.finding is not None and outcome.finding not in findings:
        findings.insert(0, outcome.finding)
    status: Status = {"PASS": "ok", "FAIL": "failed", "UNKNOWN": "unknown"}[outcome.verdict]  # type: ignore[assignment]
    fields = {
        "path": script,
        "verdict": outcome.verdict,
        "reason": _without_scratch(outcome.reason, scratch) or None,
        "environment": chosen.description,
        "seconds": round(ended.seconds, 1),
        "peak_bytes": ended.peak_bytes,
        "substitutions": [{"part": each["part"], "what": each["what"]} for each in events if each["kind"] == "substitution"],
        "seen": [each for each in events if each["kind"] in _SEEN],
        "writes": _writes(events),
        "output_tail": None if outcome.verdict == "PASS" else tail,
    }
    return Report("dry_run", status, fields, [_cleaned(finding, scratch) for finding in findings])


#: Events that are facts about the run.
_SEEN = (
    "model",
    "trainer",
    "trainable",
    "batch",
    "reward",
    "reward_spread",
    "schedule",
    "trained",
    "moved",
    "checkpoint",
    "resumed",
    "saved",
    "own_loop",
    "dropped",
    "unobserved",
    "limit",
)


def _cleaned(finding: Finding, scratch: Scratch) -> Finding:
    def text(value: str | None) -> str | None:
        return None if value is None else _without_scratch(value, scratch)

    message = _without_scratch(finding.message, scratch)
    return finding._replace(message=message, evidence=text(finding.evidence), fix=text(finding.fix))


def _without_scratch(text: str, scratch: Scratch) -> str:
    text = text.replace(f"{scratch.work}{os.sep}", "").replace(f"{scratch.folder}/outside", "")
    return text.replace(str(scratch.folder), "SCRATCH")


def _unresolvable(path: Path, line: int | None, message: str) -> Report:
    fix = "correct the requirements: the job resolves them in the same way"
    finding = Finding("DRY100", "error", f"the requirements cannot be resolved: {message}", file=str(path), line=line, fix=fix)
    fields = {"path": str(path), "verdict": "FAIL", "reason": "the requirements cannot be resolved"}
    return Report("dry_run", "failed", {**EMPTY_FIELDS, **fields}, [finding])


def _variables(scratch: Scratch, offline: bool) -> dict[str, str]:
    """The environment of the script: caches and temporary files in the scratch folder, no GPU, no tracker."""
    folder = str(scratch.folder)
    variables = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTHON", "WANDB", "MLFLOW", "COMET", "TRACKIO"))
    }
    variables |= {
        "HF_HOME": f"{folder}/hf",
        "HF_HUB_CACHE": f"{folder}/hf/hub",
        "HF_DATASETS_CACHE": f"{folder}/hf/datasets",
        "HF_XET_CACHE": f"{folder}/hf/xet",
        "TORCH_HOME": f"{folder}/torch",
        "TMPDIR": f"{folder}/tmp",
        "XDG_CACHE_HOME": f"{folder}/cache",
        "TRITON_CACHE_DIR": f"{folder}/triton",
        "MPLCONFIGDIR": f"{folder}/matplotlib",
        "PYTHONDONTWRITEBYTECODE": "1",
        "CUDA_VISIBLE_DEVICES": "",
        "TOKENIZERS_PARALLELISM": "false",
        "WANDB_MODE": "disabled",
        "COMET_MODE": "DISABLED",
        "MLFLOW_TRACKING_URI": f"file:{folder}/mlflow",
        "TRACKIO_DIR": f"{folder}/trackio",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "MPLBACKEND": "Agg",
        "ACCELERATE_USE_CPU": "true",
        "PYTHONFAULTHANDLER": "1",
    }
    (scratch.folder / "tmp").mkdir(exist_ok=True)
    token = tokens.hf_token()
    if token:
        variables["HF_TOKEN"] = token
    if offline:
        variables["HF_HUB_OFFLINE"] = "1"
    return variables


def _events(path: Path) -> list[verdict.Event]:
    """The events that were written; a last line cut off by a stop is left out."""
    events = []
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines() if path.is_file() else []:
        try:
            events.append(json.loads(line))
        except ValueError:
            continue
    return events


def _tail(path: Path, scratch: Scratch, limit: int = 1500) -> str:
    """The end of what the script printed, without progress bars and scratch paths."""
    if not path.is_file():
        return ""
    with path.open("rb") as file:
        file.seek(max(path.stat().st_size - 20_000, 0))
        text = file.read().decode("utf-8", "replace")
    lines = [line.rpartition("\r")[2] for line in text.splitlines()]
    kept = [line for line in lines if line.strip() and not re.search(r"\d+%\|", line)]
    return tokens.blanked(_without_scratch("\n".join(kept), scratch))[-limit:]


def _stack_line(events_file: Path, scratch: Scratch) -> int | None:
    """The script's line in the stack that the process wrote when it was stopped."""
    path = Path(f"{events_file}.stack")
    text = path.read_text(errors="replace") if path.is_file() else ""
    match = re.search(rf'File "{re.escape(str(scratch.script))}", line (\d+)', text)
    return int(match[1]) if match else None


def _writes(events: list[verdict.Event]) -> list[dict[str, Any]]:
    """What would have been created or sent, each kind once with its number."""
    counted: dict[tuple[Any, ...], int] = {}
    for event in events:
        if event["kind"] == "write":
            key = (event["method"], event["repo"], event["repo_type"], event["private"])
            counted[key] = counted.get(key, 0) + 1
    names = ("method", "repo", "repo_type", "private")
    return [{**dict(zip(names, key, strict=True)), "times": times} for key, times in counted.items()]


def render(report: Report) -> str:
    return text_of(report)


if __name__ == "__main__":
    sys.exit("use scripts/launch dry_run")
