"""Reports what the real run will do: steps, evaluations, saves, pushes."""

from __future__ import annotations

import math
from typing import Any

from ml_intern_helpers.dryrun.inside import data
from ml_intern_helpers.dryrun.inside.events import emit


def report_schedule(trainer: Any) -> None:
    """Counted from the arguments as the script gave them; rows that were not loaded are scaled where their number is known."""
    args = trainer.args
    rows = len(trainer.train_dataset) if hasattr(trainer.train_dataset, "__len__") else None
    basis = "all rows"
    if rows is not None and data.is_limited():
        known = data.real_rows()
        rows = round(rows * next(iter(known.values())) / _loaded()) if len(known) == 1 else None
        basis = "scaled from the loaded rows"
    batch = args.train_batch_size * args.gradient_accumulation_steps * max(args.world_size, 1)
    if hasattr(args, "num_generations"):
        batch = max(batch // args.num_generations, 1)
    steps = args.max_steps if args.max_steps > 0 else None
    if steps is None and rows is not None:
        steps = max(math.ceil(rows / batch), 1) * math.ceil(args.num_train_epochs)
    emit(
        "schedule",
        rows=rows,
        basis=basis,
        batch=batch,
        steps=steps,
        epochs=args.num_train_epochs,
        evaluations=_times(args.eval_strategy, args.eval_steps, steps, args),
        saves=_times(args.save_strategy, args.save_steps, steps, args),
        kept=args.save_total_limit,
        push_to_hub=bool(args.push_to_hub),
        hub_model_id=args.hub_model_id,
        hub_strategy=str(getattr(args.hub_strategy, "value", "")),
    )


def _loaded() -> int:
    from ml_intern_helpers.dryrun.inside.events import Run

    return Run.rows


def _times(strategy: Any, every: float | None, steps: int | None, args: Any) -> int | None:
    """How often something happens; None when the number of steps is unknown."""
    kind = str(getattr(strategy, "value", strategy))
    if kind == "no":
        return 0
    if kind == "epoch":
        return math.ceil(float(args.num_train_epochs))
    if steps is None or not every:
        return None
    interval = max(math.ceil(steps * every), 1) if every < 1 else int(every)
    return int(steps // interval)
