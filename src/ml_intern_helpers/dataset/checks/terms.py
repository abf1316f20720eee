"""SET322: what the card of a Hub dataset allows: its licence, and who gets at its files."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ml_intern_helpers.core.report import Finding
from ml_intern_helpers.core.text import clean
from ml_intern_helpers.dataset.checks.context import Facts

_NOT_COMMERCIAL = re.compile(r"(?:^|[-_ ])nc(?:[-_ ]|$)|non-?commercial|research-only", re.IGNORECASE)
_VAGUE = ("other", "unknown")


def check(facts: Facts) -> Iterator[Finding]:
    """Findings on the licence and on gating; none for files on this machine, which have no card."""
    card, name = facts.look.card, clean(facts.look.dataset, limit=200)
    if card is None:
        return
    told = licence_note(card.license)
    if told:
        yield Finding("SET322", "info", told, name, fix="read the dataset's page before the model is published")
    if card.gated:
        message = "the dataset is gated: whoever trains needs a token of an account that has accepted its terms"
        yield Finding("SET322", "info", message, name, fix="on HF Jobs: --secrets HF_TOKEN, with that account's token")


def licence_note(licence: str | None) -> str | None:
    """What a stated licence leaves open, or None."""
    if not licence:
        return "the card states no licence: the rows' rights are unclear"
    if licence.lower() in _VAGUE:
        return f"the card's licence is {clean(licence, limit=60)!r}: its terms stand elsewhere on the page"
    if _NOT_COMMERCIAL.search(licence):
        return f"the licence {clean(licence, limit=60)!r} excludes commercial use"
    return None
