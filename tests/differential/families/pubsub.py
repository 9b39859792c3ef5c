"""Publish and subscribe. Subscriptions live on two connections of their own, one for each protocol; what they
receive is compared in order."""

from differential.grammar import RESP2_SUBSCRIBER, RESP3_SUBSCRIBER, SUBSCRIBERS, Step

CHANNELS = ["news", "news.a", "news.b", "", "x", "a" * 100, b"\x00\xff"]
PATTERNS = ["*", "news*", "news.?", "n[eo]ws", "", "x", "\\*"]


def channel(g):
    return g.choice(CHANNELS)


def several(g, options):
    return [g.choice(options) for _ in range(g.random.randint(1, 3))]


def subscribe(g):
    connection = g.choice(SUBSCRIBERS)
    return [Step(connection, tuple(g.weighted([
        (4, ["SUBSCRIBE", *several(g, CHANNELS)]),
        (3, ["PSUBSCRIBE", *several(g, PATTERNS)]),
        (2, ["SSUBSCRIBE", *several(g, CHANNELS)]),
        (1, ["SUBSCRIBE"]),
    ])))]


def unsubscribe(g):
    connection = g.choice(SUBSCRIBERS)
    return [Step(connection, tuple(g.weighted([
        (3, ["UNSUBSCRIBE", *several(g, CHANNELS)]),
        (2, ["PUNSUBSCRIBE", *several(g, PATTERNS)]),
        (2, ["SUNSUBSCRIBE", *several(g, CHANNELS)]),
        (1, ["UNSUBSCRIBE"]),
        (1, ["PUNSUBSCRIBE"]),
        (1, ["SUNSUBSCRIBE"]),
    ])))]


def refused(g):
    """Commands that a subscriber must not (RESP2) or may (RESP3) use."""
    command = g.choice([("GET", "s0"), ("SET", "s0", "v"), ("PING",), ("PING", "x"),
                        ("PUBLISH", "news", "own"), ("MULTI",)])
    if command == ("MULTI",):
        return [Step(RESP3_SUBSCRIBER, ("ECHO", "a"))]
    return [Step(g.choice(SUBSCRIBERS), command)]


def reset(g):
    return [Step(RESP2_SUBSCRIBER, ("RESET",))]


def pubsub(g):
    return g.choice([["PUBSUB", "CHANNELS"], ["PUBSUB", "CHANNELS", g.choice(PATTERNS)], ["PUBSUB", "NUMSUB"],
                     ["PUBSUB", "NUMSUB", *several(g, CHANNELS)], ["PUBSUB", "NUMPAT"],
                     ["PUBSUB", "SHARDCHANNELS"],
                     ["PUBSUB", "SHARDNUMSUB", *several(g, CHANNELS)], ["PUBSUB", "NOSUCH"], ["PUBSUB"],
                     ["PUBSUB", "NUMPAT", "x"], ["PUBSUB", "HELP"]])


MAKERS = [
    (3, subscribe),
    (2, unsubscribe),
    (1, refused),
    (0.2, reset),
    (8, lambda g: ["PUBLISH", channel(g), g.value()]),
    (3, lambda g: ["SPUBLISH", channel(g), g.value()]),
    (3, pubsub),
    (1, lambda g: [["MULTI"], ["PUBLISH", channel(g), "in multi"], ["EXEC"]]),
]
