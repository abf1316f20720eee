"""Recognises calls that need no permission prompt: plain calls of read-only helpers of this plugin, and reads of its own texts.

A prompt at every `detect_compute` would teach users to approve without reading, but a rule that lets another command pass would
be worse. So only the one form below is allowed; the client's own rules decide on everything else.
"""

from __future__ import annotations

import os
import re
from itertools import pairwise

#: The read-only helpers, each with those of its options that write or start something and are therefore not allowed here.
#: A test compares the list with the `--help` of every helper.
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
#: The only words allowed in a call of a helper with writing actions: the user confirms every change of a task.
_ONLY_THESE_WORDS = {"task": frozenset({"show", "--json", "--text", "--human", "--help", "--offline", "--version"})}
#: Words of a subcommand that writes; a call that contains all of them is not allowed.
WRITING_WORDS = {"crawl_arxiv": frozenset({"notes", "forget"})}
_SCRIPTS = "skills/ml-intern/scripts"
#: Parameters of a Bash call that are allowed; the user decides on any other (such as one that disables the sandbox).
_HARMLESS_INPUT = frozenset({"command", "description", "timeout", "run_in_background"})
#: Folders whose files show the state of processes or the machine: /proc/self/environ contains tokens.
_KERNEL_FOLDERS = ("proc", "sys", "dev")
_OUR_FOLDER = ".ml-intern"
#: Characters that turn an argument into a glob pattern.
_PATTERN = frozenset("*?[")
#: Separators of words in a command line; `=` and `:` are included because a path may follow them.
_BETWEEN_WORDS = re.compile(r"""[\s'"=:;&|<>()`]+""")
#: Helpers whose answers quote their input file, with the file types they accept: they must not quote /etc/shadow.
_KINDS = {"preflight_check": (".py", ".ipynb")}
#: Characters without a special meaning in an unquoted word of bash and zsh. Deliberately absent: ``~ * ? [ ] { } ^ # ! $ \ ` ``.
_BARE = r"[A-Za-z0-9_@%+=:,./-]+"
_SINGLE = r"'([^']*)'"
_DOUBLE = r'"([^"$`\\!]*)"'
_PIECE = re.compile(rf"(?P<gap> +)|(?P<bare>{_BARE})|{_SINGLE}|{_DOUBLE}")
_LONGEST = 8192
#: Parameters of a Read call that are allowed: the file and which of its lines.
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

    The texts lie outside the user's project, so the client would ask before each one and refuse in `claude -p`: a skill that
    was activated without a permission could then not open its own pages.
    """
    path = tool_input.get("file_path")
    if not isinstance(path, str) or not tool_input.keys() <= _READ_INPUT or not os.path.isabs(path):
        return False
    real = os.path.realpath(path)
    folder, name = os.path.split(real)
    skill = os.path.join(plugin_root(), "skills", "ml-intern")
    return folder in {os.path.join(skill, own) for own in _TEXT_FOLDERS} and name.endswith(_TEXT_KINDS) and os.path.isfile(real)


def _helper_name(program: str) -> str | None:
    """The helper whose script is at exactly the path `program` in the plugin's folder; None for everything else."""
    folder, _, file = program.rpartition("/")
    name = file.removesuffix(".sh")
    if file != f"{name}.sh" or name not in READ_ONLY_HELPERS:
        return None
    root = plugin_root()
    client_root = os.environ.get("CLAUDE_PLUGIN_ROOT", "").rstrip("/")  # the client's spelling counts when it is the same folder
    spellings = {root, client_root} if client_root.startswith("/") and os.path.realpath(client_root) == root else {root}
    if folder not in {f"{spelling}/{_SCRIPTS}" for spelling in spellings}:
        return None
    real = f"{root}/{_SCRIPTS}/{file}"  # a script that links to another place is not ours
    return name if os.path.realpath(program) == real and os.path.isfile(real) else None


def _harmless(argument: str, before: str, name: str, cwd: str) -> bool:
    """Whether an argument of helper `name` is no writing option, no path to secrets and no file of another type.

    Each word of a command line (`--launch 'python train.py'`) is checked as a path; other arguments are checked as a whole.
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
    if ".." in text.split("/") and set(text) & _PATTERN:  # the target of `link*/..` is known only after the expansion
        return True
    path = os.path.join(cwd, text)
    normalised = os.path.normpath(path)
    # `link/../x` means one path to the system, which follows the link first, and another to a program that normalises it first.
    return any(_leads_to_secrets(each, cwd) for each in {normalised, os.path.realpath(normalised), os.path.realpath(path)})


def _leads_to_secrets(path: str, cwd: str) -> bool:
    """Whether a normalised path leads into a hidden or kernel folder.

    Only the part below the project or the plugin counts, because these may themselves lie below a hidden folder.
    """
    top = path.lstrip("/").split("/")[0]
    if top in _KERNEL_FOLDERS or set(top) & _PATTERN:  # a helper may expand `/pro[c]`
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
    a newline or an unprintable character (NUL, bidi marks, lone surrogates) is not plain.
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
