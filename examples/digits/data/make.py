"""Writes digits.csv from the digits that scikit-learn bundles: 64 pixels (0 to 16), then the label."""

import sys
from pathlib import Path

from sklearn.datasets import load_digits


def digits_csv() -> str:
    digits = load_digits()
    header = [*(f"p{number:02}" for number in range(64)), "label"]
    rows = ([*map(int, pixels), int(label)] for pixels, label in zip(digits.data, digits.target))
    return "".join(",".join(map(str, row)) + "\n" for row in [header, *rows])


if __name__ == "__main__":
    out = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).with_name("digits.csv")
    out.write_text(digits_csv())
