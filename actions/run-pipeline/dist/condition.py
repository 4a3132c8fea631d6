"""Evaluates the conditions that the KFP compiler writes, with the values as values.

kfp.local pastes values into the text and evaluates that as Python: a string with an apostrophe makes every branch false,
and so does an output that is not named `Output`. Here the text is parsed once, and what cannot be parsed is an error.
"""

import ast
import re

TOKEN = re.compile(
    r"""\s*(?:
      inputs\.parameter_values\['(?P<input>[^']+)'\]
    | (?P<string>'[^']*')
    | (?P<operator>&&|\|\||==|!=|<=|>=|<|>|!|\(|\)|-)
    | (?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)
    | (?P<word>true|false|null|int|double|float|string|bool)\b
    )""",
    re.VERBOSE,
)
OPERATORS = {"&&": " and ", "||": " or ", "!": " not "}
WORDS = {"true": "True", "false": "False", "null": "None", "double": "float", "string": "str"}
FUNCTIONS = {"int": int, "float": float, "str": str, "bool": bool}
ALLOWED = (
    ast.Expression, ast.BoolOp, ast.And, ast.Or, ast.UnaryOp, ast.Not, ast.USub, ast.Compare, ast.Eq, ast.NotEq, ast.Lt,
    ast.LtE, ast.Gt, ast.GtE, ast.Call, ast.Name, ast.Load, ast.Constant,
)  # fmt: skip


def evaluate(condition, value_of):
    """Whether the condition holds; `value_of(name)` gives the value of an input."""
    values, text, position = {}, "", 0
    while condition[position:].strip():
        match = TOKEN.match(condition, position)
        if match is None:
            raise ValueError(f"cannot read the condition {condition!r} from {condition[position:].strip()!r} on")
        position = match.end()
        if match["input"]:
            name = f"value_{len(values)}"
            values[name] = value_of(match["input"])
            text += name
        elif match["string"]:
            name = f"value_{len(values)}"
            values[name] = match["string"][1:-1]
            text += name
        elif match["operator"]:
            text += OPERATORS.get(match["operator"], match["operator"])
        else:
            word = match["number"] or match["word"]
            text += WORDS.get(word, word)
    try:
        tree = ast.parse(text.strip(), mode="eval")
    except SyntaxError as error:
        raise ValueError(f"cannot read the condition {condition!r}") from error
    if not all(isinstance(node, ALLOWED) for node in ast.walk(tree)):
        raise ValueError(f"cannot read the condition {condition!r}")
    # nothing but comparisons of given values is left in the tree, and no name but these
    return bool(eval(compile(tree, "<condition>", "eval"), {"__builtins__": {}, **FUNCTIONS}, values))
