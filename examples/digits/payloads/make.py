"""Writes test.jsonl: the pictures of the test split as requests, each with its true label as the expected answer.

A third of the requests sends whole numbers (UINT8), as cameras do; the rest floats, as notebooks do.
"""

import json
import sys
from pathlib import Path

DIGITS = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(DIGITS))

from split import split_key, split_of  # noqa: E402


def payloads(table: str) -> str:
    rows = [[int(cell) for cell in line.split(",")] for line in table.splitlines()[1:]]
    test = sorted((row for row in rows if split_of(row[:-1]) == "test"), key=lambda row: split_key(row[:-1]))
    lines = []
    for number, (*pixels, label) in enumerate(test):
        datatype = "UINT8" if number % 3 == 2 else "FP32"
        tensor = {"name": "pixels", "datatype": datatype, "shape": [1, 64], "data": pixels}
        answer = {"name": "label", "datatype": "INT64", "shape": [1], "data": [label]}
        request = {"inputs": [tensor], "outputs": [{"name": "label"}]}
        lines.append(json.dumps({"request": request, "expect": {"outputs": [answer]}}, separators=(",", ":")))
    return "".join(line + "\n" for line in lines)


if __name__ == "__main__":
    out = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).with_name("test.jsonl")
    out.write_text(payloads((DIGITS / "data/digits.csv").read_text()))
