"""`--full`: every row counted. One pass over the files, then counts over a small table of facts about each row."""

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
from ml_intern_helpers.dataset.full.engine import Engine, Progress, explained_error, missing
from ml_intern_helpers.dataset.full.relation import Relation, relation
from ml_intern_helpers.dataset.full.row_table import Plan, facts_query, hashes_query, keys_query, sketch_of
from ml_intern_helpers.dataset.labels import counted_labels
from ml_intern_helpers.dataset.profile.profile import pattern_parts, sketch_of_sample
from ml_intern_helpers.dataset.profile.sketch import Sketch, spoken_columns
from ml_intern_helpers.dataset.sample import Sample, Stored


@dataclass(frozen=True)
class Scan:
    """What to scan, and within which bounds.

    Attributes:
        bytes_planned: the most that will be read; announced before the scan and compared after it.
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
            raise Unavailable("nothing is known of where all the rows lie", hint="download the files and give their path")
        return self.sample.stored

    @property
    def spoken(self) -> list[str]:
        """The columns whose words a row is sketched by."""
        return spoken_columns(self.roles, [column.name for column in self.columns])


@dataclass(frozen=True)
class Counted:
    """The result of a scan.

    Attributes:
        fields: the `full` object of the report.
        findings: over all rows.
        together: see `AllRows`.
        sketch: of what every row says; None where the engine reads the rows in other words than Python.
    """

    fields: dict[str, Any]
    findings: list[Finding]
    together: list[tuple[frozenset[str], int]]
    sketch: Sketch | None

    @property
    def all_rows(self) -> AllRows:
        by_code = {code: found["rows"] for code, found in self.fields["counts"].items()}
        nulls = {name: found["nulls"] for name, found in self.fields["columns"].items() if found["nulls"]}
        return AllRows(self.fields["rows"], by_code, tuple(self.together), nulls)


def full_scan(scan: Scan) -> Counted:
    """Count every row.

    Raises:
        BadData: a file that breaks off, or a line that is broken.
        Unavailable: DuckDB is missing, or the scan needs more memory than it may have.
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
    """The sketch of what every row says, and no other count; None as in `Counted`.

    Raises:
        as `full_scan`.
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
    """The engine over the files of `scan`; what it raises becomes one clear error."""
    try:
        import duckdb  # noqa: F401
    except ImportError as err:
        raise missing() from err
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
    """The flags of every check, in their order."""
    columns = columns_with_roles(scan.roles, scan.columns, scan.sample.rows, here.types, here.names)
    given = SqlColumns(columns, scan.method)
    flags = [flag for module in registry.modules() if hasattr(module, "flags") for flag in module.flags(given)]
    searches = [module.SEARCH for module in registry.modules() if hasattr(module, "SEARCH")]
    confirms: dict[str, Confirm] = {}
    flags += search_flags(searches, columns, confirms)
    for name, call in confirms.items():
        engine.function(name, call)
    identifying = identifying_columns(scan.roles, scan.sample.columns, scan.sample.rows)
    many = len(scan.stored.splits) > 1
    return Plan(columns, here, doors(searches, columns), flags, identifying, keep_questions=many, spoken=scan.spoken)


def _sampled_hashes(scan: Scan) -> tuple[int, ...]:
    return sketch_of_sample(scan.sample, scan.columns, scan.roles).hashes


def _counted(scan: Scan, engine: Engine, plan: Plan, others: list[str]) -> Counted:
    dataset = scan.sample.dataset
    rows = engine.rows("SELECT count(*) FROM facts")[0][0]
    if not rows:
        raise BadData(f"{clean(dataset, limit=200)} has no rows", hint="there is nothing to inspect")
    by_code, findings = _flag_findings(scan, engine, plan.flags, rows)
    together = row_table.together(engine, plan.flags, by_code)
    copies, pair = row_table.copies(engine, rows)
    if pair:
        by_code[set307_duplicates.CODE] = copies
        findings.append(set307_duplicates.over_all_rows(dataset, copies, pair, plan.identifying, rows))
    # What every other split shares with this one; `by_code` takes the larger count, of rows or of questions.
    leaks, code = [], set313_leakage.CODE
    for number, name in enumerate(others):
        same, alike = row_table.shared(engine, f"other_{number}", rows)
        there = engine.rows(f"SELECT count(*) FROM other_{number}")[0][0]
        leaks.append({"split": clean(name, limit=60), "rows": there, "same_rows": same["rows"], "same_questions": alike["rows"]})
        for what, counted in ((set313_leakage.ROWS, same), (set313_leakage.QUESTIONS, alike)):
            if counted["rows"]:
                by_code[code] = max(by_code.get(code, counted), counted, key=lambda found: int(found["rows"]))
                findings.append(set313_leakage.over_all_rows(scan.sample, name, what, counted, rows, there))
    labels = row_table.label_counts(engine, plan)
    if labels and plan.label and scan.roles.has("prompt", "completion", "label") and scan.method in (None, "kto"):
        values = [row.get(plan.label.column) for row in scan.sample.rows]
        meant = counted_labels(plan.label.column, labels, values)
        for module in registry.modules() if meant else ():
            findings += module.check_labels(dataset, meant, rows) if hasattr(module, "check_labels") else ()
    patterns = row_table.role_patterns(engine, plan)
    fields = {
        "rows": rows,
        "counts": by_code,
        "columns": row_table.columns(engine, plan, rows),
        "role_patterns": [[" ".join(speakers), found] for speakers, found in patterns],
        "role_pattern_parts": [pattern_parts(speakers) for speakers, _ in patterns],
        "length_histogram": row_table.lengths(engine, " and ".join(item.role for item in plan.columns if item.role != "label")),
        "label_counts": labels,
        "leakage": leaks,
    }
    return Counted(fields, findings, together, sketch_of(engine, "facts", _sampled_hashes(scan)))


def _flag_findings(scan: Scan, engine: Engine, flags: list[Flag], rows: int) -> tuple[dict[str, Any], list[Finding]]:
    """Counts by code, and a finding for each flag that is up somewhere."""
    codes = list(dict.fromkeys(flag.code for flag in flags))
    together = [row_table.by_code(flags, code) for code in codes]
    single = [(f"f{number}", f"e{number}" if flag.example else None) for number, flag in enumerate(flags)]
    by_turns = {flag.code for flag in flags if flag.speakers}
    counted_codes = [*codes, *(flag.code for flag in flags)]
    counted = row_table.flagged(engine, together + single, rows)
    for code, found in zip(counted_codes, counted, strict=True):
        if code in by_turns and found["example"]:  # orders of speakers are letters in the engine, words for people
            found["example"] = " ".join(speakers_in_words(found["example"]))
    by_code = {code: found for code, found in zip(codes, counted, strict=False) if found["rows"]}
    findings = []
    for flag, found in zip(flags, counted[len(codes) :], strict=True):
        if found["rows"]:
            level = registry.severity_of(flag.code, found["rows"], rows)
            dataset = scan.sample.dataset
            findings.append(finding_over_all(dataset, flag.code, level, flag.message, found, rows, flag.fix, flag.columns))
    return by_code, findings


def merged(sample: list[Finding], full: list[Finding], counted: dict[str, Any]) -> list[Finding]:
    """All findings, errors first. A code that the full scan counts is reported once, over all rows; what it cannot see stays
    as it was.

    A code that the scan counts under another one (nulls that a trainer stops at, SET214, as SET308) takes over that count.
    """
    taken = []
    for at, item in enumerate(sample):
        counted_as = registry.property_of(item.code, "COUNTED_AS")
        same = next((other for other in full if other.code == counted_as and other.columns == item.columns), None)
        if same:
            taken.append(same)
            sample[at] = same._replace(code=item.code, severity=item.severity, message=item.message, fix=item.fix)
    full = [item for item in full if item not in taken]
    codes = {finding.code for finding in full}
    kept = []
    for item in sample:
        outdated = registry.property_of(item.code, "outdated")
        if item.code not in codes and not (outdated and outdated(item, counted)):
            kept.append(item)
    return sorted([*full, *kept], key=lambda item: registry.RANK[item.severity])
