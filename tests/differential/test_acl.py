"""Random users and rules on Hearth and on the oracle: the same rules are taken and refused, the same commands
allowed, denied and logged, and what one server says of a user makes the same user on the other.

The texts of command rules differ by version (7.0 makes up the shortest ones, 7.2 keeps those that were given), and so
do those of refusals; so rules are compared by what the oracle makes of both, and refusals by their kind.
"""

import random
import re

from support.resp import Error, OK

ROUNDS = 60
USERS = [b"u%d" % i for i in range(4)]
KEYS = [b"a", b"ab", b"b", b"c1", b"c2", b"x*y", b"d)"]
KEY_PATTERNS = [b"*", b"a*", b"b", b"c[12]", b"?", b"x\\*y", b"a b", b"", b"d)"]
CHANNELS = [b"a", b"ab", b"n.1", b"n.2"]
CHANNEL_PATTERNS = [b"*", b"a*", b"n.?", b"ab", b"b c"]
CATEGORIES = ["keyspace", "read", "write", "set", "sortedset", "list", "hash", "string", "bitmap", "hyperloglog", "geo",
              "stream", "pubsub", "admin", "fast", "slow", "blocking", "dangerous", "connection", "transaction",
              "scripting", "all", "nosuch"]
COMMANDS = ["get", "set", "mget", "del", "copy", "config", "config|get", "config|set", "client", "client|list", "object",
            "object|encoding", "publish", "subscribe", "psubscribe", "eval", "sort", "zunionstore", "xread", "info",
            "select", "acl|whoami", "GET", "Config|Get", "nosuch", "config|nosuch", ""]
FIRST_ARGUMENTS = ["select|0", "select|1", "set|a", "config|", "get|", "config|get|x", "nosuch|x", "SELECT|0"]
DRY_COMMANDS = """GET k|SET k v|SET k v GET|MGET k k k|MSET k v k v|DEL k k|COPY k k|RENAME k k|SUNIONSTORE k k k|
    ZUNIONSTORE k 2 k k|ZUNION 2 k k|EVAL s 2 k k a|EVAL s 0 k|XREAD COUNT 1 STREAMS k k 0 0|SORT k|SORT k STORE k|
    SORT_RO k|BITOP AND k k k|OBJECT ENCODING k|CONFIG GET a|CONFIG SET a b|CONFIG RESETSTAT|CLIENT LIST|CLIENT ID|
    PUBLISH c m|SPUBLISH c m|SUBSCRIBE c c|PSUBSCRIBE p|PSUBSCRIBE c|SSUBSCRIBE c|UNSUBSCRIBE c|PUNSUBSCRIBE|
    BLPOP k k 0|LMPOP 2 k k LEFT|LMOVE k k LEFT RIGHT|ZINTERSTORE k 1 k|BITFIELD k GET u8 0|BITFIELD k SET u8 0 1|
    GETEX k|GETDEL k|GEORADIUS k 0 0 1 m|GEORADIUS k 0 0 1 m STORE k|GEOSEARCHSTORE k k FROMLONLAT 0 0 BYRADIUS 1 m|
    XREADGROUP GROUP g c STREAMS k 0|XGROUP CREATE k g 0|PFMERGE k k|PFCOUNT k k|SINTERCARD 2 k k|SELECT 0|SELECT 1|
    INFO|PING|AUTH x|HELLO|RESET|QUIT|MULTI|EXEC|KEYS p|SCAN 0|DBSIZE|FLUSHALL|ACL WHOAMI|ACL LIST|DEBUG SLEEP 0|
    MIGRATE h 1 k 0 1|MIGRATE h 1 e 0 1 KEYS k k|WATCH k k|EXISTS k k|TYPE k|TTL k|EXPIRE k 1|APPEND k v|STRLEN k|
    HGET k f|HSET k f v|LPUSH k v|SADD k v|SMOVE k k v|ZADD k 1 v|ZRANGESTORE k k 0 1|TOUCH k|UNLINK k|DUMP k|
    RESTORE k 0 v|SWAPDB 0 1|MEMORY USAGE k|LCS k k|FCALL f 1 k|COMMAND COUNT|SLOWLOG GET|GETSET k v|INCR k"""
DRY_COMMANDS = [line.split() for line in DRY_COMMANDS.replace("\n", " ").split("|")]


class Maker:
    def __init__(self, seed):
        self.random = random.Random(seed)

    def password(self):
        return b"p%d" % self.random.randrange(3)

    def right(self):
        """A rule that a selector may have."""
        pick = self.random.random()
        choose = self.random.choice
        if pick < 0.25:
            return choose(["+", "-"]) + "@" + choose(CATEGORIES)
        if pick < 0.5:
            return choose("++-") + choose(COMMANDS)
        if pick < 0.55:
            return choose("++-") + choose(FIRST_ARGUMENTS)
        if pick < 0.72:
            return choose([b"~", b"~", b"%R~", b"%W~", b"%RW~", b"%wr~", b"%X~"]) + choose(KEY_PATTERNS)
        if pick < 0.85:
            return b"&" + choose(CHANNEL_PATTERNS)
        return choose(["allkeys", "resetkeys", "allchannels", "resetchannels", "allcommands", "nocommands", "resetkeys",
                       "resetchannels", "+@all", "AllKeys", "junk"])

    def selector(self):
        words = [self.right() for _ in range(self.random.randrange(4))]
        words = [word if isinstance(word, bytes) else word.encode() for word in words]
        text = b"(" + b" ".join(words) + self.random.choice([b")", b")", b")", b")", b""])
        return text.split(b" ") if self.random.random() < 0.5 else [text]

    def rules(self):
        """Rules for SETUSER; some sequences are wrong, the more of them the longer they are."""
        result = []
        for _ in range(self.random.choice([0, 1, 1, 2, 3, 5])):
            pick = self.random.random()
            if pick < 0.75:
                result.append(self.right())
            elif pick < 0.85:
                result += self.selector()
            elif pick < 0.95:
                result.append(self.random.choice([b">", b">", b"<"]) + self.password())
            else:
                result.append(self.random.choice(["on", "off", "nopass", "resetpass", "clearselectors", "reset", "ON"]))
        return result

    def command(self):
        parts = []
        for word in self.random.choice(DRY_COMMANDS):
            parts.append({"k": lambda: self.random.choice(KEYS), "c": lambda: self.random.choice(CHANNELS),
                          "p": lambda: self.random.choice(CHANNEL_PATTERNS), "e": lambda: b""}.get(
                              word, lambda: word.encode())())
        return parts


def kind(reply):
    """What a reply says of rights: a refusal by what was refused, anything else as it is."""
    text = reply.value if isinstance(reply, Error) else reply if isinstance(reply, bytes) else b""
    if b"permission" not in text:
        return reply
    found = re.search(rb"'(.*)' (command|key|channel)", text)
    if found:
        return found.group(2), found.group(1)
    return re.search(rb"command|key|channel", text).group(0)


def fields(flat):
    return dict(zip(flat[::2], flat[1::2]))


def shown_alike(oracle, hearth):
    """All of GETUSER but the command rules."""
    flags = [{flag for flag in one[b"flags"] if b"payload" not in flag} for one in (oracle, hearth)]
    rest = [(one[b"passwords"], one[b"keys"], one[b"channels"],
             [(fields(s)[b"keys"], fields(s)[b"channels"]) for s in one[b"selectors"]]) for one in (oracle, hearth)]
    return flags[0] == flags[1] and rest[0] == rest[1]


def same_commands(left, oracle_rules, hearth_rules):
    """Whether the oracle makes the same of Hearth's rules as of its own."""
    made = []
    for rules in (oracle_rules, hearth_rules):
        assert left.call("ACL", "SETUSER", "scratch", "reset", *rules.split(b" ")) == OK, rules
        made.append(fields(left.call("ACL", "GETUSER", "scratch"))[b"commands"])
    left.call("ACL", "DELUSER", "scratch")
    return made[0] == made[1]


def log_of(client):
    return [tuple(fields(entry)[name] for name in (b"count", b"reason", b"context", b"object", b"username"))
            for entry in client.call("ACL", "LOG", 200)]


def check_users(left, right, history):
    for user in USERS:
        shown = [client.call("ACL", "GETUSER", user) for client in (left, right)]
        assert isinstance(shown[0], list) == isinstance(shown[1], list), (history, shown)
        if not isinstance(shown[0], list):
            continue
        oracle, hearth = map(fields, shown)
        assert shown_alike(oracle, hearth), (history[-12:], user, oracle, hearth)
        pairs = [(oracle, hearth)] + list(zip(map(fields, oracle[b"selectors"]), map(fields, hearth[b"selectors"])))
        for one, other in pairs:
            assert same_commands(left, one[b"commands"], other[b"commands"]), (history[-12:], user, one, other)


def run_commands(maker, left, right, clients, history):
    """What users may do, asked and tried."""
    for _ in range(40):
        user, command = maker.random.choice(USERS), maker.command()
        replies = [client.call("ACL", "DRYRUN", user, *command) for client in (left, right)]
        assert kind(replies[0]) == kind(replies[1]), (history[-12:], user, command, replies)
    for _ in range(20):
        user, password = maker.random.choice(USERS), maker.password()
        replies = [client.call("AUTH", user, password) for client in clients]
        assert replies[0] == replies[1], (history[-12:], user, password, replies)
        key, channel = maker.random.choice(KEYS), maker.random.choice(CHANNELS)
        for command in (["GET", key], ["SET", key, "v"], ["PUBLISH", channel, "m"], ["SELECT", "0"], ["MULTI"],
                        ["GET", key], ["EXEC"]):
            replies = [client.call(*command) for client in clients]
            assert kind(replies[0]) == kind(replies[1]), (history[-12:], user, command, replies)


def test_random_users_have_the_same_rights(start, seed):
    maker = Maker(seed)
    oracle, hearth = start("oracle"), start("hearth")
    with oracle.client() as left, hearth.client() as right:
        history = []
        for _ in range(ROUNDS):
            for _ in range(maker.random.randrange(1, 6)):
                user, rules = maker.random.choice(USERS), maker.rules()
                replies = [client.call("ACL", "SETUSER", user, *rules) for client in (left, right)]
                history.append((user, rules))
                assert replies[0] == replies[1], (history[-12:], replies)
            if maker.random.random() < 0.1:
                gone = maker.random.choice(USERS)
                assert left.call("ACL", "DELUSER", gone) == right.call("ACL", "DELUSER", gone)
            check_users(left, right, history)
            with oracle.client() as one, hearth.client() as other:
                run_commands(maker, left, right, (one, other), history)
            assert log_of(left) == log_of(right), history[-12:]
        assert left.call("ACL", "USERS") == right.call("ACL", "USERS")
