"""The config file that a command line names: behind `--config`, or as a script's only argument."""

from __future__ import annotations

from typing import NamedTuple

from ml_intern_helpers.analysis.config_file import KINDS, config_of_text
from ml_intern_helpers.analysis.script_inputs import ParserOptions
from ml_intern_helpers.core.errors import ToolError
from ml_intern_helpers.launches.parts import Fault
from ml_intern_helpers.launches.place import Place
from ml_intern_helpers.launches.reading import YAML, text_of_file
from ml_intern_helpers.launches.targets import exists, missing
from ml_intern_helpers.launches.words import Word, masked


class NamedConfig(NamedTuple):
    """The file as the command finds it.

    Attributes:
        name: as written.
        text: what it holds, None when that cannot be told, and
        reason: why not.
        fault: it is certainly not there.
    """

    name: str
    text: str | None
    reason: str = ""
    fault: Fault | None = None

    @property
    def options(self) -> ParserOptions:
        """Its settings; `unread` when there are none to read."""
        if self.text is None:
            return ParserOptions(unread=f"config file {self.name} of the launch: {self.reason}", file=self.name)
        try:
            return config_of_text(self.name, self.text)
        except ToolError as err:
            return ParserOptions(unread=f"config file {err.message}", file=self.name)


def config_word(args: list[Word]) -> Word | None:
    """The word that names it: behind `--config` (TrlParser), or the only argument (as for `parse_json_file`)."""
    for at, word in enumerate(args):
        if word.text == "--config" and at + 1 < len(args):
            return args[at + 1]
        pair = word.before("=")
        if pair and pair[0] == "--config":
            return pair[1]
    return args[0] if len(args) == 1 and args[0].text.endswith(KINDS) else None


def named_config(args: list[Word], place: Place) -> NamedConfig | None:
    """The file that the arguments name, read where the command runs; None when they name none."""
    word = config_word(args)
    if word is None:
        return None
    name, path = masked(word.text, 80), place.resolved(word.text)
    if word.unknown or path is None:
        return NamedConfig(name, None, word.unknown or place.why)
    if place.container and word.text not in place.shipped:
        return NamedConfig(name, None, "a file of the image, which is not read here")
    if not exists(word.text, place):
        fault = None if place.makes else missing(word.text, path)
        return NamedConfig(name, None, "it is not there yet" if place.makes else "there is no such file", fault)
    written = place.written.get(str(path))
    # JSON is how keys are kept: it is read when the user names it with --config FILE, not because a command line does.
    text = written.text if written else text_of_file(path, YAML)
    return NamedConfig(name, text, (written.reason if written else "") or f"read is only what ends in {', '.join(YAML)}")
