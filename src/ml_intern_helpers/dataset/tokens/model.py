"""A model's tokenizer: from a folder, or from the Hub through the Hub's own client and its cache. Data files alone are read."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ml_intern_helpers.core.errors import AccessDenied, BadData, NotFound, ToolError, Unavailable, UsageError
from ml_intern_helpers.core.text import clean
from ml_intern_helpers.core.tokens import hf_token
from ml_intern_helpers.dataset.hub import file_system
from ml_intern_helpers.web.services import HUB

TOKENIZER = "tokenizer.json"
#: Files of which a model has some: its settings, and where its chat template may stand.
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
    return _from_hub(name, offline)


def _from_hub(name: str, offline: bool) -> Model:
    file_system.prepare()
    from huggingface_hub import hf_hub_download

    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)  # it tells of every retry
    plain, _, revision = name.partition("@")
    options: dict[str, Any] = {
        "repo_id": plain,
        "revision": revision or None,
        "token": hf_token() or False,
        "endpoint": HUB.base_url,
        "local_files_only": offline,
    }
    try:
        path = Path(hf_hub_download(filename=TOKENIZER, **options))
    except Exception as err:  # the Hub's client raises kinds of its own
        raise _translated(plain, err) from err
    for file in _MORE:
        _fetch_if_there(hf_hub_download, file, options)
    return _read(plain, path.parent, path.parent.name)


def _fetch_if_there(download: Any, file: str, options: dict[str, Any]) -> None:
    try:
        download(filename=file, **options)
    except Exception as err:
        if type(err).__name__ not in ("EntryNotFoundError", "RemoteEntryNotFoundError", "LocalEntryNotFoundError"):
            raise _translated(str(options["repo_id"]), err) from err


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
    """The model whose files lie in `folder`."""
    path = folder / TOKENIZER
    if not path.is_file():
        told = f"--model: {clean(folder, limit=200)} has no {TOKENIZER}"
        raise BadData(told, hint="AutoTokenizer.from_pretrained(…).save_pretrained(FOLDER) writes one")
    if path.stat().st_size > _MOST_BYTES:
        raise BadData(f"--model: {TOKENIZER} is larger than {_MOST_BYTES // 2**20} MiB", hint="is this a tokenizer?")
    tokenizer = _tokenizer(path)
    settings = {**_json(folder / "special_tokens_map.json"), **_json(folder / "tokenizer_config.json")}
    return Model(name, revision, tokenizer, _templates(folder, settings), _special(settings))


def _tokenizer(path: Path) -> Any:
    from tokenizers import Tokenizer

    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as err:  # `tokenizers` raises a bare Exception
        raise BadData(f"--model: {TOKENIZER} is no tokenizer: {clean(err, limit=150)}", hint="get the file again") from err
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def _json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    except (OSError, ValueError, RecursionError) as err:
        raise BadData(f"--model: {path.name} is no JSON: {clean(err, limit=100)}", hint="get the file again") from err
    return found if isinstance(found, dict) else {}


def _templates(folder: Path, settings: dict[str, Any]) -> dict[str, str]:
    """Templates in their own files win over the one in the settings, as in transformers."""
    found = _json(folder / "chat_template.json").get("chat_template", settings.get("chat_template"))
    if isinstance(found, list):
        found = {item["name"]: item["template"] for item in found if isinstance(item, dict) and {"name", "template"} <= set(item)}
    named = {str(key): str(value) for key, value in found.items()} if isinstance(found, dict) else {}
    named = {"default": found} if isinstance(found, str) else named
    own = {"default": folder / "chat_template.jinja"}
    own |= {path.stem: path for path in sorted((folder / "additional_chat_templates").glob("*.jinja"))}
    return named | {name: path.read_text(encoding="utf-8") for name, path in own.items() if path.is_file()}


def _special(settings: dict[str, Any]) -> dict[str, str]:
    held = {name: settings.get(name) for name in _SPECIAL}
    texts = {name: value.get("content") if isinstance(value, dict) else value for name, value in held.items()}
    return {name: value for name, value in texts.items() if isinstance(value, str)}
