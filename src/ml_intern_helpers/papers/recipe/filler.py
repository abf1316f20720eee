"""Words that say nothing between a parameter's name and its value: `learning rate (η) is set to a constant` 1e-5.

Read word by word, not by one pattern: a pattern with a choice of words in a loop takes exponential time on a hostile sentence.
"""

from __future__ import annotations

import re

_WORDS = frozenset(
    re.findall(
        r"\S+",
        """
    of is are was were be been being has have to at as a an the set setting fixed kept held chosen tuned selected picked
    searched swept value values constant initial peak maximum max minimum base default defaults equal equals from in among
    between over range ranging around about approximately roughly we use used using employ adopt namely i.e i.e. either
    always all per starting starts grid candidate possible both only it which amounts corresponds up varied linear cosine
    small large low high lower higher larger smaller extended limited restricted capped bounded fairly relatively sweep
    search choose choosing uniformly threshold by searching across train training throughout
    """,
    )
)
_TOKEN = re.compile(
    r"\s+|hyper-?parameter\b|[:=≈~→\[{]|\([^()\d]{1,25}\)|\(|[ηβαλτ]|,\s*[ηβαλτG]\s*,"
    r"|,(?=\s(?:which|i\.e|namely|set|fixed|tuned|selected|chosen|we|always|kept)\b)|,(?=\s*[\d.]+e-)"
    r"|(?:at most|by default|as follows|with an?(?= (?:peak|max|initial|value|default)))\b"
    r"|[TGrKNB](?=\s*[=:)≈ ])(?![a-z])"
    r"|(?P<word>[A-Za-z][A-Za-z.]*)"
)


def is_filler(text: str) -> bool:
    """Whether nothing in `text` parts a name from the value behind it."""
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None or (match["word"] and match["word"] not in _WORDS):
            return False
        position = match.end()
    return True
