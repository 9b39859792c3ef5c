#!/usr/bin/env python3
"""Sizes: a file over 1,000 lines fails; over 600, a header over 300 or a function over 70 asks for a look.

C++ functions are measured by their braces, which is approximate: a namespace, class or enum is looked into, and any
other block at that level is taken for a function. Python functions are measured exactly.
"""

import ast
import re
import sys

import sources

FILE_LIMIT = 1000
FILE_LONG = 600
HEADER_LONG = 300
FUNCTION_LONG = 70

SCOPE = re.compile(r'\b(namespace|class|struct|union|enum)\b|extern\s*"')
INITIALIZER = re.compile(r"=\s*$|\breturn\s*$|,\s*$|\(\s*$")
LABEL = re.compile(r"\b(?:public|private|protected)\s*:(?!:)")
NAME = re.compile(r"([~\w:]+|operator\s*\S+)\s*\(")


def cpp_functions(text):
    """Yields (first line, number of lines, name) of the functions in C++ `text`."""
    code = sources.strip_cpp(text)
    # Lines of the preprocessor would unbalance the braces; they are blanked with their continuations.
    code = re.sub(
        r"^[ \t]*#(?:[^\n\\]|\\\n|\\.)*", lambda m: re.sub(r"[^\n]", " ", m.group(0)), code, flags=re.MULTILINE
    )
    depth_of_scopes = [0]
    depth = 0
    head_start = 0
    start = None
    head = ""
    for match in re.finditer(r"[{};]", code):
        mark, position = match.group(0), match.start()
        if mark == ";":
            if start is None:
                head_start = position + 1
            continue
        if mark == "{":
            depth += 1
            if start is not None:
                continue
            for label in LABEL.finditer(code, head_start, position):
                head_start = label.end()
            head = code[head_start:position].strip()
            is_scope = SCOPE.search(re.sub(r"<[^<>]*>|\([^()]*\)", "", head)) and not head.endswith(")")
            if is_scope and not INITIALIZER.search(head):
                depth_of_scopes.append(depth)
                head_start = position + 1
            else:
                start = (position, depth)
            continue
        depth -= 1
        if start is not None and depth < start[1]:
            found = NAME.search(head)
            if found:
                first = sources.line_of(code, code.index(head, head_start) if head else start[0])
                # A test macro is named by its arguments.
                name = head if found.group(1) in ("TEST", "TEST_F", "TEST_P") else found.group(1)
                yield first, sources.line_of(code, position) - first + 1, " ".join(name.split())
            start = None
            head_start = position + 1
        elif start is None:
            if depth_of_scopes and depth < depth_of_scopes[-1]:
                depth_of_scopes.pop()
            head_start = position + 1


def python_functions(text):
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node.lineno, node.end_lineno - node.lineno + 1, node.name


def check(root=sources.ROOT):
    findings = sources.Findings()
    for path in sources.walk(root, (".cc", ".h", ".py", ".cmake", ".js", ".css")):
        text = sources.read(root, path)
        lines = text.count("\n")
        if lines > FILE_LIMIT:
            findings.fail(path, 1, f"{lines} lines; a file is one idea and never over {FILE_LIMIT}: split it")
        elif lines > FILE_LONG:
            findings.warn(path, 1, f"{lines} lines; over {FILE_LONG} is long")
        elif path.endswith(".h") and lines > HEADER_LONG:
            findings.warn(path, 1, f"{lines} lines; a header stays under {HEADER_LONG}")
        if path.endswith(sources.CPP):
            functions = cpp_functions(text)
        elif path.endswith(".py"):
            try:
                functions = list(python_functions(text))
            except SyntaxError as error:
                findings.fail(path, error.lineno or 1, f"does not parse: {error.msg}")
                continue
        else:
            continue
        for line, length, name in functions:
            if length > FUNCTION_LONG:
                findings.warn(path, line, f"{name} has {length} lines; a function stays under {FUNCTION_LONG}")
    return findings


if __name__ == "__main__":
    result = check()
    print("\n".join(result.failures + ["warning: " + text for text in result.warnings]))
    sys.exit(1 if result.failures else 0)
