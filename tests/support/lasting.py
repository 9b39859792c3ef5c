"""For what has to last: a fault of so many seconds, a writer's pace. Never to wait for something: that is wait_for."""

import time


def let_pass(seconds):
    time.sleep(seconds)
