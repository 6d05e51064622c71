"""How many steps a regular expression takes on a text: the caller is the test that asks how they grow.

The matcher goes back and forth as Python's own does, less its short cuts, and counts every attempt. `calls` finds
the regular expressions of the package's modules, and how they are called.
"""

import ast
import importlib
import pkgutil
import re
from re import _parser as parser

import cyberscore

OPEN_ENDED = 20
"""A part that may be repeated more often than this can be pumped."""
FLOATING = {"search", "findall", "finditer", "sub", "subn", "split"}
METHODS = FLOATING | {"match", "fullmatch"}


class _Matcher:
    def __init__(self, pattern, flags, text):
        self.tree = parser.parse(pattern, flags)
        self.flags, self.text, self.steps = self.tree.state.flags, text, 0
        self.groups = {}

    def sequence(self, items, k, i):
        """Yield where a sequence may end, in the order in which it is tried."""
        if k == len(items):
            yield i
            return
        for j in self.item(*items[k], i):
            yield from self.sequence(items, k + 1, j)

    def item(self, op, arg, i):  # noqa: C901, PLR0912  a branch for each kind of part
        self.steps += 1
        name = str(op)
        if name in {"LITERAL", "NOT_LITERAL", "IN", "ANY", "CATEGORY"}:
            if i < len(self.text) and self.takes(name, arg, self.text[i]):
                yield i + 1
        elif name == "AT":
            if self.is_at(str(arg), i):
                yield i
        elif name == "SUBPATTERN":
            for j in self.sequence(arg[3], 0, i):
                self.groups[arg[0]] = (i, j)
                yield j
        elif name == "BRANCH":
            for branch in arg[1]:
                yield from self.sequence(branch, 0, i)
        elif name in {"MAX_REPEAT", "MIN_REPEAT"}:
            yield from self.repeat(arg[2], arg[0], arg[1], i, 0, greedy=name == "MAX_REPEAT")
        elif name in {"POSSESSIVE_REPEAT", "ATOMIC_GROUP"}:
            atomic = name == "ATOMIC_GROUP"
            tries = self.sequence(arg, 0, i) if atomic else self.repeat(arg[2], arg[0], arg[1], i, 0, greedy=True)
            yield from (j for j in [next(tries, None)] if j is not None)
        elif name in {"ASSERT", "ASSERT_NOT"}:
            if self.stands(arg[0], arg[1], i) == (name == "ASSERT"):
                yield i
        elif name == "GROUPREF":
            start, end = self.groups.get(arg, (0, 0))
            if self.text.startswith(self.text[start:end], i):
                yield i + end - start
        elif name != "FAILURE":  # what never stands, such as (?!): an instruction of its own from Python 3.13 on
            raise NotImplementedError(name)

    def stands(self, direction, items, i):
        """Whether what is looked for stands ahead, or behind."""
        if direction > 0:
            return next(self.sequence(items, 0, i), None) is not None
        width = parser.SubPattern(self.tree.state, list(items)).getwidth()[0]
        return i >= width and any(j == i for j in self.sequence(items, 0, i - width))

    def repeat(self, items, least, most, i, number, *, greedy):
        self.steps += 1
        if not greedy and number >= least:
            yield i
        if number < most:
            for j in self.sequence(items, 0, i):
                if j > i or number < least:
                    yield from self.repeat(items, least, most, j, number + 1, greedy=greedy)
        if greedy and number >= least:
            yield i

    def takes(self, name, arg, char):
        if name == "ANY":
            return char != "\n" or bool(self.flags & re.DOTALL)
        if name == "LITERAL":
            return self.same(arg, char)
        if name == "NOT_LITERAL":
            return not self.same(arg, char)
        if name == "CATEGORY":
            return _in_category(str(arg), char)
        found = False
        for op, value in arg:
            kind = str(op)
            if kind == "RANGE":
                found |= any(value[0] <= ord(one) <= value[1] for one in self.forms(char))
            elif kind != "NEGATE":
                found |= self.takes(kind, value, char)
        return found != (str(arg[0][0]) == "NEGATE")

    def same(self, code, char):
        return any(ord(one) == code for one in self.forms(char))

    def forms(self, char):
        return {char, char.lower(), char.upper()[:1]} if self.flags & re.IGNORECASE else {char}

    def is_at(self, place, i):
        text, size = self.text, len(self.text)
        if place in {"AT_BEGINNING", "AT_BEGINNING_STRING"}:
            return i == 0 or (place == "AT_BEGINNING" and bool(self.flags & re.MULTILINE) and text[i - 1] == "\n")
        if place in {"AT_END", "AT_END_STRING"}:
            last = i == size or (place == "AT_END" and text[i:] == "\n")
            return last or (place == "AT_END" and bool(self.flags & re.MULTILINE) and text[i] == "\n")
        words = [0 <= k < size and (text[k].isalnum() or text[k] == "_") for k in (i - 1, i)]
        return (words[0] != words[1]) == (place == "AT_BOUNDARY")


def _in_category(name, char):
    kind = name.removeprefix("CATEGORY_").removeprefix("NOT_")
    found = {"DIGIT": char.isdecimal(), "SPACE": char.isspace(), "WORD": char.isalnum() or char == "_"}[kind]
    return found != ("_NOT_" in name)


def steps(pattern, text, *, floating=True, flags=0):
    """Steps of finding a pattern wherever it stands in a text, or at its beginning alone."""
    matcher = _Matcher(pattern, flags, text)
    start = 0
    while start <= len(text):
        ends = matcher.sequence(matcher.tree, 0, start)
        # Of a match at the beginning all ways are tried, as `fullmatch` does until one ends with the text.
        end = next(ends, None) if floating else next((j for j in ends if j == len(text)), None)
        if not floating:
            break
        start = max(start + 1, start if end is None else end)
    return matcher.steps


def pumps(pattern, flags=0):
    """Texts before, and of, each part of a pattern that may be repeated without end."""
    found = [("", "")]

    def sample(items):
        return "".join(_sample(op, arg, sample) for op, arg in items)

    def walk(items, before):
        for op, arg in items:
            name = str(op)
            if name.endswith("REPEAT"):
                if arg[1] > OPEN_ENDED:
                    found.append((before, sample(arg[2])))
                walk(arg[2], before)
            elif name == "SUBPATTERN":
                walk(arg[3], before)
            elif name == "BRANCH":
                for branch in arg[1]:
                    walk(branch, before)
            before += _sample(op, arg, sample)

    walk(parser.parse(pattern, flags), "")
    return [one for one in dict.fromkeys(found) if one[1]]


def _sample(op, arg, sample):  # noqa: PLR0911  a return for each kind of part
    """Return a text that a part of a pattern takes."""
    name = str(op)
    if name == "LITERAL":
        return chr(arg)
    if name in {"ANY", "NOT_LITERAL"}:
        return "z"
    if name == "CATEGORY":
        return {"CATEGORY_DIGIT": "1", "CATEGORY_SPACE": " ", "CATEGORY_NOT_WORD": "-"}.get(str(arg), "z")
    if name == "IN":
        first = arg[0]
        if str(first[0]) == "NEGATE":
            return "z"
        return chr(first[1][0]) if str(first[0]) == "RANGE" else _sample(*first, sample)
    if name == "SUBPATTERN":
        return sample(arg[3])
    if name == "BRANCH":
        return sample(arg[1][0])
    if name.endswith("REPEAT"):
        return sample(arg[2]) * max(1, arg[0])
    return ""


def calls():
    """Regular expressions of all modules: where, the expression, its flags, and whether it may match anywhere."""
    trees, used = {}, {}
    for info in pkgutil.walk_packages(cyberscore.__path__, "cyberscore."):
        module = importlib.import_module(info.name)
        if not getattr(module, "__file__", None):
            continue
        with open(module.__file__, encoding="utf-8") as file:  # noqa: PTH123
            trees[info.name] = (module, ast.parse(file.read()))
    for _, tree in trees.values():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in METHODS:
                owner = node.func.value
                name = owner.id if isinstance(owner, ast.Name) else getattr(owner, "attr", "")
                used.setdefault(name, set()).add(node.func.attr)
    for name, (module, tree) in trees.items():
        for key, value in vars(module).items():
            own = name == getattr(module, "__name__", "")
            for number, pattern in enumerate(_patterns(value) if own else ()):
                methods = used.get(key, FLOATING) if isinstance(value, re.Pattern) else FLOATING
                yield f"{name}.{key}[{number}]", pattern.pattern, pattern.flags, bool(methods & FLOATING)
        for node in ast.walk(tree):
            literal = isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant)
            if literal and ast.unparse(node.func).startswith("re.") and node.func.attr in METHODS:
                yield f"{name}:{node.lineno}", node.args[0].value, _flags(node), node.func.attr in FLOATING


def _flags(node):
    told = next((one.value for one in node.keywords if one.arg == "flags"), None)
    rest = node.args[-1] if told is None else told
    return eval(ast.unparse(rest), {"re": re}) if ast.unparse(rest).startswith("re.") else 0  # noqa: S307  our own code


def _patterns(value, depth=0):
    if isinstance(value, re.Pattern):
        yield value
    elif isinstance(value, dict) and depth < 3:
        for one in value.values():
            yield from _patterns(one, depth + 1)
    elif isinstance(value, list | tuple | frozenset | set) and depth < 3:
        for one in value:
            yield from _patterns(one, depth + 1)
