"""SubagentStop: checks the form of the paper researcher's report, and asks once for what is missing in it.

The form is a ranked table of recipes, each with paper, place and number, and a list of what was not found or not read. Papers and
scores must occur in what the researcher was given to read: memory makes up papers and scores that look right.
"""

from __future__ import annotations

import re
from typing import Any

#: One message names all that is missing; asked again, a model that could not correct it only pays for its whole context again.
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
#: A score as papers print it. A sign before it makes it a difference, `~` an estimate; both are the writer's own.
_SCORE = re.compile(r"(?<![\w.,+~±−–-])\d{1,3}\.\d+(?![\w.])")


def answer(event: dict[str, Any]) -> dict[str, Any] | None:
    """`{"decision": "block", "reason": …}`, or None to let it end."""
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
    """Counted for each agent; blocks that cannot be counted could go on forever."""
    from ml_intern_helpers.guard.memory import recalled, remember

    key = f"{event.get('session_id')}/{event.get('agent_id')}"
    count = recalled(key, "researcher").get("count", 0)
    return isinstance(count, int) and count < _MOST_BLOCKS and remember(key, "researcher", {"count": count + 1})


def _missing_in(report: str, read: str) -> list[str]:
    """What the report lacks, one line each; empty for one that can be implemented from.

    Args:
        read: all that tools gave the reporter; "" where that is not known: then papers and scores are not compared with it.
    """
    found = [heading for word, heading in _HEADINGS.items() if word not in report]
    named_gaps = _NOT_READ.search(report)
    if not named_gaps:
        found.append("NOT FOUND / NOT READ: what you looked for without success, and what you did not open")
    rows = _recipes(report)
    if not rows and not (named_gaps and len(_NOT_READ.split(report)[-1].split()) >= 5):
        found.append("no recipe is in the table: give at least one row, or say under NOT FOUND why there is none")
    found += [f"row {number}: {gap}" for number, row in enumerate(rows, start=1) for gap in _missing_in_row(row, read)][:8]
    words = len(report.split())
    return found + ([f"{words} words: at most {MOST_WORDS}"] if words > MOST_WORDS else [])


def _recipes(report: str) -> list[dict[str, str]]:
    """The rows of the first table after RECIPES: column name (in small letters) -> cell."""
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
    found = [] if _PAPER.search(text) else ["the paper's id is missing"]
    found += [] if _PLACE.search(text) else ["the section or table that the figures come from is missing"]
    has_number = re.search(r"\d", result) or "not stated" in result.lower()
    found += [] if has_number else ["the number that the recipe produced is missing (result vs baseline)"]
    if read:
        papers = [paper for paper in dict.fromkeys(_ARXIV.findall(text)) if not _occurs(paper, read)]
        scores = [score for score in dict.fromkeys(_SCORE.findall(result)) if not _occurs(score, read)]
        found += [f"{paper}: no tool gave you this paper" for paper in papers]
        found += [
            f"{score}: no text that you read has this score; quote the paper's own figure (write ~ before your own estimate)"
            for score in scores
        ]
    return found


def _given_to_read(transcript: object) -> str:
    """What tools answered according to this transcript (JSON lines); "" where it cannot be read.

    Calls and prompts are left out: asking for an id does not show that it exists.
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
    """`7.4` does not occur in "77.4"; it may be what is left of "7.41" when that is cut."""
    return re.search(rf"(?<![\d.]){re.escape(figure)}", read) is not None
