"""SET319: keys and passwords in the rows. A model can repeat them, and whoever may read the dataset can use them."""

from __future__ import annotations

from collections.abc import Iterator

from ml_intern_helpers.core.report import Finding
from ml_intern_helpers.dataset.checks.context import Facts, finding
from ml_intern_helpers.dataset.checks.scan import scan
from ml_intern_helpers.dataset.definitions.secrets import SECRETS, blanked


def check(facts: Facts) -> Iterator[Finding]:
    """One finding per kind of key; what is shown of it is its kind's prefix alone."""
    for seen in scan(facts, SECRETS):
        message = f"{seen.pattern.name} in the text"
        fix = "drop the rows, or blank the key out; whoever owns it should revoke it"
        yield finding(facts, "SET319", "warning", message, seen.at, example=blanked(seen.match), fix=fix)
