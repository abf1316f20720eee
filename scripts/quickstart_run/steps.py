"""The eight steps, in the order in which they run; each fills its part of `Found` and says what it found."""

from __future__ import annotations

import ast
import json
import re
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import programs
from failure import Failure
from folder import RunFolder
from screen import Screen

PROJECT = "quickstart"
DATA = programs.ROOT / "examples/chat.jsonl"
MAKE_TINY_MODEL = programs.ROOT / "examples/make_tiny_model.py"
RECIPE = programs.ROOT / "skills/ml-intern/recipes/sft.py"
HERE = Path(__file__).parent
#: Not one of them is in the example data in these words.
QUESTIONS = ("How many minutes are in 4 hours?", "What is 7 feet in inches?", "Please convert 15 kilograms to grams.")
ANSWERS = (240, 84, 15000)
#: What the tiny model wants, and no real one: it has no pretraining to lose.
TINY_SETTINGS = ("--lr", "5e-3", "--batch", "16", "--max-length", "256")


@dataclass
class Found:
    """What the run has found so far."""

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


def environments(found: Found, screen: Screen) -> None:
    """Training is a second environment, built here on first use."""
    found.versions = programs.training_python()
    screen.say(", ".join(f"{name} {version}" for name, version in found.versions.items() if name != "python"))


def compute(found: Found, screen: Screen) -> None:
    found.compute = programs.helper("detect_compute")
    screen.say(f"{found.compute['compute_mode_recommendation']}: {found.compute['compute_mode_reason']}")
    if not found.compute["gpus"]:
        screen.say("The tiny model below needs neither; it trains on the CPU.")


def audit(found: Found, screen: Screen) -> None:
    """Ask for the verdict, then leave out the rows that the findings name."""
    found.audit = programs.helper("inspect_dataset", DATA, "--method", "sft")
    verdict = found.audit["verdicts"]["sft"]
    screen.say(f"{verdict['verdict'].replace('_', ' ').upper()} for sft: {verdict['reason']}")
    if verdict["verdict"] != "ready":
        raise Failure("the example data is not ready for SFT", "get a fresh copy of the plugin")
    for finding in found.audit["findings"]:
        screen.say(f"{finding['code']} {finding['severity']}, row {finding['line']}: {finding['message']}")
    _copy_rows(found)
    screen.say(f"{found.rows_out} of {found.rows_in} rows go on, in {found.folder.data.name}")


def _copy_rows(found: Found) -> None:
    named = {row for finding in found.audit["findings"] if finding["severity"] != "info" for row in _rows(finding)}
    lines = DATA.read_text(encoding="utf-8").splitlines(keepends=True)
    kept = [line for number, line in enumerate(lines, 1) if number not in named]
    found.folder.data.write_text("".join(kept), encoding="utf-8")
    found.rows_in, found.rows_out = len(lines), len(kept)


def _rows(finding: dict[str, Any]) -> list[int]:
    """The rows a finding names: its line, and those its evidence lists (`2 of 360 sampled rows (1%): row 231, 302`)."""
    listed = re.search(r": row ([\d, ]+)", finding["evidence"] or "")
    return [finding["line"], *(int(number) for number in re.findall(r"\d+", listed[1] if listed else ""))]


def tiny_model(found: Found, screen: Screen) -> None:
    out = programs.training(MAKE_TINY_MODEL, "--data", found.folder.data, "--output", found.folder.base)
    made = json.loads(out)
    found.parameters = made["parameters"]
    screen.say(f"a Llama of {made['parameters']:,} parameters with random weights, {made['vocabulary']} tokens")


def preflight(found: Found, screen: Screen) -> None:
    """The recipe as it is, under the name a user would give it."""
    shutil.copyfile(RECIPE, found.folder.script)
    found.preflight = programs.helper("preflight_check", found.folder.script, "--local")
    screen.say(found.preflight["verdict"])
    for finding in found.preflight["findings"]:
        screen.say(f"{finding['code']} {finding['severity']}, line {finding['line']}: {finding['message']}")
    if found.preflight["exit_code"]:
        raise Failure("pre-flight refuses the script", "get a fresh copy of the plugin", code=found.preflight["exit_code"])


def train(found: Found, screen: Screen) -> None:
    folder = found.folder
    with folder.log.open("w", encoding="utf-8") as log:

        def watch(line: str) -> None:
            log.write(line)
            log.flush()
            _progress(line, found.max_steps, screen)

        programs.training(
            *(folder.script, "--model", folder.base, "--dataset", folder.data, "--output", folder.model, "--project", PROJECT),
            *TINY_SETTINGS,
            watch=watch,
            MAX_STEPS=str(found.max_steps),
            TRACKIO_DIR=str(folder.tracking),
            HF_DATASETS_CACHE=str(folder.scratch),
        )


def _progress(line: str, max_steps: int, screen: Screen) -> None:
    """Training prints a dictionary per step (with its numbers as strings); held-out losses are kept on screen."""
    try:
        metrics = ast.literal_eval(line) if line.startswith("{'") else {}
    except (ValueError, SyntaxError):
        return
    if "loss" in metrics:
        screen.trained += 1
        screen.tell(f"step {screen.trained} of {max_steps}, loss {float(metrics['loss']):.2f}")
    elif "eval_loss" in metrics:
        screen.say(f"step {screen.trained} of {max_steps}: held-out loss {float(metrics['eval_loss']):.2f}")


def curve(found: Found, screen: Screen) -> None:
    """Read back what Trackio stored, so that what is drawn was tracked."""
    trackio = Path(found.versions["python"]).with_name("trackio")
    picks = ("train/global_step", "train/loss", "eval/loss")
    columns = ", ".join(f"""json_extract(metrics, '$."{name}"') AS "{name}\"""" for name in picks)
    sql = f"SELECT {columns} FROM metrics ORDER BY id"
    out = programs.training(
        trackio, "query", "project", "--project", PROJECT, "--sql", sql, "--json", TRACKIO_DIR=str(found.folder.tracking)
    )
    rows = json.loads(out)["rows"]
    found.points = {
        kind: [[row["train/global_step"], row[f"{kind}/loss"]] for row in rows if row[f"{kind}/loss"] is not None]
        for kind in ("train", "eval")
    }
    if len(found.points["train"]) < 2:
        raise Failure("Trackio holds no loss of this run", "read train.log for what happened", log=found.folder.log.read_text())
    points = found.folder.path / "loss.json"
    points.write_text(json.dumps(found.points), encoding="utf-8")
    screen.say(programs.training(HERE / "curve.py", points, found.folder.curve))


def speak(found: Found, screen: Screen) -> None:
    """The same questions to the model before and after training."""
    questions = found.folder.path / "questions.json"
    questions.write_text(json.dumps(QUESTIONS), encoding="utf-8")
    out = json.loads(programs.training(HERE / "speak.py", questions, found.folder.base, found.folder.model))
    found.replies = {"before": out[str(found.folder.base)], "after": out[str(found.folder.model)]}
    for question, before, after in zip(QUESTIONS, found.replies["before"], found.replies["after"], strict=True):
        screen.say(f"Q: {question}\n  before: {_shown(before)}\n  after:  {_shown(after)}")
    screen.say(f"A model of {found.parameters:,} parameters: it has learnt the shape of an answer, not to calculate.")


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
