"""Personal data in the rows: e-mail addresses, and telephone, card, account and social security numbers.

Check digits are verified; addresses of examples and shared mailboxes (`support@…`) are not reported. Matches are shown blanked.
Mask them, or drop the rows.

Bad:
    {"text": "Write to margarethe.kowalczyk@posteo.de for it."}

Good:
    {"text": "Write to support@example.com for it."}
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ml_intern_helpers.core.report import Finding, Severity
from ml_intern_helpers.dataset.checks.context import Facts, finding
from ml_intern_helpers.dataset.checks.patterns import Pattern
from ml_intern_helpers.dataset.checks.text_search import Search, hits

CODE, TOPIC = "SET320", "safety"
SEVERITY: Severity = "warning"
FIX = "mask them, or drop the rows"
#: Domains reserved for examples (RFC 2606), or commonly used as placeholders.
EXAMPLE_DOMAIN = re.compile(
    r"@(?:[a-z0-9-]+\.)*(?:example|test|invalid|localhost|domain|yourdomain|mydomain|email|mail|company|yourcompany|acme|site|website"
    r"|server|host|sample|xyz|abc|foo|bar)\.[a-z]{2,}$|\.(?:example|test|invalid|local|png|jpg|jpeg|gif|svg|webp)$|@\dx\.",
    re.IGNORECASE,
)
#: Mailboxes of roles and placeholders, not of a person.
ROLE_BOX = re.compile(
    r"^(?:info|support|contact|admin|administrator|noreply|no-reply|donotreply|sales|help|helpdesk|office|hello|hr|jobs|careers|press"
    r"|privacy|abuse|webmaster|postmaster|team|service|customerservice|billing|security|user\d*|username|name|firstname[._]?lastname"
    r"|your[._]?(?:name|email)|you|me|my[._]?email|email|mail|test\d*|example|someone|foo|bar|alice|bob|john|jane|git|root"
    r"|j(?:ohn|ane)?[._]?(?:doe|smith)\d*)@",
    re.IGNORECASE,
)
#: Numbers that card companies publish for tests.
TEST_CARDS = frozenset(
    ("4111111111111111", "4242424242424242", "4012888888881881", "5555555555554444", "5105105105105100", "4000056655665556")
) | {"378282246310005", "371449635398431", "6011111111111117", "6011000990139424", "4000000000000002", "5200828282828210"}
_LAST_NUMBER = re.compile(r"\d[\d -]{11,}\d")
_DIGITS = re.compile(r"\d")


def digits(text: str) -> str:
    """The digits of `text`."""
    return "".join(_DIGITS.findall(text))


def real_email(match: str) -> bool:
    """Whether an address may belong to a person."""
    address = match.removeprefix("mailto:").lstrip(" \t\r\n\f\v<>([{,;\"'|=")
    return not EXAMPLE_DOMAIN.search(address) and not ROLE_BOX.match(address)


def real_card(match: str) -> bool:
    """Whether the check digit is valid (Luhn), and the number is not a test number."""
    number = digits(_LAST_NUMBER.findall(match)[-1])
    total = sum(sum(divmod(int(digit) * (1 + place % 2), 10)) for place, digit in enumerate(reversed(number)))
    return 13 <= len(number) <= 19 and total % 10 == 0 and number not in TEST_CARDS and len(set(number)) > 4


def real_iban(match: str) -> bool:
    """Whether the check digits are valid (ISO 7064, mod 97), and the IBAN is not an example."""
    text = match.replace(" ", "")
    rearranged = text[4:] + text[:4]
    return (
        15 <= len(text) <= 34 and text not in EXAMPLE_IBANS and int("".join(str(int(sign, 36)) for sign in rearranged)) % 97 == 1
    )


#: IBANs that banks and standards print as examples.
EXAMPLE_IBANS = frozenset(
    [
        "GB82WEST12345698765432",
        "DE89370400440532013000",
        "GB29NWBK60161331926819",
        "FR1420041010050500013M02606",
        "NL91ABNA0417164300",
    ]
)


def real_phone(match: str) -> bool:
    """Whether a number has the length of a telephone number, and is not made up (555, 123456)."""
    number = digits(match)
    made_up = "555" in number[-10:-3] or "123456" in number or "234567" in number or "000000" in number
    return 10 <= len(number) <= 15 and not made_up and len(set(number)) > 3


def real_ssn(match: str) -> bool:
    """Whether the Social Security Administration could have issued the number."""
    area, group, serial = digits(match)[:3], digits(match)[3:5], digits(match)[5:]
    issued = area not in ("000", "666", "123", "111", "987") and not area.startswith("9") and group != "00" and serial != "0000"
    return issued and digits(match) not in ("078051120", "219099999")


PERSONAL: tuple[Pattern, ...] = (
    Pattern(
        "an e-mail address",
        # Not after a colon or slash: there it is part of a URL with a password.
        r"(?i)(?:^|mailto:|[\s<>(\[{,;\"'|=])[a-z0-9][a-z0-9._%+-]{0,63}@(?:[a-z0-9-]{1,63}\.){1,4}[a-z]{2,12}\b",
        ("@",),
        confirm=real_email,
    ),
    Pattern(
        "a telephone number",
        r"(?:^|[\s:(;,\"'])(?:\+[1-9]\d{0,2}[ .-]?\(?\d{2,4}\)?(?:[ .-]\d{2,4}){2,4}|\(\d{3}\) ?\d{3}-\d{4})\b",
        ("+", "("),
        confirm=real_phone,
    ),
    Pattern(
        "an IBAN",
        r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b",
        (),
        gate=r"\n[^a-z0-9\n]?[a-z]{2}\d{2}",
        confirm=real_iban,
    ),
    Pattern(
        "a payment card number",
        # One in ten numbers has a valid check digit by chance, so a word for a card must precede it.
        r"(?i)\b(?:card|visa|mastercard|amex|american express)\b[^\n]{0,60}?"
        r"\b(?:4\d{3}|5[1-5]\d{2}|2[2-7]\d{2}|3[47]\d{2}|6011|65\d{2})[ -]?\d{4,6}[ -]?\d{4,5}(?:[ -]?\d{4})?\b",
        ("card", "visa", "amex", "american express"),
        confirm=real_card,
    ),
    Pattern(
        "a US social security number",
        r"(?i)\b(?:ssn|social security (?:number|no\.?))[^0-9]{0,20}\d{3}-\d{2}-\d{4}\b",
        ("ssn", "social security"),
        gate=r"\n[^a-z\n]*(?:ssn|security)\b",
        confirm=real_ssn,
    ),
)
SEARCH = Search(CODE, PERSONAL, "{} in the text", FIX, private=True)


def check(facts: Facts) -> Iterator[Finding]:
    """One finding per kind of data."""
    for hit in hits(facts, PERSONAL):
        message = f"{hit.pattern.name} in the text"
        yield finding(facts, CODE, SEVERITY, message, hit.at, example=blanked(hit.match), fix=FIX)


def blanked(match: str) -> str:
    """A match shortened to `j…@g….com` or `…12`: enough to find it, too little to use it."""
    text = match.removeprefix("mailto:").strip(" \t\r\n\f\v<>([{,;:\"'|=")
    if "@" in text:
        name, _, domain = text.partition("@")
        return f"{name[0]}…@{domain[0]}….{domain.rsplit('.', 1)[-1]}"
    return f"…{text[-2:]}"
