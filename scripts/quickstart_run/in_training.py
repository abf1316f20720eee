"""Runs inside the training environment: prints its versions, draws the loss curve, lets models answer questions.

    python in_training.py versions                           {python, torch, trl, …} as JSON
    python in_training.py curve POINTS.json PICTURE.png      draws a PNG, and characters for the terminal on stdout
    python in_training.py speak QUESTIONS.json MODEL…        JSON: for each model folder the list of its replies

POINTS.json: {"train": [[step, loss], …], "eval": [[step, loss], …]}, loss in nats per token. QUESTIONS.json: a list of strings.
"""

from __future__ import annotations

import json
import sys
from importlib.metadata import version
from pathlib import Path

Points = list[tuple[float, float]]
WIDTH, HEIGHT = 76, 16
LONGEST_REPLY_TOKENS = 60
NAMED_IN_THE_REPORT = ("torch", "trl", "transformers", "trackio")


def picture(train: Points, held_out: Points, path: Path) -> None:
    """Write the PNG, 1200 x 750 pixels."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(8, 5), dpi=150, layout="constrained")
    axes.plot(*zip(*train, strict=True), color="tab:blue", label="training")
    if held_out:
        axes.plot(*zip(*held_out, strict=True), "o--", color="tab:orange", label="held out")
    axes.set(xlabel="step", ylabel="loss (nats per token)", title="ml-intern quickstart: SFT of a tiny model", ylim=(0, None))
    axes.grid(alpha=0.3)
    axes.legend()
    figure.savefig(path)


def characters(train: Points, held_out: Points) -> str:
    """The curve as characters for a terminal, without colour."""
    import plotext

    plotext.terminal.limit(False, False)  # draw the requested size even without a terminal
    figure = plotext.figure
    figure.plot_size(WIDTH, HEIGHT)
    figure.theme("colorless")
    for points, marker in ((train, "braille"), (held_out, "o")):
        if points:
            figure.draw(figure.signal(*map(list, zip(*points, strict=True)), marker=marker).lines(marker == "braille"))
    figure.title("loss per step: line = training, o = held out")
    return str(plotext.uncolorize(str(figure.build())))


def replies(folder: str, questions: list[str]) -> list[str]:
    """The replies of the model in `folder` to each question, each in a conversation of its own, decoded greedily."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder)
    answers = []
    for question in questions:
        messages = [{"role": "user", "content": question}]
        inputs = tokenizer.apply_chat_template(messages, add_generation_prompt=True, return_tensors="pt", return_dict=True)
        generated = model.generate(**inputs, max_new_tokens=LONGEST_REPLY_TOKENS, do_sample=False)
        answers.append(tokenizer.decode(generated[0, inputs["input_ids"].shape[1] :], skip_special_tokens=True))
    return answers


def main(what: str, *arguments: str) -> None:
    if what == "versions":
        print(json.dumps({"python": sys.executable, **{name: version(name) for name in NAMED_IN_THE_REPORT}}))
        return
    data = json.loads(Path(arguments[0]).read_text(encoding="utf-8"))
    if what == "curve":
        picture(data["train"], data["eval"], Path(arguments[1]))
        print("\n".join(line.rstrip() for line in characters(data["train"], data["eval"]).splitlines()))
    else:
        print(json.dumps({folder: replies(folder, data) for folder in arguments[1:]}))


if __name__ == "__main__":
    main(*sys.argv[1:])
