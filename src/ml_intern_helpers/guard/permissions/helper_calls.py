"""Which Bash calls need no permission prompt: one plain call of one of this plugin's own read-only helpers.

A prompt at every `detect_compute` teaches people to click yes; a rule one could slip another command under would be worse.
So the answer is "allow" for the one shape below and no opinion, the client's normal way, for everything else.
"""

from __future__ import annotations

import os
import re
from itertools import pairwise

from ml_intern_helpers.guard.permissions.shell_words import plain_words

#: The read-only helpers, each with those of its options that write or start something (a call with one is not allowed
#: here). This is the one list; a test holds it against every helper's `--help`.
READ_ONLY_HELPERS: dict[str, frozenset[str]] = {
    "detect_compute": frozenset(),
    "inspect_dataset": frozenset({"--html", "--on-jobs"}),
    # `notes add` adds to the library beside our own stored answers; what is in it only the user takes out.
    "crawl_arxiv": frozenset({"--save", "--html", "--bibtex", "--forget"}),
    "hf_paper_meta": frozenset(),
    # --fix prints a diff and writes nothing; but who asks for a fix is asked back, also when one day it is written.
    "preflight_check": frozenset({"--fix", "--python"}),
    "api_lookup": frozenset({"--python"}),
    "task": frozenset(),
    "budget": frozenset({"--apply-hub", "--apply-release"}),
}
#: Of a helper whose first word says whether it writes: every word that a call may have. What was agreed is put on file and
#: changed only where the user sees it.
_ONLY_THESE_WORDS = {"task": frozenset({"show", "--json", "--text", "--human", "--help", "--offline", "--version"})}
#: Of a helper with subcommands: words that together change what is on file.
WRITING_WORDS = {"crawl_arxiv": frozenset({"notes", "forget"})}
_SCRIPTS = "skills/ml-intern/scripts"
#: What the client's Bash tool may carry besides the command; anything else (a switched-off sandbox) is the user's to judge.
_HARMLESS_INPUT = frozenset({"command", "description", "timeout", "run_in_background"})
#: Trees in which a "file" is the state of a process or the machine: /proc/self/environ holds tokens.
_NO_DATA_HERE = ("proc", "sys", "dev")
_OUR_FOLDER = ".ml-intern"
#: Signs by which a helper reads an argument as a pattern.
_PATTERN = frozenset("*?[")
#: What parts the words of a command line; an unquoted `=` and `:` may have a path behind them.
_BETWEEN_WORDS = re.compile(r"""[\s'"=:;&|<>()`]+""")
#: Helpers that quote lines of the file they are given, and the kinds of file they are for: /etc/shadow is no script.
_KINDS = {"preflight_check": (".py", ".ipynb")}


def plugin_root() -> str:
    """The folder of this plugin, symlinks resolved."""
    return os.path.realpath(os.path.join(os.path.dirname(__file__), "..", "..", "..", ".."))


def allows(tool_input: dict[str, object], cwd: str) -> bool:
    """Whether a Bash call with this input, made in `cwd`, is a plain call of a read-only helper."""
    command = tool_input.get("command")
    if not isinstance(command, str) or not tool_input.keys() <= _HARMLESS_INPUT:
        return False
    words = plain_words(command)
    if not words:
        return False
    name = _helper_name(words[0])
    if name is None or not set(words[1:]) <= _ONLY_THESE_WORDS.get(name, set(words)):
        return False
    if name in WRITING_WORDS and WRITING_WORDS[name] <= set(words[1:]):
        return False
    return all(_harmless(word, before, name, cwd) for before, word in pairwise(words))


def _helper_name(program: str) -> str | None:
    """The helper whose script `program` is, letter by letter, under the plugin's own path; None for all else."""
    folder, _, file = program.rpartition("/")
    name = file.removesuffix(".sh")
    if file != f"{name}.sh" or name not in READ_ONLY_HELPERS:
        return None
    if folder not in {f"{root}/{_SCRIPTS}" for root in _spellings()}:
        return None
    real = f"{plugin_root()}/{_SCRIPTS}/{file}"  # a script that is a link to elsewhere is not ours
    return name if os.path.realpath(program) == real and os.path.isfile(real) else None


def _spellings() -> set[str]:
    """How the plugin's root may be written: resolved, and as the client names it when that is the same folder."""
    root = plugin_root()
    named = os.environ.get("CLAUDE_PLUGIN_ROOT", "").rstrip("/")
    return {root, named} if named.startswith("/") and os.path.realpath(named) == root else {root}


def _harmless(argument: str, before: str, name: str, cwd: str) -> bool:
    """For helper `name`: no writing option, no path to where secrets are kept, no file of a kind it is not for.

    In a command line (`--launch 'python train.py'`) every word may be a path; anywhere else a space is part of one.
    """
    option, _, value = argument.partition("=")
    if option in READ_ONLY_HELPERS[name]:
        return False
    kinds = _KINDS.get(name, ("",))
    is_command_line = before == "--launch" or option == "--launch"
    texts = {argument, value, *(_BETWEEN_WORDS.split(argument) if is_command_line else ())}
    return not any(_is_private(text, cwd) or _is_other_file(text, kinds, cwd) for text in texts if text)


def _is_other_file(text: str, kinds: tuple[str, ...], cwd: str) -> bool:
    """Whether `text` names something that is there and is of none of these kinds, symlinks resolved."""
    path = os.path.join(cwd, text)
    return os.path.exists(path) and not os.path.realpath(path).endswith(kinds)


def _is_private(text: str, cwd: str) -> bool:
    """Whether `text`, read as a path, leads into a hidden file or folder, a home by `~`, or the kernel's trees."""
    if text.startswith(("~", "file:")):
        return True
    if ".." in text.split("/") and set(text) & _PATTERN:  # where `link*/..` leads is known only when it is looked up
        return True
    path = os.path.join(cwd, text)
    written = os.path.normpath(path)
    # `link/../x` lies beside where the link leads for whoever opens it, beside the link for whoever tidies it up first.
    return any(_leads_to_secrets(each, cwd) for each in {written, os.path.realpath(written), os.path.realpath(path)})


def _leads_to_secrets(path: str, cwd: str) -> bool:
    """The user's project and this plugin may lie under a hidden folder themselves; what counts is the way from there."""
    top = path.lstrip("/").split("/")[0]
    if top in _NO_DATA_HERE or set(top) & _PATTERN:  # a helper may read `/pro[c]` as a pattern
        return True
    for base in (os.path.normpath(cwd), os.path.realpath(cwd), plugin_root()):
        if (path + "/").startswith(base.rstrip("/") + "/"):
            path = path[len(base.rstrip("/")) :]
            break
    return any(part.startswith(".") and part != _OUR_FOLDER for part in path.split("/"))
