"""Writes the documentation that follows from the specs."""


def compatibility(commands, topics):
    return ""


def configuration(topics):
    return ""


def default_file(topics):
    return ""
