"""Strings that try to leave the place where they are printed, and rows made of them."""

from __future__ import annotations

from typing import Any

from dataset.cases import Row, chat


def strings(url: str) -> list[str]:
    """Each sets `pwned` when it is run, or asks `url` for something when it is loaded."""
    return [
        "<script>window.pwned=1;document.title='pwned'</script>",
        "</script><script>window.pwned=2</script>",
        "</style><style>body{display:none}</style>",
        "</title></head><body onload=window.pwned=3>",
        "--><script>window.pwned=4</script><!--",
        "]]></svg><script>window.pwned=5</script>",
        f'<img src="{url}/img" onerror="window.pwned=6">',
        "<svg><animate onbegin=window.pwned=7 attributeName=x dur=1s></svg>",
        '" onmouseover="window.pwned=8" autofocus onfocus="window.pwned=9" x="',
        "' onclick='window.pwned=10' style='position:fixed;inset:0",
        '<a href="javascript:window.pwned=11">click</a>',
        "javascript:window.pwned=12",
        "<iframe srcdoc='<script>parent.pwned=13</script>'></iframe>",
        f"<meta http-equiv=refresh content='0;url={url}/meta'><base href='{url}/'>",
        f"<link rel=stylesheet href={url}/css><style>@import '{url}/css2'; * {{ background: url({url}/css3) }}</style>",
        f"<object data={url}/object></object><embed src={url}/embed><video src={url}/video autoplay>",
        f"<form action={url}/form><button>send</button></form>",
        "{{ 7*7 }}{% include '/etc/passwd' %}${7*7}#{7*7}<%= 7*7 %>",
        "&lt;script&gt;window.pwned=14&lt;/script&gt; &#60;script&#62;",
        "\x1b[31mred\x07 \u202egnp.exe\u202c \u2066isolate \U000e0041\U000e0042 \x00nul",
        "<mark title=x onmouseenter=window.pwned=15>m</mark>",
        "W" * 3000,
    ]


def conversations(url: str) -> list[Row]:
    """One row for each string: in turns, in a role, in a column's name, in labels."""
    made = []
    for number, text in enumerate(strings(url)):
        row: dict[str, Any] = {"messages": [{"role": "system", "content": text}, *chat(number)]}
        row["messages"][-1]["content"] = text if number % 3 else ""
        made.append({**row, "label": text, text[:60]: text})
    made[0]["messages"].insert(0, {"role": strings(url)[8], "content": "hello"})
    return made


def pairs(url: str) -> list[Row]:
    """Preference rows of the same."""
    return [{"prompt": f"say {text}", "chosen": text, "rejected": f"no {text}"} for text in strings(url)]
