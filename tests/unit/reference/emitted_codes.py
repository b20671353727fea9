"""Which codes the source can emit, found by reading it, so that no list has to be kept by hand.

Belongs here: following an argument called `code` back to the literals that reach it, through
conditions, f-strings, names, loops over literals, and parameters to their callers; the classes of
errors; the code columns of SQL. Does not belong here: what a code means.

A code that cannot be followed raises UntraceableCodeError: write it as a literal.
"""

import ast
import importlib
import itertools
import re
from collections import defaultdict

from orchestration.settings import PROJECT_ROOT

# Another thing's own code, which is found where that thing is made.
PASSED_ON = re.compile(r"(\.|\[')(error_)?code\b")


class UntraceableCodeError(AssertionError):
    """An argument called code is neither a literal nor what leads to one."""


class Source:
    """The Python modules of some folders, and every call in them."""

    def __init__(self, *folders, without=()):
        self.parameters = {}
        self.calls = defaultdict(list)
        self.constants = defaultdict(list)
        left_out = [PROJECT_ROOT / folder for folder in without]
        for folder in folders:
            for path in sorted((PROJECT_ROOT / folder).rglob("*.py")):
                if not any(path.is_relative_to(other) for other in left_out):
                    self._read(ast.parse(path.read_text(encoding="utf-8")), (), None)

    def _read(self, node, functions, record):
        for child in ast.iter_child_nodes(node):
            inside, within = functions, record
            match child:
                case ast.ClassDef(name=within):
                    fields = [
                        each.target.id for each in child.body if isinstance(each, ast.AnnAssign)
                    ]
                    self.parameters.setdefault(within, fields)
                case ast.FunctionDef(name=name):
                    inside = (child, *functions)
                    name = record if name == "__init__" else name
                    self.parameters[name] = parameters_of(child)
                case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)):
                    self.calls[name].append((child, functions))
                case (
                    ast.Assign(targets=[ast.Name(id=name)], value=value)
                    | ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value)
                ) if not functions:
                    # A module's constant; of a class's, only its code is asked for.
                    self.constants[f"{record}.{name}" if record else name].append(value)
            self._read(child, inside, within)

    def takers(self, parameter="code"):
        """Names of classes and functions that are handed a code."""
        return {name for name, names in self.parameters.items() if parameter in names} | {
            name
            for name, calls in self.calls.items()
            if any(keyword.arg == parameter for call, _ in calls for keyword in call.keywords)
        }

    def is_made_without(self, name, parameter="code"):
        """Whether some call of `name` leaves the parameter to its default."""
        return any(self._argument(call, name, parameter) is None for call, _ in self.calls[name])

    def given(self, name, parameter="code", followed=()):
        """Every text that a call of `name` can hand over as that parameter."""
        found = set()
        if (name, parameter) not in followed:
            for call, functions in self.calls[name]:
                argument = self._argument(call, name, parameter)
                if argument is not None:
                    found |= self._texts(argument, functions, (*followed, (name, parameter)))
        return found

    def _argument(self, call, name, parameter):
        named = [keyword.value for keyword in call.keywords if keyword.arg == parameter]
        names = self.parameters.get(name, [])
        placed = call.args[names.index(parameter) :] if parameter in names else []
        return (named + placed or [None])[0]

    def _texts(self, expression, functions, followed):
        found = set()
        match expression:
            case ast.Constant(value=value):
                found = {value} - {None}
            case ast.JoinedStr(values=values):
                texts = [sorted(self._texts(value, functions, followed)) for value in values]
                found = {"".join(chosen) for chosen in itertools.product(*texts)}
            case ast.FormattedValue(value=value):
                found = self._texts(value, functions, followed)
            case ast.IfExp(body=body, orelse=orelse):
                found = self._texts(body, functions, followed)
                found |= self._texts(orelse, functions, followed)
            case _:
                name = ast.unparse(expression)
                bound = list(self._bindings(name, functions))
                for one in bound:
                    found |= self._texts(one, functions, followed)
                if functions and name in parameters_of(functions[0]):
                    found |= self.given(functions[0].name, name, followed)
                elif not bound and not PASSED_ON.search(name):
                    raise UntraceableCodeError(f"line {expression.lineno}: {name}")
        return found

    def _bindings(self, name, functions):
        """The expressions that a name stands for, by assignments and loops around it."""
        yield from self.constants.get(name, ())
        for node in (node for function in functions for node in ast.walk(function)):
            match node:
                case ast.Assign(targets=[ast.Name(id=bound)], value=value) if bound == name:
                    yield value
                case ast.Assign(targets=[target], value=value) if name in names_in(target):
                    is_row = isinstance(value, ast.Tuple)
                    rows = [value] if is_row else self._members(value, functions)
                    yield from (row.elts[names_in(target).index(name)] for row in rows)
                case (
                    ast.For(target=target, iter=looped)
                    | ast.comprehension(target=target, iter=looped)
                ):
                    if isinstance(target, ast.Name) and target.id == name:
                        yield from self._members(looped, functions)
                    elif name in names_in(target):
                        rows = self._members(looped, functions)
                        yield from (row.elts[names_in(target).index(name)] for row in rows)

    def _members(self, expression, functions):
        """What is in a literal collection, or in the one that a name stands for."""
        match expression:
            case ast.Starred(value=ast.GeneratorExp(elt=element)):
                return [element]
            case ast.Tuple(elts=elements) | ast.List(elts=elements):
                return [
                    one
                    for each in elements
                    for one in (
                        self._members(each, functions) if isinstance(each, ast.Starred) else [each]
                    )
                ]
            case ast.Dict(values=values):
                return values
            case ast.Call(func=ast.Attribute(attr="get", value=looked_up), args=[_, default]):
                return [*self._members(looked_up, functions), default]
            case ast.Name(id=name):
                return [
                    one
                    for bound in self._bindings(name, functions)
                    for one in self._members(bound, functions)
                ]
        return []


def names_in(target):
    """The names of a target that unpacks; none of any other."""
    return [getattr(each, "id", None) for each in getattr(target, "elts", [])]


def parameters_of(function):
    arguments = function.args
    listed = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    return [one.arg for one in listed if one.arg not in {"self", "cls"}]


def error_classes(package, root):
    """The error classes of a package below a root, wherever in it they are written."""
    for path in sorted((PROJECT_ROOT / package).rglob("*.py")):
        if re.search(r"^class \w+Error\(", path.read_text(encoding="utf-8"), re.MULTILINE):
            importlib.import_module(".".join(path.relative_to(PROJECT_ROOT).with_suffix("").parts))
    found, waiting = set(), [root]
    while waiting:
        error = waiting.pop()
        found.add(error)
        waiting += error.__subclasses__()
    return {error for error in found if error.__module__.partition(".")[0] == package}


def codes_in_sql(text, *columns):
    """Codes that a model or macro writes into the columns, by literal or by case."""
    found = set()
    for column in re.finditer(rf"\bas ({'|'.join(columns)})\b", text):
        before = text[: column.start()].rstrip()
        if before.endswith("end"):
            opened = before.rindex("case")
            found |= set(re.findall(r"\b(?:then|else) '(\w+)'", before[opened:]))
        elif literal := re.search(r"'(\w+)'$", before):
            found.add(literal.group(1))
    return found
