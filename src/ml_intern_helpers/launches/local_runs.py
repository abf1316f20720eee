"""Launchers that start a script on the machine they run on: python, uv, accelerate, torchrun, deepspeed, this plugin's own."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping

from ml_intern_helpers.analysis import flat_yaml
from ml_intern_helpers.launches import python_words
from ml_intern_helpers.launches.argparse_words import Split, split
from ml_intern_helpers.launches.launch import Launch
from ml_intern_helpers.launches.options_table import ACCELERATE, TORCHRUN, UV_RUN
from ml_intern_helpers.launches.parts import Fault, Target, Told
from ml_intern_helpers.launches.place import Place
from ml_intern_helpers.launches.reading import YAML, text_of_file
from ml_intern_helpers.launches.targets import exists, file_target, script_target, written_target
from ml_intern_helpers.launches.words import Word, masked

#: Read from its source, not executed: an option that is not here is doubted, not refused.
_DEEPSPEED_FLAGS = (
    "--module --no_python --no_local_rank --no_ssh --no_ssh_check --force_multi --save_pid --elastic_training"
    " --bind_cores_to_rank"
)
_DEEPSPEED_VALUES = (
    "-H --hostfile -i --include -e --exclude --num_nodes --min_elastic_nodes --max_elastic_nodes --num_gpus --num_accelerators"
    " --master_port --master_addr --node_rank --launcher --launcher_args --enable_each_rank_log --autotuning --comment --account"
    " --bind_core_list --ssh_port --venv_script"
)
DEEPSPEED = dict.fromkeys(_DEEPSPEED_FLAGS.split(), False) | dict.fromkeys(_DEEPSPEED_VALUES.split(), True)
#: Modules and programs that train nothing; a line that only runs these holds no launch.
_TOOLS = frozenset(
    {
        "accelerate",
        "bitsandbytes",
        "black",
        "build",
        "coverage",
        "datasets",
        "huggingface_hub",
        "ipykernel",
        "jupyter",
        "mypy",
        "nltk",
        "notebook",
        "pip",
        "pip3",
        "pre_commit",
        "pytest",
        "ruff",
        "spacy",
        "tensorboard",
        "trackio",
        "transformers",
        "twine",
        "uv",
        "venv",
        "virtualenv",
        "vllm",
        "wandb",
        "wheel",
        "xformers",
    }
)


def python(words: list[Word], text: str, place: Place) -> Launch | None:
    """`python …`; None for what trains nothing (`python -m pip`, `python --version`)."""
    found = python_words.front(words)
    launch = _local(text, "python", place, found.args)
    if found.kind == "file":
        launch.target, launch.faults = script_target(found.word, place)
    elif found.kind == "code":
        launch.target = _text("python -c", found.word)
    elif found.kind == "stdin" and place.stdin is not None:
        launch.target = written_target("-", place.stdin)
    elif found.kind == "module":
        return _module(found.word, found.args, launch, place)
    else:
        return None
    return launch


def _local(text: str, launcher: str, place: Place, args: list[Word]) -> Launch:
    launch = Launch(text, launcher, "local", Target("unknown"), args=args, cwd=place.cwd, environ=dict(place.environ))
    launch.open = next((word.unknown for word in args if word.splits), "")
    launch.env_open = "" if place.container else "this machine's environment"
    return launch


def _text(name: str, word: Word) -> Target:
    return Target("unknown", name, reason=word.unknown) if word.unknown else Target("text", name, text=f"{word.text}\n")


def _module(word: Word, args: list[Word], launch: Launch, place: Place) -> Launch | None:
    name = word.text
    top = name.split(".")[0]
    launch.launcher = f"python -m {masked(name, 60)}"
    path = name.replace(".", "/")
    if word.unknown or not re.fullmatch(r"[A-Za-z_][\w.]*", name):
        launch.target = Target("unknown", masked(name), reason=word.unknown or "no module has such a name")
        return launch
    for candidate in (f"{path}.py", f"{path}/__main__.py"):
        if exists(candidate, place):
            launch.target, launch.faults = file_target(candidate, place)
            return launch
    if top in _TOOLS or top in sys.stdlib_module_names:
        return None
    launch.target = Target("module", masked(name), reason=f"the module {masked(name)} is not a file here")
    return launch


def distributed(name: str, words: list[Word], text: str, place: Place) -> Launch:
    """`accelerate launch`, `torchrun` and `deepspeed`: options of their own, then the script with its arguments."""
    table = {"accelerate launch": ACCELERATE, "deepspeed": DEEPSPEED}.get(name, TORCHRUN)
    found = _realigned(split(words, table, abbreviations=name != "accelerate launch"))
    launch = _local(text, name, place, found.rest[1:])
    launch.open = launch.open or next((word.unknown for word in words if word.splits), "")
    launch.distributed = True
    launch.processes = _processes(found, place)
    config = found.value("--config_file", "--config-file")
    if config is not None and not config.unknown and not place.container:
        launch.faults += file_target(config.text, place)[1]
    _odd_options(name, found, table, launch)
    if not found.rest:
        launch.target = Target("unknown", reason="the command names no script")
        if not launch.open and not found.has("-h", "--help"):
            launch.faults.append(Fault("LAUNCH106", f"{name} is given no script", f"{name} [options] SCRIPT [arguments]", text))
        launch.dry = found.has("-h", "--help")
    elif found.has("-m", "--module"):
        return _module(found.rest[0], launch.args, launch, place) or launch
    else:
        launch.target, faults = script_target(found.rest[0], place)
        launch.faults += faults
    return launch


def _realigned(found: Split) -> Split:
    """Behind an unknown option its value stands where the script should: the first word that ends like a script is meant."""
    for at, word in enumerate(found.rest if found.unknown else []):
        if word.text.endswith(".py"):
            return found._replace(rest=found.rest[at:])
    return found


def _odd_options(name: str, found: Split, table: Mapping[str, bool], launch: Launch) -> None:
    if found.error:
        launch.faults.append(Fault("LAUNCH106", f"{name}: {found.error}", f"see `{name} --help`"))
    for flag in found.unknown:
        longer = [name for name in table if flag.startswith("--") and name.startswith(flag)]
        import difflib

        near = longer or difflib.get_close_matches(flag, table, n=1, cutoff=0.6)
        fix = f"did you mean {near[0]}?" if near else f"options of the script stand behind it; `{name} --help` lists its own"
        message = f"{name} has no option {masked(flag, 60)}"
        launch.faults.append(Fault("LAUNCH105", message, fix, masked(flag, 60), "warning" if name == "deepspeed" else None))


def _processes(found: Split, place: Place) -> int | None:
    flags = ("--num_processes", "--num-processes", "--nproc-per-node", "--nproc_per_node", "--num_gpus", "--num_accelerators")
    value = found.value(*flags)
    if value is None:
        value = _from_config(found.value("--config_file", "--config-file"), place)
    return int(value.text) if value is not None and value.text.isdecimal() and len(value.text) < 6 else None


def _from_config(file: Word | None, place: Place) -> Word | None:
    text = text_of_file(place.resolved(file.text), YAML) if file is not None and not file.unknown else None
    value = flat_yaml.read(text or "").values.get("num_processes")
    return Word(str(value)) if isinstance(value, int) else None


def uv(words: list[Word], text: str, place: Place) -> tuple[Launch | None, list[Word], list[Word]]:
    """`uv run …`: (the launch of a script, the packages of `--with`, the words of another program that uv starts)."""
    before = split(words, UV_RUN)
    if not before.rest or before.rest[0].text != "run":
        return None, [], []
    found = split(before.rest[1:], UV_RUN, clusters=True)
    packages = [word for flag in ("--with", "-w") for word in found.options.get(flag, []) if word is not None]
    rest = found.rest
    launch = _local(text, "uv run", place, rest[1:])
    launch.open = launch.open or next((word.unknown for word in words if word.splits), "")
    launch.packages, launch.installs, launch.block = packages, "uv", True
    _odd_options("uv run", found, UV_RUN, launch)
    python_word = found.value("-p", "--python")
    if python_word is not None and not python_word.unknown:
        launch.settings["python"] = Told(python_word.text, f"--python {masked(python_word.text, 40)}")
    return _uv_target(launch, found, rest, place), packages, rest


def _uv_target(launch: Launch, found: Split, rest: list[Word], place: Place) -> Launch | None:
    if not rest:
        return None
    first = rest[0]
    if first.text == "-":
        launch.target = written_target("-", place.stdin) if place.stdin else Target("unknown", "-", reason="standard input")
    elif found.has("-m", "--module"):
        return _module(first, rest[1:], launch, place)
    elif first.unknown or first.text.endswith(".py") or "://" in first.text or found.has("-s", "--script"):
        launch.target, faults = script_target(first, place)
        launch.faults += faults
    else:
        return launch if launch.faults else None
    return launch
