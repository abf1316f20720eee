"""Renders the final report, on screen and as report.md: the findings, the files, and how to start a real run."""

from __future__ import annotations

import json
import re
import shlex
import tomllib
from pathlib import Path

import programs
from steps import ANSWERS, PROJECT, QUESTIONS, RECIPE, Results

PRICES = programs.ROOT / "src/ml_intern_helpers/indexes/job_prices.json"
REAL_MODEL, REAL_DATA = "Qwen/Qwen3-0.6B", "HuggingFaceH4/ultrachat_200k"


def report(results: Results) -> str:
    """The report as Markdown."""
    parts = {
        "Found": _what_was_found(results),
        "Where everything is": [f"- {name}: `{place}`" for name, place in _places(results).items()],
        "Before and after": _replies(results),
        "Next: a real run": ["```text", *_next(results), "```"],
    }
    sections = [f"## {title}\n\n" + "\n".join(lines) for title, lines in parts.items()]
    return "\n\n".join(["# ml-intern quickstart", *sections]) + "\n"


def screen_lines(results: Results, seconds: float) -> str:
    """The report in a few lines for the terminal."""
    places = "\n".join(f"  {name + ':':<10} {place}" for name, place in _places(results).items())
    steps = "\n".join(f"  {line}" for line in _next(results))
    return f"Done in {seconds:.0f} s: {_loss(results)}\n\n{places}\n\nNext, a real run:\n{steps}"


def _loss(results: Results) -> str:
    train, held_out = results.points["train"], results.points["eval"]
    line = f"loss {train[0][1]:.2f} -> {train[-1][1]:.2f} over {int(train[-1][0])} steps"
    return line + (f", {held_out[-1][1]:.2f} on held-out rows" if held_out else "")


def _what_was_found(results: Results) -> list[str]:
    verdict = results.audit["verdicts"]["sft"]
    finding_lines = [
        f"  - {finding['code']} row {finding['line']}: {finding['message']}" for finding in results.audit["findings"]
    ]
    versions = ", ".join(f"{name} {version}" for name, version in results.versions.items() if name != "python")
    return [
        f"- Compute: `{results.compute['compute_mode_recommendation']}`. {results.compute['compute_mode_reason']}",
        f"- Data: {verdict['verdict']} for SFT ({verdict['reason']}); {results.rows_out} of {results.rows_in} rows trained on"
        + ("; left out were" if finding_lines else ""),
        *finding_lines,
        f"- Script: {results.preflight['verdict']}",
        f"- Training: {results.parameters:,} parameters, {_loss(results)} ({versions})",
    ]


def _places(results: Results) -> dict[str, str]:
    folder = results.folder
    trackio = Path(results.versions["python"]).with_name("trackio")
    show = f"TRACKIO_DIR={shlex.quote(str(folder.tracking))} {shlex.quote(str(trackio))} show --project {PROJECT}"
    return {
        "model": str(folder.model),
        "curve": str(folder.curve),
        "log": str(folder.log),
        "metrics": str(folder.tracking / f"{PROJECT}.db"),
        "dashboard": show,
        "script": str(folder.script),
        "data": str(folder.data),
        "report": str(folder.report),
    }


def _replies(results: Results) -> list[str]:
    rows = zip(QUESTIONS, ANSWERS, results.replies["before"], results.replies["after"], strict=True)
    cells = [[question, str(right), _code(before), _code(after)] for question, right, before, after in rows]
    table = ["| question | right | before | after |", "|---|---|---|---|", *(f"| {' | '.join(row)} |" for row in cells)]
    return [*table, "", f"A model of {results.parameters:,} parameters learns the form of an answer, not to calculate."]


def _code(reply: str) -> str:
    """A reply made safe for a table cell: printable, one line, no pipe or backtick."""
    line = re.sub(r"[|`]", "'", " ".join("".join(char if char.isprintable() else " " for char in reply).split()))
    return f"`{line[:120]}`" if line else "(blank)"


def _next(results: Results) -> list[str]:
    recipe = shlex.quote(str(RECIPE))
    launch = shlex.quote(str(programs.LAUNCH))
    lines = [f"In Claude Code:  /ml-train fine-tune {REAL_MODEL} on {REAL_DATA}, LoRA"]
    mode = results.compute["compute_mode_recommendation"]
    if mode in ("local", "ask_user"):
        lines += [
            f"On this GPU:     MAX_STEPS=20 {launch} --env training {recipe} --lora --split 'train_sft[:1000]'",
            "                 20 steps to see that it fits in memory; costs only GPU time and the download of model and data.",
        ]
    if mode != "local":
        lines += [
            f"On HF Jobs:      hf jobs uv run -d -- {recipe} --lora --hub-id YOU/NAME --space YOU/NAME",
            f"                 {_price()}",
        ]
    if mode == "none":
        lines.append("                 Log in first (`hf auth login`); the account needs credit. Or use a machine with a GPU.")
    return lines


def _price() -> str:
    """The cost of the hardware in the recipe's header, at the list price that ships with the plugin."""
    block = re.search(r"(?ms)^# /// script$(.*?)^# ///$", RECIPE.read_text(encoding="utf-8"))
    assert block is not None
    header = tomllib.loads(re.sub(r"(?m)^# ?", "", block[1]))["tool"]["hf-jobs"]
    prices = json.loads(PRICES.read_text(encoding="utf-8"))
    hourly = prices["flavors"][header["flavor"]][prices["columns"].index("usd_per_hour")]
    most = float(header["timeout"].removesuffix("h")) * hourly
    return (
        f"Costs real money: {header['flavor']} at ${hourly:.2f}/h (price of {prices['as_of']}; `hf jobs hardware` has today's), "
        f"at most {header['timeout']}: ${most:.2f}."
    )
