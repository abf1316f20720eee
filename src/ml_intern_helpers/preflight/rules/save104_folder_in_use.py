"""The output folder already holds a run.

Training writes into it without asking (`overwrite_output_dir` is gone). A restart replaces checkpoints of the same step, and
`save_total_limit` deletes the older run's first, possibly the best one. Resume, or choose another folder.

Bad:

    from trl import SFTConfig, SFTTrainer

    config = SFTConfig(output_dir="out")  # and out/checkpoint-500 exists
    SFTTrainer("Qwen/Qwen3-0.6B", args=config, train_dataset=rows).train()

Good:

    from trl import SFTConfig, SFTTrainer

    config = SFTConfig(output_dir="out")  # and out/checkpoint-500 exists
    SFTTrainer("Qwen/Qwen3-0.6B", args=config, train_dataset=rows).train(resume_from_checkpoint=True)
"""

from pathlib import Path

from ml_intern_helpers.analysis.values import known
from ml_intern_helpers.core.text import clean
from ml_intern_helpers.preflight.context import ScriptContext
from ml_intern_helpers.preflight.outcome import Outcomes, at_run_time, failed, passed, unknown
from ml_intern_helpers.preflight.settings import line_of, no_config

SEVERITY = "warning"
MODES = ("local",)


def check(context: ScriptContext) -> Outcomes:
    if not context.runs:
        yield no_config(context)
    for run in context.runs:
        setting = context.setting(run, "output_dir")
        value = setting.value if setting else known("trainer_output")
        line = line_of(setting, run)
        if value.state == "unknown":
            yield unknown(value.reason, line)
        elif not value.settled or not isinstance(value.value, str):
            yield at_run_time(value.reason or "not a text", line)
        else:
            name, contents = clean(value.value, limit=80), _contents(value.value)
            resumed = [call for call in context.methods("train") if "resume_from_checkpoint" in context.keywords(call).items]
            if contents is None:
                yield passed(f"output_dir {name!r} is new or empty", line)
            elif resumed:
                yield passed(f"output_dir {name!r} holds {contents}; `{context.source.segment(resumed[0])}`", resumed[0].lineno)
            else:
                fix = "ask: resume (trainer.train(resume_from_checkpoint=True)), or another output_dir; do not overwrite unasked"
                yield failed(f"output_dir {name!r} already holds {contents}", fix, line, severity="warning")


def _contents(folder: str) -> str | None:
    """The contents of the folder in words, None when it is new or empty; relative to the helper's working folder."""
    try:
        names = sorted(entry.name for entry in Path(folder).expanduser().iterdir())
    except (OSError, ValueError):
        return None
    checkpoints = sorted((name for name in names if name.startswith("checkpoint-")), key=lambda name: (len(name), name))
    if checkpoints:
        return clean(checkpoints[-1], limit=60) if len(checkpoints) == 1 else f"{len(checkpoints)} checkpoints"
    return f"{len(names)} entries" if names else None
