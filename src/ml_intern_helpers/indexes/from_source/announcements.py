"""What a library's own warnings and docstrings say to use instead of something."""

from __future__ import annotations

import re
from collections.abc import Iterator

_INSTEAD = (
    re.compile(
        r"`(?P<old>\w+)`[^`.]{0,80}(?:is|was|are) (?:now )?deprecated[^`]{0,160}?"
        r"[Uu]se (?:the )?(?:new )?`(?:--)?(?P<new>[\w.=]+)`"
    ),
    re.compile(r"`(?P<old>\w+)`[^`.]{0,60}(?:is|was|has been) (?:renamed|replaced|moved)[^`]{0,60}`(?P<new>[\w.=]+)`"),
    re.compile(
        r"`(?P<old>\w+)`[^`]{0,40}deprecated[^`]{0,120}(?:in favou?r of|[Pp]lease use|instead use) (?:the )?`(?P<new>[\w.=]+)`"
    ),
    re.compile(r"deprecate_kwarg\( ?[\"'](?P<old>\w+)[\"'],[^)]{0,80}?new_name=[\"'](?P<new>\w+)[\"']"),
)
_JOINED = re.compile(r"[\"']\s*\n\s*[frFR]{0,2}[\"']")
_SPACE = re.compile(r"\s+")


def announcements(text: str) -> Iterator[tuple[str, str]]:
    """(old, new) pairs from a module's text, adjacent string literals joined first."""
    if "deprecat" not in text and "renamed" not in text:
        return
    flat = _SPACE.sub(" ", _JOINED.sub("", text))
    for pattern in _INSTEAD:
        for match in pattern.finditer(flat):
            new = match["new"].partition("=")[0].rstrip(".")
            if match["old"] != new and "if you" not in match[0].lower():  # "if you want to force a download, use …" is no rename
                yield match["old"], new
