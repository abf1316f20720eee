"""Reads the config file of a `TrlParser` or `HfArgumentParser`, in JSON or YAML; without PyYAML, only flat YAML."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, NamedTuple

from ml_intern_helpers.analysis.options import ParserOptions
from ml_intern_helpers.core.errors import BadData, NotFound, Unavailable
from ml_intern_helpers.core.text import clean

KINDS = (".yaml", ".yml", ".json")
#: A larger file is more likely a data file named by mistake.
_MAX_BYTES = 256 * 1024
_HINT = "pass the training script's config file: a .yaml, .yml or .json file that maps option names to values"
_LINE = re.compile(r"([A-Za-z_][\w.-]*)\s*:(?:\s+(.*))?$")
_NUMBER = re.compile(r"[-+]?[0-9][0-9_]*")
#: YAML 1.1 requires a decimal point: `1e-4` is a text, `1.0e-4` a number.
_FLOAT = re.compile(r"[-+]?(?:[0-9][0-9_]*\.[0-9_]*|\.[0-9]+)(?:[eE][-+][0-9]+)?")
_WORDS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False, "null": None, "~": None, "": None}


def read_config(path: Path) -> ParserOptions:
    """Read the config file at `path`.

    Raises:
        NotFound: there is no such file.
        Unavailable: it cannot be read, or it is too large.
        BadData: it contains no mapping of names to values.
    """
    from ml_intern_helpers.analysis.source import leads_to  # not imported by hooks, which call config_of_text

    name = clean(path.name, limit=80)
    if path.suffix not in KINDS or not leads_to(path, KINDS):
        raise BadData(f"{name} is not a config file (.yaml, .yml or .json)", hint=_HINT)
    try:
        if not path.is_file():
            raise NotFound(f"no config file {name}", hint=_HINT)
        data = path.read_bytes() if path.stat().st_size <= _MAX_BYTES else None
    except (OSError, ValueError) as err:
        raise Unavailable(f"cannot read {name}: {clean(err, limit=160)}", hint="check its permissions") from err
    if data is None:
        raise Unavailable(f"{name} is too large to be a config", hint=_HINT)
    try:
        return config_of_text(name, data.decode("utf-8-sig"))
    except UnicodeDecodeError as err:
        raise BadData(f"{name} is not UTF-8 text", hint="save it as UTF-8") from err


def config_of_text(name: str, text: str) -> ParserOptions:
    """The settings in the text of a config file.

    Raises:
        BadData: it contains no mapping of names to values.
    """
    try:
        return ParserOptions(_settings(name, json.loads(text)), file=name)
    except (ValueError, RecursionError):
        pass
    try:
        import yaml
    except ImportError:
        plain = read_plain_yaml(text)
        if text.strip() and not plain.values and not plain.unread:
            raise BadData(f"{name} holds no settings (a mapping of names to values)", hint=_HINT) from None
        why = f"its value in {name} is nested, and nested YAML needs PyYAML, which is not installed"
        hidden = {setting: why for setting in plain.unread if setting != "env"}
        return ParserOptions(_settings(name, plain.values), hidden, file=name)
    try:
        values = yaml.safe_load(text) if text.strip() else {}
    except (yaml.YAMLError, ValueError, RecursionError) as err:
        # The error's own text is left out: it quotes the file, which may be any file named by mistake.
        line = getattr(getattr(err, "problem_mark", None), "line", None)
        where = "" if line is None else f" (line {line + 1})"
        raise BadData(f"{name} is neither JSON nor YAML{where}", hint="correct its syntax") from err
    return ParserOptions(_settings(name, values), file=name)


def _settings(name: str, values: Any) -> dict[str, Any]:
    # At most 5,000 values, counting shared ones each time: a few lines of YAML anchors can expand to billions.
    waiting, count = [values], 0
    while waiting and count < 5000:
        value = waiting.pop()
        count += 1
        waiting += [*value.values()] if isinstance(value, dict) else value if isinstance(value, list) else []
    if waiting:
        raise BadData(f"{name} is too large to be a config", hint=_HINT)
    if not isinstance(values, dict) or not all(isinstance(key, str) for key in values):
        raise BadData(f"{name} holds no settings (a mapping of names to values)", hint=_HINT)
    return {key: value for key, value in values.items() if key != "env"}


class PlainYaml(NamedTuple):
    """Values by name, and the names whose values are nested or written in a form that is not read."""

    values: dict[str, Any]
    unread: list[str]


def read_plain_yaml(text: str) -> PlainYaml:
    """Read the flat YAML of most config files: `name: value` lines, and lists of plain values under a name.

    This is not a YAML parser: names whose values have any other form are reported as not read.
    """
    values: dict[str, Any] = {}
    unread: list[str] = []
    name = ""
    for line in text.splitlines():
        bare = _without_comment(line).rstrip()
        match = _LINE.match(bare)
        if match:
            name = match[1]
            _assign(values, unread, name, (match[2] or "").strip())
        elif name and bare.strip() and bare not in ("---", "..."):
            _continue(values, unread, name, bare)
    return PlainYaml({name: value for name, value in values.items() if name not in unread}, unread)


def _assign(values: dict[str, Any], unread: list[str], name: str, text: str) -> None:
    if text[:1] in ("{", "&", "*", "!", "|", ">"):
        unread.append(name)
    elif text.startswith("["):
        inside = text[1:-1]
        simple = text.endswith("]") and not set(inside) & set("[]{}:")
        values[name] = [_scalar(part.strip()) for part in inside.split(",") if part.strip()]
        unread += [] if simple else [name]
    else:
        values[name] = _scalar(text)


def _continue(values: dict[str, Any], unread: list[str], name: str, line: str) -> None:
    """Read a line that belongs to the preceding name: a list item, or nested content, which marks the name as not read."""
    item = line.strip()
    old = values.get(name)
    if item.startswith("- ") and (old is None or isinstance(old, list)) and not _LINE.match(item[2:]):
        values[name] = [*(old or []), _scalar(item[2:].strip())]
    elif name not in unread:
        unread.append(name)


def _without_comment(line: str) -> str:
    match = re.match(r"""((?:[^#'"]|'[^']*'|"[^"]*"|(?<=\S)#|['"])*?)(?:(?:^|\s)#.*)?$""", line)
    return match[1] if match else line


def _scalar(text: str) -> Any:
    """A plain YAML value."""
    if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"":
        return text[1:-1]
    if text.lower() in _WORDS:
        return _WORDS[text.lower()]
    if _NUMBER.fullmatch(text):
        return int(text.replace("_", "")[:400])
    return float(text.replace("_", "")) if _FLOAT.fullmatch(text) else text
