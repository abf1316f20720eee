"""Reads the user's tokens. `web.services` decides which service receives one."""

from __future__ import annotations

import os
import re
from pathlib import Path

from ml_intern_helpers.core.paths import expanded, hf_home

#: Shorter values are not blanked: no service issues such keys, and replacing "a" everywhere would spoil the answer.
SHORTEST_SECRET = 8
#: Tokens of services that training commands use: Hub, GitHub, OpenAI and Anthropic, AWS, Google, Slack.
_TOKEN_PATTERNS = (
    r"(?<![A-Za-z0-9_])(?:hf_[A-Za-z0-9]{16,}|gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\w{20,}|sk-[\w-]{16,}|AKIA[A-Z0-9]{16}"
    r"|AIza[\w-]{30,}|xox[abprs]-[\w-]{10,})"
)
#: A variable or option whose name marks its value as a secret, with the value; not `MAX_TOKENS=8` or `--tokenizer x`.
_NAMED_SECRET = (
    r"""((?<![A-Za-z0-9_])[A-Za-z0-9_]*(?:TOKEN|KEY|SECRET|PASSWORD|PASSWD)[0-9]*="""
    r"""|(?<![\w-])--?(?:(?:hf|hub|auth|access|bearer)[_-])?token(?:=|[ \t]+)"""
    r"""|(?<![\w-])--?(?:[a-z0-9]+[_-])*(?:api[_-]?key|access[_-]?key|secret|password|passwd)(?:=|[ \t]+))"""
    r"""("[^"]*"|'[^']*'|[^\s"';|&)]+)"""
)


def hf_token() -> str | None:
    """The Hugging Face token: `HF_TOKEN`, else the file that `hf auth login` writes; None when there is neither.

    An empty or blank `HF_TOKEN` counts as absent, as in `huggingface_hub`: an empty line in an .env file must not hide
    the token file. An `HF_TOKEN` with invalid characters still takes precedence over the file; the result is then None,
    because the file's token could belong to another account.
    """
    _, token = _source_and_token()
    return _usable(token)


def hf_token_source() -> str | None:
    """The source of the token, usable or not: the variable's name or the file's path; None without a token."""
    source, _ = _source_and_token()
    return source


def _source_and_token() -> tuple[str | None, str]:
    """The source as in `hf_token_source`, and the token as written there; (None, "") without one."""
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"):
        if os.environ.get(name, "").strip():
            return name, os.environ[name]
    text = _read(hf_token_path())
    return (str(hf_token_path()), text) if text.strip() else (None, "")


def hf_token_path() -> Path:
    """The token file: `HF_TOKEN_PATH`, else `token` in the Hub client's home."""
    configured = os.environ.get("HF_TOKEN_PATH")
    return expanded(configured) if configured else hf_home() / "token"


def semantic_scholar_key() -> str | None:
    """The Semantic Scholar API key, from `SEMANTIC_SCHOLAR_API_KEY` (or `S2_API_KEY`)."""
    return _usable(os.environ.get("SEMANTIC_SCHOLAR_API_KEY") or os.environ.get("S2_API_KEY") or "")


def openalex_key() -> str | None:
    """The OpenAlex API key, from `OPENALEX_API_KEY`."""
    return _usable(os.environ.get("OPENALEX_API_KEY") or "")


def blanked(text: str) -> str:
    """`text` with every secret replaced: the user's own tokens, texts of a token's form, and values of `…TOKEN=` and `--token`.

    References to variables (`$HF_TOKEN`) stay, because they contain no secret and show where the value comes from.
    """
    for token in (hf_token(), semantic_scholar_key(), openalex_key()):
        if token and len(token) >= SHORTEST_SECRET:
            text = text.replace(token, "[token]")
    return re.sub(_NAMED_SECRET, _without_value, re.sub(_TOKEN_PATTERNS, "[token]", text))


def _without_value(match: re.Match[str]) -> str:
    """The replacement of a named secret; references to variables, numbers and empty values stay."""
    value = match[2].strip("\"'")
    is_reference = value.startswith("$") and not value.startswith("$(") and value[1:].strip("{}").isidentifier()
    return match[0] if is_reference or value in ("", "[token]") or value.isdecimal() else f"{match[1]}[secret]"


def _usable(token: str) -> str | None:
    """The token without surrounding blanks; None if it is invalid in an HTTP header (a newline could add another header)."""
    token = token.strip()
    return token if token and token.isascii() and token.isprintable() and " " not in token else None


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""
