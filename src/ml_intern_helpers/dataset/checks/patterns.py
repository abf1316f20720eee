"""Defines search patterns that match the same in Python and DuckDB, and blanks keys and passwords wherever rows are shown.

Expressions use only what RE2 supports (no look-around, no back-references); `\\b`, `\\w`, `\\d` and `\\s` are ASCII, as in RE2.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

#: Marks of placeholders that documentation uses in place of a key.
_PLACEHOLDER = re.compile(r"x{4}|\*{3}|\.{3}|example|your|placeholder|dummy|redacted|changeme|<|\{\{", re.IGNORECASE)
#: The fewest different characters of a real key or password.
_LEAST_DIFFERENT = 7
#: Passwords and hosts that examples use.
_EXAMPLE_URL = re.compile(
    r":(?:pass(?:word)?\d*|secret\d*|postgres|root|admin\d*|mysecretpassword)@|@(?:localhost|127\.|host\b|db\b)", re.IGNORECASE
)


@dataclass(frozen=True)
class Pattern:
    """One kind of text to search for.

    Attributes:
        name: what it finds, as messages name it (`a GitHub token`).
        regex: the expression that finds candidates; starts with `(?i)` to ignore case.
        needles: substrings of which every match contains one (in lower case with `(?i)`), for a cheap first test; () for none.
        gate: an expression that some case-folded word of every matching text meets; None: the longest word of a needle.
        unless: an expression that excludes the whole text when it matches, or None.
        confirm: a test of each match that an expression cannot make (check digits, placeholders), or None.
    """

    name: str
    regex: str
    needles: tuple[str, ...]
    gate: str | None = None
    unless: str | None = None
    confirm: Callable[[str], bool] | None = None

    @cached_property
    def compiled(self) -> re.Pattern[str]:
        return re.compile(self.regex, re.ASCII)

    @cached_property
    def excuse(self) -> re.Pattern[str] | None:
        return re.compile(self.unless, re.ASCII) if self.unless else None

    @property
    def any_case(self) -> bool:
        return self.regex.startswith("(?i)")

    def may_be_among(self, words: str) -> bool:
        """Whether texts made of `words` (case-folded, one per line, after a line break) may contain a match."""
        if self.gate:
            return re.search(self.gate, words, re.ASCII) is not None
        return not self.needles or any(max(needle.split(), key=len).casefold() in words for needle in self.needles)

    def may_be_in(self, text: str) -> bool:
        """Whether `text` (in lower case with `any_case`) contains one of the needles."""
        return not self.needles or any(needle in text for needle in self.needles)

    def matches(self, text: str) -> Iterator[re.Match[str]]:
        """Every confirmed match in `text`; none when `unless` excludes the text."""
        if self.excuse and self.excuse.search(text):
            return
        for match in self.compiled.finditer(text):
            if self.confirm is None or self.confirm(match[0]):
                yield match


def first(patterns: Iterable[Pattern], text: str) -> tuple[Pattern, str] | None:
    """The first of `patterns` with a match in `text`, and that match; None without one."""
    lowered = text.lower()
    for pattern in patterns:
        searched = lowered if pattern.any_case else text
        match = next(pattern.matches(text), None) if pattern.may_be_in(searched) else None
        if match:
            return pattern, match[0]
    return None


def real_key(match: str) -> bool:
    """Whether a match is a key and not a placeholder: real keys are random, so they have many different characters."""
    body = match.rsplit("_", 1)[-1]
    return not _PLACEHOLDER.search(match) and len(set(body)) >= _LEAST_DIFFERENT


def real_url(match: str) -> bool:
    """Whether an address holds a real password: one of letters and digits, neither an example nor for a local host."""
    password = match.split("://", 1)[1].split(":", 1)[1].rsplit("@", 1)[0]
    host = match.rsplit("@", 1)[1]
    mixed = any(map(str.isdigit, password)) and any(map(str.isalpha, password)) and len(set(password)) >= _LEAST_DIFFERENT
    return mixed and "." in host and not _PLACEHOLDER.search(match) and not _EXAMPLE_URL.search(match)


def real_private_key(match: str) -> bool:
    """Whether a key follows the marker line, not an ellipsis or placeholder."""
    body = match.split("-----", 2)[2]
    return len(set(body)) >= 20 and not _PLACEHOLDER.search(body)


#: Keys and passwords, recognised by unmistakable formats: prefixes and lengths that their issuers publish.
SECRETS: tuple[Pattern, ...] = (
    Pattern("a Hugging Face token", r"\bhf_[A-Za-z0-9]{30,40}\b", ("hf_",), confirm=real_key),
    Pattern("an OpenAI key", r"\bsk-[A-Za-z0-9_-]{20,120}T3BlbkFJ[A-Za-z0-9_-]{20,120}", ("T3BlbkFJ",), confirm=real_key),
    Pattern("an Anthropic key", r"\bsk-ant-[a-z]{3,5}\d\d-[A-Za-z0-9_-]{60,}", ("sk-ant-",), confirm=real_key),
    Pattern(
        "a GitHub token",
        r"\b(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{50,})\b",
        ("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"),
        confirm=real_key,
    ),
    Pattern("a GitLab token", r"\bglpat-[A-Za-z0-9_-]{20,}", ("glpat-",), confirm=real_key),
    Pattern("an AWS access key id", r"\b(?:AKIA|ASIA)[A-Z2-7]{16}\b", ("AKIA", "ASIA"), confirm=real_key),
    Pattern(
        "an AWS secret key",
        r"(?i)\baws_?secret_?(?:access_?)?key[\"']?\s{0,4}[:=]\s{0,4}[\"']?[A-Za-z0-9/+]{40}\b",
        ("secret",),
        confirm=real_key,
    ),
    Pattern("a Google API key", r"\bAIza[A-Za-z0-9_-]{35}", ("AIza",), confirm=real_key),
    Pattern("a Slack token", r"\bxox[abeprs]-\d{8,}-[A-Za-z0-9-]{20,}", ("xox",), confirm=real_key),
    Pattern("a Stripe live key", r"\b[rs]k_live_[A-Za-z0-9]{20,}\b", ("k_live_",), confirm=real_key),
    Pattern("a SendGrid key", r"\bSG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}", ("SG.",), confirm=real_key),
    Pattern("an npm token", r"\bnpm_[A-Za-z0-9]{36}\b", ("npm_",), confirm=real_key),
    Pattern("a PyPI token", r"\bpypi-AgEIcHlwaS5vcmc[A-Za-z0-9_-]{50,}", ("pypi-AgEI",), confirm=real_key),
    Pattern(
        "a private key",
        r"-----BEGIN (?:RSA |EC |DSA |OPENSSH |ENCRYPTED )?PRIVATE KEY-----(?:\s|\\n)+[A-Za-z0-9+/=\s\\]{64,}",
        ("PRIVATE KEY-----",),
        confirm=real_private_key,
    ),
    Pattern(
        "a database address with its password",
        r"\b(?:postgres|postgresql|mysql|mongodb|mongodb\+srv|redis|rediss|amqp|amqps)://[A-Za-z0-9_.-]+:[^\s:/@\"'<>]{8,64}@[A-Za-z0-9.-]+",
        ("postgres", "mysql:", "mongodb", "redis", "amqp"),
        confirm=real_url,
    ),
)


def hide(text: str) -> str:
    """`text` with its keys and passwords blanked, so that it can be shown."""
    for pattern in SECRETS:
        for match in list(pattern.matches(text)):
            text = text.replace(match[0], blanked(match[0]))
    return text


def blanked(secret: str) -> str:
    """The first four characters of a secret, and how many were blanked."""
    return f"{secret[:4]}…[{len(secret) - 4} characters blanked]"
