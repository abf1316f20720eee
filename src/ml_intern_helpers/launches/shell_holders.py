"""Programs that hand a text, or words joined to one, to a shell of their own: tmux, watch, su, find -exec, eval, trap."""

from __future__ import annotations

from ml_intern_helpers.launches.argparse_words import split
from ml_intern_helpers.launches.words import Word

_TMUX = dict.fromkeys(["-c", "-e", "-F", "-f", "-n", "-s", "-t", "-x", "-y", "-l", "-L", "-S"], True) | dict.fromkeys(
    ["-A", "-d", "-D", "-E", "-P", "-X", "-b", "-h", "-v", "-k", "-a", "-Z"], False
)
_TMUX_STARTS = frozenset(
    {"new", "new-session", "neww", "new-window", "splitw", "split-window", "respawnp", "respawn-pane", "respawnw", "popup"}
)
_TMUX_TYPES = frozenset({"send", "send-keys"})
#: Keys by name; all else that `send-keys` gets is typed.
_KEYS = frozenset({"Enter", "C-m", "C-M", "KPEnter", "C-c", "C-u", "C-l", "Escape", "Space"})
_WATCH = dict.fromkeys(("-n", "--interval"), True) | dict.fromkeys(
    ["-d", "-t", "-b", "-e", "-g", "-c", "-x", "--no-title", "--color"], False
)
_BY_OPTION = {"su": ("-c", "--command"), "script": ("-c", "--command"), "runuser": ("-c", "--command")}


def text_for_shell(name: str, words: list[Word]) -> Word | None:
    """What a shell gets to read from program `name` with these words; None when nothing."""
    if name == "eval":
        return _joined(words)
    if name == "trap":
        return words[0] if words and words[0].text not in ("-", "-p", "-l") else None
    if name == "watch":
        return _joined(split(words, _WATCH).rest)
    if name == "tmux":
        return _tmux(words)
    if name == "find":
        return _find(words)
    return _after_option(words, _BY_OPTION[name]) if name in _BY_OPTION else None


def _joined(words: list[Word]) -> Word | None:
    unknown = [word.unknown for word in words if word.unknown]
    known = 0 if len(unknown) == len(words) else 1 << 30  # `eval $CMD`: nothing of it is known
    return Word(" ".join(word.text for word in words), next(iter(unknown), ""), known) if words else None


def _tmux(words: list[Word]) -> Word | None:
    rest = split(words, _TMUX).rest
    command = rest[0].text if rest else ""
    inner = split(rest[1:], _TMUX, clusters=True).rest
    if command in _TMUX_STARTS:
        return _joined(inner)
    return _joined([word for word in inner if word.text not in _KEYS]) if command in _TMUX_TYPES else None


def _find(words: list[Word]) -> Word | None:
    """`find … -exec COMMAND \\;`: the braces stand for a file that only find knows."""
    for at, word in enumerate(words):
        if word.text in ("-exec", "-execdir", "-ok", "-okdir"):
            end = next((end for end in range(at, len(words)) if words[end].text in (";", "+")), len(words))
            return _joined([Word("$found") if "{}" in one.text else one for one in words[at + 1 : end]])
    return None


def _after_option(words: list[Word], options: tuple[str, ...]) -> Word | None:
    for at, word in enumerate(words[:-1]):
        if word.text in options:
            return words[at + 1]
    return None
