"""Writes runs into ML Metadata as KFP 2.17 does: call by call what its driver and launcher record
(kubeflow/pipelines, backend/src/v2/metadata/client.go, backend/src/v2/driver, backend/src/v2/component)."""

import hashlib
import json
import re

from google.protobuf import json_format, struct_pb2
from ml_metadata.proto import metadata_store_pb2 as pb
from ml_metadata.proto import metadata_store_service_pb2 as service

EVENT = pb.Event
STATE = pb.Execution
STATES = {
    "succeeded": STATE.COMPLETE,
    "failed": STATE.FAILED,
    "running": STATE.RUNNING,
    "cancelled": STATE.RUNNING,  # nobody writes that a pod was ended
    "skipped": STATE.CANCELED,  # what MLMD calls canceled, KFP calls not triggered
}
ITERATION = re.compile(r"^(.*)-iteration-(\d+)$")


class Writer:
    def __init__(self, call):
        self.call = call
        # the cache of KFP's API server: what ran without being taken over, by pipeline and place
        self.finished = {}
        self.types = {}
        self.runs = {}

    def write(self, run):
        """A run of the form of test/support/mlmd.ts. Returns the ids of the executions by path. Written again, as after a retry,
        a run keeps its DAGs and what had succeeded; the rest is tried again."""
        if run["runId"] in self.runs:
            return self.runs[run["runId"]].again(run)
        self.runs[run["runId"]] = Run(self, run)
        return self.runs[run["runId"]].write()

    def type_id(self, kind, name):
        if (kind, name) not in self.types:
            request = getattr(service, f"Put{kind}TypeRequest")()
            getattr(request, f"{kind.lower()}_type").name = name
            self.types[kind, name] = self.call(f"Put{kind}Type", request).type_id
        return self.types[kind, name]

    def context(self, type_name, name, properties):
        found = self.call(
            "GetContextByTypeAndName", service.GetContextByTypeAndNameRequest(type_name=type_name, context_name=name)
        )
        if found.HasField("context"):
            return found.context
        context = pb.Context(type_id=self.type_id("Context", type_name), name=name)
        for key, value in properties.items():
            context.custom_properties[key].string_value = value
        context.id = self.call("PutContexts", service.PutContextsRequest(contexts=[context])).context_ids[0]
        return context


class Run:
    def __init__(self, writer, run):
        self.writer, self.call, self.run = writer, writer.call, run
        self.dags = {}
        self.artifacts = {}
        self.counts = iteration_counts(run["tasks"])
        self.succeeded = {}

    def again(self, run):
        self.run, self.counts = run, iteration_counts(run["tasks"])
        return self.write_tasks()

    def write(self):
        run = self.run
        pipeline = self.writer.context("system.Pipeline", run["pipeline"], {})
        self.root = f"{run['root']}/{run['pipeline']}/{run['runId']}"
        properties = {
            "namespace": run["namespace"],
            "resource_name": "run-resource",
            "pipeline_root": self.root,
            "store_session_info": "{}",
        }
        context = self.writer.context("system.PipelineRun", run["runId"], properties)
        self.contexts = [pipeline, context]
        if not self.call(
            "GetParentContextsByContext", service.GetParentContextsByContextRequest(context_id=context.id)
        ).contexts:
            request = service.PutParentContextsRequest()
            request.parent_contexts.add(child_id=context.id, parent_id=pipeline.id)
            self.call("PutParentContexts", request)
        self.dags[""] = self.execution("system.DAGExecution", {"inputs": run.get("parameters", {})}, name=f"run/{run['runId']}")
        return self.write_tasks()

    def write_tasks(self):
        run = self.run
        for path in run.get("untriggered", []):
            self.dag(path, triggered=False)
        written = dict(self.succeeded)
        for task in run["tasks"]:
            if task["state"] == "pending" or task["path"] in self.succeeded:  # its driver does not run
                continue
            written[task["path"]] = self.task(task)
            if task["state"] == "succeeded":
                self.succeeded[task["path"]] = written[task["path"]]
        for path, execution in self.dags.items():
            if path != "" and execution.last_known_state == STATE.RUNNING and run.get("over", True):
                failed = any(t["state"] == "failed" and t["path"].startswith(path) for t in run["tasks"])
                execution.last_known_state = STATE.FAILED if failed else STATE.COMPLETE
                self.put(execution)
        return written

    def dag(self, path, triggered=True):
        """The execution of the DAG at a path; a loop's iteration is a DAG of the same name inside of the loop's own."""
        if path in self.dags:
            return self.dags[path]
        parent, _, name = path.rpartition("/")
        around = self.dag(parent)
        iteration = ITERATION.match(name)
        if iteration is None:
            more = {"total_dag_tasks": 1}
        else:
            name, index = iteration[1], int(iteration[2])
            loop = f"{parent}/{name}".lstrip("/")
            if loop not in self.dags:
                self.dags[loop] = self.execution(
                    "system.DAGExecution",
                    {**names(name), **inside(around), "iteration_count": self.counts[loop], "total_dag_tasks": 1},
                )
            around, more = self.dags[loop], {"iteration_index": index, "total_dag_tasks": 1}
        self.dags[path] = self.execution(
            "system.DAGExecution",
            {**names(name), **inside(around), "inputs": {}, **more},
            state=STATE.RUNNING if triggered else STATE.CANCELED,
        )
        return self.dags[path]

    def task(self, task):
        parent, _, name = task["path"].rpartition("/")
        dag = self.dag(parent)
        if task.get("kind") == "importer":
            properties = {"display_name": "", "task_name": name, **inside(dag)}
            execution = self.execution("system.ImporterExecution", properties)
            self.publish(execution, task, self.recorded(task))
            return execution.id
        place = (self.run["pipeline"], task["path"])
        kept = self.kept(task, place) if task["cached"] else None
        properties = {
            **names(name, task.get("displayName", name)),
            **inside(dag),
            "pod_name": "",
            "pod_uid": "",
            "namespace": "",
            "image": "",
            "inputs": task["inputs"]["parameters"],
            "cache_fingerprint": hashlib.sha256("/".join(place).encode()).hexdigest(),
            **({} if kept is None else {"cached_execution_id": str(kept["execution"])}),
        }
        inputs = [
            (key, self.input_id(artifact))
            for key, artifacts in task["inputs"]["artifacts"].items()
            for artifact in artifacts
        ]
        state = STATE.CANCELED if task["state"] == "skipped" else STATE.RUNNING
        execution = self.execution("system.ContainerExecution", properties, state=state, inputs=inputs)
        if task["state"] == "skipped":
            return execution.id
        if kept is not None:
            self.remember(task, kept["artifacts"])
            self.publish(execution, {**task, "state": "cached"}, kept["artifacts"])
            return execution.id
        # the launcher, in the pod
        set_properties(execution, {
            "pod_name": task.get("pod", f"{self.run['pipeline']}-system-container-impl-{execution.id}"),
            "pod_uid": f"uid-{execution.id}",
            "namespace": self.run["namespace"],
        })
        self.put(execution)
        if task["state"] == "running":
            return execution.id
        artifacts = self.recorded(task)
        self.publish(execution, task, artifacts)
        if task["state"] == "succeeded":
            self.writer.finished[place] = {"execution": execution.id, "artifacts": artifacts}
        return execution.id

    def kept(self, task, place):
        if place not in self.writer.finished:
            raise ValueError(f"nothing was written before that {task['path']} could take over")
        return self.writer.finished[place]

    def execution(self, type_name, properties, name=None, state=STATE.RUNNING, inputs=()):
        """CreateExecution of the driver."""
        execution = pb.Execution(type_id=self.writer.type_id("Execution", type_name), last_known_state=state)
        if name is not None:
            execution.name = name
        set_properties(execution, properties)
        execution.id = self.put(execution, [event_pair(EVENT.INPUT, key, artifact) for key, artifact in inputs])
        return execution

    def publish(self, execution, task, artifacts):
        """PublishExecution: output parameters, output artifacts, the last state."""
        execution.last_known_state = STATE.CACHED if task["state"] == "cached" else STATES[task["state"]]
        if task["state"] in ("succeeded", "cached") and task.get("kind") != "importer":
            set_properties(execution, {"outputs": task["outputs"]["parameters"]})
        self.put(execution, [event_pair(EVENT.OUTPUT, key, artifact) for key, artifact in artifacts])

    def put(self, execution, pairs=()):
        request = service.PutExecutionRequest(execution=execution, contexts=self.contexts)
        request.artifact_event_pairs.extend(pairs)
        return self.call("PutExecution", request).execution_id

    def recorded(self, task):
        """RecordArtifact for every output: [(output, artifact id)]."""
        ids = []
        for output, artifacts in task["outputs"]["artifacts"].items():
            for artifact in artifacts:
                ids.append((output, self.put_artifact(artifact, output)))
        self.remember(task, ids)
        return ids

    def remember(self, task, ids):
        listed = [a for artifacts in task["outputs"]["artifacts"].values() for a in artifacts]
        for artifact, (_output, artifact_id) in zip(listed, ids):
            self.artifacts[artifact["uri"]] = artifact_id

    def put_artifact(self, artifact, name):
        message = pb.Artifact(
            type_id=self.writer.type_id("Artifact", artifact["type"]), uri=artifact["uri"], state=pb.Artifact.LIVE
        )
        for key, value in artifact["metadata"].items():
            if value is not None:  # the launcher fails on null
                set_metadata(message.custom_properties[key], value)
        for key, value in {"display_name": name, "store_session_info": "{}"}.items():
            if key not in message.custom_properties:
                message.custom_properties[key].string_value = value
        return self.call("PutArtifacts", service.PutArtifactsRequest(artifacts=[message])).artifact_ids[0]

    def input_id(self, artifact):
        """Inputs are artifacts that something has recorded: in this run, or (by address) in an earlier one."""
        uri = artifact["uri"]
        if uri not in self.artifacts:
            found = self.call("GetArtifactsByURI", service.GetArtifactsByURIRequest(uris=[uri])).artifacts
            self.artifacts[uri] = found[0].id if found else self.put_artifact(artifact, "imported")
        return self.artifacts[uri]


def iteration_counts(tasks):
    counts = {}
    for task in tasks:
        parts = task["path"].split("/")
        for depth, part in enumerate(parts[:-1]):
            iteration = ITERATION.match(part)
            if iteration is not None:
                loop = "/".join([*parts[:depth], iteration[1]])
                counts[loop] = max(counts.get(loop, 0), int(iteration[2]) + 1)
    return counts


def names(name, display_name=None):
    return {"display_name": display_name or name, "task_name": name}


def inside(dag):
    return {"parent_dag_id": dag.id}


def set_properties(execution, properties):
    """Texts, whole numbers, and mappings as structs."""
    for key, value in properties.items():
        target = execution.custom_properties[key]
        if isinstance(value, dict):
            target.struct_value.CopyFrom(json_format.ParseDict(value, struct_pb2.Struct()))
        elif isinstance(value, int):
            target.int_value = value
        else:
            target.string_value = value


def set_metadata(target, value):
    """StructValueToMLMDValue: numbers are doubles, true is 1, lists and mappings are wrapped."""
    if isinstance(value, bool):
        target.int_value = int(value)
    elif isinstance(value, (int, float)):
        target.double_value = value
    elif isinstance(value, str):
        target.string_value = value
    else:
        wrapped = {"list" if isinstance(value, list) else "struct": value}
        target.struct_value.CopyFrom(json_format.ParseDict(wrapped, struct_pb2.Struct()))


def event_pair(event_type, key, artifact_id):
    pair = service.PutExecutionRequest.ArtifactAndEvent()
    pair.event.artifact_id = artifact_id
    pair.event.type = event_type
    pair.event.path.steps.add().key = key
    return pair
