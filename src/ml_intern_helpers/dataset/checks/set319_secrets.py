"""Keys and passwords in the rows.

A model can repeat them, and everyone who can read the dataset can use them. They are recognised by their unmistakable formats;
only their first four characters are shown. Drop the rows, or blank the key; its owner should revoke it.

Bad:
    {"text": "Log in with the token hf_{SECRET} before you push."}

Good:
    {"text": "Log in with the token hf_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx before you push."}
"""

from __future__ import annotations

from collections.abc import Iterator

from ml_intern_helpers.core.report import Finding, Severity
from ml_intern_helpers.dataset.checks.context import Facts, finding
from ml_intern_helpers.dataset.checks.filter_code import FilterStep
from ml_intern_helpers.dataset.checks.patterns import SECRETS, blanked
from ml_intern_helpers.dataset.checks.text_search import Search, hits, without

CODE, TOPIC = "SET319", "safety"
SEVERITY: Severity = "warning"
FIX = "drop the rows, or blank the key; its owner should revoke it"
SEARCH = Search(CODE, SECRETS, "{} in the text", FIX, private=True)


def check(facts: Facts) -> Iterator[Finding]:
    """One finding per kind of key."""
    for hit in hits(facts, SECRETS):
        message = f"{hit.pattern.name} in the text"
        yield finding(facts, CODE, SEVERITY, message, hit.at, example=blanked(hit.match), fix=FIX)


def filters(facts: Facts, code: str) -> list[FilterStep]:
    return without(code, "KEYS", [hit.pattern.regex for hit in hits(facts, SECRETS)])
