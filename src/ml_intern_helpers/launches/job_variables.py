"""Variables and secrets of a job, as `hf jobs` reads them: `-e NAME=value`, `-e NAME` (taken from this machine), `.env` files."""

from __future__ import annotations

import os
import re

from ml_intern_helpers.launches.launch import Launch, Problem
from ml_intern_helpers.launches.launcher_options import ClickOption, ClickWords
from ml_intern_helpers.launches.place import VARIABLES, Place, text_of_file
from ml_intern_helpers.launches.words import Word, masked

_LINE = re.compile(r"(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)(?:\s*(=)(.*))?", re.DOTALL)
_ESCAPES = {"n": "\n", "t": "\t", '"': '"', "\\": "\\", "$": "$"}
_SECRET = re.compile(r"(?:^|_)(?:TOKEN|API_KEY|APIKEY|SECRET|PASSWORD|ACCESS_KEY)(?:_|$)")


def read_variables(parsed: ClickWords, launch: Launch, place: Place) -> None:
    """`-e`, `--env-file`, `--secrets`, `--secrets-file` of `parsed`, put into the launch."""
    launch.environ |= _names_in_file(launch, "env_file", place)
    for word in parsed.values("env"):
        launch.environ |= _variables(word, place)
    for option in parsed.all("env"):
        _secret_as_variable(option, launch)
    for name in _names_in_file(launch, "secrets_file", place):
        launch.secrets[name] = "file"
    for word in parsed.values("secrets"):
        pair = word.before("=")
        if pair is None and word.unknown:
            launch.env_open = word.unknown
        else:
            name = masked((pair[0] if pair else word.text).strip(), 60)
            launch.secrets[name] = "command line" if pair else "this machine"
    if launch.open and not launch.env_open:
        launch.env_open = launch.open


def _names_in_file(launch: Launch, setting: str, place: Place) -> dict[str, Word]:
    """The names that `--env-file` sets, their values unknown; a file that cannot be read here leaves the environment open."""
    file = launch.settings.get(setting)
    if file is None:
        return {}
    path = place.resolved(file.value) if file.value and file.value != "-" else None
    text = text_of_file(path, VARIABLES)
    if text is None:
        launch.env_open = launch.env_open or f"what {file.how} holds (read is only what ends in .env)"
        return {}
    names = [name for line in text.splitlines() for name in _variable(line.strip(), place)]
    return {name: Word("…", f"the value of {name} in {file.how}", 0) for name in names}


def _variables(word: Word, place: Place) -> dict[str, Word]:
    """The variables of one `-e`: the client reads a text of several lines as several, and drops what is no variable."""
    pair = word.before("=")
    if word.unknown:
        return {pair[0].strip(): pair[1]._replace(known=0)} if pair else {}
    found: dict[str, Word] = {}
    for line in word.text.splitlines():
        found |= _variable(line.strip(), place)
    return found


def _variable(line: str, place: Place) -> dict[str, Word]:
    match = _LINE.fullmatch(line) if line and not line.startswith("#") else None
    if match is None:
        return {}
    name, given, value = match.groups()
    if given:
        return {name: Word(_value(value))}
    if name in place.environ:
        return {name: place.environ[name]}
    # The client drops a bare name that is not set on this machine.
    return {name: Word(f"${name}", f"the value of {name} on this machine", 0)} if name in os.environ else {}


def _value(text: str) -> str:
    quoted = re.match(r"""\s*("(?:\\"|[^"])*"|'(?:\\'|[^'])*')\s*(?:#.*)?$""", text)
    raw = quoted[1] if quoted else re.split(r"\s#", text, maxsplit=1)[0].strip()
    if len(raw) > 1 and raw[0] == raw[-1] == "'":
        return raw[1:-1]
    if len(raw) > 1 and raw[0] == raw[-1] == '"':
        return re.sub(r"\\(.)", lambda found: _ESCAPES.get(found[1], found[0]), raw[1:-1])
    return raw


def _secret_as_variable(option: ClickOption, launch: Launch) -> None:
    """`-e HF_TOKEN` travels as a plain variable."""
    name = option.value.text.partition("=")[0].strip() if option.value else ""
    if _SECRET.search(name.upper()) and "TOKENIZ" not in name.upper():
        shown = masked(name, 60)
        message = f"{shown} goes to the job as a plain variable: whoever may see the job can read it"
        fix = f"pass it as a secret: --secrets {shown} (the value is taken from this machine)"
        launch.problems.append(Problem("secret-as-variable", message, fix, f"{option.flag} {shown}=…"))
