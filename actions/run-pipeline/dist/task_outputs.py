"""What a task says that it has put out, in the file in which kfp.local looks for it."""

import json
import os

from plain_json import finite


def settle_outputs(folder, component):
    """Metrics live in the metadata, in which kfp.local knows no NaN: words stand for it. And it finds a task in its cache
    only if every artifact is a file. A container that says nothing of its artifacts has written them to where it was told."""
    output = told_outputs(folder)
    told = output.setdefault("artifacts", {})
    for name in component.output_definitions.artifacts:
        if name not in told:
            told[name] = {"artifacts": [{"name": name, "uri": os.path.join(folder, name), "metadata": {}}]}
    artifacts = [one for listed in told.values() for one in listed.get("artifacts", [])]
    for artifact in artifacts:
        artifact["metadata"] = finite(artifact.get("metadata", {}))
        uri = artifact.get("uri", "")
        if artifact["metadata"] and os.path.dirname(uri) == folder and not os.path.exists(uri):
            open(uri, "wb").close()
    with open(os.path.join(folder, "executor_output.json"), "w") as file:
        json.dump(output, file)


def told_outputs(folder):
    try:
        with open(os.path.join(folder, "executor_output.json")) as file:
            return json.load(file)
    except (OSError, ValueError):
        return {}


def missing_outputs(folder, component):
    """Output parameters that were promised and not written: the cluster's launcher fails on them, kfp.local goes on without."""
    told = told_outputs(folder).get("parameterValues", {})
    return [
        name
        for name in component.output_definitions.parameters
        if name not in told and not os.path.exists(os.path.join(folder, name))
    ]
