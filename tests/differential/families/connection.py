"""Commands about the connection itself, as far as they leave it usable and their replies comparable."""


def hello(g):
    """Most often back to RESP2 so that both protocols are exercised; the third connection alone speaks RESP3
    for long."""
    return g.weighted([(3, ["HELLO", "3"]), (4, ["HELLO", "2"]), (1, ["HELLO"]), (1, ["HELLO", "4"]),
                       (1, ["HELLO", "x"]),
                       (1, ["HELLO", "3", "SETNAME", g.choice(["me", "with space", ""])]),
                       (1, ["HELLO", "2", "AUTH", "default", "any"]), (1, ["HELLO", "3", "AUTH", "default"]),
                       (1, ["HELLO", "2", "NOSUCH"]), (1, ["HELLO", "2", "SETNAME"]),
                       (1, ["HELLO", "2", "AUTH", "nobody", "secret"])])


def client(g):
    return g.choice([
        ["CLIENT", "GETNAME"], ["CLIENT", "SETNAME", g.choice(["a", "bc", "", "a b", "x\ny", "é"])],
                     ["CLIENT", "ID"],
        ["CLIENT", "INFO"], ["CLIENT", "LIST", "TYPE", "normal"], ["CLIENT", "LIST", "TYPE", "nosuch"],
                     ["CLIENT"],
        ["CLIENT", "NOSUCH"], ["CLIENT", "GETNAME", "x"], ["CLIENT", "NO-EVICT", "on"],
                     ["CLIENT", "NO-EVICT", "maybe"],
        ["CLIENT", "NO-EVICT", "off"], ["CLIENT", "KILL", "127.0.0.1:1"],
                     ["CLIENT", "KILL", "ID", "987654321"],
        ["CLIENT", "KILL", "ID", "x"], ["CLIENT", "KILL", "TYPE", "nosuch"],
                     ["CLIENT", "KILL", "NOSUCH", "1"],
        ["CLIENT", "UNBLOCK", "987654321"], ["CLIENT", "UNBLOCK", "x"], ["CLIENT", "UNBLOCK", "1", "NOSUCH"],
        ["CLIENT", "PAUSE", "x"], ["CLIENT", "PAUSE", "-1"], ["CLIENT", "PAUSE", "0", "NOSUCH"],
                     ["CLIENT", "UNPAUSE"],
        ["CLIENT", "TRACKINGINFO"], ["CLIENT", "GETREDIR"], ["CLIENT", "CACHING", "yes"],
                     ["CLIENT", "TRACKING", "maybe"],
        ["CLIENT", "REPLY", "nosuch"], ["CLIENT", "REPLY", "on"], ["CLIENT", "HELP"], ["CLIENT", "KILL"],
        ["CLIENT", "LIST", "ID", "x"], ["CLIENT", "LIST", "ID", "987654321"],
                     ["CLIENT", "KILL", "USER", "nobody"],
    ])


def auth(g):
    return g.choice([["AUTH", "any"], ["AUTH", "default", "any"], ["AUTH", "nobody", "x"], ["AUTH"],
                     ["AUTH", "a", "b", "c"]])


MAKERS = [
    (3, lambda g: g.choice([["PING"], ["PING", g.value()], ["PING", "a", "b"], ["ping", "x"]])),
    (3, lambda g: ["ECHO", g.value()]),
    (3, lambda g: ["SELECT", g.database()]),
    (4, hello),
    (6, client),
    (1, auth),
    (0.5, lambda g: ["RESET"]),
    (1, lambda g: g.choice([["NOSUCH"], ["nosuch", "a", "b"], ["", "a"], ["GET\r\n", "x"],
                            ["x" * 200, "y" * 200],
                            ["NOSUCH", *("z" * 20 for _ in range(12))], [b"\xff\x00", b"\x01"],
                            ["COMMAND|DOCS"],
                            ["CONFIG|GET", "x"]])),
]
