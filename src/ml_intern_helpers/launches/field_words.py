"""The options of a parser that is made of dataclasses (`trl sft`, TrlParser, HfArgumentParser): `--name value…` by name."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, NamedTuple

from ml_intern_helpers.launches.words import Word


class FieldWords(NamedTuple):
    """Values by field, the fields whose value is not known before the shell runs, and those that a `--no_` switches off."""

    values: dict[str, Any]
    hidden: list[str]
    negated: list[str]


def field_words(words: list[Word], declared: Collection[str] = ()) -> FieldWords:
    """Read `--name value…`, `--name=value`, `--flag` and `--no_flag`.

    Args:
        words: the words behind the program.
        declared: the options where they are known; without them every `--no_flag` is taken to switch `flag` off.
    """
    found = FieldWords({}, [], [])
    at = 0
    while at < len(words):
        word = words[at]
        at += 1
        if not word.text.startswith("--") or word.known < 3:
            continue
        pair = word.before("=")
        name = (pair[0] if pair else word.text)[2:].replace("-", "_")
        given = [pair[1]] if pair else []
        while at < len(words) and not pair and not words[at].text.startswith("--"):
            given.append(words[at])
            at += 1
        _set(found, name, given, declared)
    return found


def _set(found: FieldWords, name: str, given: list[Word], declared: Collection[str]) -> None:
    if name.startswith("no_") and not given and (name in declared or not declared):
        found.values[name[3:]] = False
        found.negated.append(name[3:])
    elif any(one.unknown for one in given):
        found.hidden.append(name)
        found.values.pop(name, None)
    else:
        converted = [_converted(word.text) for word in given]
        found.values[name] = True if not given else converted[0] if len(converted) == 1 else converted


def _converted(text: str) -> Any:
    """As argparse converts by the field's type: a number where it looks like one."""
    try:
        return float(text) if any(char in text for char in ".eE") else int(text)
    except ValueError:
        return {"true": True, "false": False}.get(text.lower(), text)
