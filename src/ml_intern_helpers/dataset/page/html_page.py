"""The page of `--html`: facts of the report in a template, and a policy that lets nothing else run or load.

The same report makes the same bytes: no clock, no random name.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ml_intern_helpers import __version__
from ml_intern_helpers.cli.output import without_tokens
from ml_intern_helpers.core.errors import ToolError, UsageError
from ml_intern_helpers.core.paths import write_atomic
from ml_intern_helpers.core.report import Report
from ml_intern_helpers.core.text import clean, page_policy
from ml_intern_helpers.dataset.checks.context import Facts
from ml_intern_helpers.dataset.page import charts, headline
from ml_intern_helpers.dataset.page.charts import patterns
from ml_intern_helpers.dataset.page.headline import counted
from ml_intern_helpers.dataset.page.sample_rows import sample_rows
from ml_intern_helpers.dataset.profile.profile import fine, spoken_sizes
from ml_intern_helpers.dataset.sample import rows_in_words

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATES = Path(__file__).with_name("templates")
MOST_BYTES = 1_000_000
MOST_COLUMNS, MOST_FINDINGS, MOST_SPLITS, MOST_WARNINGS = 100, 60, 40, 20
#: Keys that a report need not have.
LATER: dict[str, Any] = {"decision": None, "recommended": [], "lengths": None, "full": None}
_HUB_ID = re.compile(r"^[A-Za-z0-9][\w.-]*(?:/[A-Za-z0-9][\w.-]*)?$")
_HUB_KINDS = ("viewer", "parquet-export", "streaming")


def page(report: Report, facts: Facts) -> str:
    """The report as HTML, at most `MOST_BYTES`; sample rows give way when it would be more."""
    context, shown = _context(report, facts), sample_rows(facts, report.findings)
    html = _rendered(context, shown)
    while len(html.encode()) > MOST_BYTES and shown:
        shown = shown[: len(shown) // 2]
        html = _rendered(context, shown)
    return html


def _rendered(context: dict[str, Any], shown: list[dict[str, Any]]) -> str:
    style, script = _own("style.css"), _own("copy.js")
    context = context | {"samples": shown, "style": style, "script": script, "policy": page_policy(style, script)}
    return without_tokens(_environment().get_template("page.html").render(context))


@cache
def _own(name: str) -> str:
    return (TEMPLATES / name).read_text(encoding="utf-8").strip()


@cache
def _environment() -> Environment:
    """Everything is escaped but what is ours and says so; a name that is missing is an error, not a blank."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"number": lambda value: f"{value:,}", "percent": headline.percent}
    return environment


def _context(report: Report, facts: Facts) -> dict[str, Any]:
    fields = {**LATER, **report.fields}
    profile = counted(fields)
    severities = [finding.severity for finding in report.findings]
    # A full scan does not count languages.
    shares = (("labels", "Labels"), ("languages", "Languages of the sample" if fields["full"] else "Languages"))
    return {
        "version": __version__,
        "fields": fields,
        "head": headline.headline(fields),
        "facts": headline.facts(fields),
        "methods": headline.methods(fields),
        "hub": fields["dataset"] if fields["source"]["kind"] in _HUB_KINDS and _HUB_ID.match(fields["dataset"]) else None,
        "findings": report.findings[:MOST_FINDINGS],
        "findings_more": max(len(report.findings) - MOST_FINDINGS, 0),
        "counts": [(name, severities.count(name)) for name in ("error", "warning", "info") if name in severities],
        "lengths": _lengths(fields, profile, facts),
        "patterns": patterns(profile.get("role_patterns") or []),
        "classes": [(title, charts.shares(profile[name])) for name, title in shares if profile.get(name)],
        "duplicates": profile.get("duplicates_share"),
        "codes": _codes(fields),
        "columns": fields["columns"][:MOST_COLUMNS],
        "splits": [{**split, "told": rows_in_words(split) or "rows unknown"} for split in fields["splits"][:MOST_SPLITS]],
        "warnings": report.warnings[:MOST_WARNINGS],
    }


def _lengths(fields: dict[str, Any], profile: dict[str, Any], facts: Facts) -> list[dict[str, Any]]:
    """Tokens first where they were counted; characters of what is trained on, else of all that a row says."""
    known = fields.get("lengths") or {}
    found = []
    for unit in ("tokens", "characters"):
        at = known.get(unit) or (_said(fields, profile, facts) if unit == "characters" else None)
        drawn = charts.histogram(unit, at) if at else None
        if at and drawn:
            found.append({**drawn, "cut": sorted((int(size), share) for size, share in (at.get("cut") or {}).items()), "at": at})
    return found


def _said(fields: dict[str, Any], profile: dict[str, Any], facts: Facts) -> dict[str, Any] | None:
    """The profile's lengths, in bars made for these data: those of a profile are wide, and the same for all."""
    at: dict[str, Any] | None = profile.get("characters")
    if at and fields["full"]:  # its bars are its own
        return at
    return {**at, "histogram": fine(spoken_sizes(facts.sample, facts.columns, facts.roles))} if at else None


def _codes(fields: dict[str, Any]) -> list[dict[str, Any]]:
    """Blocks of code to copy: loading, the mapping of each method, the filters. The same mapping is shown once."""
    found: dict[str, dict[str, Any]] = {}
    for method, verdict in fields["verdicts"].items():
        if verdict["mapping"]:
            message = f"run on {verdict['mapping_rows_in']:,} rows, {verdict['mapping_rows_out']:,} came out"
            block = found.setdefault(verdict["mapping"], {"title": "Mapping for", "methods": [], "told": message})
            block["methods"].append(method)
    blocks = [{**block, "code": code} for code, block in found.items()]
    decision = fields.get("decision") or {}
    if decision.get("filter_code"):
        message = f"keeps {decision['rows_out']:,} of {decision['rows_in']:,} rows"
        blocks.insert(0, {"title": "Filters", "methods": [], "told": message, "code": decision["filter_code"]})
    if fields["load"] and not blocks:
        blocks.append(
            {"title": "Load the data", "methods": [], "told": "loads the split that was looked at", "code": fields["load"]}
        )
    return blocks


#: The beginning of every page of ours; what starts otherwise is somebody else's.
MARK = b"<!doctype html>\n<!-- ml-intern/inspect_dataset report v1 -->"


class NotWritten(ToolError):
    """The page could not be written."""

    code = "not-written"


def check_target(text: str, *, force: bool) -> Path:
    """The file to write, before any work is done for it.

    Raises:
        UsageError: a folder, a device, a folder that is not there, or a file that is not a report of ours.
    """
    path = Path(text).expanduser()
    shown = clean(text, limit=200)
    try:
        path = path.resolve()  # through a link, to what would be replaced
        if path.is_dir() or (path.exists() and not path.is_file()):
            raise UsageError(f"--html {shown}: that is a folder or a device", hint="name a file, such as report.html")
        if not path.parent.is_dir():
            raise UsageError(
                f"--html {shown}: there is no folder {clean(path.parent, limit=200)}", hint="make it, or name another"
            )
        if path.exists() and not force and not _is_ours(path):
            hint = "name another file, or add --force to replace it"
            raise UsageError(f"--html {shown}: the file is there and is no report of inspect_dataset", hint=hint)
    except (OSError, ValueError, RuntimeError) as err:
        raise UsageError(f"--html {shown} cannot be written: {clean(err, limit=150)}", hint="name another file") from err
    return path


def write_page(path: Path, page: str) -> int:
    """Write the page at once, whole or not at all; its size in bytes.

    Raises:
        NotWritten: the disk is full, or the folder may not be written to.
    """
    data = page.encode("utf-8")
    try:
        write_atomic(path, data)
    except OSError as err:
        message = f"{clean(path, limit=200)} was not written: {err.strerror or type(err).__name__}"
        raise NotWritten(message, hint="free some space, or name another file") from err
    return len(data)


def _is_ours(path: Path) -> bool:
    with path.open("rb") as stream:
        return stream.read(len(MARK)) == MARK or path.stat().st_size == 0
