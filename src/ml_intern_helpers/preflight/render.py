"""Renders an examination: as the fields of the JSON report, as the text that Claude reads, and as SARIF.

The text states each fact once, while the JSON repeats it for every item. `fix` makes the fourth form, a diff.
"""

from __future__ import annotations

import ast
import json
from typing import Any

from ml_intern_helpers import __version__
from ml_intern_helpers.analysis.names import dotted
from ml_intern_helpers.core.report import Finding, Report, Severity, Status, render_finding
from ml_intern_helpers.core.text import clean
from ml_intern_helpers.preflight.checklist import Item
from ml_intern_helpers.preflight.context import ScriptContext
from ml_intern_helpers.preflight.examine import Examination
from ml_intern_helpers.preflight.registry import all_rules

_WORDS = {"failed": "FAIL", "unknown": "COULD NOT TELL"}
_STATES = {"pass": "pass", "fail": "FAIL", "unknown": "unknown", "set_at_run_time": "run time", "fill_in": "FILL IN"}
_LEVELS = {"error": "error", "warning": "warning", "info": "note"}  # of SARIF
#: The most reasons shown for what could not be determined.
_UNKNOWNS_SHOWN = 8
#: Launch settings that are nested deeper, and integers that are larger, are shown as `…`.
_DEEPEST = 4
_LARGEST = 10**18


class PrintedReport(Report):
    """A report whose text form is `printed` (SARIF or a diff) and not that of `text_of`."""

    def __init__(self, report: Report, printed: str) -> None:
        super().__init__(report.command, report.status, report.fields, report.findings)
        self.printed = printed


def fields_of(examination: Examination, status: Status) -> dict[str, Any]:
    """The command's own keys; see docs/schemas/preflight_check.v1.json."""
    context = examination.context
    called = {target.name.rpartition(".")[2] for call in context.script.calls if (target := dotted(context.script, call.func))}
    parser = next((name for name in ("TrlParser", "HfArgumentParser") if name in called), None)
    unknowns = []
    for line, reason in examination.unknowns:  # a notebook's lines are counted by the cell, as findings count them
        cell, inside = context.source.position(line)
        unknowns.append({"line": inside, "reason": f"[cell {cell}] {reason}" if cell else reason})
    return {
        "path": clean(str(context.source.path), limit=300),
        "mode": context.mode,
        "verdict": _verdict(examination, status),
        "method": clean(context.training.method, limit=100) or None,
        "adapter": adapter(context),
        "smoke_run_steps": context.smoke[0] if context.smoke else None,
        "checklist": [fields_of_item(item) for item in examination.checklist],
        "slots": sum(item.state == "fill_in" for item in examination.checklist),
        "unknowns": unknowns,
        "suppressed": [{"code": item.code, "line": item.line, "reason": item.reason} for item in examination.suppressed],
        "settings_from": parser or ("config file" if context.script.given.options.unread else None),
        "header": _fields_of_header(context),
        "releases": _fields_of_releases(context),
        "launches": [],
        "explanation": None,
    }


def fields_of_item(item: Item, *, places: bool = True) -> dict[str, Any]:
    """A line of the checklist as a JSON object, with or without the places of its evidence."""
    text = item.text(places=places)
    return {
        "id": item.id,
        "label": item.label,
        "state": item.state,
        "evidence": text if item.state == "pass" else None,
        "reason": None if item.state == "pass" else text,
        "fix": item.fix,
        "codes": list(item.codes),
    }


def _verdict(examination: Examination, status: Status) -> str:
    """`PASS with 2 slots to fill: train.py (SFT, LoRA; jobs)`."""
    context = examination.context
    counts = [
        (examination.number_of("error"), "error", ""),
        (examination.number_of("warning"), "warning", ""),
        (sum(item.state == "fill_in" for item in examination.checklist), "slot", " to fill"),
        (sum(item.state == "unknown" for item in examination.checklist), "unknown line", ""),
    ]
    examined, built = len(context.trainers), context.training.built
    limited = f"; first {examined} of {built} trainers" if built > examined else ""
    what = f"{method_and_adapter(context, 'no training')}{limited}{smoke_run(context)}; {context.mode}"
    return clean(f"{headline(status, counts)}: {context.source.path.name} ({what})")


def headline(status: Status, counts: list[tuple[int, str, str]]) -> str:
    """`FAIL with 1 error, 2 slots to fill`; `counts` are (number, noun, what follows the noun)."""
    counted = [f"{count} {noun}{'s' if count > 1 else ''}{after}" for count, noun, after in counts if count]
    return f"{_WORDS.get(status, 'PASS')}{' with ' if counted else ''}{', '.join(counted)}"


def method_and_adapter(context: ScriptContext, nothing: str) -> str:
    return ", ".join(part for part in (context.training.method or nothing, adapter(context)) if part)


def smoke_run(context: ScriptContext) -> str:
    return f"; smoke run of {context.smoke[0]} steps" if context.smoke else ""


def adapter(context: ScriptContext) -> str | None:
    """`LoRA`, `LoRA if --lora`, or None for full training and where no adapter can be seen."""
    for trainer in context.trainers:
        setting = trainer.entries.items.get("peft_config")
        if setting is None or (setting.value.state == "known" and setting.value.value is None):
            continue
        if isinstance(setting.node, ast.IfExp):
            return f"LoRA if `{context.source.segment(setting.node.test, 30)}`"
        return "LoRA"
    wrapped = any(
        target.name == "peft.get_peft_model" for call in context.script.calls if (target := dotted(context.script, call.func))
    )
    return "LoRA" if wrapped else None


def _fields_of_header(context: ScriptContext) -> dict[str, Any] | None:
    header = context.own_header
    if header.line is None:
        return None
    jobs = header.jobs or {}
    # Values of `env` may be secrets; the names are enough.
    shown = {key: (sorted(value) if isinstance(value, dict) else []) if key == "env" else value for key, value in jobs.items()}
    return {
        "line": header.line,
        "dependencies": [clean(requirement.text, limit=200) for requirement in header.requirements],
        "requires_python": clean(header.requires_python, limit=60) if header.requires_python else None,
        "hf_jobs": _cleaned(shown),
    }


def _fields_of_releases(context: ScriptContext) -> dict[str, Any]:
    """The release that each indexed library of the script was judged against, or why it was not judged."""
    context.offers.chosen.choice("trl"), context.offers.chosen.choice("transformers")
    return {
        choice.package: {
            "version": choice.version,
            "judged": choice.release is not None,
            "source": clean(choice.source, limit=100),
            "why": clean(choice.why, limit=300),
        }
        for choice in context.offers.chosen.chosen
    }


def _cleaned(value: Any, depth: int = 0) -> Any:
    """A TOML value as JSON, with every text on one line; values of other types, such as dates, become text."""
    if isinstance(value, dict) and depth < _DEEPEST:
        return {clean(key, limit=60): _cleaned(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list) and depth < _DEEPEST:
        return [_cleaned(item, depth + 1) for item in value]
    if isinstance(value, (dict, list)):
        return "…"
    if isinstance(value, int) and abs(value) > _LARGEST:  # a number of 4,300 digits cannot be printed
        return "…"
    return value if isinstance(value, (int, float)) else clean(value, limit=200)


def text_of(report: Report) -> str:
    """The text form: verdict, checklists, findings, unknowns, suppressed findings, releases, and the next step."""
    fields = report.fields
    lines = [fields["verdict"]]
    if fields["launches"]:
        for launch in fields["launches"]:
            lines += [*_lines_of_launch(launch), *_checklist_lines(launch["checklist"], report.findings)]
    else:
        lines += _checklist_lines(fields["checklist"], report.findings)
    findings = [render_finding(finding) for finding in without_repeats(report.findings)]
    lines += ["", *findings] if findings else []
    lines += _unknown_lines(fields["unknowns"])
    lines += [f"suppressed: {item['code']} line {item['line']}: {item['reason']}" for item in fields["suppressed"]]
    by_source: dict[str, list[str]] = {}
    for name, release in fields["releases"].items():
        if release["judged"]:
            by_source.setdefault(release["source"], []).append(f"{name} {release['version']}")
    against = "; ".join(f"{', '.join(names)} ({source})" for source, names in by_source.items())
    judged = f"judged against {against}; " if against else ""
    lines += ["", f"{judged}`preflight_check --explain CODE` says why a rule exists"]
    if report.status == "unknown":
        step = "look up the unknown settings where they are defined, or write them into the config's call, and check again"
        if fields["settings_from"]:
            through = f"the settings come through the {fields['settings_from']}"
            step = f"{through}: give --config FILE, or the command line with --launch '…'"
        lines.append(f"next: {step}")
    return "\n".join(lines)


def _lines_of_launch(entry: dict[str, Any]) -> list[str]:
    """The entry of `launch_check.fields_of_launch` in three to six lines."""
    from ml_intern_helpers.launches.words import masked, quoted

    script = [entry["script"]] if entry["script"] and entry["script_kind"] != "trl" else []
    lines = [f"launch{entry['place']}: {entry['launcher']} -> {masked(quoted([*script, *entry['arguments']]), 140)}"]
    packages = f", packages: {' '.join(entry['packages'])}" if entry["packages"] else ""
    if entry["mode"] == "jobs":
        lines += _lines_of_job(entry, packages)
    else:
        processes = f", {entry['processes']} processes" if entry["processes"] else ""
        lines.append(f"  runs on  this machine{processes}{packages}")
    if entry["mode"] == "jobs" or entry["env"]:
        env, secrets = ", ".join(entry["env"]) or "no variables", ", ".join(entry["secrets"]) or "none"
        lines.append(f"  gets     env: {env}; secrets: {secrets}")
    lines += [f"  mounts   {', '.join(entry['volumes'])}"] if entry["volumes"] else []
    lines += [f"  not read {entry['not_read']}"] if entry["not_read"] else []
    return lines + [f"  note     {note}" for note in entry["notes"]]


def _lines_of_job(entry: dict[str, Any], packages: str) -> list[str]:
    from ml_intern_helpers.indexes.jobs import FLAVORS

    cards, card = FLAVORS.get(entry["flavor"] or "", (0, ""))
    hardware = f" ({cards} x {card})" if cards else ""
    seconds, cost = entry["timeout_s"], entry["cost"]
    duration = "an unknown time" if not seconds else f"{seconds / 3600:g} h" if seconds >= 3600 else f"{seconds / 60:g} min"
    default = "" if entry["timeout"] or not seconds else " (the server's default)"
    price = ""
    if cost is not None:
        most = f"at most ${cost['most_usd']:.2f}, " if cost["most_usd"] is not None else ""
        price = f": {most}${cost['usd_per_hour']:.2f}/h as of {cost['as_of']} (now: `hf jobs hardware`)"
    python = f", python {entry['python']}" if entry["python"] else ""
    account = f"the account {entry['namespace']}" if entry["namespace"] else "the account that is logged in"
    schedule = f"; scheduled: {entry['schedule']}" if entry["schedule"] else ""
    return [
        f"  job      {entry['flavor'] or 'unknown flavor'}{hardware} for at most {duration}{default}{price}",
        f"  runs in  {entry['image'] or 'an image that is not known here'}{python}{packages}",
        f"  paid by  {account}{schedule}",
    ]


def _checklist_lines(items: list[dict[str, Any]], findings: list[Finding]) -> list[str]:
    """One line for each item: a failed one names the findings below, and items unknown for the same reason share a line."""
    rows: list[tuple[str, str, list[str]]] = []
    for item in items:
        named = dict.fromkeys(finding.code for finding in findings if finding.code in item["codes"])
        text = f"{', '.join(named)}, below" if named else item["evidence"] or item["reason"]
        alike = next((labels for state, shown, labels in rows if state == item["state"] == "unknown" and shown == text), None)
        if alike is None:
            rows.append((item["state"], text, [item["label"]]))
        else:
            alike.append(item["label"])
    lines = []
    for state, text, labels in rows:
        label = labels[0] if len(labels) == 1 else f"{len(labels)} lines ({', '.join(labels)})"
        lines.append(f"  [{_STATES[state]:>8}] {label}: {text}")
    return lines


def without_repeats(findings: list[Finding]) -> list[Finding]:
    """The findings, with each source line quoted only at its first finding."""
    seen: set[tuple[str | None, int | None, str | None]] = set()
    shown = []
    for finding in findings:
        quoted = (finding.file, finding.line, finding.evidence)
        shown.append(finding._replace(evidence=None) if quoted in seen else finding)
        seen.add(quoted)
    return shown


def _unknown_lines(unknowns: list[dict[str, Any]]) -> list[str]:
    """What could not be determined: each reason once, with its count and its first line."""
    places: dict[str, list[int | None]] = {}
    for item in unknowns:
        places.setdefault(item["reason"], []).append(item["line"])
    lines = []
    for reason, at in list(places.items())[:_UNKNOWNS_SHOWN]:
        where = "" if at[0] is None else f"line {at[0]}: "
        lines.append(f"  {where}{reason}" + (f" ({len(at)} times)" if len(at) > 1 else ""))
    more = len(places) - len(lines)
    lines += [f"  … {more} more: --json lists them"] if more else []
    return ["", "what I could not tell:", *lines] if lines else []


def sarif(examination: Examination) -> str:
    """SARIF 2.1.0, for code hosts that show findings beside the lines.

    It holds every rule, a result for each finding and suppression, and a notification for each unknown, so that an empty list
    of results is not mistaken for a complete check.
    """
    source, rules = examination.context.source, all_rules()
    codes = list(rules)
    results: list[dict[str, Any]] = []
    notifications: list[dict[str, Any]] = []

    def result(code: str, severity: Severity, text: str, location: dict[str, Any]) -> dict[str, Any]:
        number, level = codes.index(code), _LEVELS[severity]
        return {"ruleId": code, "ruleIndex": number, "level": level, "message": {"text": text}, "locations": [location]}

    for finding in examination.findings:
        text = finding.message + (f"\nFix: {finding.fix}" if finding.fix else "")
        location = _location(examination, finding.cell, finding.line, finding.column)
        results.append(result(finding.code, finding.severity, text, location))
    for suppressed in examination.suppressed:
        rule, location = rules[suppressed.code], _location(examination, *source.position(suppressed.line), None)
        suppression = {"kind": "inSource", "status": "accepted", "justification": suppressed.reason}
        results.append(result(suppressed.code, rule.severity, rule.title, location) | {"suppressions": [suppression]})
    for line, reason in examination.unknowns:
        location = _location(examination, *source.position(line), None)
        notifications.append({"level": "note", "message": {"text": reason}, "locations": [location]})
    described = [
        {
            "id": rule.code,
            "shortDescription": {"text": rule.title},
            "help": {"text": rule.documentation},
            "defaultConfiguration": {"level": _LEVELS[rule.severity]},
            "properties": {"tags": [rule.code.rstrip("0123456789"), *rule.modes]},
        }
        for rule in rules.values()
    ]
    run = {
        "tool": {"driver": {"name": "preflight_check", "version": __version__, "rules": described}},
        "columnKind": "unicodeCodePoints",
        "results": results,
        "invocations": [{"executionSuccessful": True, "toolExecutionNotifications": notifications}],
    }
    log = {"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0", "runs": [run]}
    return json.dumps(log, indent=1)


def _location(examination: Examination, cell: int | None, line: int | None, column: int | None) -> dict[str, Any]:
    """A place in a script; in a notebook the cell is a logical location, because its lines are not those of the JSON file."""
    from urllib.parse import quote

    source = examination.context.source
    uri = quote(source.path.as_posix())
    artifact = {"uri": f"file://{uri}" if source.path.is_absolute() else uri}
    if cell is not None:
        where = f"cell {cell}, line {line}" if line else f"cell {cell}"
        return {"physicalLocation": {"artifactLocation": artifact}, "logicalLocations": [{"fullyQualifiedName": where}]}
    region: dict[str, Any] = {"startLine": line or 1}
    if line and column:  # SARIF counts characters, a syntax tree counts bytes
        region["startColumn"] = len(source.lines[line - 1].encode()[: column - 1].decode(errors="replace")) + 1
    return {"physicalLocation": {"artifactLocation": artifact, "region": region}}
