"""What the arguments of a launch, and the config file they name, mean to a parser made of dataclasses.

Such parsers are `trl sft` and the like, and a script's own TrlParser or HfArgumentParser.
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
    """The options; `besides` is the config file that the user gives, for a launch whose own cannot be read."""
    config = besides or (launch.config.options if launch.config else ParserOptions())
    file = _config_word(launch.args)
    given = field_words([word for word in launch.args if word is not file])
    values = {name: value for name, value in {**config.values, **given.values}.items() if name != "config"}
    hidden = {name: why for name, why in config.hidden.items() if name not in given.values}
    hidden |= {name: f"--{name} of the launch is set by the shell" for name in given.hidden}
    return config._replace(
        values={name: value for name, value in values.items() if name not in hidden},
        hidden=hidden,
        negated=frozenset(given.negated),
        complete=not launch.open and launch.target.kind in ("file", "text"),
    )


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
        if name.startswith("no_") and not given and (name in declared or not declared):
            found.values[name[3:]] = False
            found.negated.append(name[3:])
        elif any(one.unknown for one in given):
            found.hidden.append(name)
            found.values.pop(name, None)
        else:
            values = [_converted(one.text) for one in given]
            found.values[name] = True if not values else values[0] if len(values) == 1 else values
    return found


def _converted(text: str) -> Any:
    """As argparse converts by the field's type: a number where it looks like one."""
    try:
        return float(text) if any(char in text for char in ".eE") else int(text)
    except ValueError:
        return {"true": True, "false": False}.get(text.lower(), text)


def named_config(args: list[Word], place: Place) -> NamedConfig | None:
    """The file that the arguments name, read where the command runs; None when they name none."""
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
            return NamedConfig(name, None, "it is not there yet")
        return NamedConfig(name, None, "there is no such file", missing_file(word.text, path))
    written = place.written.get(str(path))
    # JSON is how keys are kept: it is read when the user names it with --config FILE, not because a command line does.
    text = written.text if written else text_of_file(path, YAML)
    return NamedConfig(name, text, (written.reason if written else "") or f"only files that end in {' or '.join(YAML)} are read")


def _config_word(args: list[Word]) -> Word | None:
    """The word that names it: behind `--config` (TrlParser), or the only argument (as for `parse_json_file`)."""
    for at, word in enumerate(args):
        if word.text == "--config" and at + 1 < len(args):
            return args[at + 1]
        pair = word.before("=")
        if pair and pair[0] == "--config":
            return pair[1]
    return args[0] if len(args) == 1 and args[0].text.endswith(KINDS) else None
