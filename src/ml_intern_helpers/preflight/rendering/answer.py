"""The examination as the JSON answer's fields, and as the text that Claude reads."""

from __future__ import annotations

import ast
from typing import Any

from ml_intern_helpers.analysis.names import dotted
from ml_intern_helpers.core.report import Report, Status, render_finding
from ml_intern_helpers.core.text import clean
from ml_intern_helpers.preflight.examine import Examination
from ml_intern_helpers.preflight.facts import Facts
from ml_intern_helpers.preflight.settled import next_step
from ml_intern_helpers.preflight.shortened import checklist_rows, collapsed, without_repeats

_STATES = {"pass": "pass", "fail": "FAIL", "unknown": "unknown", "set_at_run_time": "run time", "fill_in": "FILL IN"}
#: Lines shown of what could not be told.
_UNKNOWNS_SHOWN = 8
#: Launch settings are texts, lists and tables of texts; deeper and larger is not repeated.
_DEEPEST = 4
_LARGEST = 10**18


def fields_of(found: Examination, status: Status) -> dict[str, Any]:
    """The command's own keys; see docs/schemas/preflight_check.v1.json."""
    facts = found.facts
    return {
        "path": clean(str(facts.source.path), limit=300),
        "mode": facts.mode,
        "verdict": verdict(found, status),
        "method": clean(facts.training.method, limit=100) or None,
        "adapter": adapter(facts),
        "smoke_run_steps": facts.smoke[0] if facts.smoke else None,
        "checklist": [item.to_dict() for item in found.checklist],
        "slots": sum(item.state == "fill_in" for item in found.checklist),
        "unknowns": [_unknown(facts, line, reason) for line, reason in found.unknowns],
        "suppressed": [{"code": one.code, "line": one.line, "reason": one.reason} for one in found.suppressed],
        "header": _header(facts),
        "releases": _releases(facts),
        "launches": [],
        "explanation": None,
    }


def _unknown(facts: Facts, line: int | None, reason: str) -> dict[str, Any]:
    """A notebook's lines are counted by the cell, as findings count them."""
    if line is None or facts.source.cells is None:
        return {"line": line, "reason": reason}
    file, inside = facts.source.where(line)
    return {"line": inside, "reason": f"{file[file.rindex('[') :]} {reason}"}


def verdict(found: Examination, status: Status) -> str:
    """`PASS with 2 slots to fill: train.py (SFT, LoRA; jobs)`."""
    slots = sum(item.state == "fill_in" for item in found.checklist)
    unclear = sum(item.state == "unknown" for item in found.checklist)
    counts = [
        (found.number_of("error"), "error"),
        (found.number_of("warning"), "warning"),
        (slots, "slot"),
        (unclear, "unknown line"),
    ]
    word = {"failed": "FAIL", "unknown": "COULD NOT TELL"}.get(status, "PASS")
    said = [f"{count} {name}{'s' if count > 1 else ''}{' to fill' if name == 'slot' else ''}" for count, name in counts if count]
    facts = found.facts
    what = ", ".join(part for part in (facts.training.method or "no training", adapter(facts)) if part)
    judged, built = len(facts.trainers), facts.training.built
    smoke = f"; first {judged} of {built} trainers" if built > judged else ""
    smoke += f"; smoke run of {facts.smoke[0]} steps" if facts.smoke else ""
    return clean(f"{word}{' with ' if said else ''}{', '.join(said)}: {facts.source.path.name} ({what}{smoke}; {facts.mode})")


def adapter(facts: Facts) -> str | None:
    """`LoRA`, `LoRA if --lora`, or None for full training and for what cannot be seen."""
    for trainer in facts.trainers:
        setting = trainer.entries.items.get("peft_config")
        if setting is None or (setting.value.state == "known" and setting.value.value is None):
            continue
        if isinstance(setting.node, ast.IfExp):
            return f"LoRA if `{facts.source.segment(setting.node.test, 30)}`"
        return "LoRA"
    wrapped = any(
        target.name == "peft.get_peft_model" for call in facts.script.calls if (target := dotted(facts.script, call.func))
    )
    return "LoRA" if wrapped else None


def _header(facts: Facts) -> dict[str, Any] | None:
    header = facts.own_header
    if header.line is None:
        return None
    jobs = header.jobs or {}
    # Values of `env` may be secrets; the names are enough.
    shown = {key: (sorted(value) if isinstance(value, dict) else []) if key == "env" else value for key, value in jobs.items()}
    return {
        "line": header.line,
        "dependencies": [clean(one.text, limit=200) for one in header.requirements],
        "requires_python": clean(header.requires_python, limit=60) if header.requires_python else None,
        "hf_jobs": _cleaned(shown),
    }


def _releases(facts: Facts) -> dict[str, Any]:
    """What each indexed library that the script needed was judged against, or why it was not."""
    facts.offers.chosen.choice("trl"), facts.offers.chosen.choice("transformers")
    return {
        one.package: {
            "version": one.version,
            "judged": one.release is not None,
            "source": clean(one.source, limit=100),
            "why": clean(one.why, limit=300),
        }
        for one in facts.offers.chosen.chosen
    }


def _cleaned(value: Any, deep: int = 0) -> Any:
    """A TOML value as JSON, every text in it on one line; what no launch setting can be becomes text."""
    if isinstance(value, dict) and deep < _DEEPEST:
        return {clean(key, limit=60): _cleaned(item, deep + 1) for key, item in value.items()}
    if isinstance(value, list) and deep < _DEEPEST:
        return [_cleaned(item, deep + 1) for item in value]
    if isinstance(value, (dict, list)):
        return "…"
    if isinstance(value, int) and abs(value) > _LARGEST:  # a number of 4,300 digits cannot be printed
        return "…"
    return value if isinstance(value, (int, float)) else clean(value, limit=200)


def text_of(report: Report) -> str:
    """Verdict, checklist, findings, what could not be told."""
    return "\n".join([report.fields["verdict"], *checklist_lines(report.fields["checklist"], report), *tail_of(report)])


def checklist_lines(items: list[dict[str, Any]], report: Report) -> list[str]:
    return [_line(item) for item in checklist_rows(items, report.findings)]


def tail_of(report: Report) -> list[str]:
    """What follows the checklist: findings, what could not be told, what was suppressed, the releases, what next."""
    fields = report.fields
    findings = [render_finding(finding) for finding in without_repeats(report.findings)]
    lines = ["", *findings] if findings else []
    lines += _unknowns(fields["unknowns"])
    lines += [f"suppressed: {one['code']} line {one['line']}: {one['reason']}" for one in fields["suppressed"]]
    return [*lines, "", *_judged_against(fields["releases"]), *_next(report)]


def _judged_against(releases: dict[str, Any]) -> list[str]:
    judged = {name: one for name, one in releases.items() if one["judged"]}
    by_source: dict[str, list[str]] = {}
    for name, one in judged.items():
        by_source.setdefault(one["source"], []).append(f"{name} {one['version']}")
    said = [f"{', '.join(names)} ({source})" for source, names in by_source.items()]
    against = f"judged against {'; '.join(said)}; " if said else ""
    return [f"{against}`preflight_check --explain CODE` says why a rule exists"]


def _next(report: Report) -> list[str]:
    return [next_step([one["reason"] for one in report.fields["unknowns"]])] if report.status == "unknown" else []


def _line(item: dict[str, Any]) -> str:
    text = item["evidence"] or item["reason"]
    return f"  [{_STATES[item['state']]:>8}] {item['label']}: {text}"


def _unknowns(unknowns: list[dict[str, Any]]) -> list[str]:
    if not unknowns:
        return []
    told = collapsed(unknowns)
    shown = [f"  {_where(line)}{reason}" for line, reason in told[:_UNKNOWNS_SHOWN]]
    more = len(told) - len(shown)
    return ["", "what I could not tell:", *shown, *([f"  … {more} more: --json lists them"] if more else [])]


def _where(line: int | None) -> str:
    return "" if line is None else f"line {line}: "
