"""Makes a failing case small by leaving commands out while the same kind of difference stays (delta
debugging)."""

import time

MAX_ATTEMPTS = 250
MAX_SECONDS = 60.0


class Shrinker:
    """`run` takes a list of steps and returns a Difference or None."""

    def __init__(self, run, max_attempts=MAX_ATTEMPTS, max_seconds=MAX_SECONDS):
        self.run = run
        self.attempts = max_attempts
        self.deadline = time.monotonic() + max_seconds

    def _fails(self, steps, signature):
        if self.attempts <= 0 or time.monotonic() > self.deadline or not steps:
            return None
        self.attempts -= 1
        found = self.run(steps)
        return found if found is not None and found.signature() == signature else None

    def shrink(self, steps, difference):
        """(smaller steps, their difference). The first run must come out as before, else the case is given
        back whole."""
        signature = difference.signature()
        best = steps[: difference.index + 1]
        found = self._fails(best, signature)
        if found is None:
            return steps, difference
        best, found = self._keep_related(best, found, signature)
        size = max(1, len(best) // 2)
        while True:
            best, found, shrunk = self._pass(best, found, signature, size)
            if self.attempts <= 0 or time.monotonic() > self.deadline or (size == 1 and not shrunk):
                return best, found
            size = max(1, min(size // 2, len(best) // 2))

    def _keep_related(self, steps, difference, signature):
        """One bold guess: only the commands that share an argument with the failing one, and those about the
        state of connections and settings."""
        named = set(difference.step.arguments[1:]) if difference.step else set()
        always = {b"MULTI", b"EXEC", b"SELECT", b"HELLO", b"CONFIG", b"DISCARD", b"RESET"}
        related = [s for s in steps[:-1] if s.arguments[0].upper() in always
                   or named & set(s.arguments[1:])] + steps[-1:]
        found = self._fails(related, signature)
        return (related[: found.index + 1], found) if found else (steps, difference)

    def _pass(self, steps, difference, signature, size):
        """Tries to leave out every stretch of `size` commands, from the end to the start."""
        shrunk = False
        end = len(steps)
        while end > 0:
            start = max(0, end - size)
            candidate = steps[:start] + steps[end:]
            found = self._fails(candidate, signature)
            if found is not None:
                steps, difference, shrunk = candidate[: found.index + 1], found, True
            end = min(start, len(steps))
        return steps, difference, shrunk
