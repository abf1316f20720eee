"""`--full`: every row counted. One pass over the files, then counts over a small table of facts."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from ml_intern_helpers.core.errors import BadData, Unavailable
from ml_intern_helpers.core.report import Finding
from ml_intern_helpers.core.text import clean, human_bytes
from ml_intern_helpers.dataset.column_roles import ColumnRoles
from ml_intern_helpers.dataset.columns import Column
from ml_intern_helpers.dataset.full import findings, tally
from ml_intern_helpers.dataset.full.columns import needed, played, words_of
from ml_intern_helpers.dataset.full.engine import Engine, missing
from ml_intern_helpers.dataset.full.facts import Question, facts_query, keys_query, said_query
from ml_intern_helpers.dataset.full.flags import SPEAKERS, Flag, codes, structural
from ml_intern_helpers.dataset.full.progress import Progress
from ml_intern_helpers.dataset.full.relation import Relation, relation
from ml_intern_helpers.dataset.full.row_sketch import sketch_of
from ml_intern_helpers.dataset.full.searches import Confirm, doors, searches
from ml_intern_helpers.dataset.full.trouble import explained
from ml_intern_helpers.dataset.profile.make import sketch_of_sample
from ml_intern_helpers.dataset.profile.sketch import Sketch
from ml_intern_helpers.dataset.profile.words import spoken_columns
from ml_intern_helpers.dataset.same_rows import telling
from ml_intern_helpers.dataset.sample import Sample, Stored


@dataclass(frozen=True)
class Scan:
    """What to scan, and within which bounds.

    Attributes:
        bytes_planned: what will be read at most, told before and compared after.
        system: the fsspec file system for files that are not on this machine; None for local ones.
    """

    look: Sample
    columns: list[Column]
    parts: ColumnRoles
    method: str | None
    memory_bytes: int
    bytes_planned: int
    system: Any = None

    @property
    def stored(self) -> Stored:
        if self.look.stored is None:
            raise Unavailable("nothing is known of where all the rows lie", hint="download the files and give their path")
        return self.look.stored


@dataclass(frozen=True)
class Counted:
    """What a scan has brought.

    Attributes:
        told: the `full` object of the report.
        findings: over all rows.
        together: see `Whole`.
        sketch: of what every row says; None where the engine reads the rows in other words than Python.
    """

    told: dict[str, Any]
    findings: list[Finding]
    together: list[tuple[frozenset[str], int]]
    sketch: Sketch | None


def full_scan(scan: Scan) -> Counted:
    """Count every row.

    Raises:
        BadData: a file that breaks off, or a line that is broken.
        Unavailable: DuckDB is missing, or the scan needs more memory than it may have.
    """
    began = time.monotonic()
    with _engine(scan) as engine:
        counted = _counted(scan, engine)
    read = getattr(scan.system, "bytes_read", None)
    timed = {"bytes_read": scan.bytes_planned if read is None else read, "seconds": round(time.monotonic() - began, 2)}
    told = {"engine": "duckdb", "bytes_planned": scan.bytes_planned, **timed, **counted.told}
    return replace(counted, told=told)


def sketch_alone(scan: Scan) -> Sketch | None:
    """The sketch of what every row says, and no other count; None as in `Counted`.

    Raises:
        as `full_scan`.
    """
    with _engine(scan) as engine:
        here = relation(engine, scan.stored, scan.look.split, scan.look.columns, needed(scan.look, scan.parts))
        question = Question(played(scan.parts, scan.columns, scan.look.rows, here), here, spoken=_spoken(scan))
        with Progress(f"all rows of {clean(scan.look.dataset, limit=60)}") as progress:
            engine.run(said_query(question, "there"), progress)
        return sketch_of(engine, "there", _sampled(scan))


@contextmanager
def _engine(scan: Scan) -> Iterator[Engine]:
    """The engine over the files of `scan`; what it raises is told as one clear error."""
    try:
        import duckdb  # noqa: F401
    except ImportError as err:
        raise missing() from err
    stored = scan.stored
    paths = [path for group in stored.splits.values() for path in group]
    rows = len(scan.look.rows) or 1
    row_bytes = sum(len(str(row)) for row in scan.look.rows[:200]) / min(rows, 200)
    try:
        with Engine(scan.memory_bytes, paths, scan.system, row_bytes) as engine:
            yield engine
    except Exception as err:
        raise explained(err, stored, scan.look.split, human_bytes(scan.memory_bytes)) from err


def _counted(scan: Scan, engine: Engine) -> Counted:
    playing = needed(scan.look, scan.parts)
    split = scan.look.split
    here = relation(engine, scan.stored, split, scan.look.columns, playing)
    question = _question(scan, here, engine)
    with Progress(f"full scan of {human_bytes(scan.bytes_planned)}") as progress:
        engine.run(facts_query(question), progress)
        others = [name for name in scan.stored.splits if name != split]
        for number, name in enumerate(others):
            there = relation(engine, scan.stored, name, scan.look.columns, playing)
            engine.run(keys_query(question, there, f"other_{number}"), progress)
    return _told(scan, engine, question, others)


def _question(scan: Scan, here: Relation, engine: Engine) -> Question:
    columns = played(scan.parts, scan.columns, scan.look.rows, here)
    confirms: dict[str, Confirm] = {}
    flags = [*structural(columns, scan.method), *searches(columns, confirms)]
    for name, call in confirms.items():
        engine.function(name, call)
    names = telling(scan.parts, scan.look.columns, scan.look.rows)
    return Question(columns, here, doors(columns), flags, names, keep_questions=len(scan.stored.splits) > 1, spoken=_spoken(scan))


def _spoken(scan: Scan) -> list[str]:
    return spoken_columns(scan.parts, [column.name for column in scan.columns])


def _told(scan: Scan, engine: Engine, question: Question, others: list[str]) -> Counted:
    rows = engine.rows("SELECT count(*) FROM facts")[0][0]
    if not rows:
        raise BadData(f"{clean(scan.look.dataset, limit=200)} has no rows", hint="there is nothing to inspect")
    by_code, found = _flags_told(scan, engine, question.flags, rows)
    together = tally.together(engine, question.flags, by_code)
    copies = tally.duplicates(engine, rows)
    if copies["rows"]:
        by_code["SET307"] = copies
        found.append(_copies(scan, copies, question.telling, rows))
    leaks = _leaks(scan, engine, others, by_code, found, rows)
    labels = tally.label_counts(engine, question)
    if labels and question.label and scan.parts.has("prompt", "completion", "label") and scan.method in (None, "kto"):
        values = [row.get(question.label.column) for row in scan.look.rows]
        found += findings.of_labels(scan.look.dataset, question.label.column, labels, values, rows)
    told = {
        "rows": rows,
        "counts": by_code,
        "columns": tally.columns(engine, question, rows),
        "role_patterns": tally.role_patterns(engine, question),
        "length_histogram": tally.lengths(engine, " and ".join(item.part for item in question.columns if item.part != "label")),
        "label_counts": labels,
        "leakage": leaks,
    }
    return Counted(told, found, together, sketch_of(engine, "facts", _sampled(scan)))


def _sampled(scan: Scan) -> tuple[int, ...]:
    return sketch_of_sample(scan.look, scan.columns, scan.parts).hashes


def _flags_told(scan: Scan, engine: Engine, flags: list[Flag], rows: int) -> tuple[dict[str, Any], list[Finding]]:
    """Counts by code, and a finding for each flag that is up somewhere."""
    named = codes(flags)
    together = [tally.by_code(flags, code) for code in named]
    single: list[tuple[str, str | None]] = [
        (f"f{number}", f"e{number}" if flag.example else None) for number, flag in enumerate(flags)
    ]
    asked = [*named, *(flag.code for flag in flags)]
    counted = [_spelt(code, found) for code, found in zip(asked, tally.flagged(engine, together + single, rows), strict=True)]
    by_code = {code: found for code, found in zip(named, counted, strict=False) if found["rows"]}
    each = zip(flags, counted[len(named) :], strict=True)
    return by_code, [findings.of_flag(scan.look.dataset, flag, found, rows) for flag, found in each if found["rows"]]


def _spelt(code: str, found: dict[str, Any]) -> dict[str, Any]:
    """Orders of speakers are letters in the engine, words for people."""
    return {**found, "example": words_of(found["example"])} if code in SPEAKERS and found["example"] else found


def _copies(scan: Scan, copies: dict[str, Any], columns: list[str], rows: int) -> Finding:
    shown = ", ".join(repr(clean(name, limit=60)) for name in columns[:6])
    message = f"{copies['rows']:,} rows repeat an earlier row word for word in {shown} ({copies['example']})"
    fix = "drop the copies before a held-out part is split off"
    return findings.told(scan.look.dataset, "SET307", "warning", message, {**copies, "example": None}, rows, fix)


def _leaks(
    scan: Scan, engine: Engine, others: list[str], by_code: dict[str, Any], found: list[Finding], rows: int
) -> list[dict[str, Any]]:
    """What every other split shares with this one."""
    leaks = []
    for number, name in enumerate(others):
        same, alike = tally.shared(engine, f"other_{number}", rows)
        there = engine.rows(f"SELECT count(*) FROM other_{number}")[0][0]
        leaks.append({"split": clean(name, limit=60), "rows": there, "same_rows": same["rows"], "same_questions": alike["rows"]})
        for what, counted in (("rows", same), ("questions (with other answers)", alike)):
            if counted["rows"]:
                by_code["SET313"] = counted if counted["rows"] > by_code.get("SET313", {"rows": 0})["rows"] else by_code["SET313"]
                names = f"{clean(scan.look.split, limit=60)!r} and {clean(name, limit=60)!r}"
                message = f"splits {names} share {what}; all {there:,} rows of {clean(name, limit=60)!r} were read"
                fix = "drop them from the training split: a score on the other split would count what was learnt by heart"
                found.append(findings.told(scan.look.dataset, "SET313", "warning", message, counted, rows, fix))
    return leaks
