"""The real server as a process, on a model that the pipeline's own components made."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.error
import urllib.request
from pathlib import Path

from tests.trained import DIGITS, export_model

PAYLOADS = [json.loads(line) for line in (DIGITS / "payloads/test.jsonl").read_text().splitlines()]
PICTURE = PAYLOADS[0]["request"]["inputs"][0]


class Server:
    """A running server; its files are those of serving/, `overlay` laid over them."""

    def __init__(self, folder: Path, model: str, overlay: Path = None, **settings: str):
        code = folder / "code"
        shutil.copytree(DIGITS / "serving", code, ignore=shutil.ignore_patterns("deps", "__pycache__"))
        if overlay:
            shutil.copytree(overlay, code, dirs_exist_ok=True)
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.home = folder / "home"
        self.home.mkdir()
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.home), "PORT": str(self.port), "MODEL_DIR": model}
        self.start = time.monotonic()
        self.process = subprocess.Popen(
            [sys.executable, code / "server.py"],
            env={**environment, **settings},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def wait_until_ready(self) -> float:
        """The seconds that it took."""
        while self.process.poll() is None and time.monotonic() - self.start < 30:
            try:
                if self.get("/v2/health/ready")[0] == 200:
                    return time.monotonic() - self.start
            except OSError:
                time.sleep(0.02)
        raise AssertionError(f"the server did not become ready: {self.stop()}")

    def get(self, path: str) -> tuple:
        return self.ask(urllib.request.Request(f"http://127.0.0.1:{self.port}{path}"))

    def post(self, path: str, body: object) -> tuple:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.ask(urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", data=raw))

    def infer(self, body: object) -> tuple:
        return self.post("/v2/models/digits/infer", body)

    def ask(self, request: urllib.request.Request) -> tuple:
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                code, raw, kind = answer.status, answer.read(), answer.headers["content-type"]
        except urllib.error.HTTPError as refusal:
            code, raw, kind = refusal.code, refusal.read(), refusal.headers["content-type"]
        return code, json.loads(raw) if kind == "application/json" else raw.decode()

    def wrong_share(self) -> float:
        wrong = 0
        for payload in PAYLOADS:
            code, answer = self.infer(payload["request"])
            assert code == 200, answer
            wrong += answer["outputs"] != payload["expect"]["outputs"]
        return wrong / len(PAYLOADS)

    def stop(self) -> str:
        """All that it printed."""
        if self.process.poll() is None:
            self.process.kill()
        return self.process.communicate()[0]


class WithModel(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.model = export_model(Path(folder.name), strength=1.0, train_rows=0)

    def serve(self, **settings: object) -> Server:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        server = Server(Path(folder.name), self.model.path, **settings)
        self.addCleanup(server.stop)
        server.wait_until_ready()
        return server


class Protocol(WithModel):
    def setUp(self):
        self.server = self.serve(MODEL_VERSION="1.1.0", IMAGE_MARK="mark-7")

    def test_health_and_metadata_are_those_of_the_protocol(self):
        model = {
            "name": "digits",
            "versions": ["1.1.0"],
            "platform": "onnx_onnxruntime",
            "inputs": self.model.metadata["signature"]["inputs"],
            "outputs": self.model.metadata["signature"]["outputs"],
        }
        expected = {
            "/v2": (200, {"name": "digits-server", "version": "1", "extensions": [], "image_mark": "mark-7"}),
            "/v2/health/live": (200, {"live": True}),
            "/v2/health/ready": (200, {"ready": True}),
            "/v2/models/digits": (200, model),
            "/v2/models/digits/versions/1.1.0": (200, model),
            "/v2/models/digits/ready": (200, {"name": "digits", "ready": True}),
            "/v2/models/digits/versions/1.1.0/ready": (200, {"name": "digits", "ready": True}),
            "/v2/models/digits/versions/9/ready": (
                404,
                {"error": "model 'digits 9' is not served here, 'digits 1.1.0' is"},
            ),
            "/v2/models/letters": (404, {"error": "model 'letters' is not served here, 'digits 1.1.0' is"}),
            "/nowhere": (404, {"error": "Not Found"}),
        }
        self.assertEqual({path: self.server.get(path) for path in expected}, expected)

    def test_an_answer_has_the_outputs_that_were_asked_for(self):
        label = {"name": "label", "datatype": "INT64", "shape": [1], "data": [9]}
        request = {"id": "a-1", "inputs": [PICTURE], "outputs": [{"name": "label"}]}
        expected = {"model_name": "digits", "model_version": "1.1.0", "id": "a-1", "outputs": [label]}
        self.assertEqual(self.server.infer(request), (200, expected))
        code, whole = self.server.infer({"inputs": [PICTURE]})
        self.assertEqual((code, whole["outputs"][0]), (200, label))
        self.assertEqual((whole["outputs"][1]["name"], whole["outputs"][1]["shape"]), ("scores", [1, 10]))
        self.assertEqual(max(range(10), key=whole["outputs"][1]["data"].__getitem__), 9)

    def test_many_pictures_are_answered_as_one_by_one(self):
        pictures = [payload["request"]["inputs"][0]["data"] for payload in PAYLOADS[:50]]
        one_by_one = [self.server.infer({"inputs": [{**PICTURE, "data": data}]})[1] for data in pictures]
        batch = self.server.infer({"inputs": [{**PICTURE, "shape": [50, 64], "data": sum(pictures, [])}]})[1]
        self.assertEqual(batch["outputs"][0]["shape"], [50])
        self.assertEqual(batch["outputs"][0]["data"], [answer["outputs"][0]["data"][0] for answer in one_by_one])

    def test_a_request_that_breaks_the_protocol_is_the_clients_error(self):
        faulty = {
            "one tensor in 'inputs'": [{}, [], {"inputs": []}, {"inputs": [PICTURE, PICTURE]}],
            "a tensor is an object": [{"inputs": ["pixels"]}],
            "named 'pixels'": [{"inputs": [{**PICTURE, "name": "image"}]}],
            "FP32 or UINT8": [{"inputs": [{**PICTURE, "datatype": "BYTES"}]}],
            "the shape is": [{"inputs": [{**PICTURE, "shape": shape}]} for shape in ([64], [1, 63], [0, 64], "1")],
            "128 values": [{"inputs": [{**PICTURE, "shape": [2, 64]}]}],
            "a list of numbers": [{"inputs": [{**PICTURE, "data": data}]} for data in (["x"] * 64, [[1], [2, 3]])],
            "from 0 to 16": [
                {"inputs": [{**PICTURE, "data": [number, *PICTURE["data"][1:]]}]} for number in (17, -1, float("nan"))
            ],
            "UINT8 are whole numbers": [
                {"inputs": [{**PICTURE, "datatype": "UINT8", "data": [0.5, *PICTURE["data"][1:]]}]}
            ],
            "outputs are label, scores": [{"inputs": [PICTURE], "outputs": [{"name": "logits"}]}],
            "'outputs' is a list": [{"inputs": [PICTURE], "outputs": wish} for wish in ("label", ["label"], 1)],
            "Expecting value": [b"", b"pixels"],
        }
        for fault, requests in faulty.items():
            for request in requests:
                with self.subTest(fault=fault, request=str(request)[:80]):
                    code, answer = self.server.infer(request)
                    self.assertEqual(code, 400)
                    self.assertIn(fault, answer["error"])
        self.assertEqual(self.server.infer({"inputs": [PICTURE]})[0], 200)

    def test_prometheus_counts_answers_by_code_and_their_seconds(self):
        for _ in range(3):
            self.server.infer({"inputs": [PICTURE]})
        self.server.infer({})
        text = self.server.get("/metrics")[1]
        for line in (
            'inference_requests_total{code="200"} 3.0',
            'inference_requests_total{code="400"} 1.0',
            "inference_request_seconds_count 4.0",
            'inference_server_info{image_mark="mark-7",model_name="digits",model_version="1.1.0"} 1.0',
        ):
            self.assertIn(line, text.splitlines())


class Life(WithModel):
    def test_a_stop_answers_what_is_under_way_and_ends_well(self):
        server = self.serve()
        body = json.dumps({"inputs": [PICTURE], "outputs": [{"name": "label"}]}).encode()
        head = f"POST /v2/models/digits/infer HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n"
        with socket.create_connection(("127.0.0.1", server.port), timeout=10) as client:
            client.sendall(f"{head}Expect: 100-continue\r\n\r\n".encode())
            self.assertIn(b"100 Continue", client.recv(1000))  # the request is under way, its body is not here
            server.process.send_signal(signal.SIGTERM)
            with self.assertRaises(OSError):
                while True:
                    server.get("/v2/health/live")
            client.sendall(body)
            answer = b"".join(iter(lambda: client.recv(1000), b""))
        self.assertIn(b"200 OK", answer)
        self.assertIn(b'"data":[9]', answer)
        self.assertEqual(server.process.wait(10), 0)

    def test_it_keeps_nothing_at_home(self):
        server = self.serve()
        server.infer({"inputs": [PICTURE]})
        self.assertEqual(list(server.home.iterdir()), [])

    def test_without_a_model_it_says_where_it_looked(self):
        with tempfile.TemporaryDirectory() as folder:
            server = Server(Path(folder), "/nowhere")
            self.assertEqual(server.process.wait(30), 1)
            self.assertIn("no model at /nowhere/model.onnx", server.stop())


class Preprocessing(WithModel):
    def test_answers_are_those_of_training(self):
        self.assertLess(self.serve().wrong_share(), 0.03)

    def test_release_v1_2_0_scales_whole_numbers_twice(self):
        server = self.serve(overlay=DIGITS / "releases/v1.2.0/serving")
        self.assertTrue(0.2 < server.wrong_share() < 0.4)
        floats = [payload for payload in PAYLOADS if payload["request"]["inputs"][0]["datatype"] == "FP32"]
        right = sum(
            server.infer(payload["request"])[1]["outputs"] == payload["expect"]["outputs"] for payload in floats
        )
        self.assertGreater(right / len(floats), 0.97)
