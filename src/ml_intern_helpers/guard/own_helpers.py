"""What passes without a permission prompt: a plain call of a read-only helper of this plugin, and reading the skill's own texts.

A prompt at every `detect_compute` teaches people to click yes; a rule that lets another command slip through would be worse.
So the answer is "allow" for the one form below, and no opinion (the client's own rules) for everything else.
"""

from __future__ import annotations

import os
import re
from itertools import pairwise

#: The read-only helpers, each with its options that write or start something (a call with one of them is not
#: allowed here). A test compares the list with the `--help` of every helper.
READ_ONLY_HELPERS: dict[str, frozenset[str]] = {
    "detect_compute": frozenset(),
    "inspect_dataset": frozenset({"--html", "--on-jobs"}),
    # `notes add` adds to the library beside our stored answers; only the user removes entries from it.
    "crawl_arxiv": frozenset({"--save", "--html", "--bibtex", "--forget"}),
    "hf_paper_meta": frozenset(),
    # --fix only prints a diff today; it is listed so that a version that writes would not be allowed.
    "preflight_check": frozenset({"--fix", "--python"}),
    "api_lookup": frozenset({"--python"}),
    "task": frozenset(),
    "budget": frozenset({"--apply-hub", "--apply-release"}),
}
#: Every word that a call may have, for a helper whose first word says whether it writes: the user sees every change of a task.
_ONLY_THESE_WORDS = {"task": frozenset({"show", "--json", "--text", "--human", "--help", "--offline", "--version"})}
#: Words that together change what is on file, for a helper with subcommands.
WRITING_WORDS = {"crawl_arxiv": frozenset({"notes", "forget"})}
_SCRIPTS = "skills/ml-intern/scripts"
#: What the client's Bash tool may carry besides the command; the user judges anything else (a sandbox that is switched off).
_HARMLESS_INPUT = frozenset({"command", "description", "timeout", "run_in_background"})
#: Trees in which a "file" is the state of a process or the machine: /proc/self/environ holds tokens.
_NO_DATA_HERE = ("proc", "sys", "dev")
_OUR_FOLDER = ".ml-intern"
#: Characters that make an argument a pattern.
_PATTERN = frozenset("*?[")
#: What separates the words of a command line; a path may follow an unquoted `=` or `:`.
_BETWEEN_WORDS = re.compile(r"""[\s'"=:;&|<>()`]+""")
#: Helpers that quote lines of the file they are given, and the kinds of file they are for: /etc/shadow is not a script.
_KINDS = {"preflight_check": (".py", ".ipynb")}
#: Bare characters that neither bash nor zsh gives a meaning inside a word. Absent on purpose: ``~ * ? [ ] { } ^ # ! $ \ ` ``.
_BARE = r"[A-Za-z0-9_@%+=:,./-]+"
_SINGLE = r"'([^']*)'"
_DOUBLE = r'"([^"$`\\!]*)"'
_PIECE = re.compile(rf"(?P<gap> +)|(?P<bare>{_BARE})|{_SINGLE}|{_DOUBLE}")
_LONGEST = 8192
#: What the Read tool may carry: which lines, nothing that changes what is read.
_READ_INPUT = frozenset({"file_path", "offset", "limit"})
_TEXT_FOLDERS, _TEXT_KINDS = ("references", "recipes"), (".md", ".py")


def plugin_root() -> str:
    """The folder of this plugin, symlinks resolved."""
    return os.path.realpath(os.path.join(os.path.dirname(__file__), "..", "..", ".."))


def is_plain_call(tool_input: dict[str, object], cwd: str) -> bool:
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


def is_own_text(tool_input: dict[str, object]) -> bool:
    """Whether a Read call with this input opens a text of this plugin's skill, symlinks resolved.

    These lie outside the user's project, so the client asks before each one and refuses in `claude -p`: a skill that was
    activated without any permission could then not open the pages it routes to.
    """
    path = tool_input.get("file_path")
    if not isinstance(path, str) or not tool_input.keys() <= _READ_INPUT or not os.path.isabs(path):
        return False
    real = os.path.realpath(path)
    folder, name = os.path.split(real)
    skill = os.path.join(plugin_root(), "skills", "ml-intern")
    return folder in {os.path.join(skill, own) for own in _TEXT_FOLDERS} and name.endswith(_TEXT_KINDS) and os.path.isfile(real)


def _helper_name(program: str) -> str | None:
    """The helper whose script `program` is, letter by letter, under the plugin's own path; None for everything else."""
    folder, _, file = program.rpartition("/")
    name = file.removesuffix(".sh")
    if file != f"{name}.sh" or name not in READ_ONLY_HELPERS:
        return None
    root = plugin_root()
    named = os.environ.get("CLAUDE_PLUGIN_ROOT", "").rstrip("/")  # the client's spelling counts when it is the same folder
    spellings = {root, named} if named.startswith("/") and os.path.realpath(named) == root else {root}
    if folder not in {f"{spelling}/{_SCRIPTS}" for spelling in spellings}:
        return None
    real = f"{root}/{_SCRIPTS}/{file}"  # a script that is a link to elsewhere is not ours
    return name if os.path.realpath(program) == real and os.path.isfile(real) else None


def _harmless(argument: str, before: str, name: str, cwd: str) -> bool:
    """For helper `name`: no writing option, no path to where secrets are kept, no file of another kind.

    In a command line (`--launch 'python train.py'`) every word may be a path; anywhere else a space is part of one.
    """
    option, _, value = argument.partition("=")
    if option in READ_ONLY_HELPERS[name]:
        return False
    kinds = _KINDS.get(name, ("",))
    is_command_line = before == "--launch" or option == "--launch"
    texts = {argument, value, *(_BETWEEN_WORDS.split(argument) if is_command_line else ())} - {""}
    paths = [os.path.join(cwd, text) for text in texts]
    other_kind = any(os.path.exists(path) and not os.path.realpath(path).endswith(kinds) for path in paths)
    return not other_kind and not any(_is_private(text, cwd) for text in texts)


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


def plain_words(line: str) -> list[str] | None:
    """The words of `line`, program first, or None when it is anything but one plain command that bash and zsh read alike.

    This is not a shell parser: it knows three spellings of a word and refuses the rest, so that what it returns is exactly what
    the shell will start, without expansion, redirection or a second command. Quotes are removed. A line with a control character,
    a newline or a character without a shape (NUL, bidi marks, lone surrogates) is not plain.
    """
    if not line.isprintable() or len(line) > _LONGEST:
        return None
    line, at = line.strip(" "), 0
    words: list[str] = []
    starts_word = True
    while at < len(line):
        piece = _PIECE.match(line, at)
        if piece is None or (starts_word and (piece["bare"] or "").startswith("=")):  # zsh reads `=name` as the path of a program
            return None
        at = piece.end()
        if piece["gap"]:
            starts_word = True
            continue
        text = piece["bare"] or piece[0][1:-1]
        if starts_word:
            words.append(text)
        else:
            words[-1] += text  # `a'b c'` is one word
        starts_word = False
    return words or None
