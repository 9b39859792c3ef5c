"""The part of the server's commands that has comparable replies and changes nothing that other groups rely
on."""

WRONG_SETTINGS = [
    ["nosuch", "1"], ["maxmemory-policy", "nosuch"], ["hz", "a"], ["hash-max-listpack-entries", "-1"],
                  ["timeout", "x"],
    ["appendonly", "maybe"], ["list-compress-depth", "-1"], ["timeout"], ["timeout", "0", "timeout", "0"],
    ["databases", "4"], ["port", "x"], ["lfu-log-factor", "-1"], ["maxmemory", "1x"], ["save", "a b"],
                  ["save", "900"],
    ["client-output-buffer-limit", "normal 0 0"], ["client-output-buffer-limit", "nosuch 0 0 0"],
    ["notify-keyspace-events", "q"], ["timeout", "0", "nosuch", "1"], ["maxmemory-samples", "0"],
                  ["bind", "nosuch.invalid.x"],
    ["hash-max-listpack-entries", "99999999999999999999"], ["maxclients", "0"], ["dir", "/nosuch/folder"],
    ["dbfilename", "a/b"], ["loglevel", "loud"], ["slowlog-max-len", "-1"], ["lua-time-limit", "-1"],
                  ["tcp-backlog", "1"],
]


def command_keys(g):
    return ["COMMAND", "GETKEYS", *g.choice([
        ["GET", "a"], ["MSET", "a", "1", "b", "2"], ["SORT", "a", "STORE", "b"],
                                             ["LMPOP", "2", "a", "b", "LEFT"], ["PING"],
        ["NOSUCH", "x"], ["GET"], ["OBJECT", "ENCODING", "x"], ["BLMPOP", "0", "1", "a", "LEFT"],
                                             ["SET", "a"],
        ["LCS", "x", "y"], ["COPY", "a", "b", "REPLACE"]])]


def memory(g):
    return g.choice([["MEMORY", "USAGE", g.any_key()], ["MEMORY", "USAGE", g.any_key(), "SAMPLES", "5"],
                     ["MEMORY", "USAGE", "k", "SAMPLES", "-1"], ["MEMORY", "USAGE", "k", "NOSUCH", "1"],
                     ["MEMORY", "NOSUCH"],
                     ["MEMORY"]])


def flush(g):
    return g.choice([["FLUSHDB"], ["FLUSHDB", "ASYNC"], ["FLUSHALL", "SYNC"], ["FLUSHALL"],
                     ["FLUSHDB", "NOSUCH"]])


MAKERS = [
    (3, lambda g: ["DBSIZE"]),
    (0.5, flush),
    (2, lambda g: ["SWAPDB", g.database(), g.database()]),
    (4, lambda g: ["CONFIG", "GET", g.choice(["timeout", "databases", "hz", "nosuch", "maxmemory-policy",
                                              "proto-max-bulk-len"])]),
    (3, lambda g: ["CONFIG", "SET", *g.choice(WRONG_SETTINGS)]),
    (1, lambda g: ["CONFIG", g.choice(["NOSUCH", "RESETSTAT", "GET", "SET"])]),
    (2, command_keys),
    (3, memory),
    (1, lambda g: g.choice([["TIME"], ["LASTSAVE"], ["ROLE"], ["SLOWLOG", "LEN"], ["SLOWLOG", "NOSUCH"],
                            ["SLOWLOG", "GET", "x"],
                            ["LATENCY", "NOSUCH"], ["COMMAND", "COUNT", "x"], ["COMMAND", "NOSUCH"],
                            ["CONFIG", "HELP"], ["OBJECT", "HELP"]])),
]
