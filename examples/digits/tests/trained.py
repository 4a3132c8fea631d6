"""Runs the pipeline's own components in this process, on files of a folder."""

import sys
from pathlib import Path

DIGITS = Path(__file__).resolve().parent.parent
if str(DIGITS) not in sys.path:
    sys.path.insert(0, str(DIGITS))

from kfp import dsl  # noqa: E402

import pipeline  # noqa: E402

TABLE = DIGITS / "data/digits.csv"


def dataset(path: Path) -> dsl.Dataset:
    return dsl.Dataset(name=path.name, uri=str(path))


def split_into(folder: Path, table: Path, train_rows: int = 0) -> dict:
    parts = {"train": dataset(folder / "train"), "test": dataset(folder / "test")}
    pipeline.split.python_func(dataset(table), train_rows, **parts)
    return parts


def export_model(folder: Path, strength: float, train_rows: int) -> dsl.Model:
    train = split_into(folder, TABLE, train_rows)["train"]
    estimator = dsl.Artifact(name="estimator", uri=str(folder / "estimator"))
    model = dsl.Model(name="model", uri=str(folder / "model"))
    pipeline.train_model.python_func(train, strength, estimator)
    pipeline.export.python_func(estimator, train, model)
    return model
