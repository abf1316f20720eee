"""Runs in the training environment: asks the real libraries whether each row of the tables is so. Prints one JSON object."""

from __future__ import annotations

import importlib
import importlib.metadata
import inspect
import json
import re
import sys
import warnings
from pathlib import Path
from typing import Any

warnings.simplefilter("ignore")
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "src"))

from ml_intern_helpers.preflight.knowledge import classes, jobs, packages, removed  # noqa: E402

EXPERIMENTAL = {"ORPO": "orpo", "CPO": "cpo", "OnlineDPO": "online_dpo", "GKD": "gkd"}


def found(name: str) -> Any:
    """The class of that name in trl, trl.experimental or transformers."""
    stem = name.removesuffix("Trainer").removesuffix("Config")
    if stem in EXPERIMENTAL:
        return getattr(importlib.import_module(f"trl.experimental.{EXPERIMENTAL[stem]}"), name)
    library = "transformers" if name in ("Trainer", "TrainingArguments", "Seq2SeqTrainingArguments") else "trl"
    return getattr(importlib.import_module(library), name)


def refusal(made: Any, argument: str) -> str:
    """What a call with `argument` raises: the constructor's own complaint, before it does anything."""
    try:
        inspect.signature(made.__init__).bind_partial(None, **{argument: None})
    except TypeError as err:
        return str(err)
    return ""


def called(made: Any, argument: str) -> str:
    try:
        made(**{argument: None})
    except TypeError as err:
        return str(err)
    return ""


def arguments() -> dict[str, str]:
    """owner.argument -> what is wrong with the row, for rows that do not hold."""
    wrong: dict[str, str] = {}
    for config in ["TrainingArguments", "Seq2SeqTrainingArguments", *(f"{key}Config" for key in available())]:
        for name, row in (removed.ALL_CONFIGS | removed.CONFIGS.get(config, {})).items():
            complaint = called(found(config), name)  # really constructed
            wrong[f"{config}.{name}"] = "is taken" if name not in complaint else successor(config, row)
    for trainer in ["Trainer", *(f"{key}Trainer" for key in available())]:
        for name, row in (removed.ALL_TRAINERS | removed.TRAINERS.get(trainer, {})).items():
            complaint = refusal(found(trainer), name)
            wrong[f"{trainer}.{name}"] = (
                "is taken" if name not in complaint else successor(trainer, row) or moved(trainer, name, row)
            )
    return {row: reason for row, reason in wrong.items() if reason}


def successor(owner: str, row: removed.Row) -> str:
    return f"the successor {row.use} is not taken" if row.use and refusal(found(owner), row.use) else ""


def moved(trainer: str, name: str, row: removed.Row) -> str:
    """For "move it into the trainer's config": whether that takes it."""
    if row.hint.startswith("move it into") and refusal(found(trainer.replace("Trainer", "Config")), name):
        return "the config does not take it either"
    return ""


def available() -> list[str]:
    keys = []
    for key in classes.METHODS:
        try:
            found(f"{key}Trainer")
        except (ImportError, AttributeError):
            continue
        keys.append(key)
    return keys


def imports() -> dict[str, str]:
    """Rows of IMPORTS that can be imported, and hints that name something which cannot."""
    wrong = {name: "exists" for name in removed.IMPORTS if exists(name)}
    for name, hint in removed.IMPORTS.items():
        for word in re.findall(r"\b(?:trl|transformers|datasets|huggingface_hub|peft|torch)\.[A-Za-z_.]*[A-Za-z_]", hint):
            if not exists(word):
                wrong[name] = f"the hint names {word}, which does not exist"
        for module, word in re.findall(r"from (\S+) import (\w+)", hint):
            if not exists(f"{module}.{word}"):
                wrong[name] = f"the hint names {module}.{word}, which does not exist"
        for config, argument in re.findall(r"(\w+(?:Config|Trainer))\((\w+)=", hint):
            if refusal(found(config), argument):
                wrong[name] = f"the hint names {config}({argument}=), which is not taken"
    return wrong


def exists(dotted: str) -> bool:
    try:
        importlib.import_module(dotted)
        return True
    except ImportError:
        module, _, name = dotted.rpartition(".")
    try:
        return hasattr(importlib.import_module(module), name)
    except ImportError:
        return False


def closure(name: str) -> set[str]:
    """Everything that installing `name` brings here, by the metadata of what is installed."""
    from packaging.requirements import Requirement

    reached: set[str] = set()
    todo = [name]
    while todo:
        for text in importlib.metadata.requires(todo.pop()) or []:
            requirement = Requirement(text)
            normal = re.sub(r"[-_.]+", "-", requirement.name).lower()
            wanted = requirement.marker is None or requirement.marker.evaluate({"extra": ""})
            if wanted and normal not in reached and installed(normal):
                reached.add(normal)
                todo.append(normal)
    return reached


def installed(name: str) -> bool:
    try:
        importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


def extras() -> dict[str, str]:
    """Rows of EXTRAS that the distribution's metadata does not bear out."""
    wrong = {}
    for (name, extra), brought in packages.EXTRAS.items():
        there = under_extra(name, extra)
        if not brought <= there:
            wrong[f"{name}[{extra}]"] = f"brings {sorted(there)}"
    return wrong


def under_extra(name: str, extra: str) -> set[str]:
    """What `name[extra]` adds, extras of its own requirements (`transformers[kernels]`) included."""
    from packaging.requirements import Requirement

    there: set[str] = set()
    for one in (Requirement(text) for text in importlib.metadata.requires(name) or []):
        if one.marker and one.marker.evaluate({"extra": extra}):
            there.add(re.sub(r"[-_.]+", "-", one.name).lower())
            if installed(one.name):
                there.update(*(under_extra(one.name, inner) for inner in one.extras))
    return there


def positions() -> dict[str, list[str]]:
    """Trainers and configs whose first positional arguments are not the table's."""
    wrong = {}
    for key in available():
        for name in (f"{key}Trainer", f"{key}Config"):
            real = list(inspect.signature(found(name).__init__).parameters)[1:]
            table = list(classes.positional_names(name))
            if real[: len(table)] != table:
                wrong[name] = real[: len(table)]
    return wrong


TIMEOUTS = (
    "7200",
    "30m",
    "1.5h",
    "2d",
    "90s",
    "0h",
    "2h30m",
    "90min",
    "30 minutes",
    "abc",
    "1h ",
    " 2h",
    "1e1h",
    "nanh",
    "-1h",
    "+2h",
    "h",
)


def timeouts() -> dict[str, list[int | None]]:
    """Timeouts that our reading and the client's make different things of."""
    differing: dict[str, list[int | None]] = {}
    for text in TIMEOUTS:
        ours, theirs = jobs.timeout_seconds(text), client_seconds(text)
        if ours != theirs:
            differing[text] = [ours, theirs]
    return differing


def client_seconds(text: str) -> int | None:
    from huggingface_hub._jobs_api import _create_job_spec

    try:
        spec = _create_job_spec(image="i", command=["c"], env=None, secrets=None, flavor=None, timeout=text)
    except (ValueError, OverflowError):
        return None
    seconds: int = spec["timeoutSeconds"]
    return seconds


def behaviours() -> dict[str, str]:
    """What really happens where a rule says that something does: the name of the error, or what came of it."""
    import probe_behaviours

    return probe_behaviours.all_of_them()


def main() -> None:
    from huggingface_hub import JobHardware
    from huggingface_hub.cli._uv_script_header import VALID_KEYS

    answer = {
        "releases": {name: importlib.metadata.version(name) for name in classes.RELEASES},
        "arguments": arguments(),
        "imports": imports(),
        "closures": {name: sorted(closure(name) ^ brought) for name, brought in packages.COMPLETE.items()},
        "extras": extras(),
        "positions": positions(),
        "flavors": sorted({flavor.value for flavor in JobHardware} ^ set(jobs.FLAVORS)),
        "header_keys": sorted(set(VALID_KEYS) ^ set(jobs.HEADER_KEYS)),
        "timeouts": timeouts(),
        "behaviours": behaviours(),
    }
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
