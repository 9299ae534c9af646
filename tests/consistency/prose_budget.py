"""Counts the banned words of data/prose.yml: by folder and by word, or one by one in the paths that are named.

python tests/consistency/prose_budget.py                       the counts
python tests/consistency/prose_budget.py README.md roles/      each use in these files and folders
python tests/consistency/prose_budget.py --lower               write lower counts into the budget
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from pathlib import Path

from checks.prose import counts, uses
from repo import DATA

ROOT = Path(__file__).resolve().parents[2]
BUDGET = re.compile(r"^  (\S+): (\d+)$", re.MULTILINE)


def lowered(text: str, count: Counter[str]) -> str:
    """The budget file with each number lowered to its count; what is not used any more goes."""
    head, rows = text.split("budget:\n")
    budget = {folder: min(int(allowed), count[folder]) for folder, allowed in BUDGET.findall(rows)}
    return f"{head}budget:\n" + "".join(
        f"  {folder}: {budget[folder]}\n" for folder in sorted(budget) if budget[folder]
    )


def main(arguments: list[str]) -> None:
    file = DATA / "prose.yml"
    if arguments == ["--lower"]:
        file.write_text(lowered(file.read_text(encoding="utf-8"), counts(ROOT)), encoding="utf-8")
    elif arguments:
        for name, number, word in uses(ROOT):
            if name.startswith(tuple(arguments)):
                print(f"{name}:{number}: {word}")
    else:
        words = Counter(word for _name, _number, word in uses(ROOT))
        by_folder = counts(ROOT)
        for title, counter in (("folders", by_folder), ("words", words)):
            print(f"{title}:", *(f"{number:6} {name}" for name, number in counter.most_common()), sep="\n")
        print(f"total: {by_folder.total()}")


if __name__ == "__main__":
    main(sys.argv[1:])
