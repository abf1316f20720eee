"""Rows that `max_length` would cut.

It cuts off the end, in most rows part of the answer, and the model learns to stop in mid-sentence. Tokens are counted with
`--model`, or taken from a tokenised dataset; without `--max-length`, TRL's default of 1024 is assumed. Use a larger `max_length`
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
#: An info if the length is TRL's default and not the user's.
SEVERITY: Severity = "warning"
#: TRL's default for SFT, DPO, KTO and reward models.
_DEFAULT_MAX_LENGTH = 1024
#: A smaller share of cut rows is not reported, unless the user gave the length.
_LEAST_SHARE = 0.01


def check(facts: Facts) -> Iterator[Finding]:
    """One finding if tokens were counted and rows exceed the given `max_length`, or TRL's default."""
    tokens = facts.tokens
    if not tokens or facts.measured == "grpo":  # GRPO has no max_length for prompts
        return
    max_length = facts.max_length or _DEFAULT_MAX_LENGTH
    cut_positions = [at for at, size in enumerate(tokens) if size > max_length]
    if not cut_positions or (facts.max_length is None and len(cut_positions) < _LEAST_SHARE * len(tokens)):
        return
    setting = f"max_length={max_length}" + ("" if facts.max_length else " (TRL's default)")
    message = f"{setting} cuts {len(cut_positions)} of {len(tokens)} rows for {facts.measured}"
    evidence = f"{len(cut_positions) / len(tokens):.1%} of the rows; the longest has {max(tokens):,} tokens"
    rows = None
    if len(tokens) == len(facts.rows):  # the measured rows are those of the sample, in the same order
        rows = tuple(facts.sample.numbers[at] for at in cut_positions[:10])
        evidence += f"; row {', '.join(map(str, rows[:5]))}" + (" …" if len(cut_positions) > 5 else "")
    fix = "use a larger max_length (see lengths.tokens), or drop these rows: a cut answer teaches to stop in mid-sentence"
    level: Severity = SEVERITY if facts.max_length else "info"
    item = Finding(CODE, level, message, clean(facts.sample.dataset, limit=200), evidence=evidence, fix=fix)
    share = round(len(cut_positions) / len(tokens), 6)
    yield item._replace(rows=rows, count=len(cut_positions), of=len(tokens), share=share, scope="sample")
