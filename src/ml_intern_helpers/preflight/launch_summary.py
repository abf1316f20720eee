"""Summarises a launch, as JSON fields and in a few lines: where it runs, what it costs at most, what it gets, who pays."""

from __future__ import annotations

from typing import Any

from ml_intern_helpers.core.text import clean
from ml_intern_helpers.indexes.job_prices import prices
from ml_intern_helpers.indexes.jobs import DEFAULT_TIMEOUT_S, FLAVORS, timeout_seconds
from ml_intern_helpers.launches.hf_jobs import DEFAULT_IMAGE
from ml_intern_helpers.launches.launch import Launch
from ml_intern_helpers.launches.words import masked, quoted, redacted, texts
from ml_intern_helpers.preflight.context import ScriptContext

#: Arguments that a report lists.
_MOST_ARGUMENTS = 200


def fields_of_launch(context: ScriptContext) -> dict[str, Any]:
    """The entry in `launches`; see docs/schemas/preflight_check.v1.json. Values of secrets and of variables stay out."""
    launch = context.launch
    assert launch is not None
    jobs = (context.header.jobs or {}) if launch.mode == "jobs" else {}
    seconds = _seconds(launch, jobs)
    return {
        "launcher": launch.launcher,
        "command": launch.text,
        "mode": launch.mode,
        "dry_run": launch.dry,
        "script": launch.target.name or None,
        "script_kind": launch.target.kind,
        "not_read": launch.target.reason or None,
        "arguments": [masked(text) for text in redacted(texts(launch.args[:_MOST_ARGUMENTS]))],
        "image": _image(launch, jobs),
        "flavor": _text(jobs.get("flavor")),
        "timeout": _text(jobs.get("timeout")),
        "timeout_s": seconds,
        "python": _text(jobs.get("python")) or (launch.settings["python"].value if "python" in launch.settings else None),
        "namespace": _text(jobs.get("namespace")),
        "env": sorted(masked(name, 60) for name in (jobs.get("env") or launch.environ)),
        "secrets": sorted(masked(name, 60) for name in set(jobs.get("secrets") or ())),
        "volumes": [masked(str(one)) for one in jobs.get("volumes") or ()],
        "packages": [clean(one.text, limit=100) for one in context.header.requirements] if launch.installs == "uv" else [],
        "processes": launch.processes,
        "schedule": launch.settings["schedule"].value if "schedule" in launch.settings else None,
        "repeats": launch.repeats,
        "from_script": sorted(
            key for key in (context.own_header.jobs or {}) if launch.reads_header and key not in context.header.from_launch
        ),
        "cost": cost(_text(jobs.get("flavor")), seconds),
        "notes": list(launch.notes),
    }


def _text(value: object) -> str | None:
    return masked(str(value), 100) if value is not None else None


def _image(launch: Launch, jobs: dict[str, Any]) -> str | None:
    if launch.mode != "jobs":
        return None
    default = DEFAULT_IMAGE if launch.reads_header or "uv run" in launch.launcher.split(":")[0] else None
    setting = launch.settings.get("image")
    unclear = setting.value is None if setting else bool(launch.hidden)
    return _text(jobs.get("image")) or (None if unclear else default)


def _seconds(launch: Launch, jobs: dict[str, Any]) -> int | None:
    """What stops the job: the timeout, or without one the server's half hour; None when it cannot be told."""
    if launch.mode != "jobs":
        return None
    if "timeout" in jobs:
        return timeout_seconds(str(jobs["timeout"]))
    setting = launch.settings.get("timeout")
    unclear = setting.value is None if setting else bool(launch.hidden)
    return None if unclear else DEFAULT_TIMEOUT_S


def cost(flavor: str | None, seconds: int | None) -> dict[str, Any] | None:
    """The most it can cost: price an hour times the timeout; None for an unknown flavor."""
    price = prices().usd_per_hour.get(flavor or "")
    if price is None:
        return None
    most = round(price * seconds / 3600, 2) if seconds is not None and seconds > 0 else None
    return {"usd_per_hour": price, "most_usd": most, "as_of": prices().as_of}


def lines_of_launch(entry: dict[str, Any]) -> list[str]:
    """The entry of `fields_of_launch` in three to six lines."""
    script = [entry["script"]] if entry["script"] and entry["script_kind"] != "trl" else []
    lines = [f"launch{entry['place']}: {entry['launcher']} -> {masked(quoted([*script, *entry['arguments']]), 140)}"]
    packages = f", packages: {' '.join(entry['packages'])}" if entry["packages"] else ""
    if entry["mode"] == "jobs":
        lines += _lines_of_job(entry, packages)
    else:
        processes = f", {entry['processes']} processes" if entry["processes"] else ""
        lines.append(f"  runs on  this machine{processes}{packages}")
    if entry["mode"] == "jobs" or entry["env"]:
        env, secrets = ", ".join(entry["env"]) or "no variables", ", ".join(entry["secrets"]) or "none"
        lines.append(f"  gets     env: {env}; secrets: {secrets}")
    lines += [f"  mounts   {', '.join(entry['volumes'])}"] if entry["volumes"] else []
    lines += [f"  not read {entry['not_read']}"] if entry["not_read"] else []
    return lines + [f"  note     {note}" for note in entry["notes"]]


def _lines_of_job(entry: dict[str, Any], packages: str) -> list[str]:
    cards, card = FLAVORS.get(entry["flavor"] or "", (0, ""))
    hardware = f" ({cards} x {card})" if cards else ""
    seconds, cost = entry["timeout_s"], entry["cost"]
    duration = "an unknown time" if not seconds else f"{seconds / 3600:g} h" if seconds >= 3600 else f"{seconds / 60:g} min"
    default = "" if entry["timeout"] or not seconds else " (the server's default)"
    price = ""
    if cost is not None:
        most = f"at most ${cost['most_usd']:.2f}, " if cost["most_usd"] is not None else ""
        price = f": {most}${cost['usd_per_hour']:.2f}/h as of {cost['as_of']} (now: `hf jobs hardware`)"
    python = f", python {entry['python']}" if entry["python"] else ""
    account = f"the account {entry['namespace']}" if entry["namespace"] else "the account that is logged in"
    schedule = f"; scheduled: {entry['schedule']}" if entry["schedule"] else ""
    return [
        f"  job      {entry['flavor'] or 'unknown flavor'}{hardware} for at most {duration}{default}{price}",
        f"  runs in  {entry['image'] or 'an image that is not known here'}{python}{packages}",
        f"  paid by  {account}{schedule}",
    ]
