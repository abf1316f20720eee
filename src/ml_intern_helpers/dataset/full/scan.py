"""Runs a full scan (`--full`): one pass over all rows makes a small table of facts about each; everything is counted there."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from ml_intern_helpers.core.errors import BadData, Unavailable
from ml_intern_helpers.core.report import Finding
from ml_intern_helpers.core.text import clean, human_bytes
from ml_intern_helpers.dataset.checks import registry, set307_duplicates, set313_leakage
from ml_intern_helpers.dataset.checks.context import AllRows, finding_over_all
from ml_intern_helpers.dataset.checks.sql import Flag, SqlColumns, columns_to_read, columns_with_roles, speakers_in_words
from ml_intern_helpers.dataset.checks.text_search import Confirm, doors, search_flags
from ml_intern_helpers.dataset.column_roles import ColumnRoles, identifying_columns
from ml_intern_helpers.dataset.columns import Column
from ml_intern_helpers.dataset.full import row_table
from ml_intern_helpers.dataset.full.engine import Engine, Progress, duckdb_missing, explained_error
from ml_intern_helpers.dataset.full.relation import Relation, relation
from ml_intern_helpers.dataset.full.row_table import Plan, facts_query, hashes_query, keys_query, sketch_of
from ml_intern_helpers.dataset.labels import counted_labels
from ml_intern_helpers.dataset.profile.profile import pattern_parts, sketch_of_sample
from ml_intern_helpers.dataset.profile.sketch import Sketch, spoken_columns
from ml_intern_helpers.dataset.sample import Sample, Stored


@dataclass(frozen=True)
class Scan:
    """What to scan, and within which limits.

    Attributes:
        bytes_planned: the most bytes that will be read; announced before the scan and reported after it.
        system: the fsspec file system for files that are not on this machine; None for local ones.
    """

    sample: Sample
    columns: list[Column]
    roles: ColumnRoles
    method: str | None
    memory_bytes: int
    bytes_planned: int
    system: Any = None

    @property
    def stored(self) -> Stored:
        if self.sample.stored is None:
            raise Unavailable("the files that hold all rows are not known", hint="download the files and give their path")
        return self.sample.stored

    @property
    def spoken(self) -> list[str]:
        """The columns whose texts a row's hash is made of."""
        return spoken_columns(self.roles, [column.name for column in self.columns])


@dataclass(frozen=True)
class Counted:
    """The result of a scan.

    Attributes:
        fields: the `full` object of the report.
        findings: the findings over all rows.
        together: see `AllRows`.
        sketch: the sketch of all rows; None where DuckDB writes rows as text in another way than Python.
    """

    fields: dict[str, Any]
    findings: list[Finding]
    together: list[tuple[frozenset[str], int]]
    sketch: Sketch | None

    @property
    def all_rows(self) -> AllRows:
        by_code = {code: counts["rows"] for code, counts in self.fields["counts"].items()}
        nulls = {name: counts["nulls"] for name, counts in self.fields["columns"].items() if counts["nulls"]}
        return AllRows(self.fields["rows"], by_code, tuple(self.together), nulls)


def full_scan(scan: Scan) -> Counted:
    """Count every row.

    Raises:
        BadData: a file is cut off, or a line is invalid.
        Unavailable: DuckDB is missing, or the scan needs more memory than it is allowed.
    """
    began = time.monotonic()
    split = scan.sample.split
    with _engine(scan) as engine:
        needed = columns_to_read(scan.sample, scan.roles)
        here = relation(engine, scan.stored, split, scan.sample.columns, needed)
        plan = _plan(scan, here, engine)
        with Progress(f"full scan of {human_bytes(scan.bytes_planned)}") as progress:
            engine.run(facts_query(plan), progress)
            others = [name for name in scan.stored.splits if name != split]
            for number, name in enumerate(others):
                there = relation(engine, scan.stored, name, scan.sample.columns, needed)
                engine.run(keys_query(plan, there, f"other_{number}"), progress)
        counted = _counted(scan, engine, plan, others)
    read = getattr(scan.system, "bytes_read", None)
    timed = {"bytes_read": scan.bytes_planned if read is None else read, "seconds": round(time.monotonic() - began, 2)}
    return replace(counted, fields={"engine": "duckdb", "bytes_planned": scan.bytes_planned, **timed, **counted.fields})


def sketch_alone(scan: Scan) -> Sketch | None:
    """The sketch of all rows, without any counts; None as in `Counted`.

    Raises:
        ToolError: as `full_scan`.
    """
    with _engine(scan) as engine:
        here = relation(engine, scan.stored, scan.sample.split, scan.sample.columns, columns_to_read(scan.sample, scan.roles))
        columns = columns_with_roles(scan.roles, scan.columns, scan.sample.rows, here.types, here.names)
        plan = Plan(columns, here, spoken=scan.spoken)
        with Progress(f"all rows of {clean(scan.sample.dataset, limit=60)}") as progress:
            engine.run(hashes_query(plan, "there"), progress)
        return sketch_of(engine, "there", _sampled_hashes(scan))


@contextmanager
def _engine(scan: Scan) -> Iterator[Engine]:
    """The engine for the files of `scan`; its exceptions are explained to the user."""
    try:
        import duckdb  # noqa: F401
    except ImportError as err:
        raise duckdb_missing() from err
    stored = scan.stored
    paths = [path for group in stored.splits.values() for path in group]
    rows = len(scan.sample.rows) or 1
    row_bytes = sum(len(str(row)) for row in scan.sample.rows[:200]) / min(rows, 200)
    try:
        with Engine(scan.memory_bytes, paths, scan.system, row_bytes) as engine:
            yield engine
    except Exception as err:
        raise explained_error(err, stored, scan.sample.split, human_bytes(scan.memory_bytes)) from err


def _plan(scan: Scan, here: Relation, engine: Engine) -> Plan:
    """What the pass computes: the flags and searches of all checks, in their order."""
    columns = columns_with_roles(scan.roles, scan.columns, scan.sample.rows, here.types, here.names)
    sql_columns = SqlColumns(columns, scan.method)
    flags = [flag for module in registry.modules() if hasattr(module, "flags") for flag in module.flags(sql_columns)]
    searches = [module.SEARCH for module in registry.modules() if hasattr(module, "SEARCH")]
    confirms: dict[str, Confirm] = {}
    flags += search_flags(searches, columns, confirms)
    for name, call in confirms.items():
        engine.function(name, call)
    identifying = identifying_columns(scan.roles, scan.sample.columns, scan.sample.rows)
    several_splits = len(scan.stored.splits) > 1
    return Plan(columns, here, doors(searches, columns), flags, identifying, keep_questions=several_splits, spoken=scan.spoken)


def _sampled_hashes(scan: Scan) -> tuple[int, ...]:
    return sketch_of_sample(scan.sample, scan.columns, scan.roles).hashes


def _counted(scan: Scan, engine: Engine, plan: Plan, others: list[str]) -> Counted:
    dataset = scan.sample.dataset
    rows = engine.rows("SELECT count(*) FROM facts")[0][0]
    if not rows:
        raise BadData(f"{clean(dataset, limit=200)} has no rows", hint="there is nothing to inspect")
    by_code, findings = _flag_findings(scan, engine, plan.flags, rows)
    combinations = row_table.together(engine, plan.flags, by_code)
    copies, pair = row_table.copies(engine, rows)
    if pair:
        by_code[set307_duplicates.CODE] = copies
        findings.append(set307_duplicates.over_all_rows(dataset, copies, pair, plan.identifying, rows))
    # Count what other splits share with this one; `by_code` keeps the larger count, of rows or of questions.
    leakage, code = [], set313_leakage.CODE
    for number, name in enumerate(others):
        same_rows, same_questions = row_table.shared(engine, f"other_{number}", rows)
        rows_there = engine.rows(f"SELECT count(*) FROM other_{number}")[0][0]
        leakage.append(
            {
                "split": clean(name, limit=60),
                "rows": rows_there,
                "same_rows": same_rows["rows"],
                "same_questions": same_questions["rows"],
            }
        )
        for kind, counts in ((set313_leakage.ROWS, same_rows), (set313_leakage.QUESTIONS, same_questions)):
            if counts["rows"]:
                by_code[code] = max(by_code.get(code, counts), counts, key=lambda count: int(count["rows"]))
                findings.append(set313_leakage.over_all_rows(scan.sample, name, kind, counts, rows, rows_there))
    labels = row_table.label_counts(engine, plan)
    if labels and plan.label and scan.roles.has("prompt", "completion", "label") and scan.method in (None, "kto"):
        values = [row.get(plan.label.column) for row in scan.sample.rows]
        label_counts = counted_labels(plan.label.column, labels, values)
        for module in registry.modules() if label_counts else ():
            findings += module.check_labels(dataset, label_counts, rows) if hasattr(module, "check_labels") else ()
    patterns = row_table.role_patterns(engine, plan)
    fields = {
        "rows": rows,
        "counts": by_code,
        "columns": row_table.columns(engine, plan, rows),
        "role_patterns": [[" ".join(speakers), count] for speakers, count in patterns],
        "role_pattern_parts": [pattern_parts(speakers) for speakers, _ in patterns],
        "length_histogram": row_table.lengths(engine, " and ".join(item.role for item in plan.columns if item.role != "label")),
        "label_counts": labels,
        "leakage": leakage,
    }
    return Counted(fields, findings, combinations, sketch_of(engine, "facts", _sampled_hashes(scan)))


def _flag_findings(scan: Scan, engine: Engine, flags: list[Flag], rows: int) -> tuple[dict[str, Any], list[Finding]]:
    """Counts by code, and a finding for each flag that is true for some row."""
    codes = list(dict.fromkeys(flag.code for flag in flags))
    by_code_conditions = [row_table.by_code(flags, code) for code in codes]
    by_flag_conditions = [(f"f{number}", f"e{number}" if flag.example else None) for number, flag in enumerate(flags)]
    by_turns = {flag.code for flag in flags if flag.speakers}
    counted_codes = [*codes, *(flag.code for flag in flags)]
    all_counts = row_table.flagged(engine, by_code_conditions + by_flag_conditions, rows)
    for code, counts in zip(counted_codes, all_counts, strict=True):
        if code in by_turns and counts["example"]:  # the engine writes orders of speakers as letters
            counts["example"] = " ".join(speakers_in_words(counts["example"]))
    by_code = {code: counts for code, counts in zip(codes, all_counts, strict=False) if counts["rows"]}
    findings = []
    for flag, counts in zip(flags, all_counts[len(codes) :], strict=True):
        if counts["rows"]:
            level = registry.severity_of(flag.code, counts["rows"], rows)
            dataset = scan.sample.dataset
            findings.append(finding_over_all(dataset, flag.code, level, flag.message, counts, rows, flag.fix, flag.columns))
    return by_code, findings


def merged(sample: list[Finding], full: list[Finding], counted: dict[str, Any]) -> list[Finding]:
    """All findings, errors first. A code that the full scan counts is reported once, over all rows; others are the sample's.

    A finding whose rows the scan counts under another code (SET214, nulls that a trainer stops at, as SET308) takes that count.
    """
    replacements = []
    for place, item in enumerate(sample):
        counted_as = registry.property_of(item.code, "COUNTED_AS")
        replacement = next((other for other in full if other.code == counted_as and other.columns == item.columns), None)
        if replacement:
            replacements.append(replacement)
            sample[place] = replacement._replace(code=item.code, severity=item.severity, message=item.message, fix=item.fix)
    full = [item for item in full if item not in replacements]
    codes = {finding.code for finding in full}
    kept = []
    for item in sample:
        outdated = registry.property_of(item.code, "outdated")
        if item.code not in codes and not (outdated and outdated(item, counted)):
            kept.append(item)
    return sorted([*full, *kept], key=lambda item: registry.RANK[item.severity])
