"""Logs as machines write them, with what makes them hard to carry: the same for the same seed."""

import random

_WORDS = (
    "connection reset by peer|upstream timed out|request completed|cache miss|slow query|user logged in|"
    "disk usage at 91%|größe überschritten|не удалось открыть файл|接続がタイムアウトしました|تم رفض الاتصال|"
    "naïve café|e\u0301 combining|zero\u200dwidth|👩‍👩‍👧‍👦 family|🦊|a\u00a0no-break|line\u2028separator|ZZ̗̙̪a̮lg̙o"
).split("|")
_HARD = [
    '<b>not a tag</b> & "quoted" \'text\' &amp; &#x41; ]]> <![CDATA[x]]>',
    "\tat com.example.Main.run(Main.java:42)\tcaused by: \\n is not a newline, \\ ends\\",
    '{"level":"error","msg":"a \\"b\\" c","n":1e9,"path":["x","y"],"unicode":"\\u00e9"}',
    "   leading and trailing blanks are kept   ",
    "{line} {host} {{braces}} ${HOME} $(id) `id` %s %d %n",
    "<message xmlns='jabber:client'><body>nested</body></message></stream:stream>",
    "/me is not a command, nor is ?OTRv23? or /say",
    ".",
    "0",
    "-- ",
    "\u202eright to left override\u202c and \ufeff a byte order mark inside",
]


def lines(count: int, seed: int = 1) -> list[str]:
    """That many lines, none empty, each different by its number."""
    rng = random.Random(seed)
    return [_line(rng, number) for number in range(count)]


def _line(rng: random.Random, number: int) -> str:
    stamp = f"2026-11-{1 + number // 4000:02d}T{number // 3600 % 24:02d}:{number // 60 % 60:02d}:{number % 60:02d}Z"
    kind = rng.randrange(100)
    if kind < 55:
        return (
            f"10.{rng.randrange(256)}.0.{rng.randrange(256)} - - [{stamp}] "
            f'"GET /api/v1/items/{rng.randrange(10**6)}?q=a%20b&n={number} HTTP/1.1" '
            f"{rng.choice([200, 200, 301, 404, 500])} {rng.randrange(10**5)} \"-\" \"Mozilla/5.0 (X11; Linux x86_64)\""
        )
    if kind < 90:
        level = rng.choice(["debug", "info", "warn", "error", "crit"])
        text = "; ".join(rng.choice(_WORDS) for _ in range(rng.randrange(1, 5)))
        return f"{stamp} [{level}] worker/{rng.randrange(16)}\t{text}\tseq={number}"
    if kind < 99 or number % 20:
        return f"{number}\t{rng.choice(_HARD)}"
    filler = "".join(rng.choice("abcdef ä漢🦊&<>\t") for _ in range(rng.randrange(2_000, 12_000)))
    return f"{number} long: {filler}|"
