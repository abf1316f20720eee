"""The script resumes where there is no checkpoint.

`trainer.train(resume_from_checkpoint=True)` raises `ValueError: No valid checkpoint found` when the output folder has none. A
job starts on an empty disk, so there it always raises, unless a bucket is mounted or checkpoints are downloaded.

Bad:

    from trl import SFTConfig, SFTTrainer

    config = SFTConfig(output_dir="fresh")
    SFTTrainer("Qwen/Qwen3-0.6B", args=config, train_dataset=rows).train(resume_from_checkpoint=True)

Good:

    from transformers.trainer_utils import get_last_checkpoint
    from trl import SFTConfig, SFTTrainer

    config = SFTConfig(output_dir="fresh")
    last = get_last_checkpoint("fresh")
    SFTTrainer("Qwen/Qwen3-0.6B", args=config, train_dataset=rows).train(resume_from_checkpoint=last)
"""

from pathlib import Path

from ml_intern_helpers.analysis.values import known
from ml_intern_helpers.core.text import clean
from ml_intern_helpers.preflight.context import ScriptContext
from ml_intern_helpers.preflight.outcome import Outcomes, failed, unknown

_FETCHING = ("snapshot_download", "hf_hub_download", "copytree", "sync_bucket", "get_last_checkpoint")
_FIX = "resume only when get_last_checkpoint(output_dir) finds one"


def check(context: ScriptContext) -> Outcomes:
    if list(context.calls_ending(*_FETCHING)) or (context.header.jobs or {}).get("volumes"):
        return
    for call in context.methods("train"):
        setting = context.keywords(call).items.get("resume_from_checkpoint")
        if setting is None or context.script.places[call].guards:  # a condition or a `try` may provide for it
            continue
        value = setting.value
        if value == known(True) and context.mode == "jobs":
            yield failed("resume_from_checkpoint=True, and a job starts on an empty disk: ValueError", _FIX, call)
        elif value.state == "known" and isinstance(value.value, str) and context.mode == "local" and _missing(value.value):
            message = f"no checkpoint {clean(value.value, limit=80)!r} on this machine: ValueError"
            yield failed(message, "name an existing checkpoint", call)
        for run in context.runs if value == known(True) and context.mode == "local" else ():
            folder = context.value(run, "output_dir", "trainer_output")
            if folder.state != "known" or not isinstance(folder.value, str):
                yield unknown(f"whether there is a checkpoint to resume from: {folder.reason}", call.lineno)
            elif _missing(f"{folder.value}/checkpoint-*"):
                message = f"resume_from_checkpoint=True, and {clean(folder.value, limit=80)!r} holds no checkpoint: ValueError"
                yield failed(message, _FIX, call)


def _missing(path: str) -> bool:
    """Whether no such file exists, relative to the helper's working folder; the last part may end with `*`."""
    try:
        wanted = Path(path).expanduser()
        return not any(wanted.parent.glob(wanted.name)) if wanted.name.endswith("*") else not wanted.exists()
    except (OSError, ValueError):
        return False
