"""What a failed run's last words mean, and the way on: at most six lines for the model, beside the error itself.

An error is recognised by what its library prints; where none is, nothing is said: a guess would cost a run.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from ml_intern_helpers.core.text import clean
from ml_intern_helpers.guard.failures import failure_advice as advice
from ml_intern_helpers.guard.failures.failure import Failure

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
