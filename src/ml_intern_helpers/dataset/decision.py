"""Whether to train on the rows: with a method that can read them, after filters that were run, and checked again afterwards.

A check can set these values: `COUNTED_AS` (the code under which a full scan counts the same rows),
`FILTER_DROPS_ALL` (False: rows are counted that the filter keeps), `HABIT` (a dataset may have the problem throughout: dropping
most of the rows is no remedy), `COPIES` (however many rows are removed, nothing of it is lost) and `NO_GO` (method -> why
all rows with it make the run a waste).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

from ml_intern_helpers.core.report import Finding
from ml_intern_helpers.core.text import clean
from ml_intern_helpers.dataset.checks.context import AllRows, Facts, Row
from ml_intern_helpers.dataset.checks.filter_code import FilterStep
from ml_intern_helpers.dataset.checks.registry import filtered_codes, filters_for, modules, property_of, run_checks
from ml_intern_helpers.dataset.columns import describe
from ml_intern_helpers.dataset.mapping.run import MappingFailed, run, run_one_by_one
from ml_intern_helpers.dataset.trainers.methods import READERS
from ml_intern_helpers.dataset.verdicts import METHODS

Word = Literal["go", "go_with_filters", "no_go", "unknown"]
TITLES: dict[Word, str] = {"go": "GO", "go_with_filters": "GO WITH FILTERS", "no_go": "NO GO", "unknown": "COULD NOT TELL"}
#: Filters that would take more than this share of the rows are no remedy: NO GO.
MOST_REMOVED = 0.5
_MOST_REASONS = 6


@dataclass(frozen=True)
class Filtered:
    """Filters that were run.

    Attributes:
        steps: those that took rows, in the order in which they ran.
        removed: rows that each of them took.
        rows: what is left.
    """

    steps: tuple[FilterStep, ...]
    removed: tuple[int, ...]
    rows: list[Row]

    @property
    def codes(self) -> set[str]:
        return {step.code for step in self.steps}

    def share(self, codes: set[str]) -> float:
        """The share of all rows that the steps for `codes` took."""
        taken = sum(count for step, count in zip(self.steps, self.removed, strict=True) if step.code in codes)
        return taken / (len(self.rows) + sum(self.removed))

    def code(self, load: str) -> str:
        """All of it as a script: `load` the rows, define, filter."""
        loader = "load_from_disk" if "load_from_disk" in load else "load_dataset"
        imports, rest = _definitions(self.steps)
        filters = [f"{step.statement()}  # {step.code}" for step in self.steps]
        return "\n".join([*imports, f"from datasets import {loader}", load, *rest, *filters])


def decide(facts: Facts, findings: list[Finding], method: str | None) -> dict[str, Any]:
    """The `decision` object of the report.

    Args:
        facts: the sample and its verdicts.
        findings: what the checks found.
        method: the method to decide for: the user's, else the one that is recommended; None when none is.
    """
    verdict = facts.verdicts.get(method) if method else None
    if method is None or verdict is None or verdict.verdict in ("incompatible", "unknown"):
        considered = [method] if method else list(METHODS)
        open_question = any(facts.verdicts[name].verdict != "incompatible" for name in considered)
        reason = verdict.reason if verdict else _nothing_fits(facts)
        return _decision(facts, "unknown" if open_question else "no_go", method, [reason], None)
    steps = filters_for(facts, {item.code for item in findings})
    done = _run_filters(facts, steps)
    habits = {code for code in (done.codes if done else ()) if property_of(code, "HABIT")}
    habits = {code for code in habits if done and _unfit(facts, done, {code}) > MOST_REMOVED}
    if habits:
        steps = [step for step in steps if step.code not in habits]
        done = _run_filters(facts, steps)
    stopped = _stopped_by_all(facts, method, findings)
    if done:
        unfit = _unfit(facts, done, {code for code in done.codes if not property_of(code, "COPIES")})
        if unfit > MOST_REMOVED:
            every = f"all {facts.of_all.rows:,}" if facts.of_all else "the"
            of = f"{len(facts.rows)}" + (" sampled rows" if facts.of_all and not facts.complete else "")
            stopped = f"{unfit:.0%} of {every} rows are unfit; the filters would leave {len(done.rows)} of {of}"
    if stopped:
        return _decision(facts, "no_go", method, [stopped, *_reasons(facts, method, findings, set())], done)
    if done is None:
        return _decision(facts, "go", method, _reasons(facts, method, findings, set()), None)
    # Check the rows that the filters leave again.
    after = with_rows(facts, done.rows)
    left = {item.code for item in run_checks(after)}
    undone = [step.code for step in done.steps if step.code in left and _still_drops(after, step.code)]
    stopped = _stops(after, method)
    if undone or stopped:
        reasons = [f"the filter for {code} does not remove all such rows" for code in undone]
        return _decision(facts, "unknown", method, reasons + ([stopped] if stopped else []), done)
    answered = {step.code for step in steps} - left
    mapped = bool(READERS[method](after.rows))
    return _decision(facts, "go_with_filters", method, _reasons(facts, method, findings, answered, mapped=mapped), done)


def _run_filters(facts: Facts, steps: list[FilterStep]) -> Filtered | None:
    """Run `steps` on the rows with `datasets` itself, one after another; None when none of them is needed. One that stops is left
    out.

    Needed is a step that takes a row, or whose problem a full scan has counted in rows that are not at hand.
    """
    unique = list({step.condition: step for step in reversed(steps)}.values())[::-1]
    while unique:
        imports, rest = _definitions(unique)
        try:
            counts, rows = run_one_by_one("\n".join([*imports, *rest]), [step.statement() for step in unique], facts.rows)
        except MappingFailed as err:
            unique.pop(err.at)
            continue
        taken = [before - after for before, after in zip([len(facts.rows), *counts], counts, strict=False)]
        pairs = zip(unique, taken, strict=True)
        held = [(step, count) for step, count in pairs if count or _rows_of_all(facts.of_all, step.code)]
        return Filtered(tuple(step for step, _ in held), tuple(count for _, count in held), rows) if held else None
    return None


def _definitions(steps: tuple[FilterStep, ...] | list[FilterStep]) -> tuple[list[str], list[str]]:
    """The imports and the other definitions that `steps` need, each once."""
    blocks = list(dict.fromkeys(block for step in steps for block in step.definitions))
    imports = sorted(block for block in blocks if block.startswith("import "))
    return imports, [block for block in blocks if block not in imports]


def _counted_as(code: str) -> str:
    return str(property_of(code, "COUNTED_AS", code))


def _rows_of_all(of_all: AllRows | None, code: str) -> int | None:
    """All rows with the problem `code`; None where no full scan has counted any, or none counts it."""
    return of_all.counts.get(_counted_as(code)) if of_all else None


def _unfit(facts: Facts, done: Filtered, codes: set[str]) -> float:
    """The share of rows that filters for `codes` take: of all rows where a full scan has counted them, else of the sample.

    The sample of a full scan holds more faulty rows than chance would bring: those that the scan has found join it.
    """
    if facts.of_all is None:
        return done.share(codes)
    of_all = facts.of_all
    counted = {code for code in codes if property_of(code, "FILTER_DROPS_ALL", True) and _rows_of_all(of_all, code) is not None}
    dropped = {_counted_as(code) for code in counted}
    for module in modules():  # a filter that answers several codes drops the rows of them all
        answered = filtered_codes(module)
        dropped |= {_counted_as(code) for code in answered} if answered and answered[0] in counted else set()
    return of_all.share(dropped) + done.share(codes - counted)


def _stopped_by_all(facts: Facts, method: str, findings: list[Finding]) -> str | None:
    """A problem of all rows together that makes the run a waste, where a sample alone could not say so."""
    for item in findings if facts.of_all else ():
        why = property_of(item.code, "NO_GO", {}).get(method)
        if why and item.severity == "error":
            return f"{clean(item.message, limit=160)}: {why}"
    return None


def _still_drops(facts: Facts, code: str) -> bool:
    """Whether a filter made anew would take rows even now; a finding with the same code may be one that no filter answers."""
    again = _run_filters(facts, filters_for(facts, {code}))
    return again is not None and len(again.rows) < len(facts.rows)


def with_rows(facts: Facts, rows: list[Row]) -> Facts:
    """The same facts over other rows of the same columns, without what only the reader and the measuring know."""
    sample = replace(facts.sample, rows=rows, numbers=list(range(1, len(rows) + 1)), findings=[])
    columns = describe(sample.columns, rows, sample.types)
    return Facts(sample, columns, facts.roles, facts.verdicts, facts.method)


def _stops(after: Facts, method: str) -> str | None:
    """Why `method` cannot read what the filters left, mapped where it takes a mapping; None when it can."""
    verdict, rows = after.verdicts[method], after.rows
    if verdict.mapping:
        try:
            rows = run(verdict.mapping_code, rows)
        except MappingFailed as err:
            return f"the mapping fails on what the filters leave: {clean(err, limit=150)}"
    problems = READERS[method](rows) if rows else []
    return f"after the filters, {method} still stops: {problems[0].message}" if problems else None


def _nothing_fits(facts: Facts) -> str:
    able = [name for name, verdict in facts.verdicts.items() if verdict.verdict in ("ready", "needs_mapping")]
    return f"no method suits the rows, though {', '.join(able)} can read them" if able else "no method can read the rows"


def _reasons(facts: Facts, method: str, findings: list[Finding], answered: set[str], *, mapped: bool = True) -> list[str]:
    """What is left to know: the mapping that is needed, and warnings that neither it nor a filter answers.

    Traps of the columns' form (SET2xx) are answered by a mapping that was run, and do not concern a method that is ready.
    """
    reasons = []
    if facts.verdicts[method].mapping:
        reasons.append(f"apply the mapping shown for {method}" if mapped else "no mapping is needed after the filters")
    kept = [
        item for item in findings if item.severity != "info" and item.code not in answered and not item.code.startswith("SET2")
    ]
    for item in kept[:_MOST_REASONS]:
        # With a full scan some findings are of all rows and some of the sample, so each says which.
        counted = f" ({_counted_over(item)})" if facts.of_all and item.scope else ""
        reasons.append(f"{item.code}: {clean(item.message, limit=160)}{counted}")
    return reasons + ([f"{len(kept) - _MOST_REASONS} more findings"] if len(kept) > _MOST_REASONS else [])


def _counted_over(item: Finding) -> str:
    """`12 of all 3,000 rows`, `3 of 40 sampled rows`."""
    return f"{item.count:,} of all {item.of:,} rows" if item.scope == "all rows" else f"{item.count} of {item.of} sampled rows"


def _decision(facts: Facts, word: Word, method: str | None, reasons: list[str], done: Filtered | None) -> dict[str, Any]:
    pairs = zip(done.steps, done.removed, strict=True) if done else ()
    filters = [
        {
            "code": step.code,
            "condition": step.condition,
            "rows_removed": count,
            "rows_of_all": _rows_of_all(facts.of_all, step.code),
        }
        for step, count in pairs
    ]
    return {
        "word": word,
        "method": method,
        "reasons": [clean(reason, limit=400) for reason in reasons],
        "filters": filters,
        "filter_code": done.code(facts.sample.load) if done else None,
        "rows_in": len(facts.rows),
        "rows_out": len(done.rows) if done else len(facts.rows),
        "based_on": "all rows" if facts.complete else "full scan" if facts.of_all else "sample",
    }
