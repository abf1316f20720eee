"""The findings as SARIF 2.1.0, for code hosts that show them beside the lines."""

from __future__ import annotations

import json
from pathlib import PurePath
from typing import Any
from urllib.parse import quote

from ml_intern_helpers import __version__
from ml_intern_helpers.preflight.examine import Examination
from ml_intern_helpers.preflight.registry import all_rules

_LEVELS = {"error": "error", "warning": "warning", "info": "note"}


def sarif(examination: Examination) -> str:
    """One run with every rule, a result for each finding and suppression, and a notification for what could not be told.

    The notifications keep an empty list of results from being read as "all is known".
    """
    source, rules = examination.context.source, all_rules()
    codes = list(rules)
    results: list[dict[str, Any]] = []
    notifications: list[dict[str, Any]] = []
    for finding in examination.findings:
        text = finding.message + (f"\nFix: {finding.fix}" if finding.fix else "")
        result = {
            "ruleId": finding.code,
            "ruleIndex": codes.index(finding.code),
            "level": _LEVELS[finding.severity],
            "message": {"text": text},
            "locations": [_location(examination, finding.cell, finding.line, finding.column)],
        }
        results.append(result)
    for one in examination.suppressed:
        rule = rules[one.code]
        result = {
            "ruleId": one.code,
            "ruleIndex": codes.index(one.code),
            "level": _LEVELS[rule.severity],
            "message": {"text": rule.title},
            "locations": [_location(examination, *source.position(one.line), None)],
            "suppressions": [{"kind": "inSource", "status": "accepted", "justification": one.reason}],
        }
        results.append(result)
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
    """A place in a script; of a notebook the cell is a logical location, its lines are not those of the JSON file."""
    source = examination.context.source
    artifact = {"uri": _uri(source.path)}
    if cell is not None:
        where = f"cell {cell}, line {line}" if line else f"cell {cell}"
        return {"physicalLocation": {"artifactLocation": artifact}, "logicalLocations": [{"fullyQualifiedName": where}]}
    region: dict[str, Any] = {"startLine": line or 1}
    if line and column:  # in characters; a syntax tree counts bytes
        region["startColumn"] = len(source.lines[line - 1].encode()[: column - 1].decode(errors="replace")) + 1
    return {"physicalLocation": {"artifactLocation": artifact, "region": region}}


def _uri(path: PurePath) -> str:
    """A relative reference, or a file URI."""
    text = quote(path.as_posix())
    return f"file://{text}" if path.is_absolute() else text
