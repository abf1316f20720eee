"""A line of a file that is not Python, quoted without what may be a secret: the file may be a password list named `.py`."""

from __future__ import annotations

import re

from ml_intern_helpers.core.text import clean

_LONGEST = 80
#: What is written in quotes, closed or not, explains no syntax error.
_TEXT = re.compile(r"""(["'])((?:\\.|(?!\1).)+)(?:\1|$)""")
#: Runs without a space or a sign of Python's that ends a name: keys, hashes, base64.
_RUN = re.compile(r"""[^\s"'()\[\]{},:;=<>]{8,}""")
_PREFIXES = ("hf_", "sk-", "ghp_", "gho_", "github_pat_", "glpat-", "xox", "AKIA", "eyJ")


def quoted(line: str) -> str:
    """`line` on one line, shortened; texts in quotes and what looks like a token become `…`."""
    bare = _RUN.sub(_without_token, _TEXT.sub(r"\1…\1", clean(line)))
    return bare if len(bare) <= _LONGEST else bare[: _LONGEST - 1] + "…"


def _without_token(match: re.Match[str]) -> str:
    """A name of Python's may be long, or hold digits; a run that does both, or starts like a token, is not shown."""
    run = match.group()
    long = len(run) >= 32 or (len(run) >= 16 and any(sign.isdigit() for sign in run))
    return "…" if long or any(prefix in run for prefix in _PREFIXES) else run
