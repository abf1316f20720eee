"""What a failed run's last words mean, and the way on: at most six lines for the model, beside the error itself.

An error is recognised by what its library prints; where none is, nothing is said: a guess would cost a run.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from ml_intern_helpers.core.text import clean
from ml_intern_helpers.guard import failure_diagnosis as advice
from ml_intern_helpers.indexes.jobs import FLAVORS

if TYPE_CHECKING:
    from ml_intern_helpers.preflight.facts import Facts, Run
    from ml_intern_helpers.preflight.launch_check import Judged

MOST_LINES = 6


class Cause(NamedTuple):
    """A kind of failure: its name, what shows it, what to say. `api`: of interest for a script that trains nothing, too."""

    name: str
    shown_by: re.Pattern[str]
    says: Callable[[re.Match[str], Failure], list[str]]
    api: bool = False


def diagnosed(failure: Failure, *, only_api: bool = False) -> list[str]:
    """The lines on the first cause that the output shows, the most telling first; none where none is known.

    Args:
        failure: see there.
        only_api: look for wrong names and arguments alone (a script that trains nothing).
    """
    for cause in CAUSES:
        found = _last(cause.shown_by, failure.output) if cause.api or not only_api else None
        if found is not None:
            return [clean(line, limit=400) for line in cause.says(found, failure)][:MOST_LINES]
    if not only_api and failure.exit_code in _BY_CODE:
        return [clean(line, limit=400) for line in _BY_CODE[failure.exit_code]]
    return []


def kind_of(output: str) -> str:
    """The name of the cause, "" for none; for decisions that hang on it (`connection`: a job may yet have been submitted)."""
    return next((cause.name for cause in CAUSES if cause.shown_by.search(output)), "")


def _last(pattern: re.Pattern[str], output: str) -> re.Match[str] | None:
    found = None
    for match in pattern.finditer(output):
        found = match
    return found


def _cause(name: str, pattern: str, says: Callable[[re.Match[str], Failure], list[str]], *, api: bool = False) -> Cause:
    return Cause(name, re.compile(pattern), says, api)


#: In the order in which they are looked for: what ends a run before what may be a note on the way.
CAUSES = (
    _cause("memory", r"CUDA out of memory|OutOfMemoryError|HIP out of memory|MPS backend out of memory"
           r"|CUBLAS_STATUS_ALLOC_FAILED", advice.out_of_memory),
    _cause("space", r"No space left on device|Disk quota exceeded", advice.no_space),
    _cause("argument", r"TypeError: (?P<owner>[\w.]{1,80})\(\) got an unexpected keyword argument '(?P<argument>\w{1,80})'",
           advice.no_argument, api=True),
    _cause("name", r"ImportError: cannot import name '(?P<name>\w{1,80})' from (?:partially initialized module )?"
           r"'(?P<module>[\w.]{1,80})'", advice.no_name, api=True),
    _cause("attribute", r"AttributeError: module '?(?P<module>[\w.]{1,80})'? has no attribute '?(?P<name>\w{1,80})",
           advice.no_name, api=True),
    _cause("module", r"ModuleNotFoundError: No module named '(?P<missing>[\w.]{1,80})'", advice.no_module),
    _cause("bf16", r"(?i)setup doesn't support bf16|bf16[^\n]{0,60}(?:not supported|isn't supported)"
           r"|bfloat16 is (?:only|not) supported", advice.no_bf16),
    _cause("gpu", r"Torch not compiled with CUDA enabled|No CUDA GPUs are available|Found no NVIDIA driver"
           r"|CUDA driver version is insufficient", advice.no_gpu),
    _cause("money", r"\b402\b[^\n]{0,40}Payment Required|Payment Required|(?i:insufficient (?:credits|funds|balance))",
           advice.no_money),
    _cause("access", r"GatedRepoError|RepositoryNotFoundError|Access to \w{1,10} \S{1,120} is restricted|\b40[13] Client Error"
           r"|'40[13] \w{1,20}'|\b401 Unauthorized|\b403 Forbidden|Invalid user token|Invalid username or password",
           advice.no_access),
    _cause("columns", r"KeyError: ['\"][\w .-]{1,80}['\"]|ValueError: [^\n]{0,200}\bcolumns?\b|Unknown format|"
           r"ValueError: [^\n]{0,120}(?:not in the dataset|Invalid (?:keys|format))", advice.no_column),
    _cause("time", r"Command timed out after|(?i:\bjob (?:has )?timed out|job timeout|exceeded (?:the|its) timeout)",
           advice.too_slow),
    _cause("connection", r"ConnectionError|ConnectError|ConnectTimeout|ReadTimeout|RemoteProtocolError|Max retries exceeded"
           r"|Connection re(?:fused|set)|Name or service not known|Temporary failure in name resolution|\b50[234] Server Error"
           r"|'50[234] [\w ]{1,30}'", advice.no_connection),
    _cause("nan", r"['\"]?\b(?:loss|grad_norm)['\"]?\s?[:=]\s?['\"]?(?:nan|inf)\b", advice.no_number),
)  # fmt: skip
_BY_CODE: dict[int | None, list[str]] = {
    124: [
        "`timeout` ended the command at its limit (exit code 124): the run was not finished.",
        "a longer limit, or in the background with a log",
    ],
    137: [
        "the process was killed (exit code 137): mostly the machine's own memory, not the GPU's.",
        "fewer dataloader and map processes (num_proc), streaming=True, or a machine with more memory; the terms stay",
    ],
}


# MERGED ml_intern_helpers.guard.failure_diagnosis: What failed, as a diagnosis needs it.

_SHOWN = 160


class Failure(NamedTuple):
    """What is to be explained.

    Attributes:
        output: what the run printed, the error last.
        exit_code: None where it is not known.
        judged: the launch and its script, None where they could not be read again.
        where: `jobs` or `local`.
    """

    output: str
    exit_code: int | None = None
    judged: Judged | None = None
    where: str = "local"


def said(match: re.Match[str]) -> str:
    """The line of the output that shows it."""
    start = match.string.rfind("\n", 0, match.start()) + 1
    end = match.string.find("\n", match.end())
    return clean(match.string[start : end if end >= 0 else None], limit=_SHOWN)


# MERGED ml_intern_helpers.guard.failure_diagnosis: What to say on each kind of failure: what it is, then the way on, in lines for the model.

#: Packages whose names and arguments `api_lookup` knows.
_INDEXED = ("trl", "transformers", "peft", "accelerate", "datasets", "trackio", "huggingface_hub")


def out_of_memory(match: re.Match[str], failure: Failure) -> list[str]:
    """The next rung of the only procedure."""

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
    method = failure.judged.found.facts.training.method.lower() if failure.judged is not None else ""
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
    calls = [call for _, call in judged.found.facts.calls_ending("load_dataset") if call.args]
    values = {judged.found.facts.constant(call.args[0]).value for call in calls}
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


# MERGED ml_intern_helpers.guard.failure_diagnosis: The out-of-memory procedure for one launch: smaller batch with more accumulation, checkpointing, a bigger card, or ask.

#: As SKILL.md has them: one larger card first, then sharded over several of it.
_BIGGER = {"a100-large": "a100x4", "a100x4": "a100x8"}
_ONE_LARGE, _SEVERAL = "a100-large", "a100x4"
#: Flavors with as much memory on each card as `_ONE_LARGE`, or more, and nothing above them in the procedure.
_LARGEST = frozenset({"a100x8", "h200", "h200x2", "h200x4", "h200x8", "rtx-pro-6000", "rtx-pro-6000x2", "rtx-pro-6000x4"})
_PER_DEVICE, _ACCUMULATION = 8, 1
_GENERIC = (
    "1. per_device_train_batch_size halved, gradient_accumulation_steps doubled (the effective batch stays; KTO keeps 2 rows, "
    "GRPO's product still divides by num_generations)",
    "2. activation_checkpointing=True if it is off  3. a bigger card, its price confirmed",
)
NEVER = "not without the user: LoRA or QLoRA, a shorter max_length, a smaller model; then the same smoke run again"


def next_rung(judged: Judged | None, where: str) -> list[str]:
    """The step that comes next for this launch, read from its script; the whole procedure where that cannot be read."""
    facts = judged.found.facts if judged is not None else None
    runs = [run for run in facts.runs if run.tunable] if facts is not None else []
    if facts is None or not runs:
        return [*_GENERIC, NEVER]
    return [_step(facts, runs[0], where), NEVER]


def _step(facts: Facts, run: Run, where: str) -> str:
    batch = facts.value(run, "per_device_train_batch_size", _PER_DEVICE)
    steps = facts.value(run, "gradient_accumulation_steps", _ACCUMULATION)
    if not isinstance(batch.value, int) or not isinstance(steps.value, int) or batch.value < 1 or steps.value < 1:
        return f"{_GENERIC[0]}; the values of this script are set at run time"
    least = 2 if run.config.role.name == "KTOConfig" else 1
    smaller = _smaller(batch.value, least)
    if smaller:
        return _rows(batch.value, steps.value, smaller, run.config.role.name)
    if _checkpointing_is_off(facts, run):
        return f"activation_checkpointing=True (it is off); the batch is down to {batch.value} already"
    return _bigger(facts, where)


def _smaller(batch: int, least: int) -> int:
    """The largest proper divisor that is allowed, so that the product can stay; 0 where there is none."""
    return next((size for size in range(batch // 2, least - 1, -1) if batch % size == 0), 0)


def _rows(batch: int, steps: int, smaller: int, config: str) -> str:
    more = steps * (batch // smaller)
    kept = f"effective batch {batch * steps} per process, as before"
    also = "; generation_batch_size and num_generations stay, the product is the same" if config == "GRPOConfig" else ""
    return f"per_device_train_batch_size {batch} -> {smaller}, gradient_accumulation_steps {steps} -> {more} ({kept}{also})"


def _checkpointing_is_off(facts: Facts, run: Run) -> bool:
    """TRL has it on by default."""
    names = ("activation_checkpointing", "gradient_checkpointing")
    found = [setting.value.value for name in names if (setting := facts.setting(run, name)) and setting.value.settled]
    return any(value is False for value in found)


def _bigger(facts: Facts, where: str) -> str:
    first = "batch and checkpointing give no more"
    if where != "jobs":
        return f"{first}: free what else is on the card (`nvidia-smi`), else Jobs with the user's word, or stop and ask"
    flavor = (facts.header.jobs or {}).get("flavor")
    if not isinstance(flavor, str):
        return f"{first}: a bigger card, `{_ONE_LARGE}` first; its price is confirmed by the user"
    if flavor in _LARGEST:
        return f"{first}, and {flavor} is the largest of the procedure: stop and ask the user"
    bigger = _BIGGER.get(flavor, _SEVERAL if FLAVORS.get(flavor, (1, ""))[0] > 1 else _ONE_LARGE)
    shard = "; several cards help only when the model is sharded (FSDP, DeepSpeed), and accumulation is divided by their number"
    return (
        f"{first}: {flavor} -> {bigger}, its price confirmed (`budget --flavor {bigger} --for …`){shard if 'x' in bigger else ''}"
    )
