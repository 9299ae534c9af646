"""Look for texts in the argument lists of all processes of this machine, until a file exists.

argument_watch.py STOP-FILE < the texts, one a line

Prints the texts that were seen, one a line. It gets them from standard input, so that its own arguments have none.
"""

from __future__ import annotations

import contextlib
import sys
import time
import typing as t
from pathlib import Path

# Seconds between two looks: shorter than a Docker client needs to start.
EVERY = 0.02


def argument_lists() -> t.Iterator[bytes]:
    """Yield the arguments of each process, those in containers too."""
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            # A process may end at any time.
            with contextlib.suppress(OSError):
                yield (folder / "cmdline").read_bytes()


def main() -> int:
    stop, wanted = Path(sys.argv[1]), {line for line in sys.stdin.read().splitlines() if line}
    seen: set[str] = set()
    while not stop.exists():
        lists = list(argument_lists())
        seen |= {text for text in wanted - seen if any(text.encode() in one for one in lists)}
        time.sleep(EVERY)
    print("\n".join(sorted(seen)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
