"""Decides what a dry run has shown: PASS, FAIL with the script's line, or UNKNOWN with the reason."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Literal, NamedTuple

from ml_intern_helpers.core.report import Finding
from ml_intern_helpers.dryrun.process import Ended

Event = dict[str, Any]
Verdict = Literal["PASS", "FAIL", "UNKNOWN"]

#: (pattern in the library's message, why this machine cannot tell). Errors that the real run need not have.
_ONLY_HERE = (
    (
        r"couldn't connect|outgoing traffic has been disabled|offline mode|LocalEntryNotFound|Max retries|"
        r"Connection(Error| refused)|name resolution|timed? ?out",
        "the Hub could not be reached",
    ),
    (r"gated repo|is a gated|awaiting a review|401 Client Error|403 Client Error", "this account may not read it"),
    (
        r"not compiled with CUDA|No CUDA GPUs|CUDA (driver|error|is not|must)|NVIDIA driver|requires? (a )?(CUDA|GPU)|no GPU|"
        r"cuda runtime|CUDA_HOME|nvcc|triton",
        "it needs a GPU",
    ),
    (
        r"must have the same dtype|expected scalar type|expected m1 and m2 to have the same dtype",
        "dtypes were replaced by float32",
    ),
    (r"No space left", "the disk is full"),
    (r"the dry run sends nothing", "it needs an answer from a service that the dry run does not call"),
)
#: Packages that are useless or absent without a GPU.
_GPU_PACKAGES = frozenset(
    {
        "vllm",
        "flash_attn",
        "flash_attn_interface",
        "bitsandbytes",
        "deepspeed",
        "unsloth",
        "xformers",
        "apex",
        "triton",
        "liger_kernel",
        "mamba_ssm",
        "causal_conv1d",
        "transformer_engine",
        "auto_gptq",
        "gptqmodel",
    }
)
_MISSING = re.compile(r"No module named '([\w.]+)'")


class Outcome(NamedTuple):
    """The verdict and why.

    Attributes:
        reason: one line; "" for PASS.
        finding: what failed, for FAIL by an error.
    """

    verdict: Verdict
    reason: str = ""
    finding: Finding | None = None


def decide(events: list[Event], ended: Ended, script: str, has_header: bool, stack_line: int | None, output: str) -> Outcome:
    """The outcome of a run from its events and its end.

    Args:
        script: the script's path as the user gave it.
        has_header: whether the environment was chosen for requirements that the script or the caller states.
        stack_line: the script's line when it was stopped, if known.
        output: the last lines that the script printed.
    """
    error = _last(events, "error")
    if error is not None:
        return _of_error(error, events, script, has_header)
    failed = next((event for event in _all(events, "finding") if event["severity"] == "error"), None)
    if failed is not None:
        return Outcome("FAIL", failed["message"], _finding(failed, script))
    if ended.stopped:
        return Outcome("UNKNOWN", _stopped(ended, events, stack_line))
    exited = _last(events, "exit")
    if exited is not None and exited["code"]:
        what = exited["message"] or _last_line(output) or f"exit code {exited['code']}"
        usage = "" if exited["code"] != 2 else "; give the script's arguments after --"
        finding = Finding("DRY101", "error", f"the script ended itself: {what}", file=script, fix=None)
        return Outcome("UNKNOWN" if usage else "FAIL", f"the script ended itself: {what}{usage}", None if usage else finding)
    if ended.code:
        return Outcome("UNKNOWN", f"the process ended with code {ended.code}: {_last_line(output)}")
    if not any(_all(events, "trained", "own_loop")):
        return Outcome("UNKNOWN", "the script ended without training")
    return Outcome("PASS")


def _of_error(error: Event, events: list[Event], script: str, has_header: bool) -> Outcome:
    text = f"{error['type']}: {error['message']}"
    searched = f"{text} {error.get('cause') or ''}"
    if error["type"] == "CannotShrink" or error["ours"]:
        return Outcome("UNKNOWN", f"the dry run itself could not go on: {text}")
    missing = _MISSING.search(error["message"]) if error["type"] == "ModuleNotFoundError" else None
    if missing and (missing[1].split(".")[0] in _GPU_PACKAGES or not has_header):
        name = missing[1].split(".")[0]
        return Outcome(
            "UNKNOWN", f"{name} is not in the environment that was used: state it in the header, or give --with {name}"
        )
    why = next((why for pattern, why in _ONLY_HERE if re.search(pattern, searched, re.IGNORECASE)), None)
    if why is not None:
        return Outcome("UNKNOWN", f"{why}: line {error['line']}: {text}")
    limits = [event["message"] for event in _all(events, "limit")]
    if limits:
        return Outcome("UNKNOWN", f"{limits[0]}; then line {error['line']}: {text}")
    place = f"{error['file']}:{error['file_line']}" if error["file"] and error["file_line"] != error["line"] else None
    where = "; ".join(part for part in (f"in {place}" if place else "", f"raised in {error['raised_in']}") if part)
    finding = Finding("DRY101", "error", text, file=script, line=error["line"], evidence=where, fix=_fix(error))
    return Outcome("FAIL", text, finding)


def _fix(error: Event) -> str | None:
    """What to do about kinds of errors whose message does not say it."""
    message = error["message"]
    unexpected = re.search(r"(\w+)(?:\.__init__)?\(\) got an unexpected keyword argument '(\w+)'", message)
    if unexpected:
        return f"api_lookup {unexpected[1]} {unexpected[2]} shows what became of it in the installed release"
    if error["type"] == "ImportError" and "cannot import name" in message:
        return "api_lookup shows where the name went; it is not in the installed release"
    if error["type"] == "AttributeError":
        return "api_lookup CLASS lists what the installed release has"
    return None


def _stopped(ended: Ended, events: list[Event], line: int | None) -> str:
    where = f" in line {line}" if line else ""
    trained = "it had trained its steps; " if any(_all(events, "trained")) else ""
    reasons = {
        "time": f"the limit of time was reached{where} after {ended.seconds:.0f} s; --limit S allows more",
        "memory": f"the limit of memory was reached{where} at {ended.peak_bytes / 1e9:.1f} GB; --memory GB allows more",
        "processes": f"the script started too many processes{where}",
    }
    return trained + reasons[ended.stopped]


def findings_of(events: list[Event], script: str) -> list[Finding]:
    """What was seen that is wrong or doubtful though nothing was raised."""
    findings = [_finding(event, script) for event in _all(events, "finding")]
    for event in _all(events, "resumed"):
        if not event["ok"]:
            error = event["error"]
            message = f"resuming from the checkpoint raises {error['type']}: {error['message']}"
            findings.append(Finding("DRY114", "warning", message, file=script, evidence=f"raised in {error['raised_in']}"))
    for event in _all(events, "saved"):
        if not event["ok"]:
            message = (
                f"what was saved in {event['folder']} cannot be loaded: {event['error']['type']}: {event['error']['message']}"
            )
            findings.append(Finding("DRY115", "warning", message, file=script))
    for event in _all(events, "dropped"):
        message = f"the chat template leaves out {event['key']} of {event['speaker']} turns: the model never sees it"
        findings.append(Finding("DRY116", "warning", message, file=script))
    return findings


#: What was seen -> code.
_CODES = {
    "nothing-trains": "DRY102",
    "nothing-trained": "DRY103",
    "not-finite": "DRY104",
    "no-gradient": "DRY105",
    "nothing-moved": "DRY106",
    "new-tokens-frozen": "DRY107",
    "rows-untrained": "DRY108",
    "eos-untrained": "DRY109",
    "doubled-bos": "DRY110",
    "reward-constant": "DRY111",
    "reward-blind": "DRY112",
    "push-target": "DRY113",
    "no-tokenizer": "DRY117",
    "deepspeed-config": "DRY118",
    "backward-bypassed": "DRY119",
    "never-accumulates": "DRY120",
}


def _finding(event: Event, script: str) -> Finding:
    return Finding(
        _CODES[event["code"]], event["severity"], event["message"], file=script, line=event.get("line"), fix=event["fix"]
    )


def _all(events: list[Event], *kinds: str) -> Iterable[Event]:
    return (event for event in events if event["kind"] in kinds)


def _last(events: list[Event], kind: str) -> Event | None:
    return next((event for event in reversed(events) if event["kind"] == kind), None)


def _last_line(output: str) -> str:
    return next((line.strip() for line in reversed(output.splitlines()) if line.strip()), "")[:300]
