"""What a library's warning or docstring says will go: `` `pad_token` is deprecated and will be removed in v2.0.0. Set … ``."""

from __future__ import annotations

import re

from ml_intern_helpers.indexes.records import Announced

_OF = r"(?: (?:argument|parameter|keyword))?(?: directly)?(?: (?:of|in|to) `?[\w.]+`?)?,?"
_SUBJECT = re.compile(
    r"(?:^|[.] )(?:The |Passing |Parameter |Argument |Using )?"
    rf"(?P<tick>`?)(?P<name>[a-zA-Z]\w*)(?:=(?P<value>[^`]+))?(?P=tick){_OF}"
    r" (?:is|are|was) (?:now )?(?:deprecated|ignored)(?P<rest>.*)",
    re.DOTALL,
)
_PATH = re.compile(r"This import path is deprecated(?P<rest>.*)", re.DOTALL)
_GOES = re.compile(r"remov|ignored in ")
_UNTIL = re.compile(r"removed (?:in|after) (?:the )?(?:version |release )?(?:[A-Z]\w+ )?v?(\d[\d.\-]*\d|\d+)")
_IDENTIFIER = re.compile(r"_|[a-z0-9][A-Z]|[A-Z]{2}")
_SENTENCE = re.compile(r"(?<=[.!]) +(?=[A-Z`])")
_SPACE = re.compile(r"\s+")
_LONGEST = 160


def read_announcement(text: str) -> Announced | None:
    """What a message announces; None for one that is no announcement, or says not that anything goes."""
    flat = _SPACE.sub(" ", text).strip()
    path = _PATH.match(flat)
    match = path or _SUBJECT.search(flat)
    if match is None or not _GOES.search(match[0]):
        return None
    until = _UNTIL.search(match["rest"])
    name, value = ("", "") if path else (match["name"], match["value"] or "")
    if not path and not match["tick"] and not _IDENTIFIER.search(name):
        return None  # "This is deprecated": a word, not a name
    return Announced(name, value, until[1] if until else "", _advice(match["rest"]))


def _advice(rest: str) -> str:
    """The first sentence after the announcement that tells what to write."""
    sentences = _SENTENCE.split(rest)[1:]
    told = next((one for one in sentences if re.match(r"(Use|Set|Pass|Please|Subclass|Update|Instead|Configure|Run)\b", one)), "")
    told = told or (sentences[0] if sentences else "")
    return told if len(told) <= _LONGEST else told[:_LONGEST].rpartition(" ")[0] + " …"
