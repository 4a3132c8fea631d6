"""Where kfp.local is changed, and why. A test asserts that each of these is there in the version that is pinned."""

import inspect

from kfp.local import cache, executor_input_utils, subprocess_task_handler
from kfp.local.orchestrator import enhanced_dag_orchestrator, task_executor, task_spec_utils
from kfp.local.orchestrator.orchestrator_utils import OrchestratorUtils

HOOKS = {
    "task events, resuming": (task_executor, "execute_single_task"),
    "processes": (subprocess_task_handler, "run_local_subprocess"),
    "containers are ours": (subprocess_task_handler.SubprocessTaskHandler, "validate_not_container_component"),
    "containers of Python are ours": (
        subprocess_task_handler.SubprocessTaskHandler,
        "validate_not_containerized_python_component",
    ),
    "python by PATH, not by replacing text": (subprocess_task_handler, "replace_python_executable"),
    "a folder for each task, not for each component": (executor_input_utils, "get_local_task_resource_name"),
    "a folder for each sub-DAG": (task_spec_utils, "get_nested_pipeline_resource_name"),
    "whole numbers stay whole": (executor_input_utils, "executor_input_to_dict"),
    "conditions on values": (enhanced_dag_orchestrator.ConditionEvaluator, "evaluate_condition"),
    "one cache entry for each task": (cache.LocalCache, "compute_key"),
    "an optional parameter may have no value": (OrchestratorUtils, "join_user_inputs_and_defaults"),
    "no value is not handed on": (OrchestratorUtils, "make_task_arguments"),
    "a loop gets the values that it names": (enhanced_dag_orchestrator, "_run_parallel_for_task"),
}


def hook(name):
    """Replaces a function of kfp.local; the new one gets the old one first."""

    def install(function):
        owner, attribute = HOOKS[name]
        old = getattr(owner, attribute)

        def replacement(*args, **kwargs):
            return function(old, *args, **kwargs)

        is_method = inspect.isfunction(inspect.getattr_static(owner, attribute))
        setattr(owner, attribute, replacement if is_method else staticmethod(replacement))
        return function

    return install
