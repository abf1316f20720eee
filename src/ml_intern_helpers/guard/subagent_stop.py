"""SubagentStop hook: checks the form of the paper researcher's report, and asks once for what is missing.

The form is a ranked table of recipes, each with paper, place and number, and a list of what was not found or not read. Papers and
scores must occur in text that tools gave the researcher, because a model can invent plausible ones from memory.
"""

from __future__ import annotations

import re
from typing import Any

#: One message lists everything that is missing; a second one would rarely help and would cost the whole context again.
_MOST_BLOCKS = 1
MOST_WORDS = 1500
_MOST_BYTES = 32 * 1024 * 1024
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
_ARXIV = re.compile(r"(?<![\d./])\d{4}\.\d{4,5}(?!\d)")
#: A score as papers print it. With a sign it is a difference, with `~` an estimate: the writer's own figures, not checked.
_SCORE = re.compile(r"(?<![\w.,+~±−–-])\d{1,3}\.\d+(?![\w.])")


def answer(event: dict[str, Any]) -> dict[str, Any] | None:
    """The client's answer: `{"decision": "block", "reason": …}`, or None to let the subagent end."""
    from ml_intern_helpers.guard.permission_denied import release_refused
    from ml_intern_helpers.guard.research_budget import is_researcher

    release_refused(event)
    report = event.get("last_assistant_message")
    if not is_researcher(event) or not isinstance(report, str):
        return None
    missing = _missing_in(report, _given_to_read(event.get("agent_transcript_path")))
    if not missing or not _may_block(event):
        return None
    lines = [
        "ml-intern: the report is incomplete (see its form in your instructions). Hand it back with what is missing:",
        *(f"- {line}" for line in missing),
        "What you have not read stays NOT READ: do not fill a cell from memory.",
    ]
    return {"decision": "block", "reason": "\n".join(lines)}


def _may_block(event: dict[str, Any]) -> bool:
    """Count a block of this agent; False beyond _MOST_BLOCKS, or if it cannot be counted (it could repeat forever)."""
    from ml_intern_helpers.guard.memory import recalled, remember

    key = f"{event.get('session_id')}/{event.get('agent_id')}"
    count = recalled(key, "researcher").get("count", 0)
    return isinstance(count, int) and count < _MOST_BLOCKS and remember(key, "researcher", {"count": count + 1})


def _missing_in(report: str, read: str) -> list[str]:
    """What the report lacks, one line each; empty for a complete report.

    Args:
        report: the text of the report.
        read: everything that tools gave the researcher; "" if unknown, and papers and scores are then not checked.
    """
    missing = [heading for word, heading in _HEADINGS.items() if word not in report]
    named_gaps = _NOT_READ.search(report)
    if not named_gaps:
        missing.append("NOT FOUND / NOT READ: what you looked for without success, and what you did not open")
    rows = _recipes(report)
    if not rows and not (named_gaps and len(_NOT_READ.split(report)[-1].split()) >= 5):
        missing.append("no recipe is in the table: give at least one row, or say under NOT FOUND why there is none")
    missing += [f"row {number}: {gap}" for number, row in enumerate(rows, start=1) for gap in _missing_in_row(row, read)][:8]
    words = len(report.split())
    return missing + ([f"{words} words: at most {MOST_WORDS}"] if words > MOST_WORDS else [])


def _recipes(report: str) -> list[dict[str, str]]:
    """The rows of the first table after RECIPES: column name (in lower case) -> cell."""
    table: list[list[str]] = []
    for line in report.partition("RECIPES")[2].splitlines():
        if line.lstrip().startswith("|"):
            if not _RULE.fullmatch(line):
                table.append([cell.strip() for cell in line.strip().strip("|").split("|")])
        elif table:
            break
    names = [cell.lower() for cell in table[0]] if table else []
    return [dict(zip(names, row, strict=False)) for row in table[1:]]


def _missing_in_row(row: dict[str, str], read: str) -> list[str]:
    text = " | ".join(row.values())
    result = next((cell for name, cell in row.items() if "result" in name), "")
    missing = [] if _PAPER.search(text) else ["the paper's id is missing"]
    missing += [] if _PLACE.search(text) else ["the section or table that the figures come from is missing"]
    has_number = re.search(r"\d", result) or "not stated" in result.lower()
    missing += [] if has_number else ["the number that the recipe produced is missing (result vs baseline)"]
    if read:
        papers = [paper for paper in dict.fromkeys(_ARXIV.findall(text)) if not _occurs(paper, read)]
        scores = [score for score in dict.fromkeys(_SCORE.findall(result)) if not _occurs(score, read)]
        missing += [f"{paper}: no tool gave you this paper" for paper in papers]
        missing += [
            f"{score}: no text that you read has this score; quote the paper's own figure (write ~ before your own estimate)"
            for score in scores
        ]
    return missing


def _given_to_read(transcript: object) -> str:
    """The results of tools in this transcript (JSON lines); "" where it cannot be read.

    Calls and prompts are left out: a request for an id does not show that it exists.
    """
    if not isinstance(transcript, str):
        return ""
    try:
        with open(transcript, "rb") as file:
            lines = file.read(_MOST_BYTES).decode("utf-8", "replace").splitlines()
    except (OSError, ValueError):
        return ""
    return "\n".join(line for line in lines if '"tool_result"' in line and '"role":"user"' in line.replace(": ", ":"))


def _occurs(figure: str, read: str) -> bool:
    """Whether `read` contains the figure: `7.4` does not match "77.4", but it matches "7.41", which it may shorten."""
    return re.search(rf"(?<![\d.]){re.escape(figure)}", read) is not None
