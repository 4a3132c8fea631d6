"""Serves the digits model by the Open Inference Protocol v2, with Prometheus metrics at /metrics.

Settings, all from the environment: MODEL_DIR (a folder with model.onnx; default /mnt/models) or MODEL_PATH
(the file itself), MODEL_NAME, MODEL_VERSION, HOST, PORT, IMAGE_MARK (told at /v2: which image this is).
"""

import json
import os
import signal
import sys
import time

os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # else onnxruntime reports models to its maker; read at import

import onnxruntime  # noqa: E402
import uvicorn  # noqa: E402
from fastapi import FastAPI, Request, Response  # noqa: E402
from prometheus_client import CONTENT_TYPE_LATEST, Counter, Gauge, Histogram, generate_latest  # noqa: E402
from starlette.exceptions import HTTPException  # noqa: E402
from starlette.responses import JSONResponse  # noqa: E402

from preprocess import features_of, pixels_of  # noqa: E402

DATATYPES = {"tensor(float)": "FP32", "tensor(int64)": "INT64"}
REQUESTS = Counter("inference_requests", "Answered inference requests.", ["code"])
SECONDS = Histogram(
    "inference_request_seconds",
    "From the whole request read to its answer ready.",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1),
)
SERVES = Gauge("inference_server_info", "What this process serves.", ["model_name", "model_version", "image_mark"])


def tensors_of(nodes: list) -> list:
    return [
        {
            "name": node.name,
            "datatype": DATATYPES[node.type],
            "shape": [size if isinstance(size, int) else -1 for size in node.shape],
        }
        for node in nodes
    ]


def server(session: onnxruntime.InferenceSession, name: str, version: str, mark: str) -> FastAPI:
    app = FastAPI(openapi_url=None)
    model = {
        "name": name,
        "versions": [version] if version else [],
        "platform": "onnx_onnxruntime",
        "inputs": tensors_of(session.get_inputs()),
        "outputs": tensors_of(session.get_outputs()),
    }
    outputs = {tensor["name"]: tensor for tensor in model["outputs"]}
    SERVES.labels(name, version, mark).set(1)

    def require(asked: str, asked_version: str) -> None:
        if asked != name or asked_version not in ("", version):
            known = f"{name} {version}".strip()
            raise HTTPException(404, f"model {f'{asked} {asked_version}'.strip()!r} is not served here, {known!r} is")

    def infer(body: object) -> dict:
        if not isinstance(body, dict) or not isinstance(body.get("inputs"), list) or len(body["inputs"]) != 1:
            raise ValueError("a request has one tensor in 'inputs'")
        if not isinstance(body["inputs"][0], dict):
            raise ValueError("a tensor is an object with name, datatype, shape and data")
        asked = body.get("outputs", [])
        if not isinstance(asked, list) or not all(isinstance(tensor, dict) for tensor in asked):
            raise ValueError("'outputs' is a list of objects with a name")
        wanted = [tensor.get("name") for tensor in asked] or list(outputs)
        unknown = [wish for wish in wanted if wish not in outputs]
        if unknown:
            raise ValueError(f"outputs are {', '.join(outputs)} (saw {unknown[0]!r})")
        values = session.run(wanted, {"pixels": features_of(pixels_of(body["inputs"][0]))})
        answer = {
            "model_name": name,
            "outputs": [
                {
                    "name": wish,
                    "datatype": outputs[wish]["datatype"],
                    "shape": list(value.shape),
                    "data": value.ravel().tolist(),
                }
                for wish, value in zip(wanted, values)
            ],
        }
        if version:
            answer["model_version"] = version
        if "id" in body:
            answer["id"] = body["id"]
        return answer

    @app.exception_handler(HTTPException)
    async def refuse(_: Request, refusal: HTTPException) -> JSONResponse:
        return JSONResponse({"error": refusal.detail}, refusal.status_code)

    @app.get("/v2")
    async def server_metadata() -> dict:
        return {"name": "digits-server", "version": "1", "extensions": [], "image_mark": mark}

    @app.get("/v2/health/live")
    async def live() -> dict:
        return {"live": True}

    @app.get("/v2/health/ready")
    async def ready() -> dict:
        return {"ready": True}

    @app.get("/v2/models/{asked}")
    @app.get("/v2/models/{asked}/versions/{asked_version}")
    async def model_metadata(asked: str, asked_version: str = "") -> dict:
        require(asked, asked_version)
        return model

    @app.get("/v2/models/{asked}/ready")
    @app.get("/v2/models/{asked}/versions/{asked_version}/ready")
    async def model_ready(asked: str, asked_version: str = "") -> dict:
        require(asked, asked_version)
        return {"name": name, "ready": True}

    @app.post("/v2/models/{asked}/infer")
    @app.post("/v2/models/{asked}/versions/{asked_version}/infer")
    async def model_infer(request: Request, asked: str, asked_version: str = "") -> JSONResponse:
        require(asked, asked_version)
        raw = await request.body()
        start = time.perf_counter()
        try:
            answer, code = infer(json.loads(raw)), 200
        except ValueError as fault:
            answer, code = {"error": str(fault)}, 400
        SECONDS.observe(time.perf_counter() - start)
        REQUESTS.labels(str(code)).inc()
        return JSONResponse(answer, code)

    @app.get("/metrics")
    async def metrics() -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    return app


def load_model(path: str) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # a picture takes well under a millisecond: threads only cost
    options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def main() -> None:
    setting = os.environ.get
    path = setting("MODEL_PATH") or os.path.join(setting("MODEL_DIR", "/mnt/models"), "model.onnx")
    name, version, mark = setting("MODEL_NAME", "digits"), setting("MODEL_VERSION", ""), setting("IMAGE_MARK", "")
    host, port = setting("HOST", "127.0.0.1"), int(setting("PORT", "8080"))
    if not os.path.isfile(path):
        sys.exit(f"no model at {path}: set MODEL_DIR to a folder with model.onnx, or MODEL_PATH to the file")

    # uvicorn answers what is under way, then raises the signal once more: a stop that was asked for is no failure
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))
    app = server(load_model(path), name, version, mark)
    print(f"serves {name} {version} from {path} at http://{host}:{port}", flush=True)
    uvicorn.run(app, host=host, port=port, log_level="warning", access_log=False, timeout_graceful_shutdown=10)


if __name__ == "__main__":
    main()
