"""Tokens of rows: a model's own tokenizer and chat template, and what TRL puts into one sequence, encoded as TRL encodes it.

The tokenizer comes from a folder, or from the Hub through the Hub's own client and its cache; only data files are read. A chat
template is a stranger's program: it is rendered as transformers renders it, in a sandbox.
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
#: Files that a model may have: its settings, and places of its chat template.
_MORE = ("tokenizer_config.json", "special_tokens_map.json", "chat_template.jinja", "chat_template.json")
#: No tokenizer of text is larger.
_MOST_BYTES = 128 * 1024 * 1024
_SPECIAL = ("bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token")


@dataclass(frozen=True)
class Model:
    """What is needed to count tokens.

    Attributes:
        name: as the user gave it.
        revision: commit on the Hub, or None for a folder.
        tokenizer: of the `tokenizers` library, without truncation and padding.
        templates: chat templates by name (`default`, `tool_use`); empty when the model has none.
        special: special tokens by name.
    """

    name: str
    revision: str | None
    tokenizer: Any
    templates: dict[str, str]
    special: dict[str, str]

    def template(self, tools: Any) -> str | None:
        """The chat template that transformers takes: the one for tools where there are tools and such a one."""
        if tools and "tool_use" in self.templates:
            return self.templates["tool_use"]
        return self.templates.get("default")


def load(name: str, *, offline: bool) -> Model:
    """The tokenizer of `name`: a folder, or a model id with `@revision` where one is meant.

    Raises:
        UsageError: neither. NotFound, AccessDenied, Unavailable: the Hub's. BadData: files that are no tokenizer.
    """
    folder = Path(name).expanduser()
    if folder.is_dir():
        return _read(name, folder, None)
    if name.startswith(("/", ".", "~")) or name.count("/") > 1:
        raise UsageError(f"--model: {clean(name, limit=120)!r} is no folder", hint="a folder with tokenizer.json, or a model id")
    file_system.prepare()
    from huggingface_hub import hf_hub_download

    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)  # it reports every retry
    plain, _, revision = name.partition("@")
    options: dict[str, Any] = {
        "repo_id": plain,
        "revision": revision or None,
        "token": hf_token() or False,
        "endpoint": HUB.base_url,
        "local_files_only": offline,
    }
    for file in (TOKENIZER, *_MORE):
        try:
            path = Path(hf_hub_download(filename=file, **options))
        except Exception as err:  # the Hub's client raises kinds of its own
            absent = type(err).__name__ in ("EntryNotFoundError", "RemoteEntryNotFoundError", "LocalEntryNotFoundError")
            if file == TOKENIZER or not absent:
                raise _translated(plain, err) from err
    return _read(plain, path.parent, path.parent.name)


def _translated(name: str, err: Exception) -> ToolError:
    kind, shown = type(err).__name__, clean(name, limit=120)
    if kind == "GatedRepoError":
        return AccessDenied(f"--model: {shown} is gated", hint=f"accept its terms at {HUB.base_url}/{shown}, and log in")
    if kind in ("EntryNotFoundError", "RemoteEntryNotFoundError"):
        return BadData(
            f"--model: {shown} has no {TOKENIZER}",
            hint="save it with transformers once: AutoTokenizer.from_pretrained(…).save_pretrained(FOLDER), and give the folder",
        )
    if kind in ("RepositoryNotFoundError", "RevisionNotFoundError", "HFValidationError"):
        return NotFound(f"--model: no model {shown!r} on the Hub that this session can see", hint="check the spelling and access")
    if kind == "LocalEntryNotFoundError":
        return Unavailable(f"--model: {shown} is not in the cache, and the Hub was not reached", hint="run again online")
    return Unavailable(f"--model: {shown}: {kind}: {clean(err, limit=150)}", hint="ask again later, or give a folder")


def _read(name: str, folder: Path, revision: str | None) -> Model:
    """The model whose files are in `folder`."""
    path = folder / TOKENIZER
    if not path.is_file():
        message = f"--model: {clean(folder, limit=200)} has no {TOKENIZER}"
        raise BadData(message, hint="AutoTokenizer.from_pretrained(…).save_pretrained(FOLDER) writes one")
    if path.stat().st_size > _MOST_BYTES:
        raise BadData(f"--model: {TOKENIZER} is larger than {_MOST_BYTES // 2**20} MiB", hint="is this a tokenizer?")
    from tokenizers import Tokenizer

    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as err:  # `tokenizers` raises a bare Exception
        raise BadData(f"--model: {TOKENIZER} is no tokenizer: {clean(err, limit=150)}", hint="get the file again") from err
    tokenizer.no_truncation()
    tokenizer.no_padding()
    settings = {**_json(folder / "special_tokens_map.json"), **_json(folder / "tokenizer_config.json")}
    held = {key: settings.get(key) for key in _SPECIAL}
    texts = {key: value.get("content") if isinstance(value, dict) else value for key, value in held.items()}
    special = {key: value for key, value in texts.items() if isinstance(value, str)}
    # Templates in their own files win over the one in the settings, as in transformers.
    found = _json(folder / "chat_template.json").get("chat_template", settings.get("chat_template"))
    if isinstance(found, list):
        found = {item["name"]: item["template"] for item in found if isinstance(item, dict) and {"name", "template"} <= set(item)}
    named = {str(key): str(value) for key, value in found.items()} if isinstance(found, dict) else {}
    named = {"default": found} if isinstance(found, str) else named
    own = {"default": folder / "chat_template.jinja"}
    own |= {path.stem: path for path in sorted((folder / "additional_chat_templates").glob("*.jinja"))}
    return Model(
        name,
        revision,
        tokenizer,
        (named | {name: path.read_text(encoding="utf-8") for name, path in own.items() if path.is_file()}),
        special,
    )


def _json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    except (OSError, ValueError, RecursionError) as err:
        raise BadData(f"--model: {path.name} is no JSON: {clean(err, limit=100)}", hint="get the file again") from err
    return found if isinstance(found, dict) else {}


_REASONING = ("reasoning_content", "thinking", "reasoning")


def render_template(template: str, messages: list[dict[str, Any]], **values: Any) -> str:
    """The text of `messages`.

    Args:
        template: Jinja source.
        messages: turns; keys whose value is None are left out, as transformers does.
        values: `tools`, `add_generation_prompt`, and the special tokens by name.

    Raises:
        jinja2.TemplateError: the template refuses these messages, or is broken.
    """
    turns = [_turn(message) for message in messages]
    context = {"tools": None, "documents": None, "add_generation_prompt": False, **values}
    return str(_compiled(template).render(messages=turns, **context))


def _turn(message: dict[str, Any]) -> dict[str, Any]:
    held = {key: value for key, value in message.items() if value is not None}
    reasoning = next((held[key] for key in _REASONING if key in held), None)
    return held if reasoning is None else {"thinking": reasoning, **held, "reasoning_content": reasoning}


@cache
def _compiled(template: str) -> Any:
    from jinja2 import TemplateError, nodes
    from jinja2.ext import Extension, loopcontrols
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    class Generation(Extension):
        """`{% generation %}` marks what the assistant says; for counting it is its content and nothing else."""

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
    """Jinja's own filter escapes signs of HTML."""
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


#: (text, whether the tokenizer adds its own special tokens: a template has written them already)
Sequence = tuple[str, bool]
_BATCH = 256


def count(model: Model, method: str, rows: list[Row]) -> list[int]:
    """Tokens of each of `rows`, which are in the form that `method` reads; of a pair, the longer answer with its prompt.

    Raises:
        BadData: the rows are conversations and the model has no chat template, or the template refuses one of them.
    """
    if method == "sft" and "input_ids" in rows[0]:
        return [len(row["input_ids"]) for row in rows]
    sequences = [list(_sequences(model, method, row, number)) for number, row in enumerate(rows, 1)]
    flat = [sequence for found in sequences for sequence in found]
    lengths = iter(_encode(model, flat))
    return [max((next(lengths) for _ in found), default=0) for found in sequences]


def _encode(model: Model, sequences: list[Sequence]) -> list[int]:
    found = [0] * len(sequences)
    for special in (True, False):
        places = [at for at, (_, adds) in enumerate(sequences) if adds is special]
        for start in range(0, len(places), _BATCH):
            part = places[start : start + _BATCH]
            encoded = model.tokenizer.encode_batch_fast([sequences[at][0] for at in part], add_special_tokens=special)
            for at, item in zip(part, encoded, strict=True):
                found[at] = len(item.ids)
    return found


def _sequences(model: Model, method: str, row: Row, number: int) -> Iterator[Sequence]:
    """The texts that `row` becomes."""
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
    # TRL ends plain texts with the end-of-sequence token; GRPO's prompts go on.
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
        raise BadData(message, hint="training would stop there too: repair or drop such rows, or take another template") from err


def _renamed(turns: Any) -> Any:
    """`from` and `value` under the names that templates know, as TRL does."""
    names = {"from": "role", "value": "content"}
    return [{names.get(key, key): value for key, value in turn.items()} for turn in turns] if isinstance(turns, list) else turns
