"""Reads the user's tokens. `web.services` decides which service receives one."""

from __future__ import annotations

import os
import re
from pathlib import Path

from ml_intern_helpers.core.paths import expanded, hf_home

#: Shorter values are never blanked out: replacing "a" everywhere would spoil the answer, and no service gives such a key.
SHORTEST_SECRET = 8
#: How tokens of services look that training commands carry: Hub, GitHub, OpenAI and Anthropic, AWS, Google, Slack.
_SHAPES = (
    r"(?<![A-Za-z0-9_])(?:hf_[A-Za-z0-9]{16,}|gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\w{20,}|sk-[\w-]{16,}|AKIA[A-Z0-9]{16}"
    r"|AIza[\w-]{30,}|xox[abprs]-[\w-]{10,})"
)
#: A variable or an option whose name says that its value is a secret; `MAX_TOKENS=8` and `--tokenizer x` are none.
_NAMED = (
    r"""((?<![A-Za-z0-9_])[A-Za-z0-9_]*(?:TOKEN|KEY|SECRET|PASSWORD|PASSWD)[0-9]*="""
    r"""|(?<![\w-])--?(?:(?:hf|hub|auth|access|bearer)[_-])?token(?:=|[ \t]+)"""
    r"""|(?<![\w-])--?(?:[a-z0-9]+[_-])*(?:api[_-]?key|access[_-]?key|secret|password|passwd)(?:=|[ \t]+))"""
    r"""("[^"]*"|'[^']*'|[^\s"';|&)]+)"""
)


def hf_token() -> str | None:
    """The Hugging Face token: `HF_TOKEN`, else the file that `hf auth login` writes; None when there is neither.

    An empty or blank `HF_TOKEN` counts as absent, as in `huggingface_hub`: an empty line in an .env file must not hide
    the token file. One that cannot stand in a header hides it all the same: falling back would act as another account.
    """
    return _usable(_found()[1])


def hf_token_source() -> str | None:
    """The source of the token, usable or not: the variable's name or the file's path; None without a token."""
    return _found()[0]


def _found() -> tuple[str | None, str]:
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"):
        if os.environ.get(name, "").strip():
            return name, os.environ[name]
    text = _read(hf_token_path())
    return (str(hf_token_path()), text) if text.strip() else (None, "")


def hf_token_path() -> Path:
    """The token file: `HF_TOKEN_PATH`, else `token` in the Hub client's home."""
    own = os.environ.get("HF_TOKEN_PATH")
    return expanded(own) if own else hf_home() / "token"


def semantic_scholar_key() -> str | None:
    """The Semantic Scholar API key, from `SEMANTIC_SCHOLAR_API_KEY` (or `S2_API_KEY`)."""
    return _usable(os.environ.get("SEMANTIC_SCHOLAR_API_KEY") or os.environ.get("S2_API_KEY") or "")


def openalex_key() -> str | None:
    """The OpenAlex API key, from `OPENALEX_API_KEY`."""
    return _usable(os.environ.get("OPENALEX_API_KEY") or "")


def blanked(text: str) -> str:
    """`text` with every token replaced: the user's own, what looks like one, and the values of `…TOKEN=` and `--token`.

    What stands for a value that only the shell knows (`$HF_TOKEN`) stays: it tells a reader where the value comes from.
    """
    for token in (hf_token(), semantic_scholar_key(), openalex_key()):
        if token and len(token) >= SHORTEST_SECRET:
            text = text.replace(token, "[token]")
    return re.sub(_NAMED, _hidden, re.sub(_SHAPES, "[token]", text))


def _hidden(found: re.Match[str]) -> str:
    value = found[2].strip("\"'")
    is_reference = value.startswith("$") and not value.startswith("$(") and value[1:].strip("{}").isidentifier()
    return found[0] if is_reference or value in ("", "[token]") or value.isdecimal() else f"{found[1]}[secret]"


def _usable(token: str) -> str | None:
    """Strip a token; refuse one that is invalid in an HTTP header (a newline could forge another header)."""
    token = token.strip()
    return token if token and token.isascii() and token.isprintable() and " " not in token else None


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""
