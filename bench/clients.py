"""The processes that ask, write and watch while something happens: each runs as long as its `with`."""

import contextlib
import json
import os
import subprocess
import sys

import servers

FOLDER = os.path.dirname(os.path.abspath(__file__))
INTERVAL = 0.001


class Script:
    """A script of this folder that says "ready", works, and answers with a line of JSON when it is told to end."""

    def __init__(self, cores, name, argument):
        self.name = name
        self.process = subprocess.Popen(
            servers.on_cores(cores, [sys.executable, os.path.join(FOLDER, name), argument]),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )

    def line(self):
        return self.process.stdout.readline().strip()

    def starts(self):
        return self.line() == "ready"

    def say(self, text):
        self.process.stdin.write(text + "\n")
        self.process.stdin.flush()

    def answer(self):
        """Closes its input and gives what it answers to that."""
        text = self.line_after_closing()
        found = json.loads(text) if text else {"error": "it ended early"}
        if isinstance(found, dict) and "error" in found:
            raise RuntimeError(f"{self.name}: {found['error']}")
        return found

    def line_after_closing(self):
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        text = self.process.stdout.read()
        self.process.stdout.close()
        self.process.wait()
        return text


class Witnesses:
    """One witness of the machine's pauses on each core; none where there is no right to have them."""

    def __init__(self):
        cores, _ = servers.cores_of_service()
        scripts = [Script([core], "witness.py", str(core)) for core in cores]
        are_ready = [script.starts() for script in scripts]
        self.scripts = scripts if all(are_ready) else []
        if not self.scripts:
            for script in scripts:
                script.line_after_closing()

    def pauses(self):
        """Ends them: [(beginning, end)] of all pauses."""
        return [pause for script in self.scripts for pause in script.answer()]


class Probe:
    """Asks `commands` in turn, one every `interval` seconds; `figures` are those of all, `each` those of each."""

    def __init__(self, server, commands, interval=INTERVAL):
        self.plan = json.dumps({"port": server.port, "commands": commands, "interval": interval})
        self.figures = self.each = None

    def __enter__(self):
        _, client_cores = servers.cores_of_service()
        self.witnesses = Witnesses()
        self.script = Script(client_cores, "probe.py", self.plan)
        line = self.script.line()
        if line != "ready":
            self.script.line_after_closing()
            self.witnesses.pauses()
            raise RuntimeError(f"probe.py did not start: {line}")
        return self

    def __exit__(self, kind, *_):
        line = ""
        with contextlib.suppress(BrokenPipeError):
            self.script.say("stop")
            line = self.script.line()
        pauses = self.witnesses.pauses()
        if line == "stopped":
            self.script.say(json.dumps(pauses))
        text = self.script.line_after_closing()
        if kind is None:
            found = json.loads((text if line == "stopped" else line) or '{"error": "it ended early"}')
            if "error" in found:
                raise RuntimeError(f"probe.py: {found['error']}")
            self.figures, self.each = found["all"], found["each"]


class Writer:
    """Sets random ones of `keys` numbered keys `rate` times a second.

    Afterwards `rate` is what was answered in time, and `behind_ms` how far it ever fell behind.
    """

    def __init__(self, server, keys, rate):
        self.plan = json.dumps({"port": server.port, "keys": keys, "rate": rate})
        self.rate = self.behind_ms = None

    def __enter__(self):
        _, client_cores = servers.cores_of_service()
        self.script = Script(client_cores, "writer.py", self.plan)
        if not self.script.starts():
            self.script.line_after_closing()
            raise RuntimeError("writer.py did not start")
        return self

    def __exit__(self, kind, *_):
        if kind is not None:
            self.script.line_after_closing()
            return
        found = self.script.answer()
        self.rate, self.behind_ms = found["rate"], found["behind"]
