"""Rows that `max_length` would cut.

What is cut off is the end: of most rows the answer, and the model learns to stop in mid-sentence. Tokens are counted with
`--model`, or read off a tokenised dataset; without `--max-length` the length is TRL's default of 1024. Take a longer `max_length`
(see `lengths.tokens` in `--json`), or drop these rows.

Bad:
    $ inspect_dataset rows.jsonl --method sft --max-length 4
    {"input_ids": [5, 6, 7]}
    {"input_ids": [5, 6, 7, 8, 9, 10]}

Good:
    $ inspect_dataset rows.jsonl --method sft --max-length 8
    {"input_ids": [5, 6, 7]}
    {"input_ids": [5, 6, 7, 8, 9, 10]}
"""

from __future__ import annotations

from collections.abc import Iterator

from ml_intern_helpers.core.report import Finding, Severity
from ml_intern_helpers.core.text import clean
from ml_intern_helpers.dataset.checks.context import Facts

CODE, TOPIC = "SET323", "terms"
#: For information where the length is TRL's default and not the user's.
SEVERITY: Severity = "warning"
#: TRL's own for SFT, DPO, KTO and reward models, where none is set.
_DEFAULT_MAX_LENGTH = 1024
#: Below this share cut rows are not reported, unless the user has named the length.
_LEAST_SHARE = 0.01


def check(facts: Facts) -> Iterator[Finding]:
    """One finding where tokens were counted and rows are longer than the `max_length` asked about, or TRL's own."""
    sizes = facts.tokens
    if not sizes or facts.measured == "grpo":  # GRPO has no max_length for prompts
        return
    most = facts.max_length or _DEFAULT_MAX_LENGTH
    long = [at for at, size in enumerate(sizes) if size > most]
    if not long or (facts.max_length is None and len(long) < _LEAST_SHARE * len(sizes)):
        return
    named = f"max_length={most}" + ("" if facts.max_length else " (TRL's default)")
    message = f"{named} cuts {len(long)} of {len(sizes)} rows for {facts.measured}"
    evidence = f"{len(long) / len(sizes):.1%} of the rows; the longest has {max(sizes):,} tokens"
    rows = None
    if len(sizes) == len(facts.rows):  # the rows that were measured are the rows of the sample one by one
        rows = tuple(facts.sample.numbers[at] for at in long[:10])
        evidence += f"; row {', '.join(map(str, rows[:5]))}" + (" …" if len(long) > 5 else "")
    fix = "a longer max_length (see lengths.tokens), or drop these rows: a cut answer teaches to stop in mid-sentence"
    level: Severity = SEVERITY if facts.max_length else "info"
    item = Finding(CODE, level, message, clean(facts.sample.dataset, limit=200), evidence=evidence, fix=fix)
    share = round(len(long) / len(sizes), 6)
    yield item._replace(rows=rows, count=len(long), of=len(sizes), share=share, scope="sample")
