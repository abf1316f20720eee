"""Which method is meant when the user has named none."""

from __future__ import annotations

from collections.abc import Mapping

from ml_intern_helpers.dataset.verdicts import Verdict

#: The method that rows are made for comes before those that can read them, too: pairs are for DPO, labels for KTO.
_ORDER = ("dpo", "kto", "sft", "reward", "grpo")


def best_method(found: Mapping[str, Verdict]) -> str | None:
    """One that is ready, else one that takes a mapping; None when no method can read the rows."""
    for word in ("ready", "needs_mapping"):
        fit = [method for method in _ORDER if found[method].verdict == word]
        if fit:
            return fit[0]
    return None
