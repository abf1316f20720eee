"""Takes wrappers off a command: programs such as sudo, timeout and srun that only start another one.

Some of them hand a text, or words joined to one, to a shell of their own: `bash -c`, tmux, watch, su, find -exec, eval, trap.
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
    """A program that starts the rest of its words: its options (option -> takes a value), how many words before the rest."""

    options: dict[str, bool]
    skip: int = 0


def _options(values: str = "", flags: str = "") -> dict[str, bool]:
    return dict.fromkeys(flags.split(), False) | dict.fromkeys(values.split(), True)


#: Of Slurm's srun, salloc and sbatch: an option that is not here, with its value behind a blank, would hide the program.
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
#: Wrappers that add words from their input, and the default mark of the place for them.
_FEEDERS = {"xargs": "", "parallel": "{}"}
#: `poetry run …`: two words that start the rest.
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


#: More in front of one program was not written by hand.
_MOST_WRAPPERS = 30


class Unwrapped(NamedTuple):
    """What remains of a command without its wrappers.

    Attributes:
        words: the launcher's, program first.
        environ: variables that `env` and the like set.
        shell: a text for a shell instead of words (`bash -c '…'`), None when there is none.
        limit: the duration given to `timeout`, "" when there is none.
        chdir: the folder that `env -C` changes to.
        shell_file: a file of shell commands; `sourced` when it is read by `source`.
    """

    words: list[Word]
    environ: dict[str, Word]
    shell: Word | None = None
    limit: str = ""
    chdir: Word | None = None
    shell_file: Word | None = None
    sourced: bool = False


def unwrapped(words: list[Word]) -> Unwrapped:
    """Take the wrappers off; a command without wrappers stays as it is."""
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
            found = leading_options(words[1:], _RUNNERS[name])
            if not found.rest or found.rest[0].text not in ("run", "exec"):
                break  # another command of that program
            words = leading_options(found.rest[1:], _RUNNERS[name]).rest
            if not words or program(words[0]) == name:
                break
        else:
            break
    if not words:
        return Unwrapped([], environ, limit=limit)
    return _shell(words, environ, limit, chdir)


def _fed(words: list[Word], name: str) -> list[Word]:
    """Of `xargs python train.py --lr`: those words with what it reads behind them, or in the place of the mark (`-I {}`)."""
    found = leading_options(words[1:], _WRAPPERS[name].options, clusters=True)
    given = found.value("-I", "--replace")
    mark = given.text if given is not None else _FEEDERS[name]
    rest = found.rest[: next((at for at, word in enumerate(found.rest) if word.text.startswith(":::")), None)]
    fed = Word("$words", f"what {name} reads", 0, splits=True)
    if not mark or not any(mark in word.text for word in rest):
        return [*rest, fed] if rest else []
    placed = []
    for word in rest:  # `--lr={}`, and `{}` in a text for a shell: what stands before the mark stays known
        at = word.text.find(mark)
        text = word.text.replace(mark, fed.text)
        placed.append(word if at < 0 else Word(text, fed.unknown, min(at, word.known), splits=True))
    return placed


def _peeled(words: list[Word], wrapper: Wrapper, limit: str) -> tuple[list[Word], str]:
    found = leading_options(words[1:], wrapper.options, clusters=True)
    rest = found.rest
    environ_like = 0
    while environ_like < len(rest) and _ASSIGNMENT.match(rest[environ_like].text):
        environ_like += 1  # `sudo FOO=1 python …`
    if limit == "?":
        limit = rest[0].text if rest else ""
    return rest[max(wrapper.skip, environ_like) :], limit


def _env(words: list[Word]) -> tuple[list[Word], dict[str, Word], Word | None]:
    table = _options("-u --unset -C --chdir -S --split-string", "-i --ignore-environment -0 -v --debug")
    found = leading_options(words, table, clusters=True)
    rest, environ = list(found.rest), {}
    text = found.value("-S", "--split-string")
    if text is not None:
        rest = [*(Word(part, text.unknown) for part in text.text.split()), *rest]
    while rest and (pair := rest[0].before("=")) and _ASSIGNMENT.match(rest[0].text):
        environ[pair[0]] = pair[1]
        rest.pop(0)
    return rest, environ, found.value("-C", "--chdir")


def _shell(words: list[Word], environ: dict[str, Word], limit: str, chdir: Word | None) -> Unwrapped:
    """The text or file that a shell is given, where the program is one."""
    name, text, file = program(words[0]), None, None
    if name in SHELLS:
        by_text, operand = _operand(words[1:])
        text, file = (operand, None) if by_text else (None, operand)
    elif name in ("source", "."):
        file = next(iter(leading_options(words[1:], {}).rest), None)
    elif name == "sbatch":
        found = leading_options(words[1:], _SLURM, clusters=True)
        text, file = found.value("--wrap"), next(iter(found.rest), None)
    elif name.endswith(SHELL) and "/" in words[0].text:
        file = words[0]
    else:
        text = _text_for_shell(name, words[1:])
    return Unwrapped([] if text or file else words, environ, text, limit, chdir, file, name in ("source", "."))


def _operand(words: list[Word]) -> tuple[bool, Word | None]:
    """(it is a text, the operand) of a shell: `-lc TEXT`, `-euxo pipefail -c TEXT`, or a file."""
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
#: Keys by name; all else that `send-keys` gets is typed.
_KEYS = frozenset({"Enter", "C-m", "C-M", "KPEnter", "C-c", "C-u", "C-l", "Escape", "Space"})
_WATCH = _options("-n --interval", "-d -t -b -e -g -c -x --no-title --color")
#: `su -c TEXT`
_COMMAND_OPTION = frozenset({"su", "script", "runuser"})


def _text_for_shell(name: str, words: list[Word]) -> Word | None:
    """The text that program `name` hands to a shell; None when there is none."""
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
    known = 0 if len(unknown) == len(words) else 1 << 30  # `eval $CMD`: nothing of it is known
    return Word(" ".join(word.text for word in words), next(iter(unknown), ""), known) if words else None


def _find(words: list[Word]) -> Word | None:
    """`find … -exec COMMAND \\;`: the braces stand for a file that only find knows."""
    for at, word in enumerate(words):
        if word.text in ("-exec", "-execdir", "-ok", "-okdir"):
            end = next((end for end in range(at, len(words)) if words[end].text in (";", "+")), len(words))
            return _joined([Word("$found") if "{}" in one.text else one for one in words[at + 1 : end]])
    return None
