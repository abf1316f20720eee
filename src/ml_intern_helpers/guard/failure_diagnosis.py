"""Explains the error that ended a run and what to do next, in at most six lines for the model.

An error is recognised by what its library prints. Other errors get no explanation, because a wrong guess would cost a run.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from ml_intern_helpers.core.text import clean

if TYPE_CHECKING:
    from ml_intern_helpers.preflight.context import Run, ScriptContext
    from ml_intern_helpers.preflight.launch_check import ExaminedLaunch

MOST_LINES = 6
#: Packages whose names and arguments `api_lookup` knows.
_INDEXED = ("trl", "transformers", "peft", "accelerate", "datasets", "trackio", "huggingface_hub")
_METHODS = ("sft", "dpo", "grpo", "kto", "reward")
_OTHERS = "Then `preflight_check` on the script finds other errors of this kind."


class Failure(NamedTuple):
    """The failed run to explain.

    Attributes:
        output: the run's output, ending with the error.
        exit_code: the exit code, None where it is unknown.
        examined: the launch with its script, None where they could not be read again.
        where: `jobs` or `local`.
    """

    output: str
    exit_code: int | None = None
    examined: ExaminedLaunch | None = None
    where: str = "local"


class Cause(NamedTuple):
    """A kind of failure.

    Attributes:
        name: identifies the cause for other code (`connection`: a job may have been submitted nevertheless).
        shown_by: matches the output of such a failure.
        lines: the explanation, then the next step; `{line}` is replaced by the matching line of the output.
        on_jobs: the lines for a job, where they differ.
        explain: computes the lines instead.
        api: whether it is a wrong name or argument, which is also explained for scripts that do not train.
    """

    name: str
    shown_by: re.Pattern[str]
    lines: tuple[str, ...] = ()
    on_jobs: tuple[str, ...] = ()
    explain: Callable[[re.Match[str], Failure], list[str]] | None = None
    api: bool = False


def diagnosed(failure: Failure, *, only_api: bool = False) -> list[str]:
    """The lines about the first of CAUSES that the output shows, else about the exit code; empty if neither is recognised.

    Args:
        failure: the failed run.
        only_api: look only for wrong names and arguments (for a script that does not train).
    """
    for cause in CAUSES:
        matches = list(cause.shown_by.finditer(failure.output)) if cause.api or not only_api else []
        if matches:
            match = matches[-1]
            if cause.explain is not None:
                lines = cause.explain(match, failure)
            else:
                chosen = cause.on_jobs if failure.where == "jobs" and cause.on_jobs else cause.lines
                lines = [each.format(line=_line_of(match)) for each in chosen]
            return [clean(line, limit=400) for line in lines][:MOST_LINES]
    return list(_BY_EXIT_CODE.get(failure.exit_code, ())) if not only_api else []


def kind_of(output: str) -> str:
    """The name of the first cause that the output shows, "" for none."""
    return next((cause.name for cause in CAUSES if cause.shown_by.search(output)), "")


def _line_of(match: re.Match[str]) -> str:
    """The line of the output that contains the match."""
    start = match.string.rfind("\n", 0, match.start()) + 1
    end = match.string.find("\n", match.end())
    return clean(match.string[start : end if end >= 0 else None], limit=160)


def _missing_name(match: re.Match[str], failure: Failure) -> list[str]:
    name, module = match["name"], match["module"]
    package = module.split(".")[0]
    if package not in _INDEXED:
        return [f"{module} has no {name} ({_line_of(match)}). Look at the installed release before you change the import."]
    lookup = f"`api_lookup {package}.{name}` says since when and what replaces it."
    return [f"{module} has no {name} in the release that ran. {lookup}", _OTHERS]


def _missing_module(match: re.Match[str], failure: Failure) -> list[str]:
    name = match["missing"].split(".")[0]
    next_step = "Install it in the environment that runs the script, not in another one."
    if failure.where == "jobs":
        next_step = f"List it in the script's PEP 723 block or give `--with {name}`: a job installs nothing else."
    return [f"{name} is not installed where the script ran. {next_step}"]


def _unknown_argument(match: re.Match[str], failure: Failure) -> list[str]:
    owner, name = match["owner"].removesuffix(".__init__"), match["argument"]
    lookup = f"`api_lookup {owner}.{name}` says since when and what to write instead."
    return [f"{owner} has no argument {name}. {lookup}", f"{_OTHERS[:-1]} before the next start."]


def _missing_columns(match: re.Match[str], failure: Failure) -> list[str]:
    dataset, method = "", ""
    if failure.examined is not None:
        context = failure.examined.examination.context
        method = context.training.method.lower()
        calls = [call for _, call in context.calls_ending("load_dataset") if call.args]
        values = {context.constant(call.args[0]).value for call in calls}
        names = [name for name in values if isinstance(name, str) and name.replace("/", "").replace("-", "").isascii()]
        dataset = names[0] if len(names) == 1 and " " not in names[0] else ""
    command = f"inspect_dataset {dataset or 'ID_OR_FILE'}{f' --method {method}' if method in _METHODS else ''}"
    return [
        f"the rows do not have the columns that the script asks for ({_line_of(match)}).",
        f"`{command}` shows the columns that are there, and mapping code that was run on them.",
        "The dataset itself stays the agreed one.",
    ]


def _out_of_memory(match: re.Match[str], failure: Failure) -> list[str]:
    """The next step against running out of memory: smaller batch with more accumulation, checkpointing, bigger card, ask."""
    context = failure.examined.examination.context if failure.examined is not None else None
    runs = [run for run in context.runs if run.tunable] if context is not None else []
    steps = [_next_step(context, runs[0], failure.where)] if context is not None and runs else list(_PROCEDURE)
    return [f"out of memory ({_line_of(match)}). There is one procedure; its next step:", *steps, _NOT_ALONE]


_PROCEDURE = (
    "1. per_device_train_batch_size halved, gradient_accumulation_steps doubled (the effective batch stays; KTO keeps 2 rows, "
    "GRPO's product still divides by num_generations)",
    "2. activation_checkpointing=True if it is off  3. a bigger card, its price confirmed",
)
_NOT_ALONE = "not without the user: LoRA or QLoRA, a shorter max_length, a smaller model; then the same smoke run again"
#: The steps of SKILL.md: one larger card first, then sharded over more of them.
_BIGGER = {"a100-large": "a100x4", "a100x4": "a100x8"}
_ONE_LARGE, _SHARDED = "a100-large", "a100x4"
#: Flavors with at least as much memory per card as `_ONE_LARGE`, after which the procedure has no further step.
_LARGEST = frozenset({"a100x8", "h200", "h200x2", "h200x4", "h200x8", "rtx-pro-6000", "rtx-pro-6000x2", "rtx-pro-6000x4"})


def _next_step(context: ScriptContext, run: Run, where: str) -> str:
    batch = context.value(run, "per_device_train_batch_size", 8).value
    steps = context.value(run, "gradient_accumulation_steps", 1).value
    if not isinstance(batch, int) or not isinstance(steps, int) or batch < 1 or steps < 1:
        return f"{_PROCEDURE[0]}; the values of this script are set at run time"
    config = run.config.role.name
    smallest = 2 if config == "KTOConfig" else 1
    # The largest allowed proper divisor, so that the product stays the same.
    smaller = next((size for size in range(batch // 2, smallest - 1, -1) if batch % size == 0), 0)
    if smaller:
        batch_note = f"effective batch {batch * steps} per process, as before"
        grpo_note = "; generation_batch_size and num_generations stay, the product is the same" if config == "GRPOConfig" else ""
        accumulation = steps * (batch // smaller)
        change = f"per_device_train_batch_size {batch} -> {smaller}, gradient_accumulation_steps {steps} -> {accumulation}"
        return f"{change} ({batch_note}{grpo_note})"
    for name in ("activation_checkpointing", "gradient_checkpointing"):  # on by default in TRL
        setting = context.setting(run, name)
        if setting and setting.value.settled and setting.value.value is False:
            return f"activation_checkpointing=True (it is off); the batch is down to {batch} already"
    from ml_intern_helpers.indexes.jobs import FLAVORS

    exhausted = "smaller batches and checkpointing can save no more memory"
    if where != "jobs":
        return f"{exhausted}: free what else uses the card (`nvidia-smi`), else Jobs if the user agrees, or stop and ask"
    flavor = (context.header.jobs or {}).get("flavor")
    if not isinstance(flavor, str):
        return f"{exhausted}: a bigger card, `{_ONE_LARGE}` first; the user confirms its price"
    if flavor in _LARGEST:
        return f"{exhausted}, and {flavor} is the largest of the procedure: stop and ask the user"
    bigger = _BIGGER.get(flavor, _SHARDED if FLAVORS.get(flavor, (1, ""))[0] > 1 else _ONE_LARGE)
    shard = "; several cards help only when the model is sharded (FSDP, DeepSpeed), and accumulation is divided by their number"
    price = f"its price confirmed (`budget --flavor {bigger} --for …`)"
    return f"{exhausted}: {flavor} -> {bigger}, {price}{shard if 'x' in bigger else ''}"


def _refused(token: str) -> tuple[str, str, str]:
    return (
        "the Hub refused access ({line}).",
        f"Check in this order: the id is spelled right; the token reaches the run ({token}) and has the permission it needs "
        "(read; write for a push; job.write for Jobs); the user has accepted the licence on the page of a gated repository.",
        "Another model or dataset instead is the user's to choose.",
    )


# fmt: off
#: In search order: errors that end a run come before messages that may be mere warnings.
CAUSES = (
    Cause("memory", re.compile(
        r"CUDA out of memory|OutOfMemoryError|HIP out of memory|MPS backend out of memory|CUBLAS_STATUS_ALLOC_FAILED"
    ), explain=_out_of_memory),
    Cause("space", re.compile(r"No space left on device|Disk quota exceeded"), (
        "the disk is full ({line}).",
        "`df -h`; fewer checkpoints (save_total_limit=2), the cache elsewhere (HF_HOME), streaming=True for large data. "
        "Delete nothing that is not this run's own.",
    )),
    Cause("argument", re.compile(
        r"TypeError: (?P<owner>[\w.]{1,80})\(\) got an unexpected keyword argument '(?P<argument>\w{1,80})'"
    ), explain=_unknown_argument, api=True),
    Cause("name", re.compile(
        r"ImportError: cannot import name '(?P<name>\w{1,80})' from (?:partially initialized module )?"
        r"'(?P<module>[\w.]{1,80})'"
    ), explain=_missing_name, api=True),
    Cause("attribute", re.compile(
        r"AttributeError: module '?(?P<module>[\w.]{1,80})'? has no attribute '?(?P<name>\w{1,80})"
    ), explain=_missing_name, api=True),
    Cause("module", re.compile(r"ModuleNotFoundError: No module named '(?P<missing>[\w.]{1,80})'"), explain=_missing_module),
    Cause("bf16", re.compile(
        r"(?i)setup doesn't support bf16|bf16[^\n]{0,60}(?:not supported|isn't supported)|bfloat16 is (?:only|not) supported"
    ), (
        "this device has no bf16 ({line}); TRL turns it on by default.",
        "T4 and older cards: bf16=False, fp16=True. CPU: bf16=False, use_cpu=True. Or use a card from A10G, L4 or A100 on.",
    )),
    Cause("gpu", re.compile(
        r"Torch not compiled with CUDA enabled|No CUDA GPUs are available|Found no NVIDIA driver"
        r"|CUDA driver version is insufficient"
    ), (
        "no GPU was found ({line}).",
        "`detect_compute` shows what this machine has. A torch without CUDA needs another wheel, an old driver an update.",
    ), on_jobs=(
        "no GPU was found ({line}).",
        "Give the job a GPU flavor (`--flavor a10g-large`), and an image or packages whose torch has CUDA.",
    )),
    Cause("money", re.compile(
        r"\b402\b[^\n]{0,40}Payment Required|Payment Required|(?i:insufficient (?:credits|funds|balance))"
    ), ("the account cannot pay ({line}). Tell the user; until they act no job can start on it.",)),
    Cause("access", re.compile(
        r"GatedRepoError|RepositoryNotFoundError|Access to \w{1,10} \S{1,120} is restricted|\b40[13] Client Error"
        r"|'40[13] \w{1,20}'|\b401 Unauthorized|\b403 Forbidden|Invalid user token|Invalid username or password"
    ), _refused("`hf auth whoami`; HF_TOKEN or `hf auth login`"), on_jobs=_refused("--secrets HF_TOKEN on the launch")),
    Cause("columns", re.compile(
        r"KeyError: ['\"][\w .-]{1,80}['\"]|ValueError: [^\n]{0,200}\bcolumns?\b|Unknown format|"
        r"ValueError: [^\n]{0,120}(?:not in the dataset|Invalid (?:keys|format))"
    ), explain=_missing_columns),
    Cause("time", re.compile(
        r"Command timed out after|(?i:\bjob (?:has )?timed out|job timeout|exceeded (?:the|its) timeout)"
    ), (
        "the command was ended at the time limit of its call.",
        "If it needs more than 9 minutes, use run_in_background with a log and read the end of the log; the run itself need "
        "not change.",
    ), on_jobs=(
        "the job reached its time limit ({line}).",
        "Read the seconds per step from its log, then set `--timeout` for all steps and a third more (the new price is "
        "confirmed first); push on every save so that the next job resumes.",
    )),
    Cause("connection", re.compile(
        r"ConnectionError|ConnectError|ConnectTimeout|ReadTimeout|RemoteProtocolError|Max retries exceeded"
        r"|Connection re(?:fused|set)|Name or service not known|Temporary failure in name resolution|\b50[234] Server Error"
        r"|'50[234] [\w ]{1,30}'"
    ), (
        "the connection failed ({line}); nothing is wrong with the script.",
        "Try the same once more. If a job was being submitted, look first whether it is there (`hf jobs ps -a`).",
    )),
    Cause("nan", re.compile(r"['\"]?\b(?:loss|grad_norm)['\"]?\s?[:=]\s?['\"]?(?:nan|inf)\b"), (
        "the loss or its gradient is not a number ({line}): this run is lost, stop it.",
        "Look first at the rows (`inspect_dataset`: empty answers, labels all masked), then at the precision (fp16 overflows: "
        "use bf16 on a card that has it).",
        "A lower learning_rate or max_grad_norm changes the run: say so.",
    )),
)
# fmt: on
_BY_EXIT_CODE: dict[int | None, tuple[str, str]] = {
    124: (
        "`timeout` ended the command at its limit (exit code 124): the run was not finished.",
        "Set a longer limit, or run it in the background with a log.",
    ),
    137: (
        "the process was killed (exit code 137), mostly because the machine's own memory ran out, not the GPU's.",
        "Use fewer dataloader and map processes (num_proc), streaming=True, or a machine with more memory; the terms stay.",
    ),
}
