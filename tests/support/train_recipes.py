"""Runs recipes one after another in one process of the training environment: importing torch and TRL is most of a short run.

    python train_recipes.py JOBS.json

JOBS.json: a list of {name, script, arguments, max_steps, kind}; `kind` says what to load afterwards: `chat` (then a reply
is generated), `reward` (then two replies are scored). Writes RESULTS.json beside it: name -> {log, error, loaded, pushes, rows}.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import runpy
import sys
import traceback
from pathlib import Path
from typing import Any

QUESTION = {"role": "user", "content": "How many hours are in 2 days?"}


def run(job: dict[str, Any]) -> dict[str, Any]:
    """Run one script as `__main__`; its log, its error (None when it ended well), and what its model does."""
    log, error, loaded, pushes, rows = io.StringIO(), None, None, None, None
    sys.argv = [job["script"], *job["arguments"]]
    os.environ["MAX_STEPS"] = str(job["max_steps"])
    with contextlib.redirect_stdout(log):
        try:
            left = runpy.run_path(job["script"], run_name="__main__")
            pushes, rows = left["config"].push_to_hub, sum(map(len, left["data"].values()))
            loaded = LOADERS[job["kind"]](job["arguments"][job["arguments"].index("--output") + 1])
        except BaseException as err:
            error = f"{type(err).__name__}: {err}"
            traceback.print_exc()
    return {"log": log.getvalue(), "error": error, "loaded": loaded, "pushes": pushes, "rows": rows}


def generate(folder: str) -> str:
    """A reply of the model saved in `folder`, loaded as a user would: from the folder alone."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder)
    inputs = tokenizer.apply_chat_template([QUESTION], add_generation_prompt=True, return_tensors="pt")
    out = model.generate(**inputs, max_new_tokens=12, do_sample=False)
    return str(tokenizer.decode(out[0, inputs["input_ids"].shape[1] :]))


def score(folder: str) -> list[float]:
    """What the reward model saved in `folder` gives a good and a poor reply."""
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForSequenceClassification.from_pretrained(folder, num_labels=1)
    replies = ("There are 24 hours in a day, so 2 days are 2 × 24 = 48 hours.", "Two.")
    rows = [[QUESTION, {"role": "assistant", "content": reply}] for reply in replies]
    inputs = tokenizer.apply_chat_template(rows, padding=True, return_tensors="pt")
    return [float(value) for value in model(**inputs).logits[:, 0]]


LOADERS = {"chat": generate, "reward": score}

if __name__ == "__main__":
    jobs = Path(sys.argv[1])
    results = {job["name"]: run(job) for job in json.loads(jobs.read_text())}
    jobs.with_name("RESULTS.json").write_text(json.dumps(results))
