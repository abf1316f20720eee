"""What the caller gives besides the script: the config file that its parser will read."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ml_intern_helpers.errors import BadData, NotFound, Unavailable
from ml_intern_helpers.text import clean

#: A config of settings; more is a data file named by mistake.
_MAX_BYTES = 256 * 1024


@dataclass(frozen=True)
class Given:
    """The settings of `--config FILE`.

    Attributes:
        file: its name, "" when none was given.
        values: what it sets.
        unread: why it could not be read (no PyYAML), "" when it was.
    """

    file: str = ""
    values: dict[str, Any] = field(default_factory=dict)
    unread: str = ""


def read_config(path: Path) -> Given:
    """Read a config of `TrlParser` or `HfArgumentParser`: JSON always, YAML where PyYAML is importable.

    Raises:
        NotFound, Unavailable: there is no such file, or it cannot be read.
        BadData: it holds no mapping of names to values.
    """
    name = clean(path.name, limit=80)
    if path.suffix not in (".yaml", ".yml", ".json"):
        raise BadData(f"{name} is no config: .yaml, .yml or .json", hint="give the file that --config names")
    text = _text(path, name)
    try:
        values = json.loads(text)
    except (ValueError, RecursionError):
        values = _yaml(text, name)
    if values is None:
        return Given(name, {}, f"{name} is YAML, and PyYAML is not here to read it")
    if not _small(values):
        raise BadData(f"{name} is too large to be a config", hint="give the file that --config names")
    if not isinstance(values, dict) or not all(isinstance(key, str) for key in values):
        raise BadData(f"{name} holds no settings (a mapping of names to values)", hint="give the file that --config names")
    return Given(name, {key: value for key, value in values.items() if key != "env"})


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
            raise NotFound(f"no config file {name}", hint="give the file that --config names")
        data = path.read_bytes() if path.stat().st_size <= _MAX_BYTES else None
    except (OSError, ValueError) as err:
        raise Unavailable(f"cannot read {name}: {clean(err, limit=160)}", hint="check its permissions") from err
    if data is None:
        raise Unavailable(f"{name} is too large to be a config", hint="give the file that --config names")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as err:
        raise BadData(f"{name} is not UTF-8 text", hint="save it as UTF-8") from err


def _yaml(text: str, name: str) -> Any:
    """The YAML's content; None without PyYAML."""
    try:
        import yaml
    except ImportError:
        return None
    try:
        return yaml.safe_load(text) if text.strip() else {}
    except (yaml.YAMLError, ValueError, RecursionError) as err:
        # Not the error's own text: it quotes the file, which may be anything that was named by mistake.
        line = getattr(getattr(err, "problem_mark", None), "line", None)
        where = "" if line is None else f" (line {line + 1})"
        raise BadData(f"{name} is neither JSON nor YAML{where}", hint="fix the file") from err
