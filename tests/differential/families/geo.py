"""Geo: every command of the group in Redis 7.

Places are rarely the same, since the order of places at one distance is not part of the interface.
"""

from differential.grammar import optional

CITIES = [(13.361389, 38.115556), (15.087269, 37.502669), (2.349014, 48.864716), (-0.127758, 51.507351),
          (-74.005941, 40.712784), (139.691706, 35.689487), (151.209296, -33.868820),
          (-68.302967, -54.801912)]
EDGES = [(180, 85.05112878), (-180, -85.05112878), (180, 0), (-180, 0), (0, 0), (0, 85), (0, -85),
         (179.9999, 12), (-179.9999, 12), (89.99, 84.9), (10, -84.99)]


def key(g):
    return g.key("g")


def member(g):
    return g.weighted([(9, f"m{g.random.randrange(40)}"), (1, str(g.random.randrange(40))), (1, g.value())])


def place(g):
    """Around a city, at an edge of the map, anywhere on it, or nowhere."""
    roll = g.random.random()
    if roll < 0.6:
        longitude, latitude = g.choice(CITIES[:4] if g.chance(0.7) else CITIES)
        spread = g.choice([0.001, 0.1, 2])
        return [repr(degrees + g.random.uniform(-spread, spread)) for degrees in (longitude, latitude)]
    if roll < 0.7:
        # Two members at one place come in either order: the oracle's partial sort is not stable.
        longitude, latitude = (value * (1 - 1e-6 * g.random.random()) for value in g.choice(EDGES))
        return [str(longitude), str(latitude)]
    if roll < 0.97:
        return [repr(g.random.uniform(-180, 180)), repr(g.random.uniform(-85, 85))]
    return g.choice([["200", "10"], ["10", "86"], ["a", "1"], ["1", ""], ["nan", "1"], ["inf", "1"],
                     ["-180.1", "0"]])


def geoadd(g):
    options = optional(g, lambda: [g.choice(["NX", "XX", "nx", "xx"])], ["CH"], ["NX"], chance=0.12)
    places = [word for _ in range(g.choice([1, 1, 2, 5])) for word in (*place(g), member(g))]
    return ["GEOADD", key(g), *options, *places]


def many(g):
    """More than a listpack holds."""
    return ["GEOADD", key(g), *(word for n in range(g.choice([60, 150]))
                                for word in (repr(g.random.uniform(-20, 20)),
                                             repr(g.random.uniform(30, 60)), f"n{n}"))]


def unit(g):
    return g.weighted([(6, "km"), (3, "m"), (2, "mi"), (2, "ft"), (1, g.choice(["KM", "Mi", "yd", ""]))])


def length(g):
    return g.weighted([(4, repr(g.random.uniform(0, 500))), (4, str(g.choice([1, 10, 100, 1000, 5000]))),
                       (2, str(10**g.random.randint(3, 8))),
                       (1, g.choice(["0", "-1", "a", "", "1e10", "nan"]))])


def common_options(g):
    return optional(g, ["WITHDIST"], ["WITHHASH"], ["WITHCOORD"], lambda: [g.choice(["ASC", "DESC", "asc"])],
                    lambda: ["COUNT", g.choice(["1", "3", "10", "0", "-1", "a"])],
                    lambda: ["COUNT", g.choice(["2", "5"]), "ANY"], chance=0.22)


def origin(g):
    return g.weighted([(6, ["FROMLONLAT", *place(g)]), (6, ["FROMMEMBER", member(g)]), (1, [])])


def area(g):
    return g.weighted([(6, ["BYRADIUS", length(g), unit(g)]),
                       (6, ["BYBOX", length(g), length(g), unit(g)]), (1, [])])


def options_of_store(g):
    """Members at one distance, which sorted sets of other families have, are chosen from in any order: what is stored
    must not depend on that."""
    options, kept = common_options(g), []
    while options:
        word = options.pop(0)
        if word != "COUNT" or options[0] not in ("1", "2", "3", "5", "10"):
            kept.append(word)
            continue
        options.pop(0)
        if options[:1] == ["ANY"]:
            options.pop(0)
    return kept


def geodist(g):
    return ["GEODIST", key(g), member(g), member(g), *g.choice([[], [unit(g)], [unit(g)], ["km", "km"]])]


def geosearch(g):
    return ["GEOSEARCH", key(g), *origin(g), *area(g), *common_options(g)]


def geosearchstore(g):
    options = optional(g, ["ASC"], lambda: options_of_store(g), chance=0.25)
    return ["GEOSEARCHSTORE", key(g), key(g), *origin(g), *area(g), *options]


def store(g):
    return g.weighted([(5, []), (1, ["STORE", key(g)]), (1, [g.choice(["STORE", "STOREDIST"])])])


def stored_distances(g):
    """Distances as scores do not stay: 7.0 prints them in more digits than it takes to read them back."""
    name, target = key(g), "stored"
    options = options_of_store(g)
    command = g.choice([["GEOSEARCHSTORE", target, name, *origin(g), *area(g), *options, "STOREDIST"],
                        ["GEORADIUS", name, *place(g), length(g), unit(g), *options, "STOREDIST", target],
                        ["GEORADIUSBYMEMBER", name, member(g), length(g), unit(g), "STOREDIST", target]])
    return [command, ["ZRANGE", target, "0", "-1"], ["ZCOUNT", target, "0", "100"],
            ["OBJECT", "ENCODING", target], ["DEL", target]]


def finding_or_storing(g):
    where = store(g)
    return [*(options_of_store(g) if where else common_options(g)), *where]


def georadius(g):
    name = g.choice(["GEORADIUS", "GEORADIUS", "GEORADIUS_RO"])
    return [name, key(g), *place(g), length(g), unit(g), *finding_or_storing(g)]


def georadiusbymember(g):
    name = g.choice(["GEORADIUSBYMEMBER", "GEORADIUSBYMEMBER", "GEORADIUSBYMEMBER_RO"])
    return [name, key(g), member(g), length(g), unit(g), *finding_or_storing(g)]


def foreign_scores(g):
    """A member that no GEOADD has put there: one alone, since two at one place have no order."""
    score = g.choice(["0", "-1", "9007199254740992", "-9007199254740992", "4503599627370495",
                      "4503599627370496", "3.5", "inf", "-inf"])
    return ["ZADD", key(g), score, "foreign"]


def spoilt_by_others(g):
    return g.choice([["SET", key(g), "x"], ["DEL", key(g)], ["DEL", key(g)], ["ZREM", key(g), member(g)],
                     ["EXPIRE", key(g), g.far_seconds()]])


MAKERS = [
    (12, geoadd),
    (2, many),
    (3, geodist),
    (3, lambda g: ["GEOHASH", key(g), *(member(g) for _ in range(g.random.randint(0, 4)))]),
    (3, lambda g: ["GEOPOS", key(g), *(member(g) for _ in range(g.random.randint(0, 4)))]),
    (10, geosearch),
    (4, geosearchstore),
    (2, stored_distances),
    (5, georadius),
    (5, georadiusbymember),
    (1, foreign_scores),
    (2, spoilt_by_others),
    (2, lambda g: ["ZRANGE", key(g), "0", "-1", "WITHSCORES"]),
    (1, lambda g: ["OBJECT", "ENCODING", key(g)]),
]
