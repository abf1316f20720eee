"""Trains for three steps with the script's own trainer: one evaluation, one save, one resume; what it sees becomes events."""

from __future__ import annotations

import math
import os
from typing import Any

from ml_intern_helpers.dryrun.inside import batch, parameters, rewards, schedule, world
from ml_intern_helpers.dryrun.inside.events import Run, describe, emit, finding, substitute
from ml_intern_helpers.dryrun.inside.files import inside_scratch

#: Tokens of one forward pass, by the size of the vocabulary: on a CPU the logits are what costs.
_TOKENS = ((60_000, 512), (20_000, 1024), (0, 4096))
#: Keys of a batch that may be cut to fewer tokens together.
_SEQUENCES = frozenset(
    {"input_ids", "attention_mask", "labels", "position_ids", "token_type_ids", "completion_mask", "assistant_masks", "loss_mask"}
)
_EVALUATED = 4


def patch(module: Any) -> None:
    """Replace `Trainer.train` of `transformers.trainer`, and watch saves and pushes."""
    trainer = module.Trainer
    original = trainer.train

    def train(self: Any, resume_from_checkpoint: Any = None, *args: Any, **kwargs: Any) -> Any:
        if getattr(self, "_dry_run_training", False):
            return original(self, resume_from_checkpoint, *args, **kwargs)
        self._dry_run_training = True
        try:
            return _train(self, original, resume_from_checkpoint, args, kwargs)
        finally:
            self._dry_run_training = False

    trainer.train = train
    _limit_steps(trainer)
    _watch_saves(trainer)
    world.patch_trainer_push(trainer)


def _train(self: Any, original: Any, resume: Any, args: Any, kwargs: Any) -> Any:
    name = type(self).__name__
    emit("trainer", name=name, model=type(getattr(self, "model", None)).__name__)
    _look(parameters.report_trainable, self)
    _look(batch.report_batch, self)
    _look(rewards.report_rewards, self)
    _look(schedule.report_schedule, self)
    shorten(self)
    before = parameters.snapshot(self.model)
    result = original(self, _resume(self, resume), *args, **kwargs)
    _report_history(self, name)
    if rewards.equal_rewards(self):
        emit("limit", what="rewards", message="the random model's answers earned equal rewards: no gradient could be seen")
    else:
        _look(parameters.report_moved, self, before)
    _resume_once(self, original, args, kwargs)
    return result


def _look(observe: Any, *arguments: Any) -> None:
    """Observe; what cannot be observed is reported as such and never ends the run."""
    try:
        observe(*arguments)
    except Exception as err:
        emit("unobserved", what=observe.__name__, why=f"{type(err).__name__}: {str(err)[:300]}")


def shorten(trainer: Any) -> None:
    """Reduce a trainer's work: three steps, one evaluation of a few rows, one save."""
    args = trainer.args
    generates = hasattr(args, "num_generations")
    real = args.max_steps if args.max_steps and args.max_steps > 0 else None
    most = Run.steps - 1 if generates else Run.steps  # generating is slow on a CPU
    args.max_steps = min(real or most, most)
    if not generates:
        _set(args, "gradient_accumulation_steps", min(args.gradient_accumulation_steps, 2))
        _set(args, "per_device_train_batch_size", min(args.per_device_train_batch_size, 2))
        trainer._train_batch_size = args.train_batch_size
    for name, most in (
        ("max_completion_length", 4),
        ("max_new_tokens", 4),
        ("generation_max_length", 16),
        ("response_length", 4),
    ):
        if isinstance(getattr(args, name, None), int):
            _set(args, name, min(getattr(args, name), most))
            if hasattr(trainer, name):
                setattr(trainer, name, getattr(args, name))
            for config in (getattr(trainer, "generation_config", None), getattr(args, "generation_config", None)):
                if config is not None and getattr(config, "max_new_tokens", None):
                    config.max_new_tokens = min(config.max_new_tokens, most)
    _evaluate_and_save_once(trainer)
    args.logging_nan_inf_filter = False
    if str(getattr(args.logging_strategy, "value", args.logging_strategy)) != "no":
        args.logging_strategy, args.logging_steps = type(args.logging_strategy)("steps"), 1
    args.disable_tqdm = True
    substitute("time", f"{args.max_steps} optimizer steps with short batches; one evaluation of few rows, one save, one resume")


def _set(arguments: Any, name: str, value: Any) -> None:
    setattr(arguments, name, value)


def _evaluate_and_save_once(trainer: Any) -> None:
    args = trainer.args
    for strategy, steps in (("eval_strategy", "eval_steps"), ("save_strategy", "save_steps")):
        value = getattr(args, strategy)
        if str(getattr(value, "value", value)) in ("steps", "epoch"):
            setattr(args, strategy, type(value)("steps"))
            setattr(args, steps, args.max_steps)
    for control in getattr(trainer.callback_handler, "callbacks", []):  # a callback may have copied the steps
        if hasattr(control, "eval_steps"):
            control.eval_steps = args.max_steps
    trainer.state.eval_steps, trainer.state.save_steps, trainer.state.logging_steps = args.max_steps, args.max_steps, 1
    generations = getattr(args, "num_generations_eval", None) or getattr(args, "num_generations", None) or 1
    if generations == 1:
        args.per_device_eval_batch_size = min(args.per_device_eval_batch_size, _EVALUATED)
    trainer.eval_dataset = _few(trainer.eval_dataset, _EVALUATED if generations == 1 else 1)


def _few(data: Any, rows: int) -> Any:
    if isinstance(data, dict):
        return {name: _few(part, rows) for name, part in data.items()}
    if hasattr(data, "select") and hasattr(data, "__len__"):
        return data.select(range(min(len(data), rows)))
    return data.take(rows) if hasattr(data, "take") else data


def _limit_steps(trainer: Any) -> None:
    """Cut long batches to fewer tokens: their length changes what a step costs, not whether it works."""
    prepare = trainer._prepare_inputs

    def prepare_inputs(self: Any, inputs: Any) -> Any:
        inputs = prepare(self, inputs)
        return cut(self, inputs) if isinstance(inputs, dict) or hasattr(inputs, "keys") else inputs

    trainer._prepare_inputs = prepare_inputs


def cut(trainer: Any, inputs: Any) -> Any:
    """The batch with fewer tokens per row, around the first trained token; unchanged where other tensors depend on the length."""
    tokens = inputs.get("input_ids")
    if tokens is None or getattr(tokens, "dim", lambda: 0)() != 2 or not set(inputs) <= _SEQUENCES:
        return inputs
    vocabulary = getattr(getattr(trainer.model, "config", None), "vocab_size", 0) or 0
    budget = next(most for size, most in _TOKENS if vocabulary >= size)
    rows, length = tokens.shape
    keep = max(budget // max(rows, 1), 32)
    if length <= keep:
        return inputs
    mask = inputs.get("labels")
    mask = mask.ne(-100) if mask is not None and mask.shape == tokens.shape else inputs.get("completion_mask")
    start = 0
    if mask is not None and mask.shape == tokens.shape and mask.any():
        first = int(mask.long().argmax(dim=1)[mask.any(dim=1)].min())
        start = min(max(first - keep // 2, 0), length - keep)
    end = start + keep
    return type(inputs)(
        {name: value[:, start:end] if value.shape[:2] == tokens.shape else value for name, value in inputs.items()}
    )


def _resume(trainer: Any, resume: Any) -> Any:
    """A checkpoint of the user's is not copied here; one that does not exist is refused by the library as in the real run."""
    if not resume:
        return resume
    folder = str(resume) if isinstance(resume, (str, os.PathLike)) else Run.real(trainer.args.output_dir)
    if isinstance(resume, bool):
        exists = os.path.isdir(folder) and any(name.startswith("checkpoint-") for name in os.listdir(folder))
    else:
        exists = os.path.isdir(Run.real(folder)) or os.path.isdir(folder)
    if exists:
        substitute("time", "the checkpoint is not resumed from: it holds the real model")
        return None
    return resume


def _report_history(trainer: Any, name: str) -> None:
    history = trainer.state.log_history
    losses = [entry["loss"] for entry in history if "loss" in entry]
    norms = [entry["grad_norm"] for entry in history if "grad_norm" in entry]
    evaluated = [entry for entry in history if any(key.startswith("eval_") for key in entry)]
    metrics = sorted({key for entry in evaluated for key in entry if key.startswith("eval_")})
    emit("trained", trainer=name, steps=trainer.state.global_step, losses=losses, grad_norms=norms, eval_metrics=metrics[:20])
    bad = [value for value in (*losses, *norms) if isinstance(value, float) and not math.isfinite(value)]
    if bad:
        finding(
            "not-finite", "error", f"loss or gradient is not finite (losses {losses[:3]}, gradients {norms[:3]})",
            "look at the labels: rows without a trained token give NaN",
        )  # fmt: skip
    elif norms and not any(norms) and not rewards.equal_rewards(trainer):
        finding("no-gradient", "error", "every gradient was zero in the first steps: nothing is learned", None)


def _resume_once(trainer: Any, original: Any, args: Any, kwargs: Any) -> None:
    """Resume from the checkpoint that was just saved, for one more step."""
    folder = str(trainer.args.output_dir)
    saved = sorted(name for name in os.listdir(folder) if name.startswith("checkpoint-")) if os.path.isdir(folder) else []
    if not saved:
        return
    size = sum(
        os.path.getsize(os.path.join(where, file))
        for where, _, files in os.walk(os.path.join(folder, saved[-1]))
        for file in files
    )
    emit("checkpoint", name=saved[-1], bytes=size)
    history, step = list(trainer.state.log_history), trainer.args.max_steps
    trainer.args.max_steps = step + 1
    emit("phase", name="resume")
    try:
        original(trainer, os.path.join(folder, saved[-1]), *args, **kwargs)
        emit("resumed", ok=True, steps=trainer.state.global_step)
    except Exception as err:
        emit("resumed", ok=False, error=describe(err))
    finally:
        emit("phase", name="script")
        trainer.args.max_steps = step
        trainer.state.log_history = history


def _watch_saves(trainer: Any) -> None:
    save = trainer.save_model

    def save_model(self: Any, output_dir: Any = None, *args: Any, **kwargs: Any) -> Any:
        target = inside_scratch(output_dir) if output_dir is not None else None
        result = save(self, target, *args, **kwargs)
        Run.saved[os.path.abspath(str(target or self.args.output_dir))] = type(self.model).__name__
        return result

    trainer.save_model = save_model
