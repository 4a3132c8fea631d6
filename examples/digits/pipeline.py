"""Trains a classifier of handwritten digits: from one table of examples to an evaluated ONNX model.

Every component runs in the trainer image, which holds the packages of trainer/requirements.txt.
"""

import os

from kfp import dsl
from kfp.dsl import Artifact, ClassificationMetrics, Dataset, Input, Metrics, Model, Output

from split import split_key, split_of

IN_TRAINER = {"base_image": "image://trainer", "install_kfp_package": False}

# How many GPUs the training task asks for; none where the variable is not set. Read when the pipeline is compiled.
GPUS = int(os.environ.get("DIGITS_GPUS", "0"))


def onnx_session(model):
    """Runs a model (a path or bytes) on the processor."""
    import os

    os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # else onnxruntime reports models to its maker; read at import
    import onnxruntime

    return onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])


def read_examples(path: str) -> tuple:
    """(pixels, labels) of a table: pixels scaled to 0..1 as the model gets them, labels as integers."""
    import numpy

    table = numpy.loadtxt(path, delimiter=",", skiprows=1, dtype=numpy.int64, ndmin=2)
    return table[:, :-1].astype(numpy.float32) / 16, table[:, -1]


@dsl.component(**IN_TRAINER)
def load(all_uri: str, all_digest: str, table: Output[Dataset]):
    """Brings the table in and checks that it is the one that was asked for."""
    import hashlib
    import urllib.request
    from pathlib import Path

    if all_uri == "":
        from sklearn.datasets import load_digits

        bundled = load_digits()
        header = ",".join([*(f"p{number:02}" for number in range(64)), "label"])
        rows = (",".join(map(str, [*map(int, x), int(y)])) for x, y in zip(bundled.data, bundled.target))
        content = "".join(line + "\n" for line in [header, *rows]).encode()
    elif all_uri.startswith(("http://", "https://", "file://")):
        with urllib.request.urlopen(all_uri) as answer:
            content = answer.read()
    else:
        content = Path(all_uri).read_bytes()

    digest = "sha256:" + hashlib.sha256(content).hexdigest()
    if all_digest not in ("", digest):
        raise ValueError(f"the table changed since it was resolved: {all_uri} is {digest}, not {all_digest}")
    Path(table.path).write_bytes(content)
    table.metadata.update(rows=len(content.splitlines()) - 1, digest=digest)


@dsl.component(**IN_TRAINER, additional_funcs=[split_key, split_of])
def split(table: Input[Dataset], train_rows: int, train: Output[Dataset], test: Output[Dataset]):
    """Splits by the examples' own hashes. Rows come out in the order of the hashes, so that neither
    the splits nor the first `train_rows` (0 is all) depend on the order of the table."""
    import hashlib
    from pathlib import Path

    header, *lines = Path(table.path).read_text().splitlines()
    pixels_of = {line: line.split(",")[:-1] for line in lines}
    lines.sort(key=lambda line: (split_key(pixels_of[line]), line))
    for part, out in (("train", train), ("test", test)):
        rows = [line for line in lines if split_of(pixels_of[line]) == part]
        if part == "train" and train_rows > 0:
            rows = rows[:train_rows]
        content = "".join(line + "\n" for line in [header, *rows]).encode()
        Path(out.path).write_bytes(content)
        out.metadata.update(rows=len(rows), digest="sha256:" + hashlib.sha256(content).hexdigest())


@dsl.component(**IN_TRAINER)
def validate(train: Input[Dataset], test: Input[Dataset], report: Output[Artifact]):
    """Stops the run on examples that the model must not be trained or judged on."""
    import json
    from collections import Counter
    from pathlib import Path

    faults, seen, report_of = [], {}, {}
    for part, table in (("train", train), ("test", test)):
        header, *lines = Path(table.path).read_text().splitlines()
        columns = len(header.split(","))
        labels = Counter()
        for number, line in enumerate(lines, start=2):
            cells = line.split(",")
            if len(cells) != columns or not all(cell.isdecimal() for cell in cells):
                faults.append(f"{part}:{number}: {columns} whole numbers are expected")
                continue
            *pixels, label = map(int, cells)
            labels[label] += 1
            if max(pixels) > 16:
                faults.append(f"{part}:{number}: a pixel is {max(pixels)}, 16 at most is allowed")
            if seen.setdefault(tuple(pixels), part) != part:
                faults.append(f"{part}:{number}: the same picture is in train too")
        if sorted(labels) != list(range(10)):
            faults.append(f"{part}: labels are {sorted(labels)}, 0 to 9 are expected")
        report_of[part] = {"rows": len(lines), "labels": {str(label): labels[label] for label in sorted(labels)}}

    Path(report.path).write_text(json.dumps({"faults": faults, **report_of}, indent=1))
    if faults:
        raise ValueError(f"{len(faults)} faults in the data, the first ones: " + "; ".join(faults[:5]))


@dsl.component(**IN_TRAINER, additional_funcs=[read_examples])
def tune(train: Input[Dataset], strength: float, folds: int) -> dict[str, float]:
    """Mean accuracy in cross-validation of one candidate of the search."""
    from sklearn.model_selection import StratifiedKFold, cross_val_score
    from sklearn.svm import SVC

    pixels, labels = read_examples(train.path)
    scores = cross_val_score(SVC(C=strength), pixels, labels, cv=StratifiedKFold(folds))
    return {"strength": strength, "accuracy": float(scores.mean())}


@dsl.component(**IN_TRAINER)
def choose(candidates: list[dict[str, float]], metrics: Output[Metrics]) -> float:
    """The strength of the best candidate; of equally good ones the simplest."""
    import json
    from pathlib import Path

    best = max(candidates, key=lambda candidate: (candidate["accuracy"], -candidate["strength"]))
    metrics.log_metric("cv_accuracy", best["accuracy"])
    Path(metrics.path).write_text(json.dumps(candidates))
    return best["strength"]


@dsl.component(**IN_TRAINER, additional_funcs=[read_examples])
def train_model(train: Input[Dataset], strength: float, estimator: Output[Artifact]):
    """Fits the chosen candidate on all training examples; says with what and on what machine."""
    import os
    import platform
    import subprocess

    import joblib
    import sklearn
    from sklearn.svm import SVC

    def gpus() -> dict:
        ask = ["nvidia-smi", "--query-gpu=name,memory.total,driver_version", "--format=csv,noheader"]
        try:
            answer = subprocess.run(ask, capture_output=True, text=True, check=True).stdout
        except (OSError, subprocess.CalledProcessError):
            return {"count": 0}
        cards = [[cell.strip() for cell in line.split(",")] for line in answer.splitlines()]
        first = dict(zip(("type", "memory", "driver"), cards[0])) if cards else {}
        return {"count": len(cards), **first}

    pixels, labels = read_examples(train.path)
    model = SVC(C=strength).fit(pixels, labels)
    joblib.dump(model, estimator.path)
    estimator.metadata.update(
        framework={"name": "scikit-learn", "version": sklearn.__version__},
        parameters={name: model.get_params()[name] for name in ("C", "kernel", "gamma", "shrinking", "tol")},
        data={"rows": len(labels), "digest": train.metadata["digest"]},
        environment={
            "cpu": {"type": platform.machine(), "count": len(os.sched_getaffinity(0))},
            "memoryBytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
            "gpu": gpus(),
            "os": platform.platform(),
            "python": platform.python_version(),
            **({"image": os.environ["ML_RELEASE_IMAGE"]} if "ML_RELEASE_IMAGE" in os.environ else {}),
        },
    )


@dsl.component(**IN_TRAINER, additional_funcs=[onnx_session, read_examples])
def export(estimator: Input[Artifact], train: Input[Dataset], model: Output[Model]):
    """The run's model: a folder with `model.onnx`, which answers as the estimator does."""
    from pathlib import Path

    import joblib
    from skl2onnx import convert_sklearn
    from skl2onnx.common.data_types import FloatTensorType, Int64TensorType

    fitted = joblib.load(estimator.path)
    converted = convert_sklearn(
        fitted,
        name="digits",
        initial_types=[("pixels", FloatTensorType([None, 64]))],
        final_types=[("label", Int64TensorType([None])), ("scores", FloatTensorType([None, 10]))],
        options={"zipmap": False},
    )
    opsets = sorted(converted.opset_import, key=lambda opset: opset.domain)  # they come in random order
    del converted.opset_import[:]
    converted.opset_import.extend(opsets)
    content = converted.SerializeToString()
    pixels, _ = read_examples(train.path)
    session = onnx_session(content)
    agreement = float((session.run(["label"], {"pixels": pixels})[0] == fitted.predict(pixels)).mean())
    if agreement < 0.995:
        raise ValueError(f"the exported model answers {agreement:.1%} of the training examples as the fitted one")

    folder = Path(model.path)
    folder.mkdir(parents=True)
    (folder / "model.onnx").write_bytes(content)
    model.metadata.update(
        estimator.metadata,
        format={"name": "onnx", "version": f"ir {converted.ir_version}, opset {opsets[0].version}"},
        signature={
            "inputs": [{"name": "pixels", "datatype": "FP32", "shape": [-1, 64]}],
            "outputs": [
                {"name": "label", "datatype": "INT64", "shape": [-1]},
                {"name": "scores", "datatype": "FP32", "shape": [-1, 10]},
            ],
        },
    )


@dsl.component(**IN_TRAINER, additional_funcs=[onnx_session, read_examples])
def evaluate(
    model: Input[Model],
    test: Input[Dataset],
    metrics: Output[Metrics],
    confusion: Output[ClassificationMetrics],
    roc: Output[ClassificationMetrics],
):
    """Judges the very file that will be served, on examples that it was not trained on."""
    import json
    from pathlib import Path

    import numpy
    from sklearn.metrics import confusion_matrix, roc_curve

    pixels, labels = read_examples(test.path)
    session = onnx_session(f"{model.path}/model.onnx")
    answers, scores = session.run(["label", "scores"], {"pixels": pixels})

    values = {"accuracy": float((answers == labels).mean()), "n": len(labels)}
    for label in range(10):
        of_class = labels == label
        values[f"recall[class={label}]"] = float((answers[of_class] == label).mean())
        values[f"n[class={label}]"] = int(of_class.sum())
    for name, value in values.items():
        metrics.log_metric(name, value)

    matrix = confusion_matrix(labels, answers, labels=range(10)).tolist()
    confusion.log_confusion_matrix([str(label) for label in range(10)], matrix)

    # one curve over all classes: is the score of a class higher where the class is right?
    right = (labels[:, None] == numpy.arange(10)).ravel()
    false_alarms, found, thresholds = roc_curve(right, scores.ravel())
    thresholds[0] = thresholds[1] + 1  # scikit-learn starts at infinity, which JSON has no word for
    roc.log_roc_curve(false_alarms.tolist(), found.tolist(), thresholds.tolist())

    # kfp.local finds a task in its cache only if each of its artifacts is a file
    Path(metrics.path).write_text(json.dumps(values))
    Path(confusion.path).write_text(json.dumps(matrix))
    Path(roc.path).write_text(json.dumps([false_alarms.tolist(), found.tolist()]))


@dsl.pipeline(name="digits", description="Handwritten digits: split, search, train, export, evaluate.")
def digits(
    all_uri: str = "",
    all_digest: str = "",
    train_rows: int = 0,
    folds: int = 3,
    strengths: list[float] = [0.3, 1.0, 3.0],
):
    table = load(all_uri=all_uri, all_digest=all_digest)
    parts = split(table=table.outputs["table"], train_rows=train_rows)
    train, test = parts.outputs["train"], parts.outputs["test"]
    checked = validate(train=train, test=test)
    with dsl.ParallelFor(strengths, parallelism=2) as strength:
        tried = tune(train=train, strength=strength, folds=folds).after(checked)
    chosen = choose(candidates=dsl.Collected(tried.output))
    fitted = train_model(train=train, strength=chosen.outputs["Output"])
    if GPUS > 0:
        fitted.set_accelerator_type("nvidia.com/gpu").set_accelerator_limit(GPUS)
    exported = export(estimator=fitted.outputs["estimator"], train=train)
    evaluate(model=exported.outputs["model"], test=test)
