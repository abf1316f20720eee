"""Reads launchers that start a script on their own machine: python, uv, accelerate, torchrun, deepspeed and trl."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from typing import Any, NamedTuple

from ml_intern_helpers.analysis.config_file import read_plain_yaml
from ml_intern_helpers.launches.launch import Launch, Problem, Setting, Target
from ml_intern_helpers.launches.launcher_options import LeadingOptions, leading_options, tables
from ml_intern_helpers.launches.parser_options import field_words, named_config
from ml_intern_helpers.launches.place import YAML, Place, text_of_file
from ml_intern_helpers.launches.targets import exists, file_target, script_target, written_target
from ml_intern_helpers.launches.words import Word, closest, masked

#: The names of Python interpreters.
PYTHON_NAME = re.compile(r"(?:i?python|pypy)[0-9.]*t?|accelerate-python")
#: Read from deepspeed's source, not from its parser: an option missing here is reported as uncertain.
_DEEPSPEED_FLAGS = (
    "--module --no_python --no_local_rank --no_ssh --no_ssh_check --force_multi --save_pid --elastic_training"
    " --bind_cores_to_rank"
)
_DEEPSPEED_VALUES = (
    "-H --hostfile -i --include -e --exclude --num_nodes --min_elastic_nodes --max_elastic_nodes --num_gpus --num_accelerators"
    " --master_port --master_addr --node_rank --launcher --launcher_args --enable_each_rank_log --autotuning --comment --account"
    " --bind_core_list --ssh_port --venv_script"
)
_DEEPSPEED = dict.fromkeys(_DEEPSPEED_FLAGS.split(), False) | dict.fromkeys(_DEEPSPEED_VALUES.split(), True)
#: Modules and programs that never train; a line that runs only these contains no launch.
_TOOL_NAMES = (
    "accelerate bitsandbytes black build coverage datasets huggingface_hub ipykernel jupyter mypy nltk notebook pip pip3"
    " pre_commit pytest ruff spacy tensorboard trackio transformers twine uv venv virtualenv vllm wandb wheel xformers"
)
_TOOLS = frozenset(_TOOL_NAMES.split())


class PythonWords(NamedTuple):
    """What `python` runs: its kind (`file`, `module`, `code` or `stdin`), the word that names it, and the arguments after it.

    The kind is "" when nothing is run.
    """

    kind: str
    word: Word
    args: list[Word]


def python_words(words: list[Word]) -> PythonWords:
    """Read the words after `python`."""
    at = 0
    while at < len(words):
        word = words[at]
        at += 1
        if word.text == "-":
            return PythonWords("stdin", word, words[at:])
        if word.text[:1] != "-" or word.known == 0:
            return PythonWords("file", word, words[at:])
        if word.text in ("--help", "--version", "-h", "-V"):
            return PythonWords("", word, [])
        if word.text.startswith("--"):
            at += word.text == "--check-hash-based-pycs"
            continue
        for position, letter in enumerate(word.text[1:], start=2):  # `-um module`: letters until one takes a value
            attached = position < len(word.text)
            if letter in "mc":
                value = word.after(position) if attached else words[at] if at < len(words) else Word("")
                rest = words[at:] if attached else words[at + 1 :]
                return PythonWords("module" if letter == "m" else "code", value, rest)
            if letter in "WX":
                at += not attached
                break
    return PythonWords("stdin", Word("-"), [])


def python(words: list[Word], text: str, place: Place) -> Launch | None:
    """The launch by `python …`; None for a command that never trains (`python -m pip`, `python --version`)."""
    kind, word, args = python_words(words)
    launch = _local(text, "python", place, args)
    if kind == "file":
        launch.target, launch.problems = script_target(word, place)
    elif kind == "code" and word.unknown:
        launch.target = Target("unknown", "python -c", reason=word.unknown)
    elif kind == "code":
        launch.target = Target("text", "python -c", text=f"{word.text}\n")
    elif kind == "stdin" and place.stdin is not None:
        launch.target = written_target("-", place.stdin)
    elif kind == "module":
        return _module(word, launch, place)
    else:
        return None
    return launch


def _local(text: str, launcher: str, place: Place, args: list[Word]) -> Launch:
    launch = Launch(text, launcher, "local", Target("unknown"), args=args, cwd=place.cwd, environ=dict(place.environ))
    launch.open = _open(args)
    launch.env_open = "" if place.container else "this machine's environment"
    return launch


def _open(words: list[Word]) -> str:
    return next((word.unknown for word in words if word.splits), "")


def _module(word: Word, launch: Launch, place: Place) -> Launch | None:
    """The launch by `python -m NAME`, with the module as its target; None for a module that never trains."""
    name = word.text
    launch.launcher = f"python -m {masked(name, 60)}"
    if word.unknown or not re.fullmatch(r"[A-Za-z_][\w.]*", name):
        launch.target = Target("unknown", masked(name), reason=word.unknown or "not a valid module name")
        return launch
    path = name.replace(".", "/")
    for candidate in (f"{path}.py", f"{path}/__main__.py"):
        if exists(candidate, place):
            launch.target, launch.problems = file_target(candidate, place)
            return launch
    top = name.split(".")[0]
    if top in _TOOLS or top in sys.stdlib_module_names:
        return None
    launch.target = Target("module", masked(name), reason=f"the module {masked(name)} is not a file in this folder")
    return launch


def distributed(name: str, words: list[Word], text: str, place: Place) -> Launch:
    """The launch by `accelerate launch`, `torchrun` or `deepspeed`: their own options, then the script with its arguments."""
    table = _DEEPSPEED if name == "deepspeed" else tables().accelerate if name == "accelerate launch" else tables().torchrun
    options = leading_options(words, table, abbreviations=name != "accelerate launch")
    # The value of an unknown option takes the script's position: the first word that ends in .py is taken as the script.
    scripts = (at for at, word in enumerate(options.rest) if word.text.endswith(".py"))
    if options.unknown and (at := next(scripts, None)) is not None:
        options = options._replace(rest=options.rest[at:])
    launch = _local(text, name, place, options.rest[1:])
    launch.open = launch.open or _open(words)
    launch.distributed = True
    launch.processes = _processes(options, place)
    config = options.value("--config_file", "--config-file")
    if config is not None and not config.unknown and not place.container:
        launch.problems += file_target(config.text, place)[1]
    _add_option_problems(name, options, table, launch)
    if not options.rest:
        launch.target = Target("unknown", reason="the command names no script")
        launch.dry = options.has("-h", "--help")
        if not launch.open and not launch.dry:
            message, fix = f"{name} has no script on its command line", f"{name} [options] SCRIPT [arguments]"
            launch.problems.append(Problem("refused-command", message, fix, text))
    elif options.has("-m", "--module"):
        return _module(options.rest[0], launch, place) or launch
    else:
        launch.target, problems = script_target(options.rest[0], place)
        launch.problems += problems
    return launch


def _add_option_problems(name: str, options: LeadingOptions, table: Mapping[str, bool], launch: Launch) -> None:
    if options.error:
        launch.problems.append(Problem("refused-command", f"{name}: {options.error}", f"see `{name} --help`"))
    for flag in options.unknown:
        longer = next((option for option in table if flag.startswith("--") and option.startswith(flag)), "")
        meant = longer or closest(flag, table)
        fix = f"did you mean {meant}?" if meant else f"options of the script come after it; `{name} --help` lists its own"
        shown = masked(flag, 60)
        message = f"{name} has no option {shown}"
        launch.problems.append(Problem("unknown-option", message, fix, shown, certain=name != "deepspeed"))


def _processes(options: LeadingOptions, place: Place) -> int | None:
    flags = ("--num_processes", "--num-processes", "--nproc-per-node", "--nproc_per_node", "--num_gpus", "--num_accelerators")
    value = options.value(*flags)
    if value is not None:
        return int(value.text) if value.text.isdecimal() and len(value.text) < 6 else None
    file = options.value("--config_file", "--config-file")
    text = text_of_file(place.resolved(file.text), YAML) if file is not None and not file.unknown else None
    number = read_plain_yaml(text or "").values.get("num_processes")
    return number if type(number) is int and 0 <= number < 100_000 else None


def uv(words: list[Word], text: str, place: Place) -> tuple[Launch | None, list[Word], list[Word]]:
    """Read `uv run …`: (launch of a script, packages of `--with`, words of another program that uv starts)."""
    table = tables().uv_run
    before = leading_options(words, table)
    if not before.rest or before.rest[0].text != "run":
        return None, [], []
    options = leading_options(before.rest[1:], table, clusters=True)
    launch = _local(text, "uv run", place, options.rest[1:])
    launch.open = launch.open or _open(words)
    launch.packages, launch.installs, launch.block = options.values("--with", "-w"), "uv", True
    _add_option_problems("uv run", options, table, launch)
    version = options.value("-p", "--python")
    if version is not None and not version.unknown:
        launch.settings["python"] = Setting(version.text, f"--python {masked(version.text, 40)}")
    return _uv_script(launch, options, place), launch.packages, options.rest


def _uv_script(launch: Launch, options: LeadingOptions, place: Place) -> Launch | None:
    """The launch with its target set; None where uv starts another program."""
    if not options.rest:
        return None
    first = options.rest[0]
    if first.text == "-":
        launch.target = written_target("-", place.stdin) if place.stdin else Target("unknown", "-", reason="standard input")
    elif options.has("-m", "--module"):
        return _module(first, launch, place)
    elif first.unknown or first.text.endswith(".py") or "://" in first.text or options.has("-s", "--script"):
        launch.target, problems = script_target(first, place)
        launch.problems += problems
    elif not launch.problems:
        return None
    return launch


#: Commands of trl whose class names are not the command in capitals.
_TRL_CLASSES = {"reward": "Reward", "distillation": "Distillation"}


def trl(words: list[Word], text: str, place: Place) -> Launch | None:
    """The launch by `trl sft …`, with an outline of the script that trl runs; None for commands that do not train (`trl env`)."""
    command = words[0].text if words else ""
    known = tables().trl.get(command)
    if known is None:
        return None
    launch = Launch(text, f"trl {command}", "local", Target("unknown"), cwd=place.cwd, args=words[1:])
    launch.open = _open(words)
    launch.distributed = True  # trl starts the script with accelerate
    values: dict[str, Any] = {}
    hidden: list[str] = []
    config = named_config(words, place)
    if config is not None:
        launch.problems += [config.problem] if config.problem else []
        values |= config.options.values
        hidden += [config.name] if config.options.unread else [*config.options.hidden]
    on_line = field_words(words[1:], known)  # the command line overrides the file
    values |= on_line.values
    hidden += on_line.hidden
    processes = leading_options(words[1:], {"--num_processes": True, "--num-processes": True})
    number = processes.value("--num_processes", "--num-processes")
    launch.processes = int(number.text) if number and number.text.isdecimal() else None
    for name in on_line.hidden:
        values.pop(name, None)
    for name in list(values):
        if name not in known and f"--{name}" not in tables().accelerate and name not in ("config", "accelerate_config", "env"):
            meant, shown = closest(name, known), masked(name, 60)
            fix = f"did you mean --{meant}?" if meant else f"options: trl {command} --help"
            message = f"trl {command} has no option {shown}, nor has accelerate"
            launch.problems.append(Problem("unknown-option", message, fix, shown))
            values.pop(name)
    launch.open = launch.open or (f"{', '.join(hidden[:3])}: set to a value that cannot be read" if hidden else "")
    launch.target = Target("trl", f"trl {command}", text=_trl_script(command, values, launch.open))
    return launch


def _trl_script(command: str, values: dict[str, Any], doubt: str) -> str:
    """An outline of the script that trl runs for these options, with their values filled in."""
    known = tables().trl[command]
    name = _TRL_CLASSES.get(command, command.upper())
    config = [f"    {key}={value!r}," for key, value in values.items() if known.get(key) == "config"]
    config += ["    **unread,"] if doubt else []
    lines = ["from datasets import load_dataset", "from peft import LoraConfig" if values.get("use_peft") else ""]
    lines += [f"from trl import {name}Config, {name}Trainer", "", "unread = vars(not_read)" if doubt else ""]
    lines += [f"config = {name}Config(", *config, ")", f"rows = load_dataset({values.get('dataset_name')!r})"]
    lines += [f"trainer = {name}Trainer(", f"    {values.get('model_name_or_path')!r},", "    args=config,"]
    lines += ['    train_dataset=rows["train"],', '    eval_dataset=rows["test"],']
    lines += ["    peft_config=LoraConfig(),"] if values.get("use_peft") else []
    lines += [")", "trainer.train()", "trainer.save_model(config.output_dir)"]
    return "\n".join(lines) + "\n"
