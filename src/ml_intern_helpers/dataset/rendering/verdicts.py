"""The verdicts as text: the headline, what it rests on, the mappings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ml_intern_helpers.core.text import human_bytes
from ml_intern_helpers.dataset.rendering.decision import all_rows
from ml_intern_helpers.dataset.verdicts import TITLES

Fields = dict[str, Any]


def comparison_lines(fields: Fields) -> Iterator[str]:
    """The answer to `--compare` comes first: it is what was asked."""
    if fields["compare"]:
        from ml_intern_helpers.dataset.profile.compare import comparison_text

        yield from comparison_text(fields["compare"])
        yield ""


def headline(fields: Fields) -> str:
    """`NEEDS MAPPING for sft: reason`, or one phrase for each kind of verdict."""
    method, verdicts = fields["method"], fields["verdicts"]
    if method:
        return f"{TITLES[verdicts[method]['verdict']]} for {method}: {verdicts[method]['reason']}"
    return _grouped(fields, None)


def other_methods(fields: Fields) -> str:
    """What the methods make of the rows that were not asked for."""
    told = _grouped(fields, fields["method"])
    return f"other methods: {told}" + (" (ask with --method)" if TITLES["unknown"] in told else "")


def _grouped(fields: Fields, leave_out: str | None) -> str:
    """`READY for grpo; INCOMPATIBLE for dpo, kto, reward`."""
    groups: dict[str, list[str]] = {}
    for name, verdict in fields["verdicts"].items():
        if name != leave_out:
            groups.setdefault(verdict["verdict"], []).append(name)
    return "; ".join(f"{title} for {', '.join(groups[word])}" for word, title in TITLES.items() if word in groups)


def looked_at(fields: Fields) -> str:
    """Source, config and split, and how much of it was read."""
    source, at = fields["source"], fields["looked_at"]
    where = source["where"] if source["where"] == fields["dataset"] else f"{fields['dataset']} · {source['where']}"
    where += f" at {source['revision'][:12]}" if source["revision"] else ""
    dated = f" · {'stored answer of' if source['cached'] else 'asked'} {source['fetched_at']}" if source["fetched_at"] else ""
    why = f" ({at['because']})" if at["because"] else ""
    lines = [where + dated, f"looked at config {at['config']}, split {at['split']}{why}: {_extent(at)}"]
    if source["why"]:
        lines.append(f"this source because {source['why']}")
    return "\n".join(lines)


def _extent(at: Fields) -> str:
    if at["complete"]:
        return all_rows(at["rows_sampled"])
    told = f"{at['rows_sampled']:,} rows verified ({at['order']})"
    if at["rows_parsed"] is not None and at["bytes_total"]:
        told += f"; {at['rows_parsed']:,} rows parsed, {human_bytes(at['bytes_read'])} of {human_bytes(at['bytes_total'])}"
    if at["rows_dropped_cut"]:
        told += f"; {at['rows_dropped_cut']} left out because the viewer cut them short"
    return told


def load_lines(fields: Fields) -> Iterator[str]:
    """The line that loads the split, unless a mapping shown begins with it: `sep`, config and split are easily missed."""
    if fields["load"] and not any(verdict["mapping"] for _, verdict in asked(fields)):
        yield f"load: {fields['load']}"


def asked(fields: Fields) -> list[tuple[str, Fields]]:
    """The verdicts that the user wants to see in full."""
    return [(name, verdict) for name, verdict in fields["verdicts"].items() if fields["method"] in (None, name)]


def trained_on(fields: Fields) -> Iterator[str]:
    """What each usable method would not see, and how long its rows are."""
    for name, verdict in asked(fields):
        if verdict["columns_not_used"]:
            left = verdict["columns_not_used"]
            more = f" and {len(left) - 12} more" if len(left) > 12 else ""
            yield f"columns not used for {name}: {', '.join(map(repr, left[:12]))}{more}"
        if verdict["length"]:
            at = verdict["length"]
            figures = ", ".join(f"{word} {at[word]:,}" for word in ("min", "median", "p95", "max"))
            yield f"length for {name}, {at['unit']} of {at['of']} in {at['rows']:,} sampled rows: {figures}"


def mapping_lines(fields: Fields) -> Iterator[str]:
    """Mapping code, with the rows it was run on."""
    for name, verdict in asked(fields):
        if verdict["mapping"]:
            ran = f"{verdict['mapping_rows_in']} sampled rows, {verdict['mapping_rows_out']} came out, all as {name} reads them"
            yield f"\nmapping for {name} (run on {ran}):"
            yield from (f"    {line}" for line in verdict["mapping"].splitlines())


def verdict_lines(fields: Fields) -> Iterator[str]:
    """The verdicts beside the headline, the readings, and the evidence."""
    if fields["method"]:
        yield f"\n{other_methods(fields)}"
    else:
        yield "\nverdicts:"
        for name, verdict in fields["verdicts"].items():
            yield f"  {name:<7} {TITLES[verdict['verdict']]}: {verdict['reason']}"
    yield from _readings(fields)
    yield f"evidence: {next(iter(fields['verdicts'].values()))['evidence']}"


def _readings(fields: Fields) -> Iterator[str]:
    """What the rows are, what else they could be, and what they are good for."""
    forms = [item["name"] + (f" ({item['form']})" if item["form"] != "own" else "") for item in fields["formats"]]
    yield f"reads as: {', '.join(forms) or 'no known format'}"
    for item in fields["formats"]:
        if item["note"]:
            yield f"  {item['name']}: {item['note']}"
    best = [f"{item['method']} ({item['why']})" for item in fields["recommended"]]
    yield f"recommended: {'; '.join(best) or 'none of these methods'}"
