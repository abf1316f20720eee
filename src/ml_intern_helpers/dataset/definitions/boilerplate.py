"""Refusals and self-descriptions of chat models: looked for in the first `REFUSAL_CHARACTERS` of an assistant's answer."""

from __future__ import annotations

from ml_intern_helpers.dataset.definitions.pattern import Pattern

#: A refusal opens an answer; the same words further on are usually quoted or told.
REFUSAL_CHARACTERS = 240

_CANNOT = (
    r"(?:cannot|can ?not|can['’]t|won['’]t|(?:am|['’]m) (?:unable|not able) to|am not capable of|don['’]t have the ability to)"
)
_DO = (
    r"(?:assist\b|help (?:you|with|in|anyone)\b|help[.,!]|provid|fulfil|comply|generat|engag|support (?:that|this|any|such)|brows"
    r"|participat|promot|access (?:the internet|real|external|current|personal)|do that"
    r"|(?:answer|creat|writ|discuss|complet|continu|perform|shar|produc|recommend|offer|giv)\w* (?:that|this|such|your|you|any"
    r"|content|instructions|information|explicit|harmful|medical|legal|financial|advice|a response))"
)

REFUSALS: tuple[Pattern, ...] = (
    Pattern(
        "a refusal",
        r"(?i)^\s{0,8}(?:(?:(?:i['’]m|i am) (?:very |really |so )?sorry|sorry|i apologi[sz]e|my apologies|unfortunately)"
        r"[^.!?]{0,60}?[,.:]? (?:but |as an ai[^.]{0,40} |however,? )?)?"
        rf"i ?{_CANNOT} {_DO}",
        (
            "cannot",
            "can not",
            "can't",
            "can’t",
            "won't",
            "won’t",
            "unable",
            "not able",
            "not capable",
            "have the ability",
        ),
    ),
    Pattern(
        "a chat model talking about itself",
        r"(?i)\bas an? (?:ai|artificial intelligence|(?:large )?language model)\b"
        r"(?:[ -](?:language )?(?:model|assistant|program|system))?[^.]{0,40}?,? i(?:\b| ?['’]m)"
        r"|\bi(?:['’]m| am) (?:just |only )?an? (?:ai|artificial intelligence|(?:large )?language) ?"
        r"(?:language )?(?:model|assistant|program)\b",
        ("as an ai", "as an art", "as a la", "'m a", "’m a", "i am a", "'m just a", "’m just a", "am just a", "m only a"),
    ),
)
