"""Finds what was written for KFP 1 in a pipeline's source, and says what KFP 2 has in its place."""

import ast

COMPONENT = "@dsl.component on the function itself"
CONTAINER = "@dsl.container_component: a function that returns dsl.ContainerSpec(image=…, command=[…], args=[…])"
KUBERNETES = "the package kfp-kubernetes (kfp.kubernetes)"
FORMS = {
    "kfp.dsl.ContainerOp": CONTAINER,
    "kfp.dsl.BaseOp": CONTAINER,
    "kfp.dsl.Sidecar": "nothing: KFP 2 has no sidecars",
    "kfp.dsl.UserContainer": KUBERNETES,
    "kfp.dsl.InitContainer": KUBERNETES,
    "kfp.dsl.ResourceOp": "a component that calls the Kubernetes API",
    "kfp.dsl.VolumeOp": "kfp.kubernetes.CreatePVC and kfp.kubernetes.mount_pvc",
    "kfp.dsl.VolumeSnapshotOp": "a component that calls the Kubernetes API",
    "kfp.dsl.PipelineVolume": "kfp.kubernetes.mount_pvc",
    "kfp.dsl.PipelineParam": "the parameter or the task's output as it is",
    "kfp.dsl.PipelineConf": "settings of each task, and dsl.PipelineConfig",
    "kfp.dsl.get_pipeline_conf": "settings of each task, and dsl.PipelineConfig",
    "kfp.dsl.RUN_ID_PLACEHOLDER": "dsl.PIPELINE_JOB_ID_PLACEHOLDER",
    "kfp.dsl.EXECUTION_ID_PLACEHOLDER": "dsl.PIPELINE_TASK_ID_PLACEHOLDER",
    "kfp.components.func_to_container_op": COMPONENT,
    "kfp.components.create_component_from_func": COMPONENT,
    "kfp.components.create_component_from_func_v2": COMPONENT,
    "kfp.components.func_to_component_text": COMPONENT,
    "kfp.components.create_graph_component_from_pipeline_func": "@dsl.pipeline: a pipeline may call another",
    "kfp.components.InputPath": "dsl.Input[dsl.Artifact] or dsl.InputPath",
    "kfp.components.InputTextFile": "dsl.Input[dsl.Artifact]",
    "kfp.components.InputBinaryFile": "dsl.Input[dsl.Artifact]",
    "kfp.components.OutputPath": "dsl.Output[dsl.Artifact] or dsl.OutputPath",
    "kfp.components.OutputTextFile": "dsl.Output[dsl.Artifact]",
    "kfp.components.OutputBinaryFile": "dsl.Output[dsl.Artifact]",
    "kfp.components.ComponentStore": "components.load_component_from_url",
    "kfp.compiler.build_python_component": COMPONENT,
    "kfp.gcp": KUBERNETES,
    "kfp.aws": KUBERNETES,
    "kfp.azure": KUBERNETES,
    "kfp.onprem": KUBERNETES,
    "kfp.containers": "@dsl.component(base_image=…, target_image=…)",
}


def scan(tree):
    """The places of KFP 1 forms, in the order of their lines."""
    names, found = {}, {}

    def meet(node, dotted):
        known = next((form for form in FORMS if dotted == form or dotted.startswith(f"{form}.")), None)
        if known:
            found.setdefault((node.lineno, known), node.col_offset + 1)

    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                names[alias.asname or alias.name.split(".")[0]] = alias.name if alias.asname else alias.name.split(".")[0]
                meet(node, alias.name)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            for alias in node.names:
                names[alias.asname or alias.name] = f"{node.module}.{alias.name}"
                meet(node, f"{node.module}.{alias.name}")
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            dotted = dotted_name(node, names)
            if dotted:
                meet(node, dotted)
    return [
        {"line": line, "column": column, "saw": form, "instead": FORMS[form]}
        for (line, form), column in sorted(found.items())
    ]


def dotted_name(node, names):
    """`dsl.ContainerOp` as `kfp.dsl.ContainerOp`, by what was imported under the first name."""
    parts = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name) or node.id not in names:
        return None
    return ".".join([names[node.id], *reversed(parts)])
