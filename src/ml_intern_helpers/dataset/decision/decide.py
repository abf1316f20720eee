"""Whether to train on the rows: with a method that can read them, after filters that were run, and checked again afterwards."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any, Literal

from ml_intern_helpers.core.report import Finding
from ml_intern_helpers.core.text import clean
from ml_intern_helpers.dataset.checks.context import Facts
from ml_intern_helpers.dataset.checks.registry import run_checks
from ml_intern_helpers.dataset.columns import describe
from ml_intern_helpers.dataset.decision.filters import Filtered, filtered
from ml_intern_helpers.dataset.decision.step import Step
from ml_intern_helpers.dataset.decision.steps import steps
from ml_intern_helpers.dataset.definitions.limits import MOST_REMOVED
from ml_intern_helpers.dataset.mapping.run import MappingFailed, run
from ml_intern_helpers.dataset.trainers.methods import READERS
from ml_intern_helpers.dataset.verdicts import METHODS

Word = Literal["go", "go_with_filters", "no_go", "unknown"]
TITLES: dict[Word, str] = {"go": "GO", "go_with_filters": "GO WITH FILTERS", "no_go": "NO GO", "unknown": "COULD NOT TELL"}
_MOST_REASONS = 6
#: Faults that a dataset may have throughout, by habit: dropping most of the rows for them is no remedy.
_HABITS = ("SET302", "SET309", "SET310")
#: Rows that go for being copies: however many, what is left is the whole dataset.
_COPIES = ("SET307", "SET312")
#: How findings begin to tell their rows.
_SCOPE = re.compile(r"[\d,]+ of (?:all [\d,]+|[\d,]+ sampled) rows")


def decide(facts: Facts, findings: list[Finding], method: str | None) -> dict[str, Any]:
    """The `decision` object of the report.

    Args:
        facts: the sample and its verdicts.
        findings: what the checks found.
        method: the method to decide for: the user's, else the one that is recommended; None when none is.
    """
    verdict = facts.verdicts.get(method) if method else None
    if method is None or verdict is None or verdict.verdict in ("incompatible", "unknown"):
        word: Word = "unknown" if _open(facts, method) else "no_go"
        return _told(facts, word, method, [verdict.reason if verdict else _nothing_fits(facts)], None)
    wanted = steps(facts, {item.code for item in findings})
    done = filtered(facts, wanted)
    habits = {code for code in _codes(done) if code in _HABITS and _unfit(facts, done, {code}) > MOST_REMOVED}
    if habits:
        wanted = [step for step in wanted if step.code not in habits]
        done = filtered(facts, wanted)
    stopped = _stopped_by_all(facts, method, findings)
    unfit = _unfit(facts, done, _codes(done) - {*_COPIES})
    if done and unfit > MOST_REMOVED:
        stopped = f"{unfit:.0%} of {_all(facts)} rows are unfit; the filters would leave {done.rows_out} of {_sampled(facts)}"
    if stopped:
        return _told(facts, "no_go", method, [stopped, *_reasons(facts, method, findings, set())], done)
    if done is None:
        return _told(facts, "go", method, _reasons(facts, method, findings, set()), None)
    return _checked_again(facts, method, findings, wanted, done)


def _codes(done: Filtered | None) -> set[str]:
    return {step.code for step in done.steps} if done else set()


def _unfit(facts: Facts, done: Filtered | None, codes: set[str]) -> float:
    """The share of rows that filters for `codes` take: of all rows where a full scan has counted them, else of the sample.

    The sample of a full scan holds more faulty rows than chance would bring: those that the scan has found join it.
    """
    if done is None or facts.of_all is None:
        return done.share(*codes) if done else 0.0
    counted = {code for code in codes if facts.of_all.counts_what_goes(code)}
    return facts.of_all.share(counted) + done.share(*codes - counted)


def _stopped_by_all(facts: Facts, method: str, findings: list[Finding]) -> str | None:
    """A fault of all rows together that makes the run a waste, where a sample alone could not say so."""
    one_class = [item for item in findings if item.code == "SET304" and item.severity == "error"]
    return f"{clean(one_class[0].message, limit=160)}: KTO needs both" if facts.of_all and method == "kto" and one_class else None


def _all(facts: Facts) -> str:
    return f"all {facts.of_all.rows:,}" if facts.of_all else "the"


def _sampled(facts: Facts) -> str:
    return f"{len(facts.rows)}" + (" sampled rows" if facts.of_all and not facts.look.extent.complete else "")


def _checked_again(facts: Facts, method: str, findings: list[Finding], wanted: list[Step], done: Filtered) -> dict[str, Any]:
    """The decision for what the filters leave."""
    after = facts_of(facts, done.rows)
    left = {item.code for item in run_checks(after)}
    undone = [step for step in done.steps if step.code in left and _drops(after, step)]
    stopped = _stops(after, method)
    if undone or stopped:
        told = [f"the filter for {step.code} does not remove all such rows" for step in undone]
        return _told(facts, "unknown", method, told + ([stopped] if stopped else []), done)
    answered = {step.code for step in wanted} - left
    needs_no_mapping = not READERS[method](after.rows)
    return _told(facts, "go_with_filters", method, _reasons(facts, method, findings, answered, mapped=not needs_no_mapping), done)


def _drops(facts: Facts, step: Step) -> bool:
    """Whether a filter made anew would take rows even now; a fault with the same code may be one that no filter answers."""
    again = filtered(facts, steps(facts, [step.code]))
    return again is not None and again.rows_out < len(facts.rows)


def facts_of(facts: Facts, rows: list[dict[str, Any]]) -> Facts:
    """The same facts over other rows of the same columns, without what only the reader and the measuring know."""
    look = replace(facts.look, rows=rows, numbers=list(range(1, len(rows) + 1)), findings=[])
    columns = describe(facts.look.columns, rows, facts.look.types)
    return Facts(look, columns, facts.parts, facts.verdicts, facts.method)


def _stops(after: Facts, method: str) -> str | None:
    """Why `method` cannot read what the filters left, mapped where it takes a mapping; None when it can."""
    verdict, rows = after.verdicts[method], after.rows
    if verdict.mapping:
        code = "\n".join(line for line in verdict.mapping.splitlines() if "load_" not in line)
        try:
            rows = run(code, rows)
        except MappingFailed as err:
            return f"the mapping fails on what the filters leave: {clean(err, limit=150)}"
    problems = READERS[method](rows) if rows else []
    return f"after the filters, {method} still stops: {problems[0].message}" if problems else None


def _nothing_fits(facts: Facts) -> str:
    """Why no method was chosen."""
    able = [name for name, verdict in facts.verdicts.items() if verdict.verdict in ("ready", "needs_mapping")]
    return (
        f"the rows are for none of the methods, though {', '.join(able)} can read them" if able else "no method can read the rows"
    )


def _open(facts: Facts, method: str | None) -> bool:
    """Whether nobody can tell, as against a clear no."""
    asked = [method] if method else list(METHODS)
    return any(facts.verdicts[name].verdict != "incompatible" for name in asked if name)


def _reasons(facts: Facts, method: str, findings: list[Finding], answered: set[str], *, mapped: bool = True) -> list[str]:
    """What is left to know: the mapping that is needed, and warnings that neither it nor a filter answers."""
    mapping = bool(facts.verdicts[method].mapping)
    told = (
        ["no mapping is needed after the filters" if not mapped else f"apply the mapping shown for {method}"] if mapping else []
    )
    kept = [item for item in findings if item.severity != "info" and item.code not in answered and not _answered(item, mapping)]
    told += [f"{item.code}: {clean(item.message, limit=160)}{_counted(facts, item)}" for item in kept[:_MOST_REASONS]]
    return told + ([f"{len(kept) - _MOST_REASONS} more findings"] if len(kept) > _MOST_REASONS else [])


def _counted(facts: Facts, item: Finding) -> str:
    """` (12 of all 3,000 rows)`: with a full scan some findings are of all rows and some of the sample, so each says which."""
    scope = _SCOPE.match(item.evidence or "") if facts.of_all else None
    return f" ({scope[0]})" if scope else ""


def _answered(item: Finding, mapping: bool) -> bool:
    """Traps of the columns' shape (SET2xx) are answered by a mapping that was run, and do not concern a method that is ready."""
    return item.code.startswith("SET2")


def _told(facts: Facts, word: Word, method: str | None, reasons: list[str], done: Filtered | None) -> dict[str, Any]:
    return {
        "word": word,
        "method": method,
        "reasons": [clean(reason, limit=400) for reason in reasons],
        "filters": done.told(facts.of_all) if done else [],
        "filter_code": done.code(facts.look.load) if done else None,
        "rows_in": len(facts.rows),
        "rows_out": done.rows_out if done else len(facts.rows),
        "based_on": "all rows" if facts.look.extent.complete else "full scan" if facts.of_all else "sample",
    }
