"""Runs a compiled KFP package with kfp.local and tells on a channel of its own what happens.

usage: driver.py RUN_FOLDER

The folder holds package.yaml and request.json, and gets events.jsonl (one event a line; nothing but this process writes
to it), logs/, tasks/ and cache/. Started again in the same folder it resumes: what has finished comes from the cache.
Standard input is a pipe of whoever started it: when that process is gone, the run is ended as cancelled.

Exit codes: 0 succeeded, 1 failed, 75 another driver works in this folder, 130 or 143 cancelled.
"""

import fcntl
import hashlib
import json
import os
import signal
import sys
import threading
import time
import traceback

import late_client
from plain_json import finite, whole
from stopping import STOP_S, Stop
from task_outputs import missing_outputs, settle_outputs

RUN = os.path.abspath(sys.argv[1])
BUSY = 75


def in_run(*parts):
    return os.path.join(RUN, *parts)


def take_folder():
    """One driver a folder, also when two jobs start it in the same moment."""
    lock = os.open(in_run("lock"), os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        sys.exit(BUSY)
    return lock


def say_who_works():
    """After the first event, so that whoever finds this process alive finds its events, not those of an earlier one."""
    os.truncate(LOCK, 0)
    os.write(LOCK, json.dumps({"pid": os.getpid(), "born": birth()}).encode())


def birth():
    """Tells this process from a later one with the same number; empty where the system does not say."""
    try:
        with open("/proc/self/stat") as stat:
            return stat.read().rpartition(")")[2].split()[19]
    except OSError:
        return ""


LOCK = take_folder()
EVENTS = os.open(in_run("events.jsonl"), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)


def emit(event, **fields):
    """One write a line: whole lines only, from any thread."""
    line = json.dumps({"event": event, "at": round(time.time(), 3), **finite(fields)}, default=str, allow_nan=False)
    os.write(EVENTS, (line + "\n").encode())


STOP = Stop(emit)


def stop_on_signals():
    def act(number, _frame):
        threading.Thread(target=STOP, args=(f"signal {signal.Signals(number).name}", 128 + number)).start()

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, act)


def stop_with_parent():
    def watch():
        while os.read(0, 1):
            pass
        STOP("the process that started the run is gone", 143)

    threading.Thread(target=watch, daemon=True).start()


stop_on_signals()
stop_with_parent()
emit("start", pid=os.getpid(), python=sys.version.split()[0])
say_who_works()

late_client.install()
# Started with -B, since our own folder is no place for bytecode; that of the SDK makes the next start faster.
sys.dont_write_bytecode = False

from google.protobuf import json_format  # noqa: E402
from kfp import __version__ as KFP_VERSION  # noqa: E402
from kfp import dsl, local  # noqa: E402
from kfp.compiler import pipeline_spec_builder  # noqa: E402
from kfp.local import status, utils  # noqa: E402
from kfp.local.orchestrator import enhanced_dag_orchestrator  # noqa: E402
from kfp.local.orchestrator.orchestrator_utils import OrchestratorUtils  # noqa: E402
from kfp.pipeline_spec import pipeline_spec_pb2  # noqa: E402
import yaml  # noqa: E402

sys.dont_write_bytecode = True

import condition  # noqa: E402
from containers import Containers  # noqa: E402
import machine  # noqa: E402
from hooks import hook  # noqa: E402

class Current(threading.local):
    """The task of this thread."""

    task = ""
    path = ""
    log = None
    code = None
    attempt = 0
    error = None
    executor = None
    component = None
    inputs = {}
    gpus = []


CURRENT = Current()
MACHINE = {}
# None where every task is a process.
CONTAINERS = None


@hook("task events, resuming")
def execute_single_task(old, *, task_name, task_spec, pipeline_resource_name, components, io_store, **rest):
    CURRENT.task, CURRENT.log, CURRENT.code, CURRENT.attempt, CURRENT.error = task_name, None, None, 0, None
    CURRENT.component = components[task_spec.component_ref.name]
    CURRENT.executor = rest["executors"][CURRENT.component.executor_label]
    CURRENT.path = f"{pipeline_resource_name}/{task_name}".lstrip("/")
    # what has finished is never run again on resuming, whether or not its caching between runs is switched off
    task_spec.caching_options.enable_cache = True
    who = {"task": task_name, "path": CURRENT.path, "component": task_spec.component_ref.name}
    emit("task-start", **who)
    start, outputs, error = time.monotonic(), {}, None
    inputs = {}
    try:
        inputs = OrchestratorUtils.make_task_arguments(task_spec.inputs, io_store)
        CURRENT.inputs, CURRENT.gpus = inputs, MACHINE.get("gpus", [])
        outputs, state = old(
            task_name=task_name,
            task_spec=task_spec,
            pipeline_resource_name=pipeline_resource_name,
            components=components,
            io_store=io_store,
            **rest,
        )
    except Exception as caught:
        traceback.print_exc()
        state, error = status.Status.FAILURE, f"{type(caught).__name__}: {caught}"
    ok = state == status.Status.SUCCESS
    error = error or (None if ok else CURRENT.error)
    emit(
        "task-end",
        **who,
        state="cancelled" if STOP.reason else "succeeded" if ok else "failed",
        cached=ok and CURRENT.log is None and CURRENT.executor.WhichOneof("spec") != "importer",
        seconds=round(time.monotonic() - start, 3),
        **({} if CURRENT.code is None else {"exitCode": CURRENT.code}),
        **({} if CURRENT.log is None else {"log": os.path.relpath(CURRENT.log, RUN)}),
        **({} if error is None else {"error": error}),
        inputs=described(inputs),
        outputs=described(outputs),
    )
    return outputs, state


def described(values):
    """Parameters as they are, artifacts by type, place and metadata."""
    artifacts, parameters = {}, {}
    for name, value in values.items():
        several = value if isinstance(value, list) else [value]
        if several and all(isinstance(one, dsl.Artifact) for one in several):
            artifacts[name] = [
                {"type": one.schema_title, "uri": one.uri, "metadata": whole(one.metadata)} for one in several
            ]
        else:
            parameters[name] = whole(value)
    return {"parameters": parameters, "artifacts": artifacts}


@hook("processes")
def run_local_subprocess(_old, full_command, env_vars=None):
    CURRENT.attempt += 1
    task_folder = in_run("tasks", CURRENT.path)
    clear(task_folder)
    os.makedirs(task_folder, exist_ok=True)
    name = CURRENT.path.replace("/", ".")
    CURRENT.log = in_run("logs", f"{name}.log" if CURRENT.attempt == 1 else f"{name}.{CURRENT.attempt}.log")
    image = CONTAINERS and CONTAINERS.image_of(CURRENT.executor.container.image, full_command)
    CURRENT.code = run_container(full_command, image) if image else run_process(full_command, env_vars)
    if CURRENT.code == 0:
        settle_outputs(task_folder, CURRENT.component)
        missing = missing_outputs(task_folder, CURRENT.component)
        if missing:
            CURRENT.error = f"the task ended well, but without its output {', '.join(missing)}"
            return 1
    return CURRENT.code


def run_process(command, env_vars):
    return guarded(without_install(command), {**os.environ, **(env_vars or {})})


def run_container(command, image):
    client, remove = CONTAINERS.command(CURRENT, image, command)
    code = guarded(client, CONTAINERS.environment(), remove)
    if CONTAINERS.needs_low_limits(code, CURRENT.log):
        client, remove = CONTAINERS.command(CURRENT, image, command)
        code = guarded(client, CONTAINERS.environment(), remove)
    if code == 125:
        CURRENT.error = f"{CONTAINERS.program} could not start the container"
    return code


def guarded(command, env, after=None):
    """The exit code of a command whose output goes to the task's log."""
    with open(CURRENT.log, "wb") as log:
        guard = STOP.start(command, log, env, after)
        if guard is None:
            return 143
        image = {} if after is None else {"image": CURRENT.executor.container.image}
        emit("task-process", task=CURRENT.task, path=CURRENT.path, pid=guard.pid, attempt=CURRENT.attempt, **image)
        try:
            return guard.wait()
        finally:
            STOP.forget(guard)


def clear(folder):
    """What a killed or failed attempt left would be in the way of the next one."""
    import shutil

    shutil.rmtree(folder, ignore_errors=True)


def without_install(command):
    """The command without the `pip install` that the compiler puts before it: all packages are in the environment."""
    if command[:2] == ["sh", "-c"] and "-m pip install" in command[2] and command[3:5] == ["sh", "-ec"]:
        return command[3:]
    return command


@hook("containers are ours")
def validate_not_container_component(_old, self, full_command):
    """Checked before the run."""


@hook("containers of Python are ours")
def validate_not_containerized_python_component(_old, self, full_command):
    """Checked before the run."""


@hook("python by PATH, not by replacing text")
def replace_python_executable(_old, full_command, new_executable):
    return full_command


@hook("a folder for each task, not for each component")
def get_local_task_resource_name(_old, component_name):
    return CURRENT.task


@hook("a folder for each sub-DAG")
def get_nested_pipeline_resource_name(_old, task_name, pipeline_resource_name):
    return f"{pipeline_resource_name}/{task_name}".lstrip("/")


@hook("one cache entry for each task")
def compute_key(old, *args, **kwargs):
    kwargs["custom_cache_key"] = None
    return hashlib.sha256(f"{CURRENT.path}\0{old(*args, **kwargs)}".encode()).hexdigest()


@hook("whole numbers stay whole")
def executor_input_to_dict(old, executor_input, component_spec):
    """Inside lists and objects a protobuf has only doubles; the cluster's launcher writes whole ones as integers."""
    value = old(executor_input=executor_input, component_spec=component_spec)
    parameters = value.get("inputs", {}).get("parameterValues", {})
    for name, parameter in parameters.items():
        if isinstance(parameter, (list, dict)):
            parameters[name] = whole(parameter)
    return value


@hook("conditions on values")
def evaluate_condition(_old, text, io_store):
    """The tasks' conditions were replaced by `prepare`, so that the inputs they speak of can be resolved here."""
    task = CONDITIONS[text]
    values = OrchestratorUtils.make_task_arguments(task["inputs"], io_store)
    holds = condition.evaluate(task["condition"], values.__getitem__)
    if not holds:
        emit("task-skip", task=task["name"], condition=task["condition"])
    return holds


@hook("an optional parameter may have no value")
def join_user_inputs_and_defaults(old, dag_arguments, dag_inputs_spec):
    """kfp.local fails on an optional parameter without a default: it has none to read. That the others are given was checked."""
    absent = {
        name: None
        for name, declared in dag_inputs_spec.parameters.items()
        if name not in dag_arguments and not declared.HasField("default_value")
    }
    return old(dag_arguments={**absent, **dag_arguments}, dag_inputs_spec=dag_inputs_spec)


@hook("no value is not handed on")
def make_task_arguments(old, task_inputs_spec, io_store):
    arguments = old(task_inputs_spec=task_inputs_spec, io_store=io_store)
    return {name: value for name, value in arguments.items() if value is not None}


@hook("a loop gets the values that it names")
def run_parallel_for_task(old, *, task_spec, io_store, **rest):
    """kfp.local looks for the items by cutting names apart, and hands the loop's item on in place of every output of
    another task and of every outer loop's item. With all values put in before, nothing is left to be mixed up."""
    resolved = pipeline_spec_pb2.PipelineTaskSpec()
    resolved.CopyFrom(task_spec)
    values = OrchestratorUtils.make_task_arguments(task_spec.inputs, io_store)
    for name in list(resolved.inputs.parameters):
        del resolved.inputs.parameters[name]
        if name in values:
            constant = pipeline_spec_builder.to_protobuf_value(values[name])
            resolved.inputs.parameters[name].runtime_value.constant.CopyFrom(constant)
    items = resolved.parameter_iterator.items
    if items.input_parameter in values:
        items.raw = json.dumps(whole(values[items.input_parameter]))
    failed = old(task_spec=resolved, io_store=io_store, **rest)
    if json.loads(items.raw or "null") == []:
        for output in rest["components"][task_spec.component_ref.name].dag.outputs.parameters:
            io_store.put_task_output(rest["task_name"], output, [])
    return failed


CONDITIONS = {}


def prepare(spec):
    for dag in [spec.root.dag, *(component.dag for component in spec.components.values())]:
        for name, task in dag.tasks.items():
            if task.trigger_policy.condition:
                key = f"condition {len(CONDITIONS)}"
                CONDITIONS[key] = {"name": name, "condition": task.trigger_policy.condition, "inputs": task.inputs}
                task.trigger_policy.condition = key


def run():
    global CONTAINERS
    with open(in_run("request.json")) as file:
        request = json.load(file)
    if request.get("containers"):
        mounts = [in_run("tasks"), in_run("workspace")]
        CONTAINERS = Containers(request["containers"], request["runId"], mounts, emit)
        CONTAINERS.sweep()
    with open(in_run("package.yaml")) as file:
        documents = [document for document in yaml.safe_load_all(file) if document]
    spec = json_format.ParseDict(documents[0], pipeline_spec_pb2.PipelineSpec())
    prepare(spec)
    local.init(
        local.SubprocessRunner(use_venv=False),
        pipeline_root=in_run("tasks"),
        workspace_root=in_run("workspace"),
        raise_on_error=False,
        enable_caching=True,
        cache_root=in_run("cache"),
    )
    executors = {
        name: utils.struct_to_executor_spec(executor) for name, executor in spec.deployment_spec["executors"].items()
    }
    _outputs, state = enhanced_dag_orchestrator.run_enhanced_dag(
        pipeline_resource_name="",
        dag_component_spec=spec.root,
        executors=executors,
        components=dict(spec.components.items()),
        dag_arguments=request["parameters"],
        pipeline_root=in_run("tasks"),
        runner=local.config.LocalExecutionConfig.instance.runner,
        unique_pipeline_id=request["runId"],
        fail_stack=[],
    )
    return state == status.Status.SUCCESS


def main():
    for folder in ("logs", "tasks", "cache", "workspace"):
        os.makedirs(in_run(folder), exist_ok=True)
    # kfp.local tells its story with colours and moves sys.stdout around: that is a log, not an interface
    engine_log = os.open(in_run("logs", "engine.log"), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.dup2(engine_log, 1)
    os.dup2(engine_log, 2)
    MACHINE.update(machine.describe())
    emit("engine", kfp=KFP_VERSION, environment=MACHINE)
    error = None
    try:
        succeeded = run()
    except Exception as caught:
        traceback.print_exc()
        succeeded, error = False, f"{type(caught).__name__}: {caught}"
    sys.stdout.flush()
    with STOP.lock:
        if not STOP.reason:
            emit("end", state="succeeded" if succeeded else "failed", **({} if error is None else {"error": error}))
            os._exit(0 if succeeded else 1)
    # the thread that stops everything ends the process
    time.sleep(STOP_S + 2)
    os._exit(143)


if __name__ == "__main__":
    main()
