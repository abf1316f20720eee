"""Removes wrappers from a command: programs such as sudo, timeout and srun that only start another one.

Some wrappers pass a text, or their words joined into one, to a shell: `bash -c`, tmux, watch, su, find -exec, eval, trap.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from ml_intern_helpers.launches.launcher_options import leading_options
from ml_intern_helpers.launches.place import SHELL
from ml_intern_helpers.launches.words import Word, program

_ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=")
SHELLS = frozenset({"bash", "sh", "zsh", "dash", "ksh"})


class Wrapper(NamedTuple):
    """A program that starts the rest of its words: its options (option -> takes a value), and how many words precede the rest."""

    options: dict[str, bool]
    skip: int = 0


def _options(values: str = "", flags: str = "") -> dict[str, bool]:
    return dict.fromkeys(flags.split(), False) | dict.fromkeys(values.split(), True)


#: Options of Slurm's srun, salloc and sbatch: the separate value of one missing here would be mistaken for the program.
_SLURM = _options(
    "-A -B -b -C -c -D -d -e -F -G -i -J -L -M -m -N -n -o -p -q -r -S -T -t -w -x"
    " --account --array --begin --chdir --clusters --comment --constraint --container --container-image --container-mounts"
    " --container-workdir --cpu-bind --cpus-per-gpu --cpus-per-task --dependency --distribution --error --exclude --export"
    " --gpu-bind --gpus --gpus-per-node --gpus-per-socket --gpus-per-task --gres --hint --input --job-name --jobid"
    " --licenses --mail-type --mail-user --mem --mem-bind --mem-per-cpu --mem-per-gpu --mpi --network --nodelist --nodes --ntasks"
    " --ntasks-per-gpu --ntasks-per-node --output --partition --qos --reservation --signal --switches --time --time-min --tmp"
    " --wckey --wrap",
    "-E -H -I -K -k -l -O -Q -s -u -v -W -X -Z --contiguous --exclusive --hold --label --no-requeue --overcommit --overlap"
    " --oversubscribe --parsable --pty --quiet --requeue --test-only --unbuffered --verbose --wait",
)
_WRAPPERS = {
    "sudo": Wrapper(
        _options("-u --user -g --group -h --host -p --prompt -C -D --chdir -R -T -U -r -t", "-E -H -n -S -b -i -k -A")
    ),
    "doas": Wrapper(_options("-u -C", "-n -s")),
    "nohup": Wrapper({}),
    "setsid": Wrapper(_options("", "-c -f -w --fork --wait --ctty")),
    "exec": Wrapper(_options("-a", "-c -l")),
    "builtin": Wrapper({}),
    "command": Wrapper(_options("", "-p")),
    "time": Wrapper(_options("-f --format -o --output", "-p -v -a -q --verbose --portability --append")),
    "nice": Wrapper(_options("-n --adjustment")),
    "ionice": Wrapper(_options("-c --class -n --classdata", "-t --ignore")),
    "timeout": Wrapper(_options("-k --kill-after -s --signal", "-v --verbose -f -p --foreground --preserve-status"), 1),
    "stdbuf": Wrapper(_options("-i --input -o --output -e --error")),
    "numactl": Wrapper(_options("-N --cpunodebind -m --membind -C --physcpubind -i --interleave", "-l --localalloc")),
    "taskset": Wrapper(_options("", "-a -c --cpu-list"), 1),
    "chrt": Wrapper(_options("", "-f -o -r -b -i"), 1),
    "caffeinate": Wrapper(_options("-t -w", "-d -i -m -s -u")),
    "unbuffer": Wrapper(_options("", "-p")),
    "catchsegv": Wrapper({}),
    "busybox": Wrapper({}),
    "flock": Wrapper(_options("-w --timeout --wait -E --conflict-exit-code", "-s -x -e -u -n --nonblock -o -F -v --verbose"), 1),
    "setarch": Wrapper(_options("", "-R"), 1),
    "srun": Wrapper(_SLURM),
    "salloc": Wrapper(_SLURM),
    "systemd-run": Wrapper(
        _options("-u --unit -p --property -E --setenv -M --slice --description", "--user --scope --pty -t --wait -q -d -G")
    ),
    "xargs": Wrapper(
        _options(
            "-I -n -P -L -d -a -s -E --max-args --max-procs --arg-file --delimiter", "-0 -r -t -p -x --null --no-run-if-empty"
        )
    ),
    "parallel": Wrapper(
        _options("-j --jobs --delay --joblog --results -a --colsep", "--bar --eta --dry-run -k --keep-order --ungroup -u")
    ),
    "screen": Wrapper(_options("-S -t -c -e -h -p -s -T", "-d -m -D -A -L -dm -dmL")),
}
#: Wrappers that append words from their input -> the default placeholder for these words.
_FEEDERS = {"xargs": "", "parallel": "{}"}
#: Programs whose `run` or `exec` command starts the rest (`poetry run …`) -> their options.
_RUNNERS = {
    "poetry": _options("-C --directory -P --project", "-q -n"),
    "pipenv": {},
    "pdm": _options("-p --project"),
    "hatch": _options("-e --env"),
    "rye": {},
    "pixi": _options("-e --environment --manifest-path"),
    "conda": _options("-n --name -p --prefix --cwd", "--no-capture-output --live-stream -v"),
    "mamba": _options("-n --name -p --prefix", "--no-capture-output --live-stream"),
    "micromamba": _options("-n --name -p --prefix"),
}


#: The most wrappers that are removed from one command.
_MOST_WRAPPERS = 30


class Unwrapped(NamedTuple):
    """A command without its wrappers.

    Attributes:
        words: the remaining words, the program first.
        environ: the variables that `env` and the like set.
        shell: a text for a shell in place of words (`bash -c '…'`); None when there is none.
        limit: the duration given to `timeout`; "" when there is none.
        chdir: the folder that `env -C` changes to.
        shell_file: a file of shell commands.
        sourced: `shell_file` is read by `source`.
    """

    words: list[Word]
    environ: dict[str, Word]
    shell: Word | None = None
    limit: str = ""
    chdir: Word | None = None
    shell_file: Word | None = None
    sourced: bool = False


def unwrapped(words: list[Word]) -> Unwrapped:
    """Remove the wrappers; a command without any stays as it is."""
    environ: dict[str, Word] = {}
    limit, chdir = "", None
    for _ in range(_MOST_WRAPPERS):
        name = program(words[0]) if words else ""
        if name == "env":
            words, inner, chdir = _env(words[1:])
            environ |= inner
        elif name in _FEEDERS:
            words = _fed(words, name)
        elif name in _WRAPPERS:
            words, limit = _peeled(words, _WRAPPERS[name], limit if name != "timeout" else "?")
        elif name in _RUNNERS and len(words) > 1:
            options = leading_options(words[1:], _RUNNERS[name])
            if not options.rest or options.rest[0].text not in ("run", "exec"):
                break  # another command of that program
            words = leading_options(options.rest[1:], _RUNNERS[name]).rest
            if not words or program(words[0]) == name:
                break
        else:
            break
    if not words:
        return Unwrapped([], environ, limit=limit)
    return _shell(words, environ, limit, chdir)


def _fed(words: list[Word], name: str) -> list[Word]:
    """The words that xargs or parallel starts, with its input appended or put in place of the mark (`-I {}`)."""
    options = leading_options(words[1:], _WRAPPERS[name].options, clusters=True)
    placeholder = options.value("-I", "--replace")
    mark = placeholder.text if placeholder is not None else _FEEDERS[name]
    rest = options.rest[: next((at for at, word in enumerate(options.rest) if word.text.startswith(":::")), None)]
    input_words = Word("$words", f"what {name} reads", 0, splits=True)
    if not mark or not any(mark in word.text for word in rest):
        return [*rest, input_words] if rest else []
    placed = []
    for word in rest:  # `--lr={}`, or `{}` in a text for a shell: the text before the mark stays known
        at = word.text.find(mark)
        text = word.text.replace(mark, input_words.text)
        placed.append(word if at < 0 else Word(text, input_words.unknown, min(at, word.known), splits=True))
    return placed


def _peeled(words: list[Word], wrapper: Wrapper, limit: str) -> tuple[list[Word], str]:
    options = leading_options(words[1:], wrapper.options, clusters=True)
    rest = options.rest
    environ_like = 0
    while environ_like < len(rest) and _ASSIGNMENT.match(rest[environ_like].text):
        environ_like += 1  # `sudo FOO=1 python …`
    if limit == "?":
        limit = rest[0].text if rest else ""
    return rest[max(wrapper.skip, environ_like) :], limit


def _env(words: list[Word]) -> tuple[list[Word], dict[str, Word], Word | None]:
    table = _options("-u --unset -C --chdir -S --split-string", "-i --ignore-environment -0 -v --debug")
    options = leading_options(words, table, clusters=True)
    rest, environ = list(options.rest), {}
    text = options.value("-S", "--split-string")
    if text is not None:
        rest = [*(Word(part, text.unknown) for part in text.text.split()), *rest]
    while rest and (pair := rest[0].before("=")) and _ASSIGNMENT.match(rest[0].text):
        environ[pair[0]] = pair[1]
        rest.pop(0)
    return rest, environ, options.value("-C", "--chdir")


def _shell(words: list[Word], environ: dict[str, Word], limit: str, chdir: Word | None) -> Unwrapped:
    """The command with the text or file that a shell runs, where the program is a shell or starts one."""
    name, text, file = program(words[0]), None, None
    if name in SHELLS:
        by_text, operand = _operand(words[1:])
        text, file = (operand, None) if by_text else (None, operand)
    elif name in ("source", "."):
        file = next(iter(leading_options(words[1:], {}).rest), None)
    elif name == "sbatch":
        options = leading_options(words[1:], _SLURM, clusters=True)
        text, file = options.value("--wrap"), next(iter(options.rest), None)
    elif name.endswith(SHELL) and "/" in words[0].text:
        file = words[0]
    else:
        text = _text_for_shell(name, words[1:])
    return Unwrapped([] if text or file else words, environ, text, limit, chdir, file, name in ("source", "."))


def _operand(words: list[Word]) -> tuple[bool, Word | None]:
    """(whether the operand is a text, the operand) of a shell: `-lc TEXT`, `-euxo pipefail -c TEXT`, or a file."""
    by_text, at = False, 0
    while at < len(words) and words[at].text[:1] in ("-", "+") and len(words[at].text) > 1:
        option = words[at].text
        at += 1
        if option == "--":
            break
        if not option.startswith("--"):
            by_text = by_text or "c" in option
            at += option.lower().count("o")
        elif option in ("--rcfile", "--init-file"):
            at += 1
    return by_text, words[at] if at < len(words) else None


_TMUX = _options("-c -e -F -f -n -s -t -x -y -l -L -S", "-A -d -D -E -P -X -b -h -v -k -a -Z")
_TMUX_STARTS = frozenset(
    {"new", "new-session", "neww", "new-window", "splitw", "split-window", "respawnp", "respawn-pane", "respawnw", "popup"}
)
_TMUX_TYPES = frozenset({"send", "send-keys"})
#: Names of keys; `send-keys` types every other word.
_KEYS = frozenset({"Enter", "C-m", "C-M", "KPEnter", "C-c", "C-u", "C-l", "Escape", "Space"})
_WATCH = _options("-n --interval", "-d -t -b -e -g -c -x --no-title --color")
#: Programs that run the text after `-c` in a shell (`su -c TEXT`).
_COMMAND_OPTION = frozenset({"su", "script", "runuser"})


def _text_for_shell(name: str, words: list[Word]) -> Word | None:
    """The text that the program `name` passes to a shell; None when there is none."""
    if name == "eval":
        return _joined(words)
    if name == "trap":
        return words[0] if words and words[0].text not in ("-", "-p", "-l") else None
    if name == "watch":
        return _joined(leading_options(words, _WATCH).rest)
    if name == "tmux":
        rest = leading_options(words, _TMUX).rest
        command = rest[0].text if rest else ""
        inner = leading_options(rest[1:], _TMUX, clusters=True).rest
        if command in _TMUX_STARTS:
            return _joined(inner)
        return _joined([word for word in inner if word.text not in _KEYS]) if command in _TMUX_TYPES else None
    if name == "find":
        return _find(words)
    if name in _COMMAND_OPTION:
        return next((words[at + 1] for at, word in enumerate(words[:-1]) if word.text in ("-c", "--command")), None)
    return None


def _joined(words: list[Word]) -> Word | None:
    unknown = [word.unknown for word in words if word.unknown]
    known = 0 if len(unknown) == len(words) else 1 << 30  # `eval $CMD`: no part of it is known
    return Word(" ".join(word.text for word in words), next(iter(unknown), ""), known) if words else None


def _find(words: list[Word]) -> Word | None:
    """The command of `find … -exec COMMAND \\;`; the braces become an unknown file."""
    for at, word in enumerate(words):
        if word.text in ("-exec", "-execdir", "-ok", "-okdir"):
            end = next((end for end in range(at, len(words)) if words[end].text in (";", "+")), len(words))
            return _joined([Word("$found") if "{}" in part.text else part for part in words[at + 1 : end]])
    return None
