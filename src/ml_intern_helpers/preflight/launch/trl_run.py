"""`trl sft …`: what its options and its configuration file say, written as the script that trl runs for them."""

from __future__ import annotations

import difflib
from typing import Any

from ml_intern_helpers.preflight.launch import flat_yaml
from ml_intern_helpers.preflight.launch.argparse_words import split
from ml_intern_helpers.preflight.launch.launch import Fault, Launch, Place, Target
from ml_intern_helpers.preflight.launch.options_table import ACCELERATE, TRL
from ml_intern_helpers.preflight.launch.reading import YAML, text_of_file
from ml_intern_helpers.preflight.launch.targets import exists, missing
from ml_intern_helpers.preflight.launch.words import Word, masked

_CLASSES = {
    "sft": "SFT",
    "dpo": "DPO",
    "grpo": "GRPO",
    "kto": "KTO",
    "reward": "Reward",
    "rloo": "RLOO",
    "distillation": "Distillation",
}


def read(words: list[Word], text: str, place: Place) -> Launch | None:
    """The launch of `trl WORDS`; None for commands that train nothing (`trl env`)."""
    command = words[0].text if words else ""
    if command not in TRL:
        return None
    launch = Launch(text, f"trl {command}", "local", Target("unknown"), cwd=place.cwd, args=words[1:])
    launch.open = next((word.unknown for word in words if word.splits), "")
    launch.distributed = True  # trl starts the script with accelerate
    values, hidden = _from_file(words, launch, place)
    _from_words(command, words[1:], values, hidden, launch)
    for name in list(values):
        if name not in TRL[command] and f"--{name}" not in ACCELERATE and name not in ("config", "accelerate_config", "env"):
            launch.faults.append(_unknown_option(command, name))
            values.pop(name)
    launch.open = launch.open or (f"{', '.join(hidden[:3])}: nested values of the configuration file" if hidden else "")
    launch.target = Target("trl", f"trl {command}", text=_script(command, values, launch.open))
    return launch


def _unknown_option(command: str, name: str) -> Fault:
    near = difflib.get_close_matches(name, TRL[command], n=1, cutoff=0.6)
    fix = f"did you mean {', '.join(f'--{one}' for one in near)}?" if near else f"options: trl {command} --help"
    return Fault("LAUNCH105", f"trl {command} has no option {masked(name, 60)}, nor has accelerate", fix, masked(name, 60))


def _from_file(words: list[Word], launch: Launch, place: Place) -> tuple[dict[str, Any], list[str]]:
    """What `--config FILE` says; the names that could not be read."""
    at = next((at for at, word in enumerate(words) if word.text == "--config"), None)
    if at is None or at + 1 >= len(words):
        return {}, []
    name, path = words[at + 1].text, place.resolved(words[at + 1].text)
    written = place.written.get(str(path))
    if path is None or words[at + 1].unknown or (place.container and name not in place.shipped):
        return {}, [masked(name)]
    if not exists(name, place):
        launch.faults += [] if place.makes else [missing(name, path)]
        return {}, [masked(name)]
    text = written.text if written else text_of_file(path, YAML)
    if text is None:
        return {}, [masked(name)]
    found = flat_yaml.read(text)
    return dict(found.values), [one for one in found.unread if one != "env"]


def _from_words(command: str, words: list[Word], values: dict[str, Any], hidden: list[str], launch: Launch) -> None:
    """`--name value…`, `--flag`, `--no_flag`; what is given here wins over the file."""
    at = 0
    while at < len(words):
        word = words[at]
        at += 1
        if not word.text.startswith("--") or word.known < 3:
            continue
        pair = word.before("=")
        name = (pair[0] if pair else word.text)[2:].replace("-", "_")
        given = [pair[1]] if pair else []
        while at < len(words) and not pair and not words[at].text.startswith("--"):
            given.append(words[at])
            at += 1
        if any(one.unknown for one in given):
            hidden.append(name)
            values.pop(name, None)
        else:
            _set(values, name, given, command)
    processes = split(words, {"--num_processes": True, "--num-processes": True}).value("--num_processes", "--num-processes")
    launch.processes = int(processes.text) if processes and processes.text.isdecimal() else None


def _set(values: dict[str, Any], name: str, given: list[Word], command: str) -> None:
    converted = [_converted(word.text) for word in given]
    if name.startswith("no_") and name[3:] in TRL[command] and not given:
        values[name[3:]] = False
    else:
        values[name] = True if not given else converted[0] if len(converted) == 1 else converted


def _converted(text: str) -> Any:
    """As argparse converts by the field's type: a number where it looks like one."""
    try:
        return float(text) if any(char in text for char in ".eE") else int(text)
    except ValueError:
        return {"true": True, "false": False, "none": "none"}.get(text.lower(), text)


def _script(command: str, values: dict[str, Any], doubt: str) -> str:
    """The script's outline with the values in it: what trl's own does for these options."""
    known = TRL[command]
    name = _CLASSES[command]
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
