"""The findings as SARIF 2.1.0, for code hosts that show them beside the lines."""

from __future__ import annotations

import json
import re
from pathlib import PurePath
from typing import Any
from urllib.parse import quote

from ml_intern_helpers import __version__
from ml_intern_helpers.core.report import Finding
from ml_intern_helpers.preflight.examine import Examination, Suppressed
from ml_intern_helpers.preflight.registry import Rule, all_rules, title

_LEVELS = {"error": "error", "warning": "warning", "info": "note"}
_CELL = re.compile(r"^(.*)\[(cell \d+)\]$")


def sarif(found: Examination) -> str:
    """One run with every rule, a result for each finding and suppression, and a notification for what could not be told."""
    codes = list(all_rules())
    results = [_result(found, finding, codes) for finding in found.findings]
    results += [_suppressed(found, one, codes) for one in found.suppressed]
    driver = {"name": "preflight_check", "version": __version__, "rules": [_rule(rule) for rule in all_rules().values()]}
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": results,
        "invocations": [{"executionSuccessful": True, "toolExecutionNotifications": [*_notifications(found)]}],
    }
    log = {"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0", "runs": [run]}
    return json.dumps(log, indent=1)


def _rule(rule: Rule) -> dict[str, Any]:
    return {
        "id": rule.CODE,
        "shortDescription": {"text": title(rule)},
        "help": {"text": rule.__doc__.strip()},
        "defaultConfiguration": {"level": _LEVELS[rule.SEVERITY]},
        "properties": {"tags": [rule.CODE.rstrip("0123456789"), *rule.MODES]},
    }


def _result(found: Examination, finding: Finding, codes: list[str]) -> dict[str, Any]:
    text = finding.message + (f"\nFix: {finding.fix}" if finding.fix else "")
    return {
        "ruleId": finding.code,
        "ruleIndex": codes.index(finding.code),
        "level": _LEVELS[finding.severity],
        "message": {"text": text},
        "locations": [_location(found, finding.file or "", finding.line, finding.column)],
    }


def _suppressed(found: Examination, one: Suppressed, codes: list[str]) -> dict[str, Any]:
    file, line = found.facts.source.where(one.line)
    return {
        "ruleId": one.code,
        "ruleIndex": codes.index(one.code),
        "level": _LEVELS[all_rules()[one.code].SEVERITY],
        "message": {"text": title(all_rules()[one.code])},
        "locations": [_location(found, file, line, None)],
        "suppressions": [{"kind": "inSource", "status": "accepted", "justification": one.reason}],
    }


def _notifications(found: Examination) -> list[dict[str, Any]]:
    """What could not be told, so that an empty list of results is not read as "all is known"."""
    notes = []
    for line, reason in found.unknowns:
        file, inside = found.facts.source.where(line)
        notes.append({"level": "note", "message": {"text": reason}, "locations": [_location(found, file, inside, None)]})
    return notes


def _location(found: Examination, file: str, line: int | None, column: int | None) -> dict[str, Any]:
    """A place in a script; of a notebook the cell is a logical location, its lines are not those of the JSON file."""
    cell = _CELL.match(file)
    artifact = {"uri": _uri(found.facts.source.path)}
    if cell:
        where = f"{cell.group(2)}, line {line}" if line else cell.group(2)
        return {"physicalLocation": {"artifactLocation": artifact}, "logicalLocations": [{"fullyQualifiedName": where}]}
    region: dict[str, Any] = {"startLine": line or 1}
    if line and column:
        region["startColumn"] = _characters(found.facts.source.lines, line, column)
    return {"physicalLocation": {"artifactLocation": artifact, "region": region}}


def _uri(path: PurePath) -> str:
    """A relative reference, or a file URI."""
    text = quote(path.as_posix())
    return f"file://{text}" if path.is_absolute() else text


def _characters(lines: list[str], line: int, column: int) -> int:
    """The column in characters; a syntax tree counts bytes."""
    return len(lines[line - 1].encode()[: column - 1].decode(errors="replace")) + 1
