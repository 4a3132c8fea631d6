"""Compiles a pipeline's source with the KFP SDK, and tells what is wrong with it in its author's words.

usage: compile.py REQUEST.json

The request names the source, the function where there are several, the file to write, and the file for the answer:
{"state": "compiled"}, or {"state": "kfp1", "found": […]}, {"state": "choose", "pipelines": […]}, {"state": "failed", "error": {…}}.
"""

import ast
import importlib.util
import json
import os
import sys
import traceback

import kfp1
import late_client

# What the pipeline imports must not be found here.
sys.path.pop(0)


def main():
    with open(sys.argv[1]) as file:
        request = json.load(file)
    try:
        answer = compile_source(request)
    except BaseException as error:  # a pipeline may call sys.exit
        traceback.print_exc()
        answer = {"state": "failed", "error": described(error, request["source"])}
    with open(request["answer"], "w") as file:
        json.dump(answer, file)


def compile_source(request):
    source = request["source"]
    with open(source, "rb") as file:
        tree = ast.parse(file.read(), source)
    found = kfp1.scan(tree)
    if found:
        return {"state": "kfp1", "found": found}
    late_client.install()
    # Started with -B, since the user's folders and ours are no place for bytecode; the SDK's makes the next start faster.
    sys.dont_write_bytecode = False
    from kfp import compiler

    sys.dont_write_bytecode = True
    module = load(source)
    pipelines = pipelines_of(module)
    wanted = request.get("function")
    pipeline = pipelines.get(wanted) if wanted else next(iter(pipelines.values()), None)
    if pipeline is None or (not wanted and len(pipelines) > 1):
        return {"state": "choose", "pipelines": list(pipelines)}
    compiler.Compiler().compile(pipeline, request["package"])
    return {"state": "compiled"}


def load(source):
    sys.path.insert(0, os.path.dirname(source))
    name = os.path.splitext(os.path.basename(source))[0]
    spec = importlib.util.spec_from_file_location(name, source)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def pipelines_of(module):
    """By the name of the function: those that the file defines, else those that it imports, else its components."""
    from kfp.dsl import base_component, graph_component

    members = {name: value for name, value in vars(module).items() if isinstance(value, base_component.BaseComponent)}
    graphs = {name: value for name, value in members.items() if isinstance(value, graph_component.GraphComponent)}
    own = {name: value for name, value in graphs.items() if value.pipeline_func.__module__ == module.__name__}
    return own or graphs or members


def described(error, source):
    """The innermost line of the error that is the author's own, not the SDK's."""
    folder = os.path.dirname(source)
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if os.path.abspath(frame.filename).startswith(folder + os.sep) and "site-packages" not in frame.filename
    ]
    place = {}
    if isinstance(error, SyntaxError) and error.filename:
        place = {"file": error.filename, "line": error.lineno}
    elif frames:
        place = {"file": os.path.abspath(frames[-1].filename), "line": frames[-1].lineno}
    return {"type": type(error).__name__, "message": str(error), **place}


main()
