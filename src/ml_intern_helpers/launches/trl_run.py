"""`trl sft …`: what its options and its configuration file say, written as the script that trl runs for them."""

from __future__ import annotations

from typing import Any

from ml_intern_helpers.launches.argparse_words import split
from ml_intern_helpers.launches.field_words import field_words
from ml_intern_helpers.launches.launch import Launch
from ml_intern_helpers.launches.named_config import named_config
from ml_intern_helpers.launches.options_table import ACCELERATE, TRL
from ml_intern_helpers.launches.parts import Fault, Target
from ml_intern_helpers.launches.place import Place
from ml_intern_helpers.launches.words import Word, masked

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
    launch.open = launch.open or (f"{', '.join(hidden[:3])}: set to what is not read here" if hidden else "")
    launch.target = Target("trl", f"trl {command}", text=_script(command, values, launch.open))
    return launch


def _unknown_option(command: str, name: str) -> Fault:
    import difflib  # only for those who mistyped

    near = difflib.get_close_matches(name, TRL[command], n=1, cutoff=0.6)
    fix = f"did you mean {', '.join(f'--{one}' for one in near)}?" if near else f"options: trl {command} --help"
    return Fault("LAUNCH105", f"trl {command} has no option {masked(name, 60)}, nor has accelerate", fix, masked(name, 60))


def _from_file(words: list[Word], launch: Launch, place: Place) -> tuple[dict[str, Any], list[str]]:
    """What `--config FILE` says; the names that could not be read."""
    config = named_config(words, place)
    if config is None:
        return {}, []
    launch.faults += [config.fault] if config.fault else []
    options = config.options
    return dict(options.values), [config.name] if options.unread else [*options.hidden]


def _from_words(command: str, words: list[Word], values: dict[str, Any], hidden: list[str], launch: Launch) -> None:
    """What is given here wins over the file."""
    given = field_words(words, TRL[command])
    values |= given.values
    for name in given.hidden:
        hidden.append(name)
        values.pop(name, None)
    processes = split(words, {"--num_processes": True, "--num-processes": True}).value("--num_processes", "--num-processes")
    launch.processes = int(processes.text) if processes and processes.text.isdecimal() else None


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
