"""Reads the config file of a `TrlParser` or `HfArgumentParser`: JSON or YAML; without PyYAML, the plain part of YAML."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ml_intern_helpers.analysis import flat_yaml
from ml_intern_helpers.analysis.script_inputs import ParserOptions
from ml_intern_helpers.analysis.source import leads_to
from ml_intern_helpers.core.errors import BadData, NotFound, Unavailable
from ml_intern_helpers.core.text import clean

KINDS = (".yaml", ".yml", ".json")
#: A config of settings; more is a data file named by mistake.
_MAX_BYTES = 256 * 1024
_HINT = "give the file that --config names"


def read_config(path: Path) -> ParserOptions:
    """Read the config file at `path`.

    Raises:
        NotFound, Unavailable: there is no such file, or it cannot be read.
        BadData: it holds no mapping of names to values.
    """
    name = clean(path.name, limit=80)
    if path.suffix not in KINDS or not leads_to(path, KINDS):
        raise BadData(f"{name} is not a config file (.yaml, .yml or .json)", hint=_HINT)
    return config_of_text(name, _text(path, name))


def config_of_text(name: str, text: str) -> ParserOptions:
    """The settings in the text of a config file.

    Raises:
        BadData: it holds no mapping of names to values.
    """
    try:
        return ParserOptions(_settings(name, json.loads(text)), file=name)
    except (ValueError, RecursionError):
        pass
    try:
        import yaml
    except ImportError:
        return _from_plain_yaml(name, text)
    try:
        values = yaml.safe_load(text) if text.strip() else {}
    except (yaml.YAMLError, ValueError, RecursionError) as err:
        # Not the error's own text: it quotes the file, which may be anything that was named by mistake.
        line = getattr(getattr(err, "problem_mark", None), "line", None)
        where = "" if line is None else f" (line {line + 1})"
        raise BadData(f"{name} is neither JSON nor YAML{where}", hint="fix the file") from err
    return ParserOptions(_settings(name, values), file=name)


def _from_plain_yaml(name: str, text: str) -> ParserOptions:
    plain = flat_yaml.read(text)
    if text.strip() and not plain.lines:
        raise BadData(f"{name} holds no settings (a mapping of names to values)", hint=_HINT)
    why = f"{name} nests it, and PyYAML is not installed to read that"
    hidden = {setting: why for setting in plain.unread if setting != "env"}
    return ParserOptions(_settings(name, plain.values), hidden, file=name)


def _settings(name: str, values: Any) -> dict[str, Any]:
    if not _small(values):
        raise BadData(f"{name} is too large to be a config", hint=_HINT)
    if not isinstance(values, dict) or not all(isinstance(key, str) for key in values):
        raise BadData(f"{name} holds no settings (a mapping of names to values)", hint=_HINT)
    return {key: value for key, value in values.items() if key != "env"}


def _small(values: Any) -> bool:
    """At most some thousand values, shared ones counted each time: a few lines of YAML anchors can stand for billions."""
    waiting, seen = [values], 0
    while waiting and seen < 5000:
        value = waiting.pop()
        seen += 1
        waiting += [*value.values()] if isinstance(value, dict) else value if isinstance(value, list) else []
    return not waiting


def _text(path: Path, name: str) -> str:
    try:
        if not path.is_file():
            raise NotFound(f"no config file {name}", hint=_HINT)
        data = path.read_bytes() if path.stat().st_size <= _MAX_BYTES else None
    except (OSError, ValueError) as err:
        raise Unavailable(f"cannot read {name}: {clean(err, limit=160)}", hint="check its permissions") from err
    if data is None:
        raise Unavailable(f"{name} is too large to be a config", hint=_HINT)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as err:
        raise BadData(f"{name} is not UTF-8 text", hint="save it as UTF-8") from err
