"""What generated commands are made of: keys, values, numbers and the ways in which arguments go wrong.

A family (families/<group>.py) is a list of weighted makers. A maker takes the Generator and returns one of
  - one command: a list of arguments,
  - several commands that must follow each other on one connection: a list of such lists,
  - a list of Steps, where it names the connections itself.
Everything comes out of one random.Random, so that a seed gives the same case every time.
"""

import random
from typing import NamedTuple

from support.resp import to_bytes
from differential.supported import is_supported

DATABASES = 4
PLAIN_CONNECTIONS = (0, 1, 2)
RESP2_SUBSCRIBER = 3
RESP3_SUBSCRIBER = 4
SUBSCRIBERS = (RESP2_SUBSCRIBER, RESP3_SUBSCRIBER)

INT64_MAX = 2**63 - 1
INT64_MIN = -(2**63)
LIMITS = [
    0, 1, -1, 12, 13, 127, 128, -128, -129, 255, 256, 4095, 4096, -4096, 8191, 32767, 32768, -32768, -32769,
          65535,
    8388607, 8388608, -8388608, 2**31 - 1, 2**31, -(2**31), 2**32, 2**53, 10**15, INT64_MAX - 1, INT64_MAX,
          INT64_MIN,
    INT64_MIN + 1,
]
NOT_INTEGERS = [
    "", "a", "1a", " 1", "1 ", "+1", "01", "-0", "1.0", "1e3", "0x10", "9223372036854775808",
                "-9223372036854775809",
    "99999999999999999999", "1\x00", "--1", "nan", "\t5",
]
FLOATS = [
    "0.1", "-0.5", "3.0", "1e3", "1.5e-7", "10.50", "0.30000000000000004", "1e17", "123456789.123456789",
          "-1e-10",
    "5e-324", "3.14159265358979", "1e100", "0x1p3", "100000000000000000000",
]
NOT_FLOATS = ["", "abc", "nan", "inf", "-inf", "+inf", "1e400", "1.2.3", " 1", "1 ", "infinity", "1e",
              "--1"]
SHORT = [
    "", "a", "b", "c", "hello", "foo", "bar", "x" * 20, "y" * 21, "\r\n", "a b", "\x00", "\x00\x01\xff",
         "'\"\\", "-", "*",
    "h?llo", "[a-c]", "3:x", "ABC", "abc", "Hello",
]
LENGTHS = [7, 8, 9, 11, 12, 15, 16, 39, 44, 45, 63, 64, 65, 100, 127, 128, 253, 254, 255, 300]
LARGE_LENGTHS = [1000, 4000, 4095, 4097, 8192, 9000, 16383, 16384, 20000]


class Step(NamedTuple):
    """One command of a case on one connection."""

    connection: int
    arguments: tuple


class Generator:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.connection = 0

    def chance(self, probability):
        return self.random.random() < probability

    def choice(self, options):
        return self.random.choice(options)

    def weighted(self, pairs):
        """One of [(weight, option)]."""
        weights, options = zip(*pairs)
        return self.random.choices(options, weights)[0]

    def key(self, family="s"):
        """Mostly a key of the family's own few, now and then one that another type may hold."""
        roll = self.random.random()
        if roll < 0.80:
            return f"{family}{self.random.randrange(4)}"
        if roll < 0.97:
            return f"{self.choice('slhtzxg')}{self.random.randrange(4)}"
        return self.choice(["", "missing", b"\x00\xff key", "{tag}1", "*", "k" * 300])

    def keys(self, family="s", most=4):
        return [self.key(family) for _ in range(self.random.randint(1, most))]

    def any_key(self):
        return self.key(self.choice("slh"))

    def field(self):
        roll = self.random.random()
        if roll < 0.7:
            return f"f{self.random.randrange(12)}"
        if roll < 0.85:
            return str(self.random.randrange(600))
        return self.value()

    def value(self):
        roll = self.random.random()
        if roll < 0.25:
            return str(self.random.randint(-20, 200))
        if roll < 0.35:
            return str(self.choice(LIMITS))
        if roll < 0.70:
            return self.text(self.choice(SHORT))
        if roll < 0.76:
            return self.choice(FLOATS)
        if roll < 0.80:
            return self.choice(NOT_INTEGERS)
        if roll < 0.97:
            return self.blob(self.choice(LENGTHS))
        return self.blob(self.choice(LARGE_LENGTHS))

    def blob(self, length):
        if self.chance(0.5):
            return self.choice(b"abcdXYZ").to_bytes(1, "big") * length
        return self.random.randbytes(length)

    @staticmethod
    def text(value):
        return value.encode("latin-1")

    def word(self):
        return self.choice(["a", "b", "c", "d", "e", "1", "2", "3", "hello", "", "zz"])

    def integer(self):
        """An integer argument: mostly small and good, else a limit or no integer at all."""
        roll = self.random.random()
        if roll < 0.7:
            return str(self.random.randint(-10, 50))
        if roll < 0.9:
            return str(self.choice(LIMITS))
        return self.text(self.choice(NOT_INTEGERS))

    def index(self):
        roll = self.random.random()
        if roll < 0.8:
            return str(self.random.randint(-8, 12))
        if roll < 0.9:
            return str(self.random.randint(-300, 300))
        return self.integer()

    def count(self):
        roll = self.random.random()
        if roll < 0.85:
            return str(self.random.randint(0, 6))
        if roll < 0.93:
            return str(self.choice([-1, -3, 1000, 128]))
        return self.integer()

    def floating(self):
        roll = self.random.random()
        if roll < 0.45:
            return self.choice(FLOATS)
        if roll < 0.8:
            return str(self.random.randint(-1000, 1000) / self.choice([1, 2, 4, 10, 100]))
        if roll < 0.9:
            return str(self.choice(LIMITS))
        return self.choice(NOT_FLOATS)

    def pattern(self):
        return self.choice(
            ["*", "?*", "s*", "s?", "[sl]*", "[^s]*", "h[0-2]", "\\*", "", "**", "*1", "[a-", "[z-a]*",
             "nosuch*", "f*",
             "*[!a]", "s\\0", "[]", "[s", "{tag}*"])

    def database(self):
        roll = self.random.random()
        if roll < 0.85:
            return str(self.random.randrange(DATABASES))
        return self.choice(["16", "-1", "a", "", "99999999999999999999", "15", "1.5"])

    def far_seconds(self):
        """A time to live that no run outlives."""
        return str(self.random.choice([1000, 5000, 86400, 10**7, self.random.randint(1000, 10**6)]))

    def case_of(self, arguments):
        """Command and option names are matched in any case."""
        if self.chance(0.05) and not to_bytes(arguments[0]).startswith(b"@"):
            arguments = [to_bytes(arguments[0]).swapcase()] + list(arguments[1:])
        return arguments

    def spoil(self, arguments):
        """The command with one thing wrong, most often its arity."""
        arguments = list(arguments)
        roll = self.random.random()
        if roll < 0.4 and len(arguments) > 1:
            arguments.pop()
        elif roll < 0.6:
            arguments.append(self.value())
        elif roll < 0.75 and len(arguments) > 1:
            arguments.pop(self.random.randrange(1, len(arguments)))
        elif len(arguments) > 1:
            arguments[self.random.randrange(1, len(arguments))] = self.value()
        return arguments


def optional(generator, *options, chance=0.5):
    """Each option (a list of arguments, made by a call if callable) joins with the given chance; order is
    shuffled."""
    chosen = [option() if callable(option) else option for option in options if generator.chance(chance)]
    generator.random.shuffle(chosen)
    return [argument for option in chosen for argument in option]


# Commands that may wait, or change the framing of replies, are never spoilt: a changed argument could
# make them wait without end or close the connection.
NEVER_SPOILT = {
    b"BLPOP", b"BRPOP", b"BLMOVE", b"BLMPOP", b"BRPOPLPUSH", b"BZPOPMIN", b"BZPOPMAX", b"BZMPOP", b"XREAD",
                b"XREADGROUP",
    b"CLIENT", b"SUBSCRIBE", b"UNSUBSCRIBE", b"PSUBSCRIBE", b"PUNSUBSCRIBE", b"SSUBSCRIBE", b"SUNSUBSCRIBE",
                b"MULTI",
    b"CONFIG", b"HELLO", b"RESET", b"SPOP", b"FLUSHALL", b"DEBUG", b"SHUTDOWN", b"WAIT", b"RESTORE", b"AUTH",
    b"EXPIRE", b"PEXPIRE", b"EXPIREAT", b"PEXPIREAT", b"GETEX", b"SETEX", b"PSETEX", b"SET", b"SRANDMEMBER",
                b"ZRANDMEMBER",
    # 7.0 and 7.2 print a score that is not a short fraction in different digits.
    b"ZADD", b"ZINCRBY", b"ZUNION", b"ZINTER", b"ZUNIONSTORE", b"ZINTERSTORE",
}


def make_case(generator, families, commands):
    """A list of about `commands` Steps drawn from [(weight, maker)] of the families."""
    table = [(weight, maker) for family in families for weight, maker in family.MAKERS]
    steps = []
    while len(steps) < commands:
        if generator.chance(0.08):
            generator.connection = generator.choice(PLAIN_CONNECTIONS)
        made = generator.weighted(table)(generator)
        if not made:
            continue
        if isinstance(made[0], Step):
            steps.extend(Step(s.connection, tuple(to_bytes(a) for a in s.arguments)) for s in made)
            continue
        group = made if isinstance(made[0], (list, tuple)) else [made]
        if len(group) == 1:
            name = to_bytes(group[0][0]).upper()
            if generator.chance(0.04) and name not in NEVER_SPOILT and not name.startswith(b"@"):
                group = [generator.spoil(group[0])]
            group = [generator.case_of(group[0])]
        steps.extend(Step(generator.connection, tuple(to_bytes(a) for a in command)) for command in group)
    return _prepare_sorts([step for step in steps if is_supported(step.arguments) and not _asks_the_clock(step)])


def _asks_the_clock(step):
    """XADD with an id that the server makes of the time."""
    return step.arguments[0].upper() == b"XADD" and b"*" in step.arguments[2:]


def _prepare_sorts(steps):
    """The oracle's SORT fails when an earlier command of anybody left ERANGE in errno; a SCAN that is refused
    clears it. A probe of the type tells whether the elements have an order when nothing sorts them."""
    prepared = []
    for step in steps:
        if step.arguments[0].upper() in (b"SORT", b"SORT_RO"):
            prepared.append(Step(step.connection, (b"SCAN", b"a")))
            prepared.extend(Step(step.connection, (b"TYPE", key)) for key in step.arguments[1:2])
        prepared.append(step)
    return prepared
