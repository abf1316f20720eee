"""Reads the arguments of a launch, and the config file they name, as a parser built from dataclasses reads them.

Such parsers are those of `trl sft` and the like, and a script's own TrlParser or HfArgumentParser.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, NamedTuple

from ml_intern_helpers.analysis.config_file import KINDS
from ml_intern_helpers.analysis.options import ParserOptions
from ml_intern_helpers.launches.launch import Launch, NamedConfig
from ml_intern_helpers.launches.place import YAML, Place, text_of_file
from ml_intern_helpers.launches.targets import exists, missing_file
from ml_intern_helpers.launches.words import Word, masked


def options_of_launch(launch: Launch, besides: ParserOptions | None) -> ParserOptions:
    """The options of a launch; `besides` holds those of a config file given by the user, which replaces the launch's own."""
    config = besides or (launch.config.options if launch.config else ParserOptions())
    file = _config_word(launch.args)
    on_line = field_words([word for word in launch.args if word is not file])
    values = {name: value for name, value in {**config.values, **on_line.values}.items() if name != "config"}
    hidden = {name: why for name, why in config.hidden.items() if name not in on_line.values}
    hidden |= {name: f"--{name} of the launch is set by the shell" for name in on_line.hidden}
    return config._replace(
        values={name: value for name, value in values.items() if name not in hidden},
        hidden=hidden,
        negated=frozenset(on_line.negated),
        complete=not launch.open and launch.target.kind in ("file", "text"),
    )


class FieldWords(NamedTuple):
    """Values by field, fields whose value is only known at run time, and fields that a `--no_` option switches off."""

    values: dict[str, Any]
    hidden: list[str]
    negated: list[str]


def field_words(words: list[Word], declared: Collection[str] = ()) -> FieldWords:
    """Read `--name value…`, `--name=value`, `--flag` and `--no_flag`.

    Args:
        words: the words after the program.
        declared: the known options; when empty, every `--no_flag` is assumed to switch `flag` off.
    """
    fields = FieldWords({}, [], [])
    at = 0
    while at < len(words):
        word = words[at]
        at += 1
        if not word.text.startswith("--") or word.known < 3:
            continue
        pair = word.before("=")
        name = (pair[0] if pair else word.text)[2:].replace("-", "_")
        parts = [pair[1]] if pair else []
        while at < len(words) and not pair and not words[at].text.startswith("--"):
            parts.append(words[at])
            at += 1
        if name.startswith("no_") and not parts and (name in declared or not declared):
            fields.values[name[3:]] = False
            fields.negated.append(name[3:])
        elif any(part.unknown for part in parts):
            fields.hidden.append(name)
            fields.values.pop(name, None)
        else:
            values = [_converted(part.text) for part in parts]
            fields.values[name] = True if not values else values[0] if len(values) == 1 else values
    return fields


def _converted(text: str) -> Any:
    """The value of an argument: a number or boolean where it looks like one, since the field's type is not known here."""
    try:
        return float(text) if any(char in text for char in ".eE") else int(text)
    except ValueError:
        return {"true": True, "false": False}.get(text.lower(), text)


def named_config(args: list[Word], place: Place) -> NamedConfig | None:
    """The config file that the arguments name, read from where the command runs; None when they name none."""
    word = _config_word(args)
    if word is None:
        return None
    name, path = masked(word.text, 80), place.resolved(word.text)
    if word.unknown or path is None:
        return NamedConfig(name, None, word.unknown or place.why)
    if place.container and word.text not in place.shipped:
        return NamedConfig(name, None, "a file of the image, which is not read here")
    if not exists(word.text, place):
        if place.file_creator:
            return NamedConfig(name, None, "it does not exist yet; an earlier command may create it")
        return NamedConfig(name, None, "there is no such file", missing_file(word.text, path))
    written = place.written.get(str(path))
    # JSON files often hold credentials: they are read only when the user passes --config FILE, not for a command line.
    text = written.text if written else text_of_file(path, YAML)
    return NamedConfig(name, text, (written.reason if written else "") or f"only files that end in {' or '.join(YAML)} are read")


def _config_word(args: list[Word]) -> Word | None:
    """The word that names the config file: after `--config` (TrlParser), or the only argument (as for `parse_json_file`)."""
    for at, word in enumerate(args):
        if word.text == "--config" and at + 1 < len(args):
            return args[at + 1]
        pair = word.before("=")
        if pair and pair[0] == "--config":
            return pair[1]
    return args[0] if len(args) == 1 and args[0].text.endswith(KINDS) else None
