"""The words of a command line, with what cannot be known of them before the shell runs, and how reports show them."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import NamedTuple

from ml_intern_helpers.core.text import clean

#: Shorter texts behind `hf_` are placeholders (`hf_xxx`): the client's own tokens have 34 characters or more.
TOKEN = re.compile(r"(?<![A-Za-z0-9_])hf_[A-Za-z0-9]{16,}")


class Word(NamedTuple):
    """One argument as the program gets it.

    Attributes:
        text: the characters; where something is not known, as it was written (`$TOKEN`).
        unknown: why not all of it is known, "" when it is.
        known: how many characters from the start are certain.
        splits: an unquoted expansion, which may become no word or several.
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


#: Signs that a shell makes something else of a name.
_EXPANDED = frozenset("$`(){}*?[]")


def program(word: Word) -> str:
    """`/usr/bin/python3`, `$VENV/bin/python3` -> `python3`; "" where the name itself is not known."""
    folder, _, name = word.text.rstrip("/").rpartition("/")
    return name if not word.unknown or (folder and not _EXPANDED & set(name)) else ""


def masked(text: str, limit: int = 160) -> str:
    """A piece of a command line as it may stand in a report: cleaned, shortened, tokens blanked."""
    return clean(TOKEN.sub("hf_…", text), limit=limit)


#: Names whose value is a secret, as variables and as options; `--max_tokens`, `--eos_token` and `--tokenizer` are none.
_SECRET_PAIR = re.compile(
    r"((?:-[es]|--(?:env|secrets)=)?[A-Za-z0-9_]*(?:TOKEN|KEY|SECRET|PASSWORD|PASSWD)[A-Z_]*=).+", re.DOTALL
)
_SECRET_OPTION = re.compile(
    r"--?(?:token|(?:[a-z0-9_-]*[_-])?(?:api[_-]?key|access[_-]?key|secret|password|passwd|(?:hf|hub|auth|access)[_-]?token))"
)
#: No report shows more of a word; the patterns below take long on long words.
_SHOWN = 400
_SECRET_LIST = frozenset({"-s", "--secrets"})


def redacted(words: list[str]) -> list[str]:
    """Words without the values of secrets: `--token …`, `WANDB_API_KEY=…`, `-s NAME=…`."""
    found: list[str] = []
    for word in (word[:_SHOWN] for word in words):
        before = found[-1] if found else ""
        option, mark, _ = word.partition("=")
        if _SECRET_OPTION.fullmatch(before):
            found.append("…")
        elif mark and (_SECRET_OPTION.fullmatch(option) or before in _SECRET_LIST):
            found.append(f"{option}=…")
        else:
            found.append(_SECRET_PAIR.sub(r"\1…", word))
    return found


def closest(name: str, options: Collection[str]) -> str:
    """The one of `options` that a mistyped name may have meant, "" where none is close."""
    import difflib  # only for those who mistyped

    return next(iter(difflib.get_close_matches(name, options, n=1, cutoff=0.6)), "")


def quoted(words: list[str]) -> str:
    """Words as one would type them: those with blanks in quotes."""
    return " ".join(f"'{word}'" if " " in word or not word else word for word in words)


def texts(words: list[Word]) -> list[str]:
    return [word.text for word in words]
