"""Whether what a report names stands in anything that its writer read: memory makes up papers and scores that look right."""

from __future__ import annotations

import re

_MOST_BYTES = 32 * 1024 * 1024
_ARXIV = re.compile(r"(?<![\d./])\d{4}\.\d{4,5}(?!\d)")
#: A score as papers print it. A sign before it makes it a difference, `~` a reckoning; both are the writer's own.
_SCORE = re.compile(r"(?<![\w.,+~±−–-])\d{1,3}\.\d+(?![\w.])")


def given_to_read(transcript: object) -> str:
    """What tools answered in this transcript (JSON lines), as it stands there; "" where it cannot be read.

    Calls and prompts are left out: an id that was only asked for was not found anywhere.
    """
    if not isinstance(transcript, str):
        return ""
    try:
        with open(transcript, "rb") as file:
            lines = file.read(_MOST_BYTES).decode("utf-8", "replace").splitlines()
    except (OSError, ValueError):
        return ""
    return "\n".join(line for line in lines if '"tool_result"' in line and '"role":"user"' in line.replace(": ", ":"))


def unread(row: str, result: str, read: str) -> list[str]:
    """Papers of a row and scores of its result that stand in nothing that was read; empty where that is not known."""
    if not read:
        return []
    papers = [each for each in dict.fromkeys(_ARXIV.findall(row)) if not _stands(each, read)]
    scores = [each for each in dict.fromkeys(_SCORE.findall(result)) if not _stands(each, read)]
    told = [f"{each}: no tool gave you this paper" for each in papers]
    return told + [
        f"{each}: stands in nothing you read; quote the paper's own figure (~ before your own reckoning)" for each in scores
    ]


def _stands(figure: str, read: str) -> bool:
    """`7.4` does not stand in "77.4"; it may be what is left of "7.41" when that is cut."""
    return re.search(rf"(?<![\d.]){re.escape(figure)}", read) is not None
