"""Tasks in containers: the command of docker or podman that does what Kubernetes would do with the executor.

kfp.local has a runner for docker, which runs every task of a run or none, ignores `command` where an image has an entrypoint, takes a
container that has vanished for one that succeeded, and needs another package. This is the program's own client instead.
"""

import hashlib
import os
import re
import subprocess
import threading

PROBE_S = 120
# Podman asks for its own limits, which a machine without CAP_SYS_RESOURCE does not grant; these are granted everywhere.
LOW_LIMITS = ["--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1024:1024"]
PROXIES = re.compile(r"(https?|no|all)_proxy$", re.IGNORECASE)


class Containers:
    """The images that this run's engine has, by the references of the executors."""

    def __init__(self, request, run_id, mounts, emit):
        self.program = request["program"]
        self.images = request["images"]
        self.env = request["env"]
        self.passed = request["pass"]
        self.run_id = run_id
        self.mounts = mounts
        self.emit = emit
        self.limits = []
        self.lock = threading.Lock()
        self.pythons = {}

    def image_of(self, image, command):
        """The image that a task runs in; None for one that runs as a process. Python components need the KFP SDK in it."""
        known = self.images.get(image)
        if known is None or not is_lightweight(command):
            return known
        with self.lock:
            if known not in self.pythons:
                self.pythons[known] = self.has_sdk(image, known)
        return known if self.pythons[known] else None

    def has_sdk(self, image, known):
        why = self.ask(known)
        if "rlimit" in why and not self.limits:
            self.limits = LOW_LIMITS
            why = self.ask(known)
        self.emit("image", image=image, runs="process" if why else "container", **({"why": why} if why else {}))
        return not why

    def ask(self, known):
        """Why the image cannot run a Python component; empty where it can."""
        # as a component starts: then the SDK loads only what it needs for that, and an image may hold no more
        options = ["--rm", "--pull=never", "--network=none", "--env", "_KFP_RUNTIME=true", *self.limits]
        command = [self.program, "run", *options, "--entrypoint", "python3", known, "-c", "import kfp.dsl.executor_main"]
        try:
            asked = subprocess.run(command, env=self.environment(), capture_output=True, text=True, timeout=PROBE_S)
        except subprocess.TimeoutExpired:
            return f"python3 did not answer within {PROBE_S} s"
        said = asked.stderr.strip().splitlines() or [f"exit code {asked.returncode}"]
        return "" if asked.returncode == 0 else said[-1]

    def command(self, task, known, command):
        """What runs the task, and what removes whatever is left of it."""
        name = f"ml-release-{self.run_id[:8]}-{hashlib.sha256(task.path.encode()).hexdigest()[:8]}-{task.attempt}"
        own = {one.name: one.value for one in task.executor.container.env}
        variables = [f"{key}={value}" for key, value in own.items()] + [key for key in self.passed if key not in own]
        user = os.getuid()
        options = [
            *["--name", name, "--label", f"ml-release.run={self.run_id}", "--rm", "--pull=never", "--network=host"],
            *["--user", f"{user}:{os.getgid()}", "--security-opt=label=disable", *self.limits],
            *(["--userns=keep-id"] if self.program == "podman" and user != 0 else []),
            *gpu_options(self.program, task),
            *[word for mount in self.mounts for word in ("--volume", f"{mount}:{mount}")],
            *[word for place in places(task.inputs, self.mounts) for word in ("--volume", f"{place}:{place}:ro")],
            *["--env", f"ML_RELEASE_IMAGE={task.executor.container.image}", "--env", "PYTHONUNBUFFERED=1", *(["--env", "HOME=/tmp"] if user != 0 else [])],
            *[word for key in os.environ if PROXIES.match(key) for word in ("--env", key)],
            *[word for variable in variables for word in ("--env", variable)],
        ]
        # as in Kubernetes: `command` stands in place of the image's entrypoint, `args` alone are given to it
        entry = ["--entrypoint", command[0]] if task.executor.container.command else []
        rest = command[1:] if entry else command
        remove = [self.program, "rm", "--force", *(["--time", "0"] if self.program == "podman" else []), name]
        return [self.program, "run", *options, *entry, known, *rest], remove

    def environment(self):
        return {**os.environ, **self.env}

    def needs_low_limits(self, code, log):
        """Whether a container could not be started for the limits that it asks for; if so, the next one asks for less."""
        if code not in (125, 126, 127) or self.limits:
            return False
        with open(log, errors="replace") as lines:
            found = "rlimit" in lines.read()
        if found:
            self.limits = LOW_LIMITS
        return found

    def sweep(self):
        """Removes what an earlier driver of this run may have left, which was killed together with its guards."""
        listed = subprocess.run(
            [self.program, "ps", "--all", "--quiet", "--filter", f"label=ml-release.run={self.run_id}"],
            env=self.environment(),
            capture_output=True,
            text=True,
        )
        if listed.stdout.split():
            subprocess.run([self.program, "rm", "--force", *listed.stdout.split()], env=self.environment(), capture_output=True)


def is_lightweight(command):
    return any("ephemeral_component.py" in word for word in command)


def gpu_options(program, task):
    if not task.gpus or not task.executor.container.resources.HasField("accelerator"):
        return []
    return ["--gpus", "all"] if program == "docker" else ["--device", "nvidia.com/gpu=all"]


def places(inputs, mounts):
    """Files and folders of this machine that the task's inputs name: it may read them."""
    found = set()
    for value in inputs.values():
        for one in value if isinstance(value, list) else [value]:
            path = getattr(one, "uri", one)
            path = path[len("file://") :] if isinstance(path, str) and path.startswith("file://") else path
            if not isinstance(path, str) or not os.path.isabs(path) or ":" in path or not os.path.exists(path):
                continue
            path = os.path.normpath(path)
            if path != "/" and not any(path == mount or path.startswith(mount + os.sep) for mount in mounts):
                found.add(path)
    return sorted(found)
