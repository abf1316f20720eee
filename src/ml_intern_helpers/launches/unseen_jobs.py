"""Commands that start something paid whose content does not stand on the line: a job once more, a schedule, a sandbox, a request.

What it runs, on which hardware and for how long is known at the Hub alone, so nothing here can be judged but that it costs.
"""

from __future__ import annotations

import re

from ml_intern_helpers.launches.launch import Launch
from ml_intern_helpers.launches.parts import Target
from ml_intern_helpers.launches.place import Place
from ml_intern_helpers.launches.words import Word, texts

_AT_THE_HUB = "what it runs, where and for how long is known at the Hub alone (`hf jobs inspect`)"
#: `hf WORDS` -> why it cannot be judged.
_COMMANDS = {
    ("jobs", "rerun"): _AT_THE_HUB,
    ("jobs", "scheduled", "trigger"): _AT_THE_HUB,
    ("jobs", "scheduled", "resume"): _AT_THE_HUB,
    ("jobs", "scheduled", "reschedule"): _AT_THE_HUB,
    ("sandbox", "create"): "a sandbox costs until it is idle or killed",
    ("sandbox", "pool", "create"): "a pool of sandboxes costs until it is deleted",
}
#: The beginnings of paid commands: behind one of these a word that nobody knows may be the rest.
_BEGINNINGS = frozenset(command[:count] for command in (*_COMMANDS, ("jobs", "scheduled", "uv", "run")) for count in range(4))
_BEGINNINGS |= {("jobs", "uv")}
_HELP = frozenset({"-h", "--help"})
_JOBS_URL = re.compile(r"/api/(?:scheduled-)?jobs/")
_SENDS = re.compile(r"-d|--data(?:-\w+)?|--json|--post-(?:data|file)|-X|--request|--method|POST", re.IGNORECASE)


def by_hf(words: list[Word], shown: str, place: Place) -> Launch | None:
    """The launch that `hf …` is when it is one of these; None when not."""
    names = texts(words[1:])
    for command, reason in _COMMANDS.items():
        if tuple(names[: len(command)]) == command and not _HELP & set(names):
            return _unseen(shown, f"hf {' '.join(command)}", reason, place)
    return _not_named(words[1:], shown, place)


def _not_named(words: list[Word], shown: str, place: Place) -> Launch | None:
    """`hf jobs $WHAT`: which command it is nobody can say, and some of them cost."""
    at = next((at for at, word in enumerate(words) if word.unknown), len(words))
    known = tuple(texts(words[:at]))
    if at == len(words) or known not in _BEGINNINGS:
        return None
    return _unseen(shown, " ".join(["hf", *known]), f"which command: {words[at].unknown}", place)


def by_request(name: str, words: list[Word], shown: str, place: Place) -> Launch | None:
    """`curl -d … https://…/api/jobs/NAME`: a job without the client; reading the state of one is none."""
    names = texts(words[1:])
    if any(_JOBS_URL.search(one) for one in names) and any(_SENDS.match(one) for one in names):
        cancels = any(one.rstrip("/").endswith("/cancel") for one in names)
        return None if cancels else _unseen(shown, name, "the request is not read", place)
    return None


def _unseen(shown: str, launcher: str, reason: str, place: Place) -> Launch:
    return Launch(shown, launcher, "jobs", Target("unknown", reason=reason), cwd=place.cwd, open=reason)
