import random
import tempfile
import unittest
from pathlib import Path

from tests.trained import TABLE, split_into

HEADER, *ROWS = TABLE.read_text().splitlines()


def split_rows(rows: list, train_rows: int = 0) -> dict:
    """What the pipeline's component makes of these rows: the lines of each split."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "table").write_text("".join(line + "\n" for line in [HEADER, *rows]))
        parts = split_into(folder, folder / "table", train_rows)
        return {part: Path(out.path).read_text().splitlines()[1:] for part, out in parts.items()}


def part_of_each(parts: dict) -> dict:
    return {line: part for part, lines in parts.items() for line in lines}


def random_row(chance: random.Random) -> str:
    return ",".join(str(chance.randint(0, 16)) for _ in range(64)) + f",{chance.randint(0, 9)}"


class Split(unittest.TestCase):
    def test_an_example_keeps_its_split_when_rows_are_added_removed_and_reordered(self):
        before = part_of_each(split_rows(ROWS))
        for seed in range(25):
            with self.subTest(seed=seed):
                chance = random.Random(seed)
                kept = chance.sample(ROWS, chance.randint(0, len(ROWS)))
                added = [random_row(chance) for _ in range(chance.randint(0, 500))]
                rows = kept + added
                chance.shuffle(rows)
                after = part_of_each(split_rows(rows))
                self.assertEqual({line: after[line] for line in kept}, {line: before[line] for line in kept})

    def test_no_example_is_in_two_splits_and_none_is_lost(self):
        for seed in range(25):
            with self.subTest(seed=seed):
                chance = random.Random(seed)
                rows = chance.choices(ROWS, k=500)  # with repeats
                # the same picture with another label is the same example
                rows += [line.rsplit(",", 1)[0] + f",{chance.randint(0, 9)}" for line in chance.sample(rows, 100)]
                parts = split_rows(rows)
                pictures = {part: {line.rsplit(",", 1)[0] for line in lines} for part, lines in parts.items()}
                self.assertEqual(pictures["train"] & pictures["test"], set())
                self.assertEqual(sorted(parts["train"] + parts["test"]), sorted(rows))

    def test_the_bytes_of_a_split_do_not_depend_on_the_order_of_the_table(self):
        shuffled = random.Random(7).sample(ROWS, len(ROWS))
        self.assertEqual(split_rows(shuffled, train_rows=300), split_rows(ROWS, train_rows=300))

    def test_fewer_training_rows_leave_the_test_split_alone(self):
        few, all_of_them = split_rows(ROWS, train_rows=300), split_rows(ROWS)
        self.assertEqual(few["test"], all_of_them["test"])
        self.assertEqual(few["train"], all_of_them["train"][:300])

    def test_a_fifth_of_the_examples_is_for_testing(self):
        parts = split_rows(ROWS)
        self.assertEqual({part: len(lines) for part, lines in parts.items()}, {"train": 1414, "test": 383})
