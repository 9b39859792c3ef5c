"""Small pieces shared by the writers: C++ literals, names, wrapped comments."""
import re
import textwrap

GENERATED = "// Made by spec/generate.py from {source}; edit those instead.\n"


def quoted(text):
    """A C++ string literal."""
    out = []
    for char in text:
        if char in '"\\':
            out.append("\\" + char)
        elif char == "\n":
            out.append("\\n")
        else:
            out.append(char)
    return '"' + "".join(out) + '"'


def snake(name):
    return name.replace("-", "_").lower()


def camel(name):
    return "".join(part[:1].upper() + part[1:] for part in re.split(r"[-_]", name))


def constant(name):
    """The enumerator of a word: "volatile-lru" gives kVolatileLru."""
    return "k" + camel(name)


def comment(text, indent="", prefix="// ", width=110):
    lines = textwrap.wrap(text, width - len(indent) - len(prefix), break_long_words=False, break_on_hyphens=False)
    return "".join(f"{indent}{prefix}{line}\n" for line in lines)


def first_sentence(text):
    return re.split(r"(?<=\.)\s", text, maxsplit=1)[0]
