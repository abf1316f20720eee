"""Defines the eight steps in the order in which they run; each fills its part of `Results` and prints a summary."""

from __future__ import annotations

import ast
import json
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import programs
from folder import Failure, RunFolder
from rich.console import Console
from rich.text import Text

PROJECT = "quickstart"
DATA = programs.ROOT / "examples/chat.jsonl"
MAKE_TINY_MODEL = programs.ROOT / "examples/make_tiny_model.py"
RECIPE = programs.ROOT / "skills/ml-intern/recipes/sft.py"
#: None of them occurs in the example data with this wording.
QUESTIONS = ("How many minutes are in 4 hours?", "What is 7 feet in inches?", "Please convert 15 kilograms to grams.")
ANSWERS = (240, 84, 15000)
#: Settings for the tiny model only: it has no pre-training that a high learning rate could destroy.
TINY_SETTINGS = ("--lr", "5e-3", "--batch", "16", "--max-length", "256")


class Screen:
    """Prints numbered steps on stdout; on a terminal, the running one has a spinner.

    Args:
        steps: the number of steps.
    """

    def __init__(self, steps: int) -> None:
        self.console = Console(highlight=False, markup=False, soft_wrap=True)
        self.steps = steps
        self.done = 0
        self.trained = 0  # training steps seen so far
        self.started = time.monotonic()
        self._status = self.console.status("")

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        """Print the heading of a step, run its body, then print the time it took and the time since the start."""
        self.done += 1
        begun = time.monotonic()
        self.console.print(Text(f"[{self.done}/{self.steps}] {title}", style="bold"))
        with self._status:
            self.set_activity("working")
            yield
        now = time.monotonic()
        self.say(f"{now - begun:.1f} s, {now - self.started:.0f} s since the start", style="dim")

    def say(self, text: str, *, style: str = "") -> None:
        """Print the lines of `text` below the current step."""
        for line in text.splitlines():
            self.console.print(Text(f"      {line}", style=style))

    def set_activity(self, text: str) -> None:
        """Show the current activity beside the spinner only."""
        self._status.update(Text(text))

    def plain(self, text: str) -> None:
        self.console.print(Text(text))


@dataclass
class Results:
    """The results of the steps so far."""

    folder: RunFolder
    max_steps: int
    versions: dict[str, str] = field(default_factory=dict)
    compute: dict[str, Any] = field(default_factory=dict)
    audit: dict[str, Any] = field(default_factory=dict)
    rows_in: int = 0
    rows_out: int = 0
    parameters: int = 0
    preflight: dict[str, Any] = field(default_factory=dict)
    points: dict[str, list[list[float]]] = field(default_factory=dict)
    replies: dict[str, list[str]] = field(default_factory=dict)


def environments(results: Results, screen: Screen) -> None:
    """Prepare the training environment, which is built on first use."""
    results.versions = programs.training_python()
    screen.say(", ".join(f"{name} {version}" for name, version in results.versions.items() if name != "python"))


def compute(results: Results, screen: Screen) -> None:
    results.compute = programs.helper("detect_compute")
    screen.say(f"{results.compute['compute_mode_recommendation']}: {results.compute['compute_mode_reason']}")
    if not results.compute["gpus"]:
        screen.say("The tiny model below needs neither; it trains on the CPU.")


def audit(results: Results, screen: Screen) -> None:
    """Check the data, then copy the rows that no finding names."""
    results.audit = programs.helper("inspect_dataset", DATA, "--method", "sft")
    verdict = results.audit["verdicts"]["sft"]
    screen.say(f"{verdict['verdict'].replace('_', ' ').upper()} for sft: {verdict['reason']}")
    if verdict["verdict"] != "ready":
        raise Failure("the example data is not ready for SFT", "install a fresh copy of the plugin")
    for finding in results.audit["findings"]:
        screen.say(f"{finding['code']} {finding['severity']}, row {finding['line']}: {finding['message']}")
    _copy_rows(results)
    screen.say(f"{results.rows_out} of {results.rows_in} rows are used, in {results.folder.data.name}")


def _copy_rows(results: Results) -> None:
    findings = [finding for finding in results.audit["findings"] if finding["severity"] != "info"]
    reported_rows = {row for finding in findings for row in finding.get("rows") or [finding["line"]]}
    lines = DATA.read_text(encoding="utf-8").splitlines(keepends=True)
    kept = [line for number, line in enumerate(lines, 1) if number not in reported_rows]
    results.folder.data.write_text("".join(kept), encoding="utf-8")
    results.rows_in, results.rows_out = len(lines), len(kept)


def tiny_model(results: Results, screen: Screen) -> None:
    out = programs.training(MAKE_TINY_MODEL, "--data", results.folder.data, "--output", results.folder.base)
    model = json.loads(out)
    results.parameters = model["parameters"]
    screen.say(f"a Llama of {model['parameters']:,} parameters with random weights, {model['vocabulary']} tokens")


def preflight(results: Results, screen: Screen) -> None:
    """Check an unchanged copy of the recipe."""
    shutil.copyfile(RECIPE, results.folder.script)
    results.preflight = programs.helper("preflight_check", results.folder.script, "--local")
    screen.say(results.preflight["verdict"])
    for finding in results.preflight["findings"]:
        screen.say(f"{finding['code']} {finding['severity']}, line {finding['line']}: {finding['message']}")
    if results.preflight["exit_code"]:
        raise Failure("pre-flight refuses the script", "install a fresh copy of the plugin", code=results.preflight["exit_code"])


def train(results: Results, screen: Screen) -> None:
    folder = results.folder
    with folder.log.open("w", encoding="utf-8") as log:

        def watch(line: str) -> None:
            log.write(line)
            log.flush()
            _progress(line, results.max_steps, screen)

        programs.training(
            *(folder.script, "--model", folder.base, "--dataset", folder.data, "--output", folder.model, "--project", PROJECT),
            *TINY_SETTINGS,
            watch=watch,
            MAX_STEPS=str(results.max_steps),
            TRACKIO_DIR=str(folder.tracking),
            HF_DATASETS_CACHE=str(folder.scratch),
        )


def _progress(line: str, max_steps: int, screen: Screen) -> None:
    """Show the metrics that training prints, a dictionary per step; held-out losses stay on screen."""
    try:
        metrics = ast.literal_eval(line) if line.startswith("{'") else {}
    except (ValueError, SyntaxError):
        return
    if "loss" in metrics:
        screen.trained += 1
        screen.set_activity(f"step {screen.trained} of {max_steps}, loss {float(metrics['loss']):.2f}")
    elif "eval_loss" in metrics:
        screen.say(f"step {screen.trained} of {max_steps}: held-out loss {float(metrics['eval_loss']):.2f}")


def curve(results: Results, screen: Screen) -> None:
    """Draw the loss curve from the metrics that Trackio has stored."""
    trackio = Path(results.versions["python"]).with_name("trackio")
    picks = ("train/global_step", "train/loss", "eval/loss")
    columns = ", ".join(f"""json_extract(metrics, '$."{name}"') AS "{name}\"""" for name in picks)
    sql = f"SELECT {columns} FROM metrics ORDER BY id"
    out = programs.training(
        trackio, "query", "project", "--project", PROJECT, "--sql", sql, "--json", TRACKIO_DIR=str(results.folder.tracking)
    )
    rows = json.loads(out)["rows"]
    results.points = {
        kind: [[row["train/global_step"], row[f"{kind}/loss"]] for row in rows if row[f"{kind}/loss"] is not None]
        for kind in ("train", "eval")
    }
    if len(results.points["train"]) < 2:
        raise Failure(
            "Trackio has recorded no loss of this run", "read the training log for the reason", log=results.folder.log.read_text()
        )
    points = results.folder.path / "loss.json"
    points.write_text(json.dumps(results.points), encoding="utf-8")
    screen.say(programs.training(programs.IN_TRAINING, "curve", points, results.folder.curve))


def speak(results: Results, screen: Screen) -> None:
    """Let the model answer the same questions before and after training."""
    questions = results.folder.path / "questions.json"
    questions.write_text(json.dumps(QUESTIONS), encoding="utf-8")
    out = json.loads(programs.training(programs.IN_TRAINING, "speak", questions, results.folder.base, results.folder.model))
    results.replies = {"before": out[str(results.folder.base)], "after": out[str(results.folder.model)]}
    for question, before, after in zip(QUESTIONS, results.replies["before"], results.replies["after"], strict=True):
        screen.say(f"Q: {question}\n  before: {_shown(before)}\n  after:  {_shown(after)}")
    screen.say(f"A model of {results.parameters:,} parameters: it has learnt the form of an answer, not to calculate.")


def _shown(reply: str) -> str:
    """One line, at most 100 characters; a random model may say anything."""
    line = " ".join("".join(char if char.isprintable() else " " for char in reply).split())
    return line[:100] + ("…" if len(line) > 100 else "") if line else "(blank)"


STEPS = (
    ("Environments", environments),
    ("Where could this train? (detect_compute)", compute),
    ("Audit the data: examples/chat.jsonl (inspect_dataset)", audit),
    ("Make a tiny model and its tokenizer from the data", tiny_model),
    ("Pre-flight the script: recipes/sft.py (preflight_check)", preflight),
    ("Train it", train),
    ("Loss, as Trackio recorded it", curve),
    ("Let it speak", speak),
)
