"""Determines the language of a text: by its script, and for Latin script by the most frequent words of each language.

It is meant to find rows in another language than the rest, not to tell Norwegian from Danish. Short or mixed texts, code and
formulas get no answer.
"""

from __future__ import annotations

import re
from collections import Counter

#: Script -> its letters, tried in this order: Japanese comes before Chinese, because it contains Kanji.
SCRIPTS: dict[str, str] = {
    "Japanese": "[\u3040-\u30ff]",
    "Korean": "[\uac00-\ud7af]",
    "Chinese": "[\u4e00-\u9fff]",
    "Cyrillic": "[\u0400-\u04ff]",
    "Arabic": "[\u0600-\u06ff]",
    "Hebrew": "[\u0590-\u05ff]",
    "Greek": "[\u0370-\u03ff]",
    "Devanagari": "[\u0900-\u097f]",
    "Bengali": "[\u0980-\u09ff]",
    "Tamil": "[\u0b80-\u0bff]",
    "Thai": "[\u0e00-\u0e7f]",
}
#: Latin-script language -> words that are frequent in it and rare in, or absent from, the others.
WORDS: dict[str, str] = {
    "English": "the and of is that with for this are was you have not from which what how they their would there about been",
    "German": "der die und das ist nicht mit ein eine zu den sich auf für auch wird wie werden dass oder durch aus dem einen",
    "French": "les des est une dans pour qui avec sur pas sont vous cette du et au nous ou plus leur ces être aux où",
    "Spanish": "el los las por con para del está como más pero y su se lo muy también cuando entre hasta desde esta una",
    "Italian": "il che di è per con sono della non gli nel questo più alla anche delle dei essere ha come una si dal",
    "Portuguese": "os uma é não para com do da em mais você são ao também pela pelo isso dos das ou seu foi quando muito",
    "Dutch": "het een van en dat niet voor met zijn op te ook deze wordt aan maar worden bij naar dan je uit door er",
    "Polish": "się nie jest na że do jak przez dla czy oraz są od był tego może jego tym po ale już tylko jako",
    "Turkish": "bir ve bu için ile olarak da de çok daha gibi olan ne var değil kadar sonra ancak ama her",
    "Indonesian": "yang dan di untuk dengan ini itu dari pada adalah dalam tidak akan atau juga dapat oleh karena kami",
    "Vietnamese": "và của là có cho một không được trong các với này người những để khi từ đã cũng như",
}
_LETTER = re.compile(r"[^\W\d_]+")
#: Only so many characters of a text are examined.
_HEAD = 1500
#: The fewest known words, or letters of a script, that determine a language.
_LEAST_HITS = 8
_LEAST_LETTERS = 20

_LANGUAGES: dict[str, tuple[str, ...]] = {}
for _name, _words in WORDS.items():
    for _word in _words.split():
        _LANGUAGES[_word] = (*_LANGUAGES.get(_word, ()), _name)
_SCRIPT_LETTERS = {name: re.compile(letters) for name, letters in SCRIPTS.items()}


def language(text: str) -> str | None:
    """The language, or the script where several languages share it; None when it cannot be determined.

    Args:
        text: any text; only its first `_HEAD` characters are examined.
    """
    head = text[:_HEAD]
    return (None if head.isascii() else _by_script(head)) or _by_words(head)


def _by_script(head: str) -> str | None:
    letters = sum(map(len, _LETTER.findall(head)))
    for name, expression in _SCRIPT_LETTERS.items():
        count = len(expression.findall(head))
        if count >= _LEAST_LETTERS and count >= (0.1 if name == "Japanese" else 0.5) * letters:
            return name
    return None


def _by_words(head: str) -> str | None:
    words = _LETTER.findall(head.lower())
    counts = Counter(name for word in words for name in _LANGUAGES.get(word, ()))
    best = counts.most_common(2)
    if not best or best[0][1] < max(_LEAST_HITS, len(words) / 8):
        return None
    return best[0][0] if len(best) == 1 or best[0][1] >= 1.5 * best[1][1] else None
