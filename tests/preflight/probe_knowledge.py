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
sys.path[:0] = [str(Path(__file__).resolve().parents[2] / "src"), str(Path(__file__).resolve().parents[1])]

from ml_intern_helpers.analysis import classes  # noqa: E402
from ml_intern_helpers.indexes import jobs, packages  # noqa: E402
from preflight.faults import kinds  # noqa: E402

EXPERIMENTAL = {"ORPO": "orpo", "CPO": "cpo", "OnlineDPO": "online_dpo", "GKD": "gkd"}


def found(name: str) -> Any:
    """The class of that name in trl, trl.experimental or transformers."""
    stem = name.removesuffix("Trainer").removesuffix("Config")
    if stem in EXPERIMENTAL:
        return getattr(importlib.import_module(f"trl.experimental.{EXPERIMENTAL[stem]}"), name)
    library = "transformers" if name in ("Trainer", "TrainingArguments", "Seq2SeqTrainingArguments") else "trl"
    return getattr(importlib.import_module(library), name)


def available() -> list[str]:
    keys = []
    for key in classes.METHODS:
        try:
            found(f"{key}Trainer")
        except (ImportError, AttributeError):
            continue
        keys.append(key)
    return keys


def needs() -> dict[str, list[str]]:
    """Indexed libraries whose required indexed libraries, or their bounds, are not the table's."""
    from packaging.requirements import Requirement

    wrong = {}
    for name, rows in packages.NEEDS.items():
        read = [Requirement(text) for text in importlib.metadata.requires(name) or []]
        there = {
            one.name.replace("-", "_"): one.specifier for one in read if one.marker is None or "extra" not in str(one.marker)
        }
        real = {other: str(bound) for other, bound in there.items() if other in packages.NEEDS}
        if {other: set(bound.split(",")) for other, bound in real.items()} != {o: set(b.split(",")) for o, b in rows.items()}:
            wrong[name] = [f"{other}{bound}" for other, bound in real.items()]
    return wrong


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


def accepted_faults() -> list[str]:
    """What tests/preflight/faults puts into scripts as a fault and the libraries accept all the same."""
    import trl

    accepted = [f"{module}.{name}" for module, name in kinds.NAMES if _is_there(module, name)]
    accepted += [module for module in kinds.MODULES if _is_there(module)]
    for method in ("SFT", "DPO", "GRPO", "KTO", "Reward"):
        for kind, names in (("Config", kinds.CONFIG), ("Trainer", kinds.TRAINER)):
            accepted += [f"{method}{kind}.{name}" for name in names if _takes(getattr(trl, method + kind), name)]
    calls = [(call, wrong.partition("=")[0]) for call, (_, wrong) in kinds.CALLS.items()]
    for call, name in [*calls, *(("peft.LoraConfig", name) for name in kinds.LORA)]:
        module, _, last = call.rpartition(".")
        if _takes(getattr(importlib.import_module(module), last), name):
            accepted.append(f"{call}.{name}")
    for name, values in kinds.NO_CHOICES.items():
        for value in values:
            try:
                trl.SFTConfig("out", use_cpu=True, **{name: value})
                accepted.append(f"{name}={value}")
            except ValueError as err:
                if f"{value} is not a valid" not in str(err):
                    raise
    return accepted


def _is_there(module: str, name: str = "") -> bool:
    try:
        found = importlib.import_module(module)
    except ImportError:
        return False
    return not name or hasattr(found, name)


def _takes(callable_: Any, name: str) -> bool:
    try:
        inspect.signature(callable_).bind_partial(**{name: None})
    except TypeError:
        return False
    return True


def main() -> None:
    from huggingface_hub import JobHardware
    from huggingface_hub.cli._uv_script_header import VALID_KEYS

    answer = {
        "releases": {name: importlib.metadata.version(name) for name in classes.RELEASES},
        "needs": needs(),
        "closures": {name: sorted(closure(name) ^ brought) for name, brought in packages.COMPLETE.items()},
        "extras": extras(),
        "positions": positions(),
        "flavors": sorted({flavor.value for flavor in JobHardware} ^ set(jobs.FLAVORS)),
        "header_keys": sorted(set(VALID_KEYS) ^ set(jobs.HEADER_KEYS)),
        "timeouts": timeouts(),
        "behaviours": behaviours(),
        "accepted_faults": accepted_faults(),
    }
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
