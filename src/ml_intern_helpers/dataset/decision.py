"""Decides whether to train on the rows: whether a method can read them, after which filters, which are run and checked.

A check can set these values:

    COUNTED_AS          the code under which a full scan counts the same rows
    FILTER_DROPS_ALL    False if the filter keeps some of the rows that are counted
    HABIT               True if a dataset may have the problem throughout, where dropping most of the rows is no remedy
    COPIES              True if its filter loses no content, however many rows it removes
    NO_GO               method -> why the run would be a waste if all rows have the problem
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
#: If filters would remove more than this share of the rows, the decision is NO GO.
MOST_REMOVED = 0.5
_MOST_REASONS = 6


@dataclass(frozen=True)
class Filtered:
    """Filters that were run.

    Attributes:
        steps: the filters that are needed, in the order in which they ran.
        removed: the number of rows that each of them removed.
        rows: the remaining rows.
    """

    steps: tuple[FilterStep, ...]
    removed: tuple[int, ...]
    rows: list[Row]

    @property
    def codes(self) -> set[str]:
        return {step.code for step in self.steps}

    def share(self, codes: set[str]) -> float:
        """The share of all rows that the steps for `codes` removed."""
        removed_rows = sum(count for step, count in zip(self.steps, self.removed, strict=True) if step.code in codes)
        return removed_rows / (len(self.rows) + sum(self.removed))

    def code(self, load: str) -> str:
        """The filters as a script that starts with `load`, the line that loads the rows."""
        loader = "load_from_disk" if "load_from_disk" in load else "load_dataset"
        imports, rest = _definitions(self.steps)
        filters = [f"{step.statement()}  # {step.code}" for step in self.steps]
        return "\n".join([*imports, f"from datasets import {loader}", load, *rest, *filters])


def decide(facts: Facts, findings: list[Finding], method: str | None) -> dict[str, Any]:
    """The `decision` object of the report.

    Args:
        facts: the sample and its verdicts.
        findings: what the checks found.
        method: the method to decide for, the user's or else the recommended one; None without either.
    """
    verdict = facts.verdicts.get(method) if method else None
    if method is None or verdict is None or verdict.verdict in ("incompatible", "unknown"):
        considered = [method] if method else list(METHODS)
        open_question = any(facts.verdicts[name].verdict != "incompatible" for name in considered)
        reason = verdict.reason if verdict else _no_method_reason(facts)
        return _decision(facts, "unknown" if open_question else "no_go", method, [reason], None)
    steps = filters_for(facts, {item.code for item in findings})
    filtered = _run_filters(facts, steps)
    habits = {code for code in (filtered.codes if filtered else ()) if property_of(code, "HABIT")}
    habits = {code for code in habits if filtered and _unfit_share(facts, filtered, {code}) > MOST_REMOVED}
    if habits:
        steps = [step for step in steps if step.code not in habits]
        filtered = _run_filters(facts, steps)
    stop_reason = _stopped_by_all_rows(facts, method, findings)
    if filtered:
        unfit = _unfit_share(facts, filtered, {code for code in filtered.codes if not property_of(code, "COPIES")})
        if unfit > MOST_REMOVED:
            all_rows = f"all {facts.of_all.rows:,}" if facts.of_all else "the"
            rows_in_words = f"{len(facts.rows)}" + (" sampled rows" if facts.of_all and not facts.complete else "")
            stop_reason = (
                f"{unfit:.0%} of {all_rows} rows are unfit; the filters would leave {len(filtered.rows)} of {rows_in_words}"
            )
    if stop_reason:
        return _decision(facts, "no_go", method, [stop_reason, *_reasons(facts, method, findings, set())], filtered)
    if filtered is None:
        return _decision(facts, "go", method, _reasons(facts, method, findings, set()), None)
    # Check the remaining rows again.
    filtered_facts = with_rows(facts, filtered.rows)
    remaining_codes = {item.code for item in run_checks(filtered_facts)}
    ineffective = [
        step.code for step in filtered.steps if step.code in remaining_codes and _still_drops(filtered_facts, step.code)
    ]
    stop_reason = _why_method_stops(filtered_facts, method)
    if ineffective or stop_reason:
        reasons = [f"the filter for {code} does not remove all such rows" for code in ineffective]
        return _decision(facts, "unknown", method, reasons + ([stop_reason] if stop_reason else []), filtered)
    answered_codes = {step.code for step in steps} - remaining_codes
    mapped = bool(READERS[method](filtered_facts.rows))
    return _decision(facts, "go_with_filters", method, _reasons(facts, method, findings, answered_codes, mapped=mapped), filtered)


def _run_filters(facts: Facts, steps: list[FilterStep]) -> Filtered | None:
    """Run `steps` on the rows one after another, with `datasets` itself; None if none of them is needed. Steps that fail are left
    out.

    A step is needed if it removes a row, or if a full scan has counted its problem in rows outside of the sample.
    """
    unique = list({step.condition: step for step in reversed(steps)}.values())[::-1]
    while unique:
        imports, rest = _definitions(unique)
        try:
            counts, rows = run_one_by_one("\n".join([*imports, *rest]), [step.statement() for step in unique], facts.rows)
        except MappingFailed as err:
            unique.pop(err.at)
            continue
        removed = [before - after for before, after in zip([len(facts.rows), *counts], counts, strict=False)]
        steps_with_counts = zip(unique, removed, strict=True)
        needed = [(step, count) for step, count in steps_with_counts if count or _rows_of_all(facts.of_all, step.code)]
        return Filtered(tuple(step for step, _ in needed), tuple(count for _, count in needed), rows) if needed else None
    return None


def _definitions(steps: tuple[FilterStep, ...] | list[FilterStep]) -> tuple[list[str], list[str]]:
    """The imports and the other definitions that `steps` need, without repetition."""
    blocks = list(dict.fromkeys(block for step in steps for block in step.definitions))
    imports = sorted(block for block in blocks if block.startswith("import "))
    return imports, [block for block in blocks if block not in imports]


def _counted_as(code: str) -> str:
    return str(property_of(code, "COUNTED_AS", code))


def _rows_of_all(of_all: AllRows | None, code: str) -> int | None:
    """The number of all rows with the problem `code`; None without a full scan, or if it does not count this problem."""
    return of_all.counts.get(_counted_as(code)) if of_all else None


def _unfit_share(facts: Facts, filtered: Filtered, codes: set[str]) -> float:
    """The share of rows that filters for `codes` remove: of all rows if a full scan has counted them, otherwise of the sample.

    With a full scan the sample is not representative, since rows in which the scan found problems were added to it.
    """
    if facts.of_all is None:
        return filtered.share(codes)
    of_all = facts.of_all
    counted = {code for code in codes if property_of(code, "FILTER_DROPS_ALL", True) and _rows_of_all(of_all, code) is not None}
    dropped = {_counted_as(code) for code in counted}
    for module in modules():  # a filter for several codes drops the rows of all of them
        answered = filtered_codes(module)
        dropped |= {_counted_as(code) for code in answered} if answered and answered[0] in counted else set()
    return of_all.share(dropped) + filtered.share(codes - counted)


def _stopped_by_all_rows(facts: Facts, method: str, findings: list[Finding]) -> str | None:
    """A problem of all rows that makes the run a waste; only a full scan can show it."""
    for item in findings if facts.of_all else ():
        why = property_of(item.code, "NO_GO", {}).get(method)
        if why and item.severity == "error":
            return f"{clean(item.message, limit=160)}: {why}"
    return None


def _still_drops(facts: Facts, code: str) -> bool:
    """Whether the filter for `code`, created again for these rows, would remove some; not every finding has a filter."""
    filtered = _run_filters(facts, filters_for(facts, {code}))
    return filtered is not None and len(filtered.rows) < len(facts.rows)


def with_rows(facts: Facts, rows: list[Row]) -> Facts:
    """The same facts over other `rows` of the same columns, without the reader's findings and the measured lengths."""
    sample = replace(facts.sample, rows=rows, numbers=list(range(1, len(rows) + 1)), findings=[])
    columns = describe(sample.columns, rows, sample.types)
    return Facts(sample, columns, facts.roles, facts.verdicts, facts.method)


def _why_method_stops(filtered_facts: Facts, method: str) -> str | None:
    """Why `method` cannot read the filtered rows (after the mapping, if one is needed); None if it can."""
    verdict, rows = filtered_facts.verdicts[method], filtered_facts.rows
    if verdict.mapping:
        try:
            rows = run(verdict.mapping_code, rows)
        except MappingFailed as err:
            return f"the mapping fails on the filtered rows: {clean(err, limit=150)}"
    problems = READERS[method](rows) if rows else []
    return f"after the filters, {method} still stops: {problems[0].message}" if problems else None


def _no_method_reason(facts: Facts) -> str:
    usable = [name for name, verdict in facts.verdicts.items() if verdict.verdict in ("ready", "needs_mapping")]
    return f"no method suits the rows, though {', '.join(usable)} can read them" if usable else "no method can read the rows"


def _reasons(facts: Facts, method: str, findings: list[Finding], answered: set[str], *, mapped: bool = True) -> list[str]:
    """What the user must know: whether a mapping is needed, and the errors and warnings that no filter removes.

    SET2xx are left out: a mapping that was run solves them, and a method that is ready is not affected.
    """
    reasons = []
    if facts.verdicts[method].mapping:
        reasons.append(f"apply the mapping shown for {method}" if mapped else "no mapping is needed after the filters")
    reported = [
        item for item in findings if item.severity != "info" and item.code not in answered and not item.code.startswith("SET2")
    ]
    for item in reported[:_MOST_REASONS]:
        # With a full scan some findings cover all rows and others the sample, so each says which.
        counted = f" ({_counted_over(item)})" if facts.of_all and item.scope else ""
        reasons.append(f"{item.code}: {clean(item.message, limit=160)}{counted}")
    return reasons + ([f"{len(reported) - _MOST_REASONS} more findings"] if len(reported) > _MOST_REASONS else [])


def _counted_over(item: Finding) -> str:
    """`12 of all 3,000 rows`, `3 of 40 sampled rows`."""
    return f"{item.count:,} of all {item.of:,} rows" if item.scope == "all rows" else f"{item.count} of {item.of} sampled rows"


def _decision(facts: Facts, word: Word, method: str | None, reasons: list[str], filtered: Filtered | None) -> dict[str, Any]:
    pairs = zip(filtered.steps, filtered.removed, strict=True) if filtered else ()
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
        "filter_code": filtered.code(facts.sample.load) if filtered else None,
        "rows_in": len(facts.rows),
        "rows_out": len(filtered.rows) if filtered else len(facts.rows),
        "based_on": "all rows" if facts.complete else "full scan" if facts.of_all else "sample",
    }
