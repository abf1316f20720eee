"""The form of the researcher's report: a ranked table of recipes, each with paper, place and number, and what was not read."""

from __future__ import annotations

import re

from ml_intern_helpers.guard.research.evidence import unread

MOST_WORDS = 1500
_HEADINGS = {
    "RECIPES": "RECIPES (best first), the ranked table",
    "RECOMMENDED": "RECOMMENDED: which recipe, why, settings to copy with (paper, section)",
}
_NOT_READ = re.compile(r"\bNOT (?:FOUND|READ)\b")
_PAPER = re.compile(
    r"\b\d{4}\.\d{4,5}(?:v\d+)?\b|\b10\.\d{4,9}/\S+|\b[a-z-]+/\d{7}\b|https?://|openreview|\b[A-Z]\d{2}-\d{4}\b",
    re.IGNORECASE,
)
_PLACE = re.compile(
    r"§|\b(?:sec(?:tion|t)?s?|tab(?:le)?s?|fig(?:ure)?s?|app(?:endix|x)?|eq(?:uation)?|p(?:age|p)?)\b\.?\s*[\w.]*\d"
    r"|\b(?:appendix|app\.?) [A-Z]\b|\bappendix\b|\bmodel card\b",
    re.IGNORECASE,
)
_RULE = re.compile(r"[\s|:-]+")


def faults_of(report: str, read: str = "") -> list[str]:
    """What the report lacks, one line each; empty for one that can be implemented from.

    Args:
        read: all that tools gave the reporter; "" where that is not known, and then nothing is held against it.
    """
    found = [f"{told}" for word, told in _HEADINGS.items() if word not in report]
    if not _NOT_READ.search(report):
        found.append("NOT FOUND / NOT READ: what was looked for in vain, what was not opened")
    rows = recipes(report)
    if not rows and not _says_why_empty(report):
        found.append("no recipe in the table: at least one row, or under NOT FOUND why there is none")
    found += [f"row {number}: {told}" for number, row in enumerate(rows, start=1) for told in _row_faults(row, read)][:8]
    words = len(report.split())
    return found + ([f"{words} words: at most {MOST_WORDS}"] if words > MOST_WORDS else [])


def recipes(report: str) -> list[dict[str, str]]:
    """The rows of the first table behind RECIPES: head (in small letters) -> cell."""
    lines = report.partition("RECIPES")[2].splitlines()
    table: list[list[str]] = []
    for line in lines:
        if line.lstrip().startswith("|"):
            if not _RULE.fullmatch(line):
                table.append([cell.strip() for cell in line.strip().strip("|").split("|")])
        elif table:
            break
    head = [cell.lower() for cell in table[0]] if table else []
    return [dict(zip(head, row, strict=False)) for row in table[1:]]


def _row_faults(row: dict[str, str], read: str) -> list[str]:
    text = " | ".join(row.values())
    found = [] if _PAPER.search(text) else ["the paper's id is missing"]
    found += [] if _PLACE.search(text) else ["the section or table is missing that the figures stand in"]
    result = next((cell for head, cell in row.items() if "result" in head), "")
    has_number = re.search(r"\d", result) or "not stated" in result.lower()
    found += [] if has_number else ["the number that the recipe produced is missing (result vs baseline)"]
    return found + unread(text, result, read)


def _says_why_empty(report: str) -> bool:
    behind = _NOT_READ.split(report)[-1]
    return bool(_NOT_READ.search(report)) and len(behind.split()) >= 5
