"""SET323: rows that `max_length` would cut. What is cut off is the end: of most rows the answer."""

from __future__ import annotations

from collections.abc import Iterator

from ml_intern_helpers.core.report import Finding
from ml_intern_helpers.core.text import clean
from ml_intern_helpers.dataset.checks.context import Facts

#: TRL's own for SFT, DPO, KTO and reward models, where none is set.
DEFAULT_MAX_LENGTH = 1024
#: Below this share a cut row is no news, unless the user has named the length.
_SHARE = 0.01


def check(facts: Facts) -> Iterator[Finding]:
    """One finding where tokens were counted and rows are longer than the `max_length` asked about, or TRL's own."""
    sizes = facts.tokens
    if not sizes or facts.measured == "grpo":  # GRPO has no max_length for prompts
        return
    most = facts.max_length or DEFAULT_MAX_LENGTH
    long = [at for at, size in enumerate(sizes) if size > most]
    if not long or (facts.max_length is None and len(long) < _SHARE * len(sizes)):
        return
    named = f"max_length={most}" + ("" if facts.max_length else " (TRL's default)")
    message = f"{named} cuts {len(long)} of {len(sizes)} rows for {facts.measured}"
    evidence = f"{len(long) / len(sizes):.1%} of the rows; the longest has {max(sizes):,} tokens" + _numbers(facts, long)
    fix = "a longer max_length (see lengths.tokens), or drop these rows: a cut answer teaches to stop in mid-sentence"
    name = clean(facts.look.dataset, limit=200)
    yield Finding("SET323", "warning" if facts.max_length else "info", message, name, None, None, evidence, fix)


def _numbers(facts: Facts, long: list[int]) -> str:
    """Row numbers, where the rows that were measured are the rows of the sample one by one."""
    if len(facts.tokens or []) != len(facts.rows):
        return ""
    shown = ", ".join(str(facts.look.numbers[at]) for at in long[:5])
    return f"; row {shown}" + (" …" if len(long) > 5 else "")
