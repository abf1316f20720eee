"""What the arguments of a launch, and the config file they name, mean to the script's TrlParser or HfArgumentParser."""

from __future__ import annotations

from dataclasses import replace

from ml_intern_helpers.errors import ToolError
from ml_intern_helpers.preflight.config_file import KINDS, config_of_text
from ml_intern_helpers.preflight.given import ParserOptions
from ml_intern_helpers.preflight.launch.field_words import field_words
from ml_intern_helpers.preflight.launch.launch import Launch
from ml_intern_helpers.preflight.launch.reading import text_of_file
from ml_intern_helpers.preflight.launch.words import Word, masked


def options_of_launch(launch: Launch, named: ParserOptions | None) -> ParserOptions:
    """The options; `named` is the config file that the user gives besides, for a launch whose own cannot be read."""
    file = _config_word(launch.args)
    found = named or (_read(launch, file) if file is not None else ParserOptions())
    given = field_words([word for word in launch.args if word is not file])
    values = {name: value for name, value in {**found.values, **given.values}.items() if name != "config"}
    hidden = {name: why for name, why in found.hidden.items() if name not in given.values}
    hidden |= {name: f"--{name} of the launch: {launch.open or 'the shell decides'}" for name in given.hidden}
    return replace(
        found,
        values={name: value for name, value in values.items() if name not in hidden},
        hidden=hidden,
        complete=not launch.open and launch.target.kind in ("file", "text"),
    )


def _config_word(args: list[Word]) -> Word | None:
    """The word that names the file: behind `--config` (TrlParser), or the only argument (for `parse_json_file`)."""
    for at, word in enumerate(args):
        if word.text == "--config" and at + 1 < len(args):
            return args[at + 1]
        pair = word.before("=")
        if pair and pair[0] == "--config":
            return pair[1]
    return args[0] if len(args) == 1 and args[0].text.endswith(KINDS) else None


def _read(launch: Launch, file: Word) -> ParserOptions:
    name = masked(file.text, 80)
    path = launch.cwd / file.text if launch.cwd is not None and not file.unknown else None
    text = text_of_file(path, KINDS)
    if text is None:
        return ParserOptions(unread=f"{name} of the launch cannot be read: {file.unknown or 'no such config here'}", file=name)
    try:
        return config_of_text(name, text)
    except ToolError as err:
        return ParserOptions(unread=err.message, file=name)
