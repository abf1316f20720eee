"""A launch as it will be, in a few lines and as JSON: where it runs, what it costs at most, what it gets, who pays."""

from __future__ import annotations

from typing import Any

from ml_intern_helpers.core.text import clean
from ml_intern_helpers.indexes.job_prices import prices
from ml_intern_helpers.indexes.jobs import DEFAULT_TIMEOUT_S, FLAVORS, timeout_seconds
from ml_intern_helpers.launches.hf_jobs import DEFAULT_IMAGE
from ml_intern_helpers.launches.launch import Launch
from ml_intern_helpers.launches.words import masked, quoted, redacted, texts
from ml_intern_helpers.preflight.facts import Facts

#: Arguments that a report lists.
_MOST_ARGUMENTS = 200


def fields_of_launch(facts: Facts) -> dict[str, Any]:
    """The entry in `launches`; see docs/schemas/preflight_check.v1.json. Values of secrets and of variables stay out."""
    launch = facts.launch
    assert launch is not None
    jobs = (facts.header.jobs or {}) if launch.mode == "jobs" else {}
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
        "python": _text(jobs.get("python")) or _local_python(launch),
        "namespace": _text(jobs.get("namespace")),
        "env": sorted(masked(name, 60) for name in (jobs.get("env") or launch.environ)),
        "secrets": sorted(masked(name, 60) for name in set(jobs.get("secrets") or ())),
        "volumes": [masked(str(one)) for one in jobs.get("volumes") or ()],
        "packages": [clean(one.text, limit=100) for one in facts.header.requirements] if launch.installs == "uv" else [],
        "processes": launch.processes,
        "schedule": launch.settings["schedule"].value if "schedule" in launch.settings else None,
        "repeats": launch.repeats,
        "from_script": sorted(
            key for key in (facts.own_header.jobs or {}) if launch.reads_header and key not in facts.header.from_launch
        ),
        "cost": cost(_text(jobs.get("flavor")), seconds),
        "notes": list(launch.notes),
    }


def _text(value: object) -> str | None:
    return masked(str(value), 100) if value is not None else None


def _local_python(launch: Launch) -> str | None:
    told = launch.settings.get("python")
    return told.value if told else None


def _image(launch: Launch, jobs: dict[str, Any]) -> str | None:
    if launch.mode != "jobs":
        return None
    default = DEFAULT_IMAGE if launch.reads_header or "uv run" in launch.launcher.split(":")[0] else None
    told = launch.settings.get("image")
    unclear = told.value is None if told else bool(launch.hidden)
    return _text(jobs.get("image")) or (None if unclear else default)


def _seconds(launch: Launch, jobs: dict[str, Any]) -> int | None:
    """What stops the job: the timeout, or without one the server's half hour; None when it cannot be told."""
    if launch.mode != "jobs":
        return None
    if "timeout" in jobs:
        return timeout_seconds(str(jobs["timeout"]))
    told = launch.settings.get("timeout")
    unclear = told.value is None if told else bool(launch.hidden)
    return None if unclear else DEFAULT_TIMEOUT_S


def cost(flavor: str | None, seconds: int | None) -> dict[str, Any] | None:
    """The most it can cost: price an hour times the timeout; None for an unknown flavor."""
    price = prices().usd_per_hour.get(flavor or "")
    if price is None:
        return None
    most = round(price * seconds / 3600, 2) if seconds is not None and seconds > 0 else None
    return {"usd_per_hour": price, "most_usd": most, "as_of": prices().as_of}


def lines_of(entry: dict[str, Any]) -> list[str]:
    """The entry in three to six lines."""
    script = [entry["script"]] if entry["script"] and entry["script_kind"] != "trl" else []
    lines = [f"launch{entry['place']}: {entry['launcher']} -> {masked(quoted([*script, *entry['arguments']]), 140)}"]
    lines += _job(entry) if entry["mode"] == "jobs" else _local(entry)
    env = ", ".join(entry["env"]) or "no variables"
    secrets = ", ".join(entry["secrets"]) or "none"
    lines += [f"  gets     env: {env}; secrets: {secrets}"] if entry["mode"] == "jobs" or entry["env"] else []
    lines += [f"  mounts   {', '.join(entry['volumes'])}"] if entry["volumes"] else []
    if entry["not_read"]:
        lines.append(f"  not read {entry['not_read']}")
    return lines + [f"  note     {note}" for note in entry["notes"]]


def _job(entry: dict[str, Any]) -> list[str]:
    cards, card = FLAVORS.get(entry["flavor"] or "", (0, ""))
    hardware = f" ({cards} x {card})" if cards else ""
    hours = _duration(entry["timeout_s"]) if entry["timeout_s"] else "an unknown time"
    default = "" if entry["timeout"] or not entry["timeout_s"] else " (the server's default)"
    lines = [f"  job      {entry['flavor'] or 'unknown flavor'}{hardware} for at most {hours}{default}{_price(entry['cost'])}"]
    python = f", python {entry['python']}" if entry["python"] else ""
    lines.append(f"  runs in  {entry['image'] or 'an image that is not known here'}{python}{_packages(entry)}")
    account = f"the account {entry['namespace']}" if entry["namespace"] else "the account that is logged in"
    schedule = f"; scheduled: {entry['schedule']}" if entry["schedule"] else ""
    return [*lines, f"  paid by  {account}{schedule}"]


def _price(found: dict[str, Any] | None) -> str:
    if found is None:
        return ""
    most = f"at most ${found['most_usd']:.2f}, " if found["most_usd"] is not None else ""
    return f": {most}${found['usd_per_hour']:.2f}/h as of {found['as_of']} (now: `hf jobs hardware`)"


def _packages(entry: dict[str, Any]) -> str:
    return f", packages: {' '.join(entry['packages'])}" if entry["packages"] else ""


def _local(entry: dict[str, Any]) -> list[str]:
    processes = f", {entry['processes']} processes" if entry["processes"] else ""
    return [f"  runs on  this machine{processes}{_packages(entry)}"]


def _duration(seconds: int) -> str:
    return f"{seconds / 3600:g} h" if seconds >= 3600 else f"{seconds / 60:g} min"
