"""Questions that the card of a Hub dataset leaves open: its licence, and access to its files.

It reports a missing licence, one whose terms stand elsewhere, one that excludes commercial use, and gated access, for which the
run needs the token of an account that has accepted the terms. Read the dataset's page before you publish the model.

Bad:
    license: cc-by-nc-4.0

Good:
    license: apache-2.0
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ml_intern_helpers.core.report import Finding, Severity
from ml_intern_helpers.core.text import clean
from ml_intern_helpers.dataset.checks.context import Facts

CODE, TOPIC = "SET322", "terms"
SEVERITY: Severity = "info"
_NOT_COMMERCIAL = re.compile(r"(?:^|[-_ ])nc(?:[-_ ]|$)|non-?commercial|research-only", re.IGNORECASE)
_VAGUE = ("other", "unknown")


def check(facts: Facts) -> Iterator[Finding]:
    """Findings on licence and gating; none for local files, which have no card."""
    card, name = facts.sample.card, clean(facts.sample.dataset, limit=200)
    if card is None:
        return
    note = _licence_note(card.license)
    if note:
        yield Finding(CODE, SEVERITY, note, name, fix="read the dataset's page before you publish the model")
    if card.gated:
        message = "the dataset is gated: training needs the token of an account that has accepted its terms"
        yield Finding(CODE, SEVERITY, message, name, fix="on HF Jobs: --secrets HF_TOKEN, with that account's token")


def _licence_note(licence: str | None) -> str | None:
    """The message on a licence that is missing, vague or not commercial; None for others."""
    if not licence:
        return "the card states no licence, so it is unclear how the rows may be used"
    if licence.lower() in _VAGUE:
        return f"the card's licence is {clean(licence, limit=60)!r}: its terms stand elsewhere on the page"
    if _NOT_COMMERCIAL.search(licence):
        return f"the licence {clean(licence, limit=60)!r} excludes commercial use"
    return None
