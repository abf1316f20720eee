"""What to say on each kind of failure: what it is, then the way on, in lines for the model."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ml_intern_helpers.guard.failures.failure import Failure, said

if TYPE_CHECKING:
    from ml_intern_helpers.preflight.launch_check import Judged

#: Packages whose names and arguments `api_lookup` knows.
_INDEXED = ("trl", "transformers", "peft", "accelerate", "datasets", "trackio", "huggingface_hub")


def out_of_memory(match: re.Match[str], failure: Failure) -> list[str]:
    """The next rung of the only procedure."""
    from ml_intern_helpers.guard.failures.next_rung import next_rung

    return [f"out of memory ({said(match)}). The only procedure, next step:", *next_rung(failure.judged, failure.where)]


def no_number(match: re.Match[str], failure: Failure) -> list[str]:
    """NaN or infinity."""
    return [
        f"the loss or its gradient is no number ({said(match)}): this run is lost, stop it.",
        "look first at the rows (`inspect_dataset`: empty answers, labels all masked), then at precision (fp16 "
        "overflows: bf16 on a card that has it)",
        "a lower learning_rate or max_grad_norm changes the run: say so",
    ]


def no_bf16(match: re.Match[str], failure: Failure) -> list[str]:
    """A device without bfloat16."""
    return [
        f"this device has no bf16 ({said(match)}); TRL turns it on by default.",
        "T4 and older cards: bf16=False, fp16=True; CPU: bf16=False, use_cpu=True; or a card from A10G, L4, A100 on",
    ]


def no_gpu(match: re.Match[str], failure: Failure) -> list[str]:
    """No CUDA device."""
    here = "`detect_compute` shows what this machine has; a torch without CUDA needs another wheel, a driver too old an update"
    there = "give the job a GPU flavor (`--flavor a10g-large`), and an image or packages whose torch has CUDA"
    return [f"no GPU was found ({said(match)}).", there if failure.where == "jobs" else here]


def no_access(match: re.Match[str], failure: Failure) -> list[str]:
    """401, 403, gated, not found."""
    token = "--secrets HF_TOKEN on the launch" if failure.where == "jobs" else "`hf auth whoami`; HF_TOKEN or `hf auth login`"
    return [
        f"the Hub refused access ({said(match)}).",
        f"check in this order: the id is spelled right; the token gets there ({token}) and may read, for a push write, for Jobs "
        "job.write; the licence is accepted on the page of a gated repository (the user does that)",
        "another model or dataset instead is the user's to choose",
    ]


def no_money(match: re.Match[str], failure: Failure) -> list[str]:
    """402."""
    return [f"the account cannot pay ({said(match)}): tell the user; nothing else starts a job on it."]


def no_space(match: re.Match[str], failure: Failure) -> list[str]:
    """A full disk."""
    return [
        f"the disk is full ({said(match)}).",
        "`df -h`; fewer checkpoints (save_total_limit=2), the cache elsewhere (HF_HOME), streaming=True for large data; delete "
        "nothing that is not this run's own",
    ]


def no_name(match: re.Match[str], failure: Failure) -> list[str]:
    """A name that a package does not have."""
    name, module = match["name"], match["module"]
    if module.split(".")[0] not in _INDEXED:
        return [f"{module} has no {name} ({said(match)}): look at the installed release before you change the import."]
    return [
        f"{module} has no {name} in the release that ran. `api_lookup {module.split('.')[0]}.{name}` tells since when and what "
        "replaces it;",
        "then `preflight_check` on the script finds the others of its kind",
    ]


def no_module(match: re.Match[str], failure: Failure) -> list[str]:
    """A package that is not there."""
    name = match["missing"].split(".")[0]
    there = f"list it in the script's PEP 723 block or give `--with {name}`: a job installs nothing else"
    here = "install it in the environment that runs the script (not in another one)"
    return [f"{name} is not installed where the script ran; {there if failure.where == 'jobs' else here}."]


def no_argument(match: re.Match[str], failure: Failure) -> list[str]:
    """An argument that a class does not take."""
    owner, name = match["owner"].removesuffix(".__init__"), match["argument"]
    return [
        f"{owner} takes no {name}. `api_lookup {owner}.{name}` tells since when and what to write instead;",
        "then `preflight_check` on the script finds the others of its kind before the next start",
    ]


def no_column(match: re.Match[str], failure: Failure) -> list[str]:
    """Rows without the columns that were asked for."""
    dataset = _dataset(failure.judged)
    method = failure.judged.examination.context.training.method.lower() if failure.judged is not None else ""
    asked = f"`inspect_dataset {dataset or 'ID_OR_FILE'}{f' --method {method}' if method in _METHODS else ''}`"
    return [
        f"the rows do not have the columns that were asked for ({said(match)}).",
        f"{asked} shows those that are there, and mapping code that was run on them",
        "the dataset itself stays the agreed one",
    ]


_METHODS = ("sft", "dpo", "grpo", "kto", "reward")


def _dataset(judged: Judged | None) -> str:
    """The dataset that the script loads, where it says so in one place."""
    if judged is None:
        return ""
    calls = [call for _, call in judged.examination.context.calls_ending("load_dataset") if call.args]
    values = {judged.examination.context.constant(call.args[0]).value for call in calls}
    found = [value for value in values if isinstance(value, str) and value.replace("/", "").replace("-", "").isascii()]
    return found[0] if len(found) == 1 and " " not in found[0] else ""


def too_slow(match: re.Match[str], failure: Failure) -> list[str]:
    """A time limit."""
    if failure.where == "jobs":
        return [
            f"the job reached its time limit ({said(match)}).",
            "read the seconds per step from its log, then `--timeout` for all steps and a third more (the new price is confirmed "
            "first); push on every save so that the next job resumes",
        ]
    return [
        "the command reached the time limit of its call, and was ended.",
        "longer than 9 minutes: run_in_background with a log, and look at the end of the log; nothing about the run need change",
    ]


def no_connection(match: re.Match[str], failure: Failure) -> list[str]:
    """A network that failed."""
    return [
        f"the connection failed ({said(match)}): nothing is wrong with the script.",
        "try the same once more; if a job was being submitted, look first whether it is there (`hf jobs ps -a`)",
    ]
