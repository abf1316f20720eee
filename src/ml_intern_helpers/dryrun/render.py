"""The text of a dry run: the verdict first, then what was seen, substituted and held back."""

from __future__ import annotations

from typing import Any

from ml_intern_helpers.core.report import Report, render_finding

#: Characters of the text form.
_MOST = 2500


def text_of(report: Report) -> str:
    """At most 2,500 characters; what is cut is in `--json`."""
    fields = report.fields
    seconds = f" ({fields['seconds']:.0f} s, {fields['peak_bytes'] / 1e9:.1f} GB)" if fields.get("seconds") is not None else ""
    lines = [f"{fields['verdict']} {fields['path']}{seconds}"]
    if fields["verdict"] == "UNKNOWN":
        lines.append(f"why: {fields['reason']}")
    lines += [render_finding(finding) for finding in report.findings]
    seen = _seen(fields["seen"])
    lines += ["seen:", *(f"  {line}" for line in seen)] if seen else []
    if fields["writes"]:
        lines.append("held back: " + "; ".join(_write(each) for each in fields["writes"]))
    if fields["substitutions"]:
        lines.append("replaced: " + "; ".join(each["what"] for each in fields["substitutions"]))
    if fields.get("environment"):
        lines.append(f"environment: {fields['environment']}")
    if fields["verdict"] == "PASS":
        lines.append("Not shown by a CPU: GPU memory, bf16, kernels, vLLM, several GPUs, and how good the model becomes.")
    text = "\n".join(lines)
    return text if len(text) <= _MOST else text[: _MOST - 30].rsplit("\n", 1)[0] + "\n[cut; --json has all]"


def _write(each: dict[str, Any]) -> str:
    private = {True: "private ", False: "PUBLIC "}.get(each["private"], "")
    times = f" × {each['times']}" if each["times"] > 1 else ""
    return f"{each['method']} {private}{each['repo']}{times}"


def _seen(events: list[dict[str, Any]]) -> list[str]:
    lines = []
    for event in events:
        line = _LINES[event["kind"]](event) if event["kind"] in _LINES else None
        if line:
            lines.append(line)
    return lines


def _trainable(event: dict[str, Any]) -> str:
    share = event["parameters"] / max(event["of"], 1)
    targets = f"; adapter on {event['adapter_modules']} modules ({', '.join(event['targets'])})" if event["targets"] else ""
    return f"trainable: {event['parameters']:,} of {event['of']:,} parameters of the shrunk model ({share:.1%}){targets}"


def _batch(event: dict[str, Any]) -> str:
    full = f", {event['rows_full']} at max_length {event['max_length']}" if event["rows_full"] else ""
    parts = [("[TRAINED] " if trained else "[masked] ") + text.replace("\n", "⏎") for trained, text in event["example"] or []]
    shown = " ".join(part if len(part) < 160 else part[:100] + " … " + part[-50:] for part in parts)[:600]
    return (
        f"first {event['rows']} rows: {event['trained_share']:.0%} of tokens trained, end token in {event['eos_trained']}, "
        f"{event['rows_without']} without a trained token{full}\n  row 1: {shown}"
    )


def _reward(event: dict[str, Any]) -> str:
    values = {name: event[name] for name in ("reference", "wrong", "empty") if event[name]}
    return f"reward {event['name']}: " + ", ".join(
        f"{name} {[round(v, 3) for v in each if v is not None]}" for name, each in values.items()
    )


def _schedule(event: dict[str, Any]) -> str:
    def number(value: Any) -> str:
        return "an unknown number of" if value is None else f"{value:,}"

    pushes = f", pushes to {event['hub_model_id'] or 'the name of output_dir'}" if event["push_to_hub"] else ""
    rows = f" over {event['rows']:,} rows" if event["rows"] is not None else ""
    return (
        f"the real run: {number(event['steps'])} optimizer steps of {event['batch']} rows{rows}, "
        f"{number(event['evaluations'])} evaluations, {number(event['saves'])} saves{pushes} (one process)"
    )


def _trained(event: dict[str, Any]) -> str:
    losses = ", ".join(f"{loss:.3g}" for loss in event["losses"][:3])
    metrics = f"; evaluated: {', '.join(event['eval_metrics'][:4])}" if event["eval_metrics"] else ""
    return f"{event['trainer']} trained {event['steps']} steps, losses {losses or 'not logged'}{metrics}"


_LINES: dict[str, Any] = {
    "trainable": _trainable,
    "batch": _batch,
    "reward": _reward,
    "schedule": _schedule,
    "trained": _trained,
    "moved": lambda event: f"moved: {event['tensors']} of {event['of']} trainable tensors",
    "resumed": lambda event: "checkpoint saved and resumed" if event["ok"] else None,
    "saved": lambda event: (
        f"saved and loaded again: {event['folder']}" + (" (adapter)" if event["adapter"] else "") if event["ok"] else None
    ),
    "own_loop": lambda event: f"the script's own loop took {event['steps']} optimizer steps",
    "unobserved": lambda event: f"not seen: {event['what']}: {event['why']}",
    "limit": lambda event: event["message"],
}
