"""Translates a person's query into arXiv's `search_query`.

Plain words must all occur (arXiv itself would accept any of them); a word with a hyphen becomes a phrase, because arXiv
reads `fine-tuning` as "fine, but not tuning". Field prefixes, quotes, parentheses and AND / OR / ANDNOT keep their
meaning. The result is built from tokens, so that no character of the query is taken for the service's syntax by accident.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta

from ml_intern_helpers.core.errors import UsageError
from ml_intern_helpers.core.text import clean

FIELDS = {"ti": "ti", "au": "au", "abs": "abs", "co": "co", "jr": "jr", "cat": "cat", "rn": "rn", "all": "all"}
FIELDS |= {"title": "ti", "author": "au", "abstract": "abs", "comment": "co", "journal": "jr", "category": "cat"}
OPERATORS = {"AND": "AND", "OR": "OR", "ANDNOT": "ANDNOT", "NOT": "ANDNOT"}
#: Archives that consist of subcategories, so that `cs` means `cs.*`.
_ARCHIVES = re.compile(r"astro-ph|cond-mat|cs|econ|eess|math|nlin|physics|q-bio|q-fin|stat")
#: Words that occur in nearly every abstract and say nothing about its subject.
_STOP = re.compile(
    "an?|and|are|as|at|by|do|for|from|how|in|into|is|it|of|on|or|that|the|to|using|via|vs|was|we|what|which|with", re.IGNORECASE
)
_TOKEN = re.compile(r'\s*(?:([()])|(?:([A-Za-z]+):(?=["(\w]))?(?:"([^"]*)"|([^\s()"]+)|(?=\()))')
_CATEGORY = re.compile(r"[a-z]+(?:-[a-z]+)?(?:\.(?:[A-Za-z]{2}|[a-z]+-[a-z]+|\*))?")
#: (kind, text); kind is `word`, `phrase`, `term` (with its field), `field` (before a parenthesis), `op`, `(` or `)`.
Token = tuple[str, str]
_EARLIEST = date(1986, 1, 1)
MAX_CHARACTERS = 1000


def build(query: str, *, categories: Sequence[str] = (), since: str | None = None, until: str | None = None) -> str:
    """The `search_query` for a query and its filters.

    Args:
        query: may be empty when a filter is given.
        categories: any of them matches; `cs` means every `cs.…`.
        since, until: `2024`, `2024-05` or `2024-05-31`; both inclusive, by the day of the first version.

    Raises:
        UsageError: nothing to search for, unbalanced quotes or parentheses, a dangling operator, a bad filter.
    """
    filters = [part for part in (category_filter(categories), date_filter(since, until)) if part]
    text = compile_query(query)
    if not text and not filters:
        raise UsageError("nothing to search for", hint="give words, an arXiv id, --category or --since")
    if text and filters and re.search(r"\b(?:OR|ANDNOT)\b", text):
        text = f"({text})"
    return " AND ".join([part for part in [text, *filters] if part])


def compile_query(query: str) -> str:
    """The query without filters; "" for an empty one."""
    if len(query) > MAX_CHARACTERS:
        raise UsageError(f"the query has {len(query)} characters, at most {MAX_CHARACTERS} are sent", hint="use fewer words")
    if re.search(r"\b(?:submittedDate|lastUpdatedDate):", query):
        raise UsageError("date ranges are not written in the query", hint="use --since and --until")
    query = clean(query).translate({0x201C: '"', 0x201D: '"'})
    if query.count('"') % 2:
        raise UsageError('a quote (") in the query is not closed', hint='write phrases as "low rank adaptation"')
    tokens = _tokens(query)
    plain = all(kind == "word" for kind, _ in tokens)
    kept = [token for token in tokens if not (plain and _STOP.fullmatch(token[1]))] or tokens
    return _join(_with_fields(kept))


def is_plain(query: str) -> bool:
    """Whether `query` is words and phrases only, which every service understands alike."""
    return all(kind in ("word", "phrase") for kind, _ in _tokens(clean(query))) and bool(query.strip())


def _tokens(query: str) -> list[Token]:
    """The query as tokens; characters that are neither words nor syntax are dropped."""
    tokens: list[Token] = []
    position = 0
    while match := _TOKEN.match(query, position):
        if match.end() == position:
            break
        position = match.end()
        tokens += _token(*match.groups())
    return tokens


def _token(paren: str | None, prefix: str | None, phrase: str | None, word: str | None) -> list[Token]:
    if paren:
        return [(paren, paren)]
    field = FIELDS.get((prefix or "").lower())
    if prefix and not field:  # "Note:this", "16:9": words with a colon, not a field
        return [*_token(None, None, None, prefix), *_token(None, None, phrase, word)]
    if phrase is None and word is None:
        return [("field", field or "all")]
    if not field and phrase is None and word in OPERATORS:
        return [("op", OPERATORS[word])]
    value = _value(phrase if phrase is not None else word or "", field)
    if not value:
        return []
    return [("term", f"{field}:{value}")] if field else [("word" if phrase is None else "phrase", value)]


def _with_fields(tokens: Sequence[Token]) -> Iterator[Token]:
    """Give every term its field: `ti:(lora OR "low rank")` searches both in the title."""
    fields, opening = ["all"], None
    for kind, text in tokens:
        if kind == "field":
            opening = text
            continue
        if kind == "(":
            fields.append(opening or fields[-1])
        elif kind == ")" and len(fields) > 1:
            fields.pop()
        opening = None
        if kind in ("word", "phrase"):
            value = one_category(text) if fields[-1] == "cat" else text
            yield "term", f"{fields[-1]}:{value}"
        else:
            yield kind, text


def _value(raw: str, field: str | None) -> str:
    """The word unchanged, or its parts as a phrase; "" when nothing searchable is left."""
    if field == "cat":
        return one_category(raw)
    parts = re.findall(r"[\w.]*\w(?:\*(?=\s|$))?", raw)
    if not parts:
        return ""
    value = parts[0] if len(parts) == 1 else '"' + " ".join(part.rstrip("*") for part in parts) + '"'
    return value.lower() if value in OPERATORS else value


def _join(tokens: Iterable[Token]) -> str:
    """The tokens with AND between neighbours that have no operator, checked for balance."""
    out: list[str] = []
    depth, operand_before = 0, False
    for kind, text in tokens:
        if operand_before and kind in ("term", "("):
            out.append("AND")
        if kind in ("op", ")") and not operand_before:
            raise UsageError(f"{text!r} in the query has nothing before it", hint="put AND, OR and ANDNOT between terms")
        depth += (kind == "(") - (kind == ")")
        if depth < 0:
            break
        out.append(text)
        operand_before = kind in ("term", ")")
    if depth:
        raise UsageError("the parentheses in the query are not balanced", hint="quote the whole query for the shell: '(a OR b)'")
    if out and not operand_before:
        raise UsageError(f"the query ends in {out[-1]!r}", hint="put AND, OR and ANDNOT between terms")
    return re.sub(r"(?<=\() | (?=\))", "", " ".join(out))


def category_filter(categories: Sequence[str]) -> str:
    """`cat:cs.CL`, or `(cat:cs.CL OR cat:cs.LG)` for several; "" for none."""
    terms = [f"cat:{one_category(item)}" for given in categories for item in given.split(",") if item.strip()]
    return terms[0] if len(terms) == 1 else f"({' OR '.join(terms)})" if terms else ""


def one_category(raw: str) -> str:
    """A category as arXiv writes it; `UsageError` for what cannot be one."""
    value = raw.strip()
    if not _CATEGORY.fullmatch(value):
        raise UsageError(f"{clean(raw, limit=40)!r} is not an arXiv category", hint="for example cs.CL, cs.LG, stat.ML or cs")
    return f"{value}.*" if _ARCHIVES.fullmatch(value) else value


def date_filter(since: str | None, until: str | None) -> str:
    """`submittedDate:[202401010000 TO 202412312359]`, GMT; "" without either date."""
    if not since and not until:
        return ""
    first = parse_day(since, last=False) if since else _EARLIEST
    final = parse_day(until, last=True) if until else datetime.now(UTC).date() + timedelta(days=1)
    if first > final:
        raise UsageError(f"--since {first} is after " + (f"--until {final}" if until else "today"), hint="swap the dates")
    return f"submittedDate:[{first:%Y%m%d}0000 TO {final:%Y%m%d}2359]"


def parse_day(text: str, *, last: bool) -> date:
    """The first or the last day of `2024`, `2024-05` or `2024-05-31`."""
    match = re.fullmatch(r"(\d{4})(?:-(\d{1,2})(?:-(\d{1,2}))?)?", text.strip())
    try:
        if match is None:
            raise ValueError
        year, month, day = int(match[1]), int(match[2] or (12 if last else 1)), int(match[3] or 1)
        found = date(year, month, day)
    except ValueError as err:
        raise UsageError(f"{clean(text, limit=40)!r} is not a date", hint="write 2024, 2024-05 or 2024-05-31") from err
    if last and not match[3]:
        return (found.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
    return found
