"""SET320: data of persons in the rows: addresses, numbers. Check digits are checked, addresses of examples are left out."""

from __future__ import annotations

from collections.abc import Iterator

from ml_intern_helpers.core.report import Finding
from ml_intern_helpers.dataset.checks.context import Facts, finding
from ml_intern_helpers.dataset.checks.scan import scan
from ml_intern_helpers.dataset.definitions.personal import PERSONAL


def check(facts: Facts) -> Iterator[Finding]:
    """One finding per kind, its example blanked."""
    for seen in scan(facts, PERSONAL):
        message = f"{seen.pattern.name} in the text"
        yield finding(
            facts, "SET320", "warning", message, seen.at, example=blanked(seen.match), fix="mask them, or drop the rows"
        )


def blanked(match: str) -> str:
    """`j…@g….com`, `…12`: enough to find it, too little to use it."""
    text = match.removeprefix("mailto:").strip(" \t\r\n\f\v<>([{,;:\"'|=")
    if "@" in text:
        name, _, domain = text.partition("@")
        return f"{name[0]}…@{domain[0]}….{domain.rsplit('.', 1)[-1]}"
    return f"…{text[-2:]}"
