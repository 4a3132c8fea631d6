"""The real ML Metadata store (the C++ core inside the PyPI wheel `ml-metadata`) behind gRPC-Web on a port of loopback.

usage: mlmd_server.py

Prints one line `{"port": N}` when it answers, and ends when its standard input does. The store lives in memory. A value without
a kind aborts the whole process inside the C++ core: hence a process of its own.

Beside the service of ML Metadata there are two routes for tests:

POST /write-run   writes a run as KFP's driver and launcher do (mlmd_writer.py)
POST /behave      {"pageSize": N}: no answer holds more, as where a server limits it; {"typeNames": false}: types by number
                  only, as servers before 1.14 answer; {"namespaceless": true}: contexts without properties
"""

import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import quote

from ml_metadata.metadata_store.pywrap.metadata_store_extension import metadata_store as core
from ml_metadata.proto import metadata_store_pb2 as pb
from ml_metadata.proto import metadata_store_service_pb2 as service

import mlmd_writer

SERVICE = "/ml_metadata.MetadataStoreService/"
TYPE = "application/grpc-web+proto"
INVALID, INTERNAL, UNIMPLEMENTED = 3, 13, 12

config = pb.ConnectionConfig()
config.fake_database.SetInParent()  # SQLite in memory
STORE = core.CreateMetadataStore(config.SerializeToString(), pb.MigrationOptions().SerializeToString())
METHODS = {name: getattr(core, name) for name in dir(core) if name.startswith(("Get", "Put"))}
LOCK = threading.RLock()
BEHAVIOUR = {"pageSize": None, "typeNames": True}


def call(method, message):
    """(bytes of the answer, status, text of the error)"""
    if method not in METHODS:
        return b"", UNIMPLEMENTED, f"unknown method {method}"
    with LOCK:
        answer, text, status = METHODS[method](STORE, message)
    return answer, int(status), text.decode() if isinstance(text, bytes) else text


def call_as_told(method, message):
    request_type = getattr(service, f"{method}Request", None)
    if request_type is not None and BEHAVIOUR["pageSize"] and "options" in request_type.DESCRIPTOR.fields_by_name:
        request = request_type.FromString(message)
        request.options.max_result_size = BEHAVIOUR["pageSize"]
        message = request.SerializeToString()
    answer, status, text = call(method, message)
    if status == 0 and not BEHAVIOUR["typeNames"]:
        whole = getattr(service, f"{method}Response").FromString(answer)
        for _field, items in whole.ListFields():
            for item in items if hasattr(items, "__iter__") and not isinstance(items, (str, bytes)) else [items]:
                if hasattr(item, "type_id"):
                    item.ClearField("type")
        answer = whole.SerializeToString()
    return answer, status, text


def typed_call(method, request):
    """For the writer: protos in and out; an error is raised."""
    answer, status, text = call(method, request.SerializeToString())
    if status:
        raise ValueError(f"{method}: {status} {text}")
    return getattr(service, f"{method}Response").FromString(answer)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        try:
            if self.path == "/write-run":
                with LOCK:
                    return self.answer(200, "application/json", json.dumps(WRITER.write(json.loads(body))).encode())
            if self.path == "/behave":
                BEHAVIOUR.update(json.loads(body))
                return self.answer(200, "application/json", b"{}")
        except Exception as error:
            return self.answer(400, "text/plain", f"{type(error).__name__}: {error}".encode())
        if not self.path.startswith(SERVICE):
            return self.answer(404, "text/plain", b"not found")
        self.answer_call(body)

    def answer_call(self, body):
        size = int.from_bytes(body[1:5], "big")
        if not self.headers.get("content-type", "").startswith(TYPE) or len(body) != 5 + size:
            return self.trailers_only(INVALID, "no gRPC-Web request")
        answer, status, text = call_as_told(self.path[len(SERVICE) :], body[5:])
        if status:
            return self.trailers_only(status, text)
        trailers = b"grpc-status:0\r\ngrpc-message:\r\n"
        frames = b"\0" + len(answer).to_bytes(4, "big") + answer + b"\x80" + len(trailers).to_bytes(4, "big") + trailers
        self.answer(200, TYPE, frames)

    def trailers_only(self, status, text):
        """As Envoy answers errors."""
        self.answer(200, TYPE, b"", {"grpc-status": str(status), "grpc-message": quote(text)})

    def answer(self, status, content_type, content, headers=None):
        self.send_response(status)
        for name, value in {"content-type": content_type, "content-length": str(len(content)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass


WRITER = mlmd_writer.Writer(typed_call)
server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
server.daemon_threads = True
threading.Thread(target=server.serve_forever, daemon=True).start()
print(json.dumps({"port": server.server_address[1]}), flush=True)
sys.stdin.buffer.read()
