"""What runs in a run, and how all of it is ended."""

import json
import os
import subprocess
import sys
import threading
import time

GUARD = os.path.join(os.path.dirname(os.path.abspath(__file__)), "guard.py")
STOP_S = 4.0


class Stop:
    """What is running, and how all of it is ended."""

    def __init__(self, emit):
        self.emit = emit
        # Every guard reads from this pipe and nobody writes to it: it ends when this process does.
        self.alive, self.writer = os.pipe()
        self.lock = threading.Lock()
        self.guards = {}
        self.reason = None

    def start(self, command, log, env, after=None):
        with self.lock:
            if self.reason:
                return None
            guard = subprocess.Popen(
                [sys.executable, "-I", "-S", GUARD, *(["--after", json.dumps(after)] if after else []), *command],
                stdin=self.alive,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=env,
                start_new_session=True,
            )
            self.guards[guard.pid] = guard
            return guard

    def forget(self, guard):
        with self.lock:
            self.guards.pop(guard.pid, None)

    def __call__(self, reason, code):
        with self.lock:
            if self.reason:
                return
            self.reason = reason
            guards = list(self.guards.values())
        self.emit("stop", reason=reason)
        for guard in guards:
            guard.terminate()
        deadline = time.monotonic() + STOP_S
        for guard in guards:
            try:
                guard.wait(max(0.05, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                guard.kill()
        self.emit("end", state="cancelled", reason=reason)
        os._exit(code)
