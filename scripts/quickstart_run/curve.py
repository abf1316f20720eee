"""Draws a loss curve: a PNG, and characters for the terminal. Runs in the training environment.

    python curve.py POINTS.json PICTURE.png

POINTS.json: {"train": [[step, loss], …], "eval": [[step, loss], …]}, loss in nats per token. The characters go to stdout.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

Points = list[tuple[float, float]]
WIDTH, HEIGHT = 76, 16


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
    """The same for a terminal, without colour."""
    import plotext

    plotext.terminal.limit(False, False)  # draw the size asked for, also where there is no terminal
    figure = plotext.figure
    figure.plot_size(WIDTH, HEIGHT)
    figure.theme("colorless")
    for points, marker in ((train, "braille"), (held_out, "o")):
        if points:
            figure.draw(figure.signal(*map(list, zip(*points, strict=True)), marker=marker).lines(marker == "braille"))
    figure.title("loss per step: line = training, o = held out")
    return str(plotext.uncolorize(str(figure.build())))


def main() -> None:
    points = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    picture(points["train"], points["eval"], Path(sys.argv[2]))
    print("\n".join(line.rstrip() for line in characters(points["train"], points["eval"]).splitlines()))


if __name__ == "__main__":
    main()
