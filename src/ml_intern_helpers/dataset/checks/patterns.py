"""Search patterns that match the same in `re`, RE2 and DuckDB, and the patterns of keys and passwords, which are blanked wherever
rows are shown.

Expressions keep to what RE2 knows (no look-around, no back-references); `\\b`, `\\w`, `\\d` and `\\s` are ASCII, as in RE2.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

#: What stands where a key would in documentation.
_PLACEHOLDER = re.compile(r"x{4}|\*{3}|\.{3}|example|your|placeholder|dummy|redacted|changeme|<|\{\{", re.IGNORECASE)
_LEAST_DIFFERENT = 7
#: Passwords and hosts of examples.
_EXAMPLE_URL = re.compile(
    r":(?:pass(?:word)?\d*|secret\d*|postgres|root|admin\d*|mysecretpassword)@|@(?:localhost|127\.|host\b|db\b)", re.IGNORECASE
)


@dataclass(frozen=True)
class Pattern:
    """One kind of thing.

    Attributes:
        name: what it is, for people (`a GitHub token`).
        regex: finds candidates; starts with `(?i)` where case does not matter.
        needles: every match holds one of these, in lower case where case does not matter: a cheap first test; () for none.
        gate: an expression for words of a text, in small letters, one of which every match holds; None: the needles' words.
        unless: an expression that excuses the whole text when it matches, or None.
        confirm: a test of each match for what an expression cannot express (check digits, placeholders); or None.
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
        """Whether the pattern can be in texts made of `words`: casefolded, one a line, a line break in front."""
        if self.gate:
            return re.search(self.gate, words, re.ASCII) is not None
        return not self.needles or any(max(needle.split(), key=len).casefold() in words for needle in self.needles)

    def may_be_in(self, text: str) -> bool:
        """Whether one of the needles is in `text`, which is in lower case where case does not matter."""
        return not self.needles or any(needle in text for needle in self.needles)

    def matches(self, text: str) -> Iterator[re.Match[str]]:
        """Every confirmed match in `text`; none when the text is excused."""
        if self.excuse and self.excuse.search(text):
            return
        for match in self.compiled.finditer(text):
            if self.confirm is None or self.confirm(match[0]):
                yield match


def first(patterns: Iterable[Pattern], text: str) -> tuple[Pattern, str] | None:
    """The first of `patterns` that is in `text`, and what matched; None when none is."""
    lowered = text.lower()
    for pattern in patterns:
        held = lowered if pattern.any_case else text
        match = next(pattern.matches(text), None) if pattern.may_be_in(held) else None
        if match:
            return pattern, match[0]
    return None


def real_key(match: str) -> bool:
    """Whether a match is a key and not a place-holder for one: issuers draw them at random."""
    body = match.rsplit("_", 1)[-1]
    return not _PLACEHOLDER.search(match) and len(set(body)) >= _LEAST_DIFFERENT


def real_url(match: str) -> bool:
    """Whether an address holds a password that is worth hiding: letters and digits, no example, no host of the user's own."""
    password = match.split("://", 1)[1].split(":", 1)[1].rsplit("@", 1)[0]
    host = match.rsplit("@", 1)[1]
    mixed = any(map(str.isdigit, password)) and any(map(str.isalpha, password)) and len(set(password)) >= _LEAST_DIFFERENT
    return mixed and "." in host and not _PLACEHOLDER.search(match) and not _EXAMPLE_URL.search(match)


def real_private_key(match: str) -> bool:
    """Whether there is a key between the two marker lines, not an ellipsis."""
    body = match.split("-----", 2)[2]
    return len(set(body)) >= 20 and not _PLACEHOLDER.search(body)


#: Keys and passwords, by formats that nothing else has: prefixes and lengths as their issuers publish them.
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
    """`text` with the keys and passwords in it blanked, so that it can be shown."""
    for pattern in SECRETS:
        for match in list(pattern.matches(text)):
            text = text.replace(match[0], blanked(match[0]))
    return text


def blanked(secret: str) -> str:
    """The first four characters of a secret, and how many were blanked."""
    return f"{secret[:4]}…[{len(secret) - 4} characters blanked]"
