"""Represents the words of a command line, with their parts that only the running shell knows, and masks secrets for reports."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import NamedTuple

from ml_intern_helpers.core.text import clean

#: A Hugging Face token. Real ones have 34 characters or more; shorter texts after `hf_` are placeholders (`hf_xxx`).
TOKEN = re.compile(r"(?<![A-Za-z0-9_])hf_[A-Za-z0-9]{16,}")


class Word(NamedTuple):
    """One argument as the program gets it.

    Attributes:
        text: the characters; unknown parts stay as written (`$TOKEN`).
        unknown: why part of it is unknown; "" when all of it is known.
        known: how many characters from the start are certain.
        splits: it is an unquoted expansion, which may become no word or several.
    """

    text: str
    unknown: str = ""
    known: int = 1 << 30
    splits: bool = False

    def after(self, count: int) -> Word:
        """The word without its first `count` characters (`--timeout=4h` after the `=`)."""
        return Word(self.text[count:], self.unknown, max(0, self.known - count), self.splits)

    def before(self, mark: str) -> tuple[str, Word] | None:
        """`("FOO", Word("bar"))` of `FOO=bar` with the mark `=`; None where it is not certain that the mark is there."""
        at = self.text.find(mark)
        return (self.text[:at], self.after(at + len(mark))) if 0 <= at < self.known else None


#: Characters by which a shell expands a name.
_EXPANDED = frozenset("$`(){}*?[]")


def program(word: Word) -> str:
    """`/usr/bin/python3`, `$VENV/bin/python3` -> `python3`; "" where the name itself is not known."""
    folder, _, name = word.text.rstrip("/").rpartition("/")
    return name if not word.unknown or (folder and not _EXPANDED & set(name)) else ""


def masked(text: str, limit: int = 160) -> str:
    """A part of a command line made safe for a report: cleaned, shortened, with tokens masked."""
    return clean(TOKEN.sub("hf_…", text), limit=limit)


#: Variables and options whose value is a secret; `--max_tokens`, `--eos_token` and `--tokenizer` do not match.
_SECRET_PAIR = re.compile(
    r"((?:-[es]|--(?:env|secrets)=)?[A-Za-z0-9_]*(?:TOKEN|KEY|SECRET|PASSWORD|PASSWD)[A-Z_]*=).+", re.DOTALL
)
_SECRET_OPTION = re.compile(
    r"--?(?:token|(?:[a-z0-9_-]*[_-])?(?:api[_-]?key|access[_-]?key|secret|password|passwd|(?:hf|hub|auth|access)[_-]?token))"
)
#: Longest part of a word that a report shows; the patterns above are slow on long words.
_SHOWN = 400
_SECRET_LIST = frozenset({"-s", "--secrets"})


def redacted(words: list[str]) -> list[str]:
    """The words with the values of secrets replaced: `--token …`, `WANDB_API_KEY=…`, `-s NAME=…`."""
    shown: list[str] = []
    for word in (word[:_SHOWN] for word in words):
        before = shown[-1] if shown else ""
        option, mark, _ = word.partition("=")
        if _SECRET_OPTION.fullmatch(before):
            shown.append("…")
        elif mark and (_SECRET_OPTION.fullmatch(option) or before in _SECRET_LIST):
            shown.append(f"{option}=…")
        else:
            shown.append(_SECRET_PAIR.sub(r"\1…", word))
    return shown


def closest(name: str, options: Collection[str]) -> str:
    """The one of `options` closest to a mistyped name; "" when none is close."""
    import difflib  # slow to import, and needed only for a mistyped name

    return next(iter(difflib.get_close_matches(name, options, n=1, cutoff=0.6)), "")


def quoted(words: list[str]) -> str:
    """The words as typed in a shell: those with spaces in quotes."""
    return " ".join(f"'{word}'" if " " in word or not word else word for word in words)


def texts(words: list[Word]) -> list[str]:
    return [word.text for word in words]
