"""Counts the tokens of rows as TRL would encode them, with a model's own tokenizer and chat template.

The tokenizer comes from a folder, or from the Hub with the Hub's client and its cache; only data files are read. A chat template
is untrusted code, so it is rendered in a sandbox, as transformers does.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from ml_intern_helpers.core.errors import AccessDenied, BadData, NotFound, ToolError, Unavailable, UsageError
from ml_intern_helpers.core.text import clean
from ml_intern_helpers.core.tokens import hf_token
from ml_intern_helpers.dataset.hub import file_system
from ml_intern_helpers.dataset.trainers.rows import Row, is_chat
from ml_intern_helpers.web.services import HUB

TOKENIZER = "tokenizer.json"
#: Files that a model may have: its settings and its chat template.
_OPTIONAL_FILES = ("tokenizer_config.json", "special_tokens_map.json", "chat_template.jinja", "chat_template.json")
#: Larger files are not taken for a tokenizer.
_MOST_BYTES = 128 * 1024 * 1024
_SPECIAL = ("bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token")


@dataclass(frozen=True)
class Model:
    """A model's tokenizer, chat templates and special tokens.

    Attributes:
        name: the name given by the user.
        revision: commit on the Hub, or None for a folder.
        tokenizer: tokenizer of the `tokenizers` library, without truncation and padding.
        templates: name (`default`, `tool_use`) -> chat template; empty if the model has none.
        special: name -> special token.
    """

    name: str
    revision: str | None
    tokenizer: Any
    templates: dict[str, str]
    special: dict[str, str]

    def template(self, tools: Any) -> str | None:
        """The chat template that transformers uses: `tool_use` if there are tools and such a template, otherwise `default`."""
        if tools and "tool_use" in self.templates:
            return self.templates["tool_use"]
        return self.templates.get("default")


def load(name: str, *, offline: bool) -> Model:
    """The tokenizer of `name`, which is a folder or a model id, optionally with `@revision`.

    Raises:
        UsageError: it is neither. NotFound, AccessDenied, Unavailable: errors of the Hub. BadData: the files are not a tokenizer.
    """
    folder = Path(name).expanduser()
    if folder.is_dir():
        return _read(name, folder, None)
    if name.startswith(("/", ".", "~")) or name.count("/") > 1:
        raise UsageError(f"--model: {clean(name, limit=120)!r} is no folder", hint="a folder with tokenizer.json, or a model id")
    file_system.prepare()
    from huggingface_hub import hf_hub_download

    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)  # it logs every retry
    plain, _, revision = name.partition("@")
    options: dict[str, Any] = {
        "repo_id": plain,
        "revision": revision or None,
        "token": hf_token() or False,
        "endpoint": HUB.base_url,
        "local_files_only": offline,
    }
    for file in (TOKENIZER, *_OPTIONAL_FILES):
        try:
            path = Path(hf_hub_download(filename=file, **options))
        except Exception as err:  # the Hub's client raises many types
            absent = type(err).__name__ in ("EntryNotFoundError", "RemoteEntryNotFoundError", "LocalEntryNotFoundError")
            if file == TOKENIZER or not absent:
                raise _explained(plain, err) from err
    return _read(plain, path.parent, path.parent.name)


def _explained(name: str, err: Exception) -> ToolError:
    error_name, shown_name = type(err).__name__, clean(name, limit=120)
    if error_name == "GatedRepoError":
        return AccessDenied(
            f"--model: {shown_name} is gated", hint=f"accept its terms at {HUB.base_url}/{shown_name}, and log in"
        )
    if error_name in ("EntryNotFoundError", "RemoteEntryNotFoundError"):
        return BadData(
            f"--model: {shown_name} has no {TOKENIZER}",
            hint="save it with transformers once: AutoTokenizer.from_pretrained(…).save_pretrained(FOLDER), and give the folder",
        )
    if error_name in ("RepositoryNotFoundError", "RevisionNotFoundError", "HFValidationError"):
        return NotFound(
            f"--model: no model {shown_name!r} on the Hub that this session can access", hint="check the spelling and your access"
        )
    if error_name == "LocalEntryNotFoundError":
        return Unavailable(
            f"--model: {shown_name} is not in the cache, and the Hub could not be reached", hint="run again online"
        )
    return Unavailable(
        f"--model: {shown_name}: {error_name}: {clean(err, limit=150)}", hint="ask again later, or give a local folder"
    )


def _read(name: str, folder: Path, revision: str | None) -> Model:
    """The model whose files are in `folder`."""
    path = folder / TOKENIZER
    if not path.is_file():
        message = f"--model: {clean(folder, limit=200)} has no {TOKENIZER}"
        raise BadData(message, hint="AutoTokenizer.from_pretrained(…).save_pretrained(FOLDER) writes one")
    if path.stat().st_size > _MOST_BYTES:
        raise BadData(f"--model: {TOKENIZER} is larger than {_MOST_BYTES // 2**20} MiB", hint="check that it is a tokenizer")
    from tokenizers import Tokenizer

    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as err:  # `tokenizers` raises a bare Exception
        raise BadData(f"--model: {TOKENIZER} is no tokenizer: {clean(err, limit=150)}", hint="get the file again") from err
    tokenizer.no_truncation()
    tokenizer.no_padding()
    settings = {**_json(folder / "special_tokens_map.json"), **_json(folder / "tokenizer_config.json")}
    values = {key: settings.get(key) for key in _SPECIAL}
    texts = {key: value.get("content") if isinstance(value, dict) else value for key, value in values.items()}
    special = {key: value for key, value in texts.items() if isinstance(value, str)}
    # As in transformers, templates in files of their own take precedence over those in the settings.
    templates = _json(folder / "chat_template.json").get("chat_template", settings.get("chat_template"))
    if isinstance(templates, list):
        templates = {
            item["name"]: item["template"] for item in templates if isinstance(item, dict) and {"name", "template"} <= set(item)
        }
    by_name = {str(key): str(value) for key, value in templates.items()} if isinstance(templates, dict) else {}
    by_name = {"default": templates} if isinstance(templates, str) else by_name
    files = {"default": folder / "chat_template.jinja"}
    files |= {path.stem: path for path in sorted((folder / "additional_chat_templates").glob("*.jinja"))}
    return Model(
        name,
        revision,
        tokenizer,
        (by_name | {name: path.read_text(encoding="utf-8") for name, path in files.items() if path.is_file()}),
        special,
    )


def _json(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    except (OSError, ValueError, RecursionError) as err:
        raise BadData(f"--model: {path.name} is no JSON: {clean(err, limit=100)}", hint="get the file again") from err
    return value if isinstance(value, dict) else {}


_REASONING = ("reasoning_content", "thinking", "reasoning")


def render_template(template: str, messages: list[dict[str, Any]], **values: Any) -> str:
    """Render `messages` as text with a chat template.

    Args:
        template: Jinja source.
        messages: the turns; keys with the value None are left out, as in transformers.
        values: `tools`, `add_generation_prompt`, and the special tokens by name.

    Raises:
        jinja2.TemplateError: the template rejects these messages, or is invalid.
    """
    turns = [_turn(message) for message in messages]
    context = {"tools": None, "documents": None, "add_generation_prompt": False, **values}
    return str(_compiled(template).render(messages=turns, **context))


def _turn(message: dict[str, Any]) -> dict[str, Any]:
    present = {key: value for key, value in message.items() if value is not None}
    reasoning = next((present[key] for key in _REASONING if key in present), None)
    return present if reasoning is None else {"thinking": reasoning, **present, "reasoning_content": reasoning}


@cache
def _compiled(template: str) -> Any:
    from jinja2 import TemplateError, nodes
    from jinja2.ext import Extension, loopcontrols
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    class Generation(Extension):
        """Supports `{% generation %}`, which marks the assistant's turns, by rendering its content."""

        tags = {"generation"}  # noqa: RUF012

        def parse(self, parser: Any) -> Any:
            line = next(parser.stream).lineno
            body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
            return nodes.Scope(body, lineno=line)

    def refuse(message: str) -> None:
        raise TemplateError(message)

    environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[Generation, loopcontrols])
    environment.filters["tojson"] = _tojson
    environment.globals["raise_exception"] = refuse
    environment.globals["strftime_now"] = lambda form: datetime.now().strftime(form)
    return environment.from_string(template)


def _tojson(value: Any, ensure_ascii: bool = False, indent: Any = None, separators: Any = None, sort_keys: bool = False) -> str:
    """JSON without the HTML escapes of Jinja's own filter."""
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


#: (text, whether the tokenizer adds its special tokens; rendered templates already contain them)
Sequence = tuple[str, bool]
_BATCH = 256


def count(model: Model, method: str, rows: list[Row]) -> list[int]:
    """The number of tokens of each row in the form that `method` reads; for a pair, of the prompt with the longer answer.

    Raises:
        BadData: the rows are conversations and the model has no chat template, or the template rejects one of them.
    """
    if method == "sft" and "input_ids" in rows[0]:
        return [len(row["input_ids"]) for row in rows]
    sequences = [list(_sequences(model, method, row, number)) for number, row in enumerate(rows, 1)]
    flat = [sequence for row_sequences in sequences for sequence in row_sequences]
    lengths = iter(_encode(model, flat))
    return [max((next(lengths) for _ in row_sequences), default=0) for row_sequences in sequences]


def _encode(model: Model, sequences: list[Sequence]) -> list[int]:
    lengths = [0] * len(sequences)
    for special in (True, False):
        positions = [at for at, (_, adds) in enumerate(sequences) if adds is special]
        for start in range(0, len(positions), _BATCH):
            batch = positions[start : start + _BATCH]
            encoded = model.tokenizer.encode_batch_fast([sequences[at][0] for at in batch], add_special_tokens=special)
            for at, item in zip(batch, encoded, strict=True):
                lengths[at] = len(item.ids)
    return lengths


def _sequences(model: Model, method: str, row: Row, number: int) -> Iterator[Sequence]:
    """The sequences that the trainer makes of `row`."""
    if method == "grpo":
        yield _sequence(model, row, row["prompt"], None, number)
    elif method != "sft" and "chosen" in row:
        yield from (_sequence(model, row, row.get("prompt"), row[name], number) for name in ("chosen", "rejected"))
    elif "prompt" in row:
        yield _sequence(model, row, row["prompt"], row["completion"], number)
    else:
        name = next(name for name in ("messages", "conversations", "text") if name in row)
        yield _sequence(model, row, None, _renamed(row[name]) if name == "conversations" else row[name], number)


def _sequence(model: Model, row: Row, prompt: Any, answer: Any, number: int) -> Sequence:
    if is_chat(prompt) or is_chat(answer):
        return _rendered(model, row, [*(prompt or []), *(answer or [])], answer is None, number), False
    text = (prompt or "") + (answer or "")
    end = model.special.get("eos_token", "")
    # TRL adds the end-of-sequence token to plain texts, but not to prompts for GRPO.
    return text if answer is None or text.endswith(end) else text + end, True


def _rendered(model: Model, row: Row, messages: list[Any], ask: bool, number: int) -> str:
    from jinja2 import TemplateError

    tools = row.get("tools")
    tools = json.loads(tools) if isinstance(tools, str) else tools
    template = model.template(tools)
    if template is None:
        message = f"--model: {clean(model.name, limit=120)} has no chat template, and the rows are conversations"
        raise BadData(message, hint="a model with a chat template (instruct, chat), or rows of plain text")
    more = row.get("chat_template_kwargs") or {}
    try:
        return render_template(template, messages, **{**model.special, "tools": tools, "add_generation_prompt": ask, **more})
    except (TemplateError, TypeError, AttributeError, KeyError, ValueError) as err:
        message = f"--model: its chat template refuses sampled row {number}: {clean(err, limit=150)}"
        raise BadData(message, hint="training would stop there, too: repair or drop such rows, or use another template") from err


def _renamed(turns: Any) -> Any:
    """Turns with `from` and `value` renamed to `role` and `content`, as TRL does."""
    names = {"from": "role", "value": "content"}
    return [{names.get(key, key): value for key, value in turn.items()} for turn in turns] if isinstance(turns, list) else turns
