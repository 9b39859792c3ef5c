"""Reads the text replies that are made of fields: INFO and CLIENT LIST."""

from support.resp import Verbatim


def text_of(reply):
    """The text of a bulk or verbatim reply."""
    if isinstance(reply, Verbatim):
        reply = reply.value[1]
    assert isinstance(reply, bytes), reply
    return reply.decode(errors="replace")


def info_fields(reply):
    """INFO as {field: value}."""
    fields = {}
    for line in text_of(reply).split("\r\n"):
        if line and not line.startswith("#"):
            name, _, value = line.partition(":")
            fields[name] = value
    return fields


def info_sections(reply):
    """INFO as {section: [field names]} in the order of the reply."""
    sections = {}
    current = None
    for line in text_of(reply).split("\r\n"):
        if line.startswith("# "):
            current = sections.setdefault(line[2:], [])
        elif line:
            current.append(line.partition(":")[0])
    return sections


def client_lines(reply):
    """CLIENT LIST as a list of {field: value}."""
    lines = [line for line in text_of(reply).split("\n") if line]
    return [dict(pair.partition("=")[::2] for pair in line.split(" ")) for line in lines]
