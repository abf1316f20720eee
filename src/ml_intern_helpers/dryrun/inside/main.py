"""Runs the script with the substitutions in place: `python main.py SPEC.json`.

SPEC.json: {script, argv, work, scratch, events, folder, steps, rows}. Events are written to `events`, one JSON object a line.
"""

from __future__ import annotations

import faulthandler
import json
import os
import runpy
import signal
import sys
import time
import traceback
from typing import Any


def main() -> int:
    with open(sys.argv[1], encoding="utf-8") as file:
        spec = json.load(file)
    sys.path[0] = spec["package"]  # for the imports below; the script's folder takes its place
    from ml_intern_helpers.dryrun.inside import events

    run = events.Run
    run.script, run.work, run.scratch, run.events = spec["script"], spec["work"], spec["scratch"], spec["events"]
    run.steps, run.rows = spec["steps"], spec["rows"]
    run.folder = spec["folder"]
    if hasattr(signal, "SIGUSR1"):
        faulthandler.register(signal.SIGUSR1, file=open(spec["events"] + ".stack", "w"), all_threads=False)  # noqa: SIM115
    _install()
    sys.path[0] = os.path.dirname(run.script)
    sys.path.append(spec["package"])
    sys.argv = [run.script, *spec["argv"]]
    return _script(events)


def _install() -> None:
    from ml_intern_helpers.dryrun.inside import (
        arguments,
        batch,
        data,
        device,
        files,
        imports,
        model,
        own_loop,
        parameters,
        training,
        world,
    )

    def in_torch(module: Any) -> None:
        device.patch(module)
        own_loop.patch(module)

    def tokenizers(module: Any) -> None:
        parameters.patch_tokenizer(module)
        batch.patch_template(module)

    imports.after_import(
        {
            "torch": in_torch,
            "transformers.utils.hub": files.patch_loading,
            "transformers.modeling_utils": model.patch,
            "transformers.training_args": arguments.patch,
            "transformers.trainer": training.patch,
            "transformers.tokenization_utils_base": tokenizers,
            "datasets.load": data.patch_load,
            "datasets.arrow_dataset": data.patch_dataset,
            "huggingface_hub.hf_api": world.patch_hub,
            "httpx2": world.patch_http,
            "peft.peft_model": model.patch_adapters,
            "accelerate.accelerator": own_loop.patch_accelerate,
            **dict.fromkeys(("trackio", "wandb", "mlflow", "comet_ml", "swanlab"), world.patch_tracker),
        }
    )
    world.patch_processes()
    files.patch_files()


def _script(events: Any) -> int:
    from ml_intern_helpers.dryrun.inside import own_loop, saved

    start, code = time.monotonic(), 0
    try:
        runpy.run_path(events.Run.script, run_name="__main__")
    except own_loop.Enough as enough:
        events.emit("limit", what="loop", message=str(enough))
    except SystemExit as err:
        code = err.code if isinstance(err.code, int) else 1 if err.code else 0
        events.emit("exit", code=code, message="" if isinstance(err.code, int) else str(err.code or "")[:1000])
    except BaseException as err:
        code = 1
        events.emit("error", **events.describe(err))
        traceback.print_exc()
    if not code:
        saved.report_saved()
    own_loop.report()
    events.emit("end", code=code, seconds=round(time.monotonic() - start, 1))
    return code


if __name__ == "__main__":
    status = main()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)  # threads that a library left behind must not hold the process
