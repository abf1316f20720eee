"""Writes the page of `--html`: the report in a template, with a content security policy that blocks everything else.

The same report gives the same bytes: the page has no time stamp and no random names.
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
from ml_intern_helpers.core.text import clean, human_bytes, page_policy
from ml_intern_helpers.dataset.checks.context import Facts
from ml_intern_helpers.dataset.decision import TITLES as DECISION_TITLES
from ml_intern_helpers.dataset.page import charts
from ml_intern_helpers.dataset.page.charts import patterns
from ml_intern_helpers.dataset.page.sample_rows import sample_rows
from ml_intern_helpers.dataset.profile.profile import fine, pattern_text, spoken_sizes
from ml_intern_helpers.dataset.sample import rows_in_words
from ml_intern_helpers.dataset.verdicts import TITLES

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATES = Path(__file__).with_name("templates")
MOST_BYTES = 1_000_000
MOST_COLUMNS, MOST_FINDINGS, MOST_SPLITS, MOST_WARNINGS = 100, 60, 40, 20
#: Defaults of fields that a report may lack.
LATER: dict[str, Any] = {"decision": None, "recommended": [], "lengths": None, "full": None}
_HUB_ID = re.compile(r"^[A-Za-z0-9][\w.-]*(?:/[A-Za-z0-9][\w.-]*)?$")
_HUB_KINDS = ("viewer", "parquet-export", "streaming")

Fields = dict[str, Any]
TONES = {"ready": "good", "needs_mapping": "warn", "incompatible": "bad", "unknown": "open"}
#: Signs beside the colours, for readers who do not see colours.
SIGNS = {"good": "✓", "warn": "→", "bad": "✕", "open": "?"}
DECISION_TONES = {"go": "good", "go_with_filters": "warn", "no_go": "bad", "unknown": "open"}


def page(report: Report, facts: Facts) -> str:
    """The report as HTML of at most `MOST_BYTES`; sample rows are left out when it would be larger."""
    context, shown = _context(report, facts), sample_rows(facts, report.findings)
    html = _rendered(context, shown)
    while len(html.encode()) > MOST_BYTES and shown:
        shown = shown[: len(shown) // 2]
        html = _rendered(context, shown)
    return html


def _rendered(context: dict[str, Any], shown: list[dict[str, Any]]) -> str:
    style, script = _template_file("style.css"), _template_file("copy.js")
    context = context | {"samples": shown, "style": style, "script": script, "policy": page_policy(style, script)}
    return without_tokens(_environment().get_template("page.html").render(context))


@cache
def _template_file(name: str) -> str:
    return (TEMPLATES / name).read_text(encoding="utf-8").strip()


@cache
def _environment() -> Environment:
    """The template environment: values are escaped unless the template says otherwise, and unknown names are errors."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"number": lambda value: f"{value:,}", "percent": percent}
    return environment


def _context(report: Report, facts: Facts) -> dict[str, Any]:
    fields = {**LATER, **report.fields}
    profile = counted(fields)
    severities = [finding.severity for finding in report.findings]
    # A full scan does not count languages.
    shares = (("labels", "Labels"), ("languages", "Languages of the sample" if fields["full"] else "Languages"))
    # First tokens, if they were counted; then characters of the texts that are trained on, else of all texts of a row.
    lengths = fields.get("lengths") or {}
    histograms = []
    for unit in ("tokens", "characters"):
        summary = lengths.get(unit) or (_characters(fields, profile, facts) if unit == "characters" else None)
        histogram = charts.histogram(unit, summary) if summary else None
        if summary and histogram:
            cut = sorted((int(size), share) for size, share in (summary.get("cut") or {}).items())
            histograms.append({**histogram, "cut": cut, "at": summary})
    return {
        "version": __version__,
        "fields": fields,
        "head": headline(fields),
        "facts": key_figures(fields),
        "methods": method_cards(fields),
        "hub": fields["dataset"] if fields["source"]["kind"] in _HUB_KINDS and _HUB_ID.match(fields["dataset"]) else None,
        "findings": report.findings[:MOST_FINDINGS],
        "findings_more": max(len(report.findings) - MOST_FINDINGS, 0),
        "counts": [(name, severities.count(name)) for name in ("error", "warning", "info") if name in severities],
        "lengths": histograms,
        "patterns": patterns(profile.get("role_patterns") or [], profile.get("role_pattern_parts") or []),
        "classes": [(title, charts.shares(profile[name])) for name, title in shares if profile.get(name)],
        "duplicates": profile.get("duplicates_share"),
        "codes": _codes(fields),
        "columns": fields["columns"][:MOST_COLUMNS],
        "splits": [{**split, "rows_text": rows_in_words(split) or "rows unknown"} for split in fields["splits"][:MOST_SPLITS]],
        "warnings": report.warnings[:MOST_WARNINGS],
    }


def _characters(fields: dict[str, Any], profile: dict[str, Any], facts: Facts) -> dict[str, Any] | None:
    """The profile's lengths, with narrower bars for this dataset: those of a profile are wide, and the same for all datasets."""
    summary: dict[str, Any] | None = profile.get("characters")
    if summary and fields["full"]:  # a full scan has made narrow bars already
        return summary
    return {**summary, "histogram": fine(spoken_sizes(facts.sample, facts.columns, facts.roles))} if summary else None


def _codes(fields: dict[str, Any]) -> list[dict[str, Any]]:
    """Blocks of code to copy: filters and mappings (equal ones once), or the line that loads the data if there are none."""
    mappings: dict[str, dict[str, Any]] = {}
    for method, verdict in fields["verdicts"].items():
        if verdict["mapping"]:
            message = f"run on {verdict['mapping_rows_in']:,} rows, {verdict['mapping_rows_out']:,} came out"
            block = mappings.setdefault(verdict["mapping"], {"title": "Mapping for", "methods": [], "note": message})
            block["methods"].append(method)
    blocks = [{**block, "code": code} for code, block in mappings.items()]
    decision = fields.get("decision") or {}
    if decision.get("filter_code"):
        message = f"keeps {decision['rows_out']:,} of {decision['rows_in']:,} rows"
        blocks.insert(0, {"title": "Filters", "methods": [], "note": message, "code": decision["filter_code"]})
    if fields["load"] and not blocks:
        blocks.append(
            {"title": "Load the data", "methods": [], "note": "loads the split that was looked at", "code": fields["load"]}
        )
    return blocks


#: The beginning of every page that this command writes; a file that starts differently is not replaced.
MARK = b"<!doctype html>\n<!-- ml-intern/inspect_dataset report v1 -->"


class NotWritten(ToolError):
    """The page could not be written."""

    code = "not-written"


def check_target(text: str, *, force: bool) -> Path:
    """The file to write, checked before the dataset is inspected.

    Raises:
        UsageError: a folder, a device, a missing parent folder, or a file that is not a report of this command.
    """
    path = Path(text).expanduser()
    shown = clean(text, limit=200)
    try:
        path = path.resolve()  # check the file that would be replaced, not a link to it
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
    """Write the page atomically, and return its size in bytes.

    Raises:
        NotWritten: the disk is full, or the folder is not writable.
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


def headline(fields: Fields) -> dict[str, Any]:
    """The verdict in a word, its tone, the method it is for, and its reasons."""
    decision = fields.get("decision")
    if decision:
        word, tone = DECISION_TITLES[decision["word"]], DECISION_TONES[decision["word"]]
        return {"word": word, "tone": tone, "method": decision["method"], "reasons": decision["reasons"][:5]}
    # If no method was requested, take the first with the best verdict.
    order = ["ready", "needs_mapping", "unknown", "incompatible"]
    method = fields["method"] or min(fields["verdicts"], key=lambda name: order.index(fields["verdicts"][name]["verdict"]))
    verdict = fields["verdicts"][method]
    words = {"word": TITLES[verdict["verdict"]], "tone": TONES[verdict["verdict"]], "method": method}
    return {**words, "reasons": [verdict["reason"]]}


def method_cards(fields: Fields) -> list[dict[str, Any]]:
    """One card for each method, with the reason if it is recommended."""
    why = {item["method"]: item["why"] for item in fields.get("recommended") or []}
    return [
        {
            "name": name,
            "word": TITLES[verdict["verdict"]].lower(),
            "tone": TONES[verdict["verdict"]],
            "sign": SIGNS[TONES[verdict["verdict"]]],
            "reason": verdict["reason"],
            "why": why.get(name),
            "requested": name == fields["method"],
            "left": verdict["columns_not_used"][:12],
            "left_more": max(len(verdict["columns_not_used"]) - 12, 0),
        }
        for name, verdict in fields["verdicts"].items()
    ]


def key_figures(fields: Fields) -> list[tuple[str, str, str]]:
    """The key figures, each as (label, figure, words below it)."""
    sampled, profile = fields["looked_at"], counted(fields)
    full = fields.get("full")
    rows = full["rows"] if full else sampled["rows_sampled"]
    whole = bool(full) or sampled["complete"]
    figures = [("rows looked at", f"{rows:,}", "every row of the split" if whole else sampled["order"])]
    figures.append(("split", sampled["split"], _split_size(fields)))
    forms = ", ".join(item["name"] for item in fields["formats"][:2]) or "no known format"
    figures.append(("columns", f"{fields['columns_total']:,}", forms))
    if profile.get("duplicates_share") is not None:
        figures.append(("repeated rows", percent(profile["duplicates_share"]), "of the rows looked at"))
    card = fields["card"]
    if card:
        figures.append(("licence", card["license"] or "not stated", "gated" if card["gated"] else "open access"))
    return figures


def _split_size(fields: Fields) -> str:
    sampled = fields["looked_at"]
    for split in fields["splits"]:
        if (split["config"], split["split"]) == (sampled["config"], sampled["split"]):
            size = f", {human_bytes(split['num_bytes'])}" if split["num_bytes"] else ""
            return (rows_in_words(split) or "rows unknown") + size
    return ""


def percent(share: float) -> str:
    """A share in percent; a share above zero is never written as zero."""
    if 0 < share < 0.001:
        return "< 0.1 %"
    return f"{100 * share:.1f} %" if share < 0.1 and share else f"{100 * share:.0f} %"


def counted(fields: dict[str, Any]) -> dict[str, Any]:
    """The profile; after a full scan, with its counts instead of those of the sample."""
    profile, full = fields["profile"] or {}, fields["full"]
    if not full:
        return profile
    copies = full["counts"].get("SET307") or {"share": 0.0}
    parts = full["role_pattern_parts"]
    return {
        **profile,
        "role_patterns": [[pattern_text(pattern), rows] for pattern, (_, rows) in zip(parts, full["role_patterns"], strict=True)],
        "role_pattern_parts": parts,
        "characters": full["length_histogram"] or profile.get("characters"),
        "labels": full["label_counts"] or profile.get("labels"),
        "duplicates_share": copies["share"],
    }
