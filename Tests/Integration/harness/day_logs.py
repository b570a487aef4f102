"""Logs of a day: of a package manager, this machine's where it keeps one, and of a web application."""

import random
from collections import Counter
from pathlib import Path

from . import sample_log

DPKG = Path("/var/log/dpkg.log")
#: A day with fewer lines says too little.
LINES_MIN = 400
LINES_MAX = 3_000


def packages() -> list[str]:
    """The longest day of this machine's dpkg.log; where there is none, one that looks like it."""
    lines = DPKG.read_text(errors="replace").splitlines() if DPKG.is_file() else []
    days = Counter(line[:10] for line in lines)
    if days and days.most_common(1)[0][1] >= LINES_MIN:
        day = days.most_common(1)[0][0]
        return [line for line in lines if line.startswith(day)][:LINES_MAX]
    return made_packages(LINES_MIN * 4)


def made_packages(count: int, seed: int = 1) -> list[str]:
    """The lines of a dpkg that installs and upgrades."""
    rng = random.Random(seed)
    lines: list[str] = []
    names = ["libc6", "libssl3", "nginx", "python3-slixmpp", "prosody", "libstdc++6", "linux-image-amd64", "vim"]
    while len(lines) < count:
        second = len(lines) // 3
        stamp = f"2026-05-09 {second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}"
        if rng.random() < 0.05:
            lines.append(f"{stamp} startup {rng.choice(['archives unpack', 'packages configure'])}")
        name = f"{rng.choice(names)}{rng.randrange(40)}:{rng.choice(['amd64', 'amd64', 'all'])}"
        version = f"{rng.randrange(9)}.{rng.randrange(99)}-{rng.randrange(1, 9)}+deb12u{rng.randrange(1, 12)}"
        old = rng.choice(["<none>", "1.0-1"])
        lines.append(f"{stamp} {'install' if old == '<none>' else 'upgrade'} {name} {old} {version}")
        for state in ("half-installed", "unpacked"):
            lines.append(f"{stamp} status {state} {name} {version}")
        lines.append(f"{stamp} configure {name} {version} <none>")
        for state in ("unpacked", "half-configured", "installed"):
            lines.append(f"{stamp} status {state} {name} {version}")
        if rng.random() < 0.2:
            lines.append(f"{stamp} trigproc man-db:amd64 2.11.2-2 <none>")
    return lines[:count]


def web(count: int = LINES_MAX, seed: int = 11) -> list[str]:
    """Requests, messages, JSON and stack traces of a web application."""
    rng = random.Random(seed)
    lines: list[str] = []
    for line in sample_log.lines(count, seed):
        if len(line) > 1_000:
            continue
        lines.append(line)
        if rng.random() < 0.02:
            error = f"ValueError: number {rng.randrange(5)}"
            lines += ["Traceback (most recent call last):", '  File "app.py", line 7, in run', "    run()", error]
        if rng.random() < 0.05:
            level = rng.choice(["info", "error"])
            lines.append(f'{{"level":"{level}","msg":"a \\"quoted\\" word","n":{rng.randrange(6)},"tags":["x",{rng.randrange(3)}]}}')
        if rng.random() < 0.03:
            lines += [f"progress {percent}%" for percent in range(0, 100, 20)]
    # One that a careless pattern takes ages over.
    return [*lines, "a" * 60 + "!"]
