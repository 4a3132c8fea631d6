import hashlib
import os
import runpy
import tempfile
import unittest
from pathlib import Path
from unittest import mock

import yaml
from kfp import compiler, dsl

import pipeline
from tests.trained import DIGITS, TABLE, dataset, split_into

PACKAGES = ["requirements.txt", "serving/requirements.txt", "trainer/requirements.txt"]


def digest_of(path: Path) -> str:
    return "sha256:" + hashlib.sha256(path.read_bytes()).hexdigest()


def compiled(of=pipeline.digits) -> dict:
    with tempfile.TemporaryDirectory() as folder:
        package = Path(folder) / "digits.yaml"
        compiler.Compiler().compile(of, str(package))
        return yaml.safe_load(package.read_text())


class InAFolder(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)


class Load(InAFolder):
    def load(self, uri: str, digest: str) -> dsl.Dataset:
        table = dataset(self.folder / "table")
        pipeline.load.python_func(uri, digest, table)
        return table

    def test_the_table_comes_from_a_path_or_an_address(self):
        for uri in (str(TABLE), TABLE.as_uri()):
            table = self.load(uri, digest_of(TABLE))
            self.assertEqual(Path(table.path).read_bytes(), TABLE.read_bytes())
            self.assertEqual(table.metadata, {"rows": 1797, "digest": digest_of(TABLE)})

    def test_without_an_address_it_is_what_scikit_learn_bundles(self):
        self.assertEqual(self.load("", "").metadata["digest"], digest_of(TABLE))

    def test_a_table_that_changed_stops_the_run(self):
        changed = self.folder / "changed.csv"
        changed.write_text(TABLE.read_text().replace("16", "15", 1))
        with self.assertRaisesRegex(ValueError, "changed since it was resolved"):
            self.load(str(changed), digest_of(TABLE))


class Validate(InAFolder):
    def validate(self, train: list, test: list):
        header = TABLE.read_text().splitlines()[0]
        for part, lines in (("train", train), ("test", test)):
            (self.folder / part).write_text("".join(line + "\n" for line in [header, *lines]))
        report = dsl.Artifact(name="report", uri=str(self.folder / "report"))
        pipeline.validate.python_func(dataset(self.folder / "train"), dataset(self.folder / "test"), report)

    def test_the_real_splits_have_no_fault(self):
        parts = split_into(self.folder, TABLE)
        lines = {part: Path(out.path).read_text().splitlines()[1:] for part, out in parts.items()}
        self.validate(lines["train"], lines["test"])

    def test_each_fault_is_told_with_its_place(self):
        parts = split_into(self.folder, TABLE)
        train, test = (Path(parts[part].path).read_text().splitlines()[1:] for part in ("train", "test"))
        faulty = {
            "train:2: 65 whole numbers": ([train[0] + ",1", *train[1:]], test),
            "train:3: 65 whole numbers": ([train[0], train[1].replace("0", "nan", 1), *train[2:]], test),
            "test:2: a pixel is 17": (train, ["17" + test[0][1:], *test[1:]]),
            "test:2: the same picture is in train": (train, [train[0], *test[1:]]),
            "test: labels are": (train, [line for line in test if not line.endswith(",8")]),
            "train: labels are \\[\\]": ([], test),
        }
        for fault, lines in faulty.items():
            with self.subTest(fault=fault), self.assertRaisesRegex(ValueError, fault):
                self.validate(*lines)


class Choose(InAFolder):
    def choose(self, scores: dict) -> float:
        metrics = dsl.Metrics(name="metrics", uri=str(self.folder / "metrics"))
        candidates = [{"strength": strength, "accuracy": accuracy} for strength, accuracy in scores.items()]
        return pipeline.choose.python_func(candidates, metrics)

    def test_the_best_candidate_wins_and_of_equals_the_simplest(self):
        self.assertEqual(self.choose({0.1: 0.90, 1.0: 0.98, 10.0: 0.97}), 1.0)
        self.assertEqual(self.choose({10.0: 0.98, 3.0: 0.98, 1.0: 0.90}), 3.0)


class TrainModel(InAFolder):
    def train(self) -> dict:
        train = split_into(self.folder, TABLE, train_rows=300)["train"]
        estimator = dsl.Artifact(name="estimator", uri=str(self.folder / "estimator"))
        pipeline.train_model.python_func(train, 1.0, estimator)
        return estimator.metadata

    def with_cards(self, said: str, code: int = 0) -> dict:
        """What is recorded where the driver's tool says this."""
        tool = self.folder / "nvidia-smi"
        tool.write_text(f"#!/bin/sh\nprintf '{said}'\nexit {code}\n")
        tool.chmod(0o755)
        with mock.patch.dict(os.environ, PATH=f"{self.folder}:{os.environ['PATH']}"):
            return self.train()["environment"]["gpu"]

    def test_it_says_with_what_it_was_trained(self):
        said = self.train()
        self.assertEqual(said["data"]["rows"], 300)
        self.assertEqual(said["data"]["digest"], digest_of(self.folder / "train"))
        self.assertEqual(said["parameters"]["C"], 1.0)
        self.assertEqual(said["framework"], {"name": "scikit-learn", "version": "1.9.1"})
        self.assertEqual(said["environment"]["cpu"]["count"], len(os.sched_getaffinity(0)))
        self.assertGreater(said["environment"]["memoryBytes"], 2**28)

    def test_in_a_container_it_says_of_which_image(self):
        self.assertNotIn("image", self.train()["environment"])
        with mock.patch.dict(os.environ, ML_RELEASE_IMAGE="localhost/trainer@sha256:ab"):
            self.assertEqual(self.train()["environment"]["image"], "localhost/trainer@sha256:ab")

    def test_it_says_on_which_gpus(self):
        two = "NVIDIA A100-SXM4-80GB, 81920 MiB, 570.86.15\\n" * 2
        a100 = {"count": 2, "type": "NVIDIA A100-SXM4-80GB", "memory": "81920 MiB", "driver": "570.86.15"}
        self.assertEqual(self.with_cards(two), a100)
        self.assertEqual(self.with_cards(""), {"count": 0})
        self.assertEqual(self.with_cards("No devices were found", code=6), {"count": 0})


class Package(unittest.TestCase):
    def test_every_component_runs_in_the_trainer_image(self):
        executors = compiled()["deploymentSpec"]["executors"].values()
        self.assertEqual({executor["container"]["image"] for executor in executors}, {"image://trainer"})

    def test_the_training_task_asks_for_as_many_gpus_as_it_is_told(self):
        def asked(environment: dict) -> list:
            with mock.patch.dict(os.environ, environment):
                digits = runpy.run_path(str(DIGITS / "pipeline.py"))["digits"]
            containers = [one["container"] for one in compiled(digits)["deploymentSpec"]["executors"].values()]
            return [one["resources"]["accelerator"] for one in containers if "resources" in one]

        self.assertEqual(asked({}), [])
        [asked_for] = asked({"DIGITS_GPUS": "1"})
        self.assertEqual((asked_for["resourceType"], asked_for["resourceCount"]), ("nvidia.com/gpu", "1"))

    def test_no_component_has_the_name_of_the_pipeline(self):
        package = compiled()
        self.assertNotIn(f"comp-{package['pipelineInfo']['name']}", package["components"])

    def test_each_release_gives_parameters_that_the_pipeline_declares(self):
        declared = compiled()["root"]["inputDefinitions"]["parameters"]
        files = [DIGITS / "release/parameters.yaml", *DIGITS.glob("releases/*/release/parameters.yaml")]
        self.assertEqual(len(files), 3)
        for file in files:
            self.assertEqual(set(yaml.safe_load(file.read_text())) - set(declared), set(), file)


class Committed(unittest.TestCase):
    """Generated files are what their scripts write."""

    def test_data(self):
        self.assertEqual(runpy.run_path(str(DIGITS / "data/make.py"))["digits_csv"](), TABLE.read_text())

    def test_payloads(self):
        made = runpy.run_path(str(DIGITS / "payloads/make.py"))["payloads"](TABLE.read_text())
        self.assertEqual(made, (DIGITS / "payloads/test.jsonl").read_text())

    def test_the_images_have_the_packages_that_the_pipeline_was_tried_with(self):
        whole, *images = ((DIGITS / file).read_text().splitlines() for file in PACKAGES)
        self.assertTrue(all("==" in line for line in whole))
        for packages in images:
            self.assertEqual(set(packages) - set(whole), set())
