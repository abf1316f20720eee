"""Writes the section on training data for a model card: the facts that the audit knows, as Markdown.

Names and messages contain untrusted text, so they are put in code spans, where Markdown and HTML have no effect.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import PurePath
from typing import Any
from urllib.parse import quote

from ml_intern_helpers import __version__
from ml_intern_helpers.core.report import Finding
from ml_intern_helpers.core.text import clean, shorten
from ml_intern_helpers.dataset.sample import rows_in_words

Fields = dict[str, Any]
MOST_COLUMNS, MOST_FINDINGS = 20, 12
_HUB_KINDS = ("viewer", "parquet-export", "streaming")
_ID = re.compile(r"^[A-Za-z0-9][\w.-]*(?:/[A-Za-z0-9][\w.-]*)?$")


def card_text(fields: Fields, findings: list[Finding]) -> str:
    """Markdown for the section on training data; ends without a line break."""
    source, looked_at, name = fields["source"], fields["looked_at"], fields["dataset"]
    # Link to the Hub, or give only the name of a local file, since its folder is private.
    dataset = f"the local data {span(PurePath(name).name or name)}"
    facts = [f"split {span(looked_at['split'])}"] + (
        [f"config {span(looked_at['config'])}"] if looked_at["config"] != "default" else []
    )
    if source["kind"] in _HUB_KINDS:
        facts.append(f"revision {span(source['revision'])}" if source["revision"] else "revision not known")
        if _ID.match(name):
            dataset = f"[{span(name)}](https://huggingface.co/datasets/{quote(name)})"
    inspected = (looked_at["config"], looked_at["split"])
    split = next((item for item in fields["splits"] if (item["config"], item["split"]) == inspected), None)
    facts.append((split and rows_in_words(split)) or "number of rows not known")
    card = fields["card"]
    if card:
        facts.append(f"licence {span(card['license'])}" if card["license"] else "licence not stated by its authors")
        facts += ["gated: access is granted by its authors"] if card["gated"] else []
    columns = ", ".join(span(column["name"]) for column in fields["columns"][:MOST_COLUMNS])
    more = f" and {fields['columns_total'] - MOST_COLUMNS} more" if fields["columns_total"] > MOST_COLUMNS else ""
    sections = [
        "## Training data",
        f"This model was trained on {dataset}: {'; '.join(facts)}. Columns: {columns}{more}.",
        _audit(fields, findings),
    ]
    # Without a requested method it is unknown which mapping was used.
    verdict = fields["verdicts"].get(fields["method"] or "")
    sections += _code("Rows were brought into shape with", verdict["mapping"] if verdict else None)
    decision = fields.get("decision") or {}
    removed = ""
    if decision.get("rows_in") is not None and decision.get("rows_out") is not None:
        removed_rows = decision["rows_in"] - decision["rows_out"]
        removed = f", which removed {removed_rows:,} of the {decision['rows_in']:,} rows that were looked at"
    sections += _code(f"Rows were filtered with{removed}", decision.get("filter_code"))
    return "\n\n".join(sections)


def _audit(fields: Fields, findings: list[Finding]) -> str:
    source, looked_at = fields["source"], fields["looked_at"]
    date = source["fetched_at"][:10] if source["fetched_at"] else datetime.now(UTC).strftime("%Y-%m-%d")
    if looked_at["complete"]:
        rows = "all rows"
    elif fields.get("full"):  # some checks run on the sample even with a full scan
        rows = f"all rows, for near copies and languages at {looked_at['rows_sampled']:,} of them"
    else:
        order = "the first ones" if looked_at["order"] == "first rows" else "spread over the data"
        rows = f"{looked_at['rows_sampled']:,} rows ({order})"
    audit = f"The data were audited on {date} with `inspect_dataset` of ml-intern {__version__}, which looked at {rows}"
    relevant = [item for item in findings if item.severity != "info"]
    if not relevant:
        return f"{audit} and found nothing to report."
    return "\n".join([f"{audit}. It reported:", "", *_listed(relevant)])


def _listed(findings: list[Finding]) -> Iterator[str]:
    for finding in findings[:MOST_FINDINGS]:
        # The evidence without its example: text of a row does not belong on a public card.
        evidence = finding.evidence or ""
        yield f"- {finding.code}: {span(shorten(finding.message, 300))}" + (
            f" – {span(shorten(evidence, 160))}" if evidence else ""
        )
    if len(findings) > MOST_FINDINGS:
        yield f"- and {len(findings) - MOST_FINDINGS} more"


def _code(words: str, code: str | None) -> list[str]:
    """A block of code with a note to delete it if it was not used, since the audit cannot know that."""
    if not code:
        return []
    text = clean(code, keep_newlines=True)
    fence = "`" * max(3, _longest_run(text) + 1)
    return ["<!-- Delete this block if you did not use it. -->", f"{words}:", f"{fence}python\n{text}\n{fence}"]


def span(value: object) -> str:
    """A code span that shows `value` unchanged, even if it contains backticks."""
    text = clean(value, limit=400) or "(empty)"
    ticks = "`" * (_longest_run(text) + 1)
    room = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{ticks}{room}{text}{room}{ticks}"


def _longest_run(text: str) -> int:
    return max(map(len, re.findall("`+", text)), default=0)
