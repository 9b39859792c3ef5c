"""Writes docs/compatibility.md, docs/configuration.md and hearth.conf from the specs."""
from commands_output import full_name
from settings_output import default_text
from text_output import comment

MADE = "<!-- Made by `spec/generate.py docs` from spec/; edit those files instead. -->\n"

GROUP_TITLES = {
    "generic": "Keys",
    "string": "Strings",
    "hash": "Hashes",
    "list": "Lists",
    "set": "Sets",
    "sorted-set": "Sorted sets",
    "stream": "Streams",
    "geo": "Geo",
    "bitmap": "Bitmaps",
    "hyperloglog": "HyperLogLog",
    "pubsub": "Pub/Sub",
    "transactions": "Transactions",
    "scripting": "Scripts and functions",
    "connection": "Connections",
    "server": "Server",
    "cluster": "Cluster",
    "sentinel": "Sentinel",
}

COMPATIBILITY_INTRO = """\
# Compatibility

Hearth speaks RESP2 and RESP3 and means to answer as Redis 7.2 does. This page lists every command of Redis 7.2, and
those of Redis 7.4 and Valkey 8.0 that go beyond it, with what this version makes of each:

- **yes**: replies and effects are those of Redis;
- **differs**: it works, with the difference that is named;
- **no**: it answers with an error, for the reason that is named.

Directives that are accepted but not acted on yet are at the end. [configuration.md](configuration.md) describes all.

## Differences that are meant to be

- Nothing forks. What INFO calls copy on write is the memory of a running snapshot's queue. BGSAVE and BGREWRITEAOF may
  run at the same time; BGSAVE SCHEDULE waits for a rewrite to end, as in Redis.
- With `appendonly yes`, no append-only file and a snapshot file, the snapshot is loaded and becomes the base of the
  append-only file. Redis starts empty then.
- Snapshots are written in the oldest version that can hold them: 10, or 12 if fields of hashes expire.
- RESTORE checks every payload in depth, and does not read a string on into the payload's footer.
- HLEN counts the living fields of a hash alone, also those that expire before they have been removed.
- HELP subcommands answer in words of their own, and so do LATENCY DOCTOR and MEMORY DOCTOR.
- Durations are measured by the processor's counter, not in whole microseconds: percentiles may be below 1 µs.
- The engine does not wait for the append-only file, so that LATENCY's aof-write and aof-fsync-always tell what its writer,
  and replies held back by `appendfsync always`, have waited for. The events fork, aof-fstat, aof-rename and
  rdb-unlink-temp-file never occur.
- Active defragmentation needs no special allocator. Of streams it moves the blocks, and not what groups have pending.
  It rests while a snapshot is being taken.
- DEBUG RESTART and CRASH-AND-RECOVER start the same program again in the same process, with the words of its command line.
- The memory of INFO's mem_replication_backlog and mem_total_replication_buffers is one log that all replicas and the
  append-only file read.
- A key's idle time, LRU and LFU figures count from when a snapshot was loaded, unless the file tells them.
- A replica refuses the empty dataset of a primary that it knows and that has come back with another history
  (`replica-keep-data-from-empty-primary`), until the primary has keys or REPLICAOF is said again.
- A primary that restarts goes on under a new replication id, with the one before as its second; replicas resume from the log
  that is kept on disk (`repl-backlog-disk-size`), also those that know an older of its last 16 ids.
- FAILOVER without FORCE is refused by a target that was started anew with older data meanwhile, and does not lose any
  (formats/replication.md).
- What clients write on a writable replica is not in its append-only file; when its time is over it is hidden, not removed.
- A primary that ran ahead of the replica which took its place rejoins by the keys that differ (`replication-rejoin`), and saves
  what it gives up as `lost-writes-*.aof` under `dir`; between Hearth servers only (formats/replication.md).
- Invalidations for a client that is in the middle of its own command follow its reply, also those that others redirect to it, and
  are worded in its protocol. When the last client stops tracking keys, the table of keys is emptied. A key that two clients
  change in one turn of the loop is told of to both, NOLOOP or not (BCAST).
- Users are written down so that they can be read back: ACL LIST and the files have words of selectors in quotes where they hold
  quotes or end in a parenthesis, and `%RW~*` where other patterns stand beside it. A user's name cannot be empty.
- What a MONITOR client runs itself in a transaction is shown after the transaction's reply.
- Equal distances in replies of GEOSEARCH and GEORADIUS come in the order of scores; equal elements of SORT in any order.

Scripts:

- They run on LuaJIT (without its compiler): the order of `pairs` differs from run to run, NaN has no sign, and what LuaJIT takes
  beyond Lua 5.1 works (`goto`, `\\x41`, `string.rep` with a separator, `%s` of any value). An error in a function called by a
  return statement, but for `return redis.call(...)` and its like, does not know its line.
- `cjson.encode` and `cmsgpack.pack` write the names of a table in order, numbers first: the same table gives the same text.
- There is no `string.dump`; `os.clock` is there; `collectgarbage` collects and counts, but cannot be turned off.
- FUNCTION RESTORE gives up on libraries that do not end, as FUNCTION LOAD does.
- Scripts of `*_RO` commands are refused at once for what their flags say, also during CLIENT PAUSE WRITE.
- Calls nested through coroutines and `string.gsub` end with an error where they would use up the C stack.

Sentinel:

- Elections begin nearly at once and by rank; a split vote is repeated within a second, and a leader or candidate that dies is
  replaced, where Redis waits for two failover timeouts. A failover that found no replica goes on as soon as there is one.
- A reset connection does not count as down before down-after has passed since then; a refused one can be acted on sooner
  (`sentinel refused-down-after-milliseconds`). A primary is pinged up to five times in down-after.
- A Hearth server that runs a long command is not taken for dead for as long as `sentinel busy-is-alive-max-ms` allows: a thread
  beside its engine answers Sentinels (`CLIENT PROBE`, formats/sentinel.md). The default is 0: silence counts, as in Redis.
- A former primary that comes back is demoted at once if the newer configuration is certain; so is a replica that was away
  while the primary changed pointed at the new one. The connection to an instance that counts as down is made anew at once,
  and one that is not taken within a second is tried again.
- Equal configuration epochs with different addresses, which SENTINEL FAILOVER on both sides of a partition can make, are settled.
- SENTINEL FAILOVER asks the others for their votes first, for a second at most.
- Where writes are promised (`replication-acks`), a replica is promoted only if it has all that was promised, SENTINEL FAILOVER
  needs a majority, and SENTINEL FORCE-FAILOVER does without either (formats/sentinel.md). A primary that comes back and may lack
  promised writes takes none, and no replicas, until Sentinels have replaced it or REPLICAOF NO ONE has it go on (replication.md).
- A Sentinel whose state cannot be saved has no vote, and asks for none.
- A former primary of our kind takes no writes any more as soon as a Sentinel has told it that it was replaced.
- SENTINEL SET changes all or nothing. Forgotten entries (`sentinel forget-after`) are announced by `-slave` and `-sentinel`.
- A configuration file that cannot be written does not stop the start: the state goes to `<file>.state`, or into `dir`, and counts
  in place of the file's `sentinel` lines at the next start.
- A redis-sentinel does not start on a file with directives that are ours alone.

TLS:

- A handshake that takes longer than ten seconds is ended. Each one that fails is logged with the addresses of both ends and
  counted as `tls_handshakes_failed` in INFO; for a certificate that is refused, the line says what is wrong with it.
- `tls-auth-clients` is checked like the other directives: asking for certificates without an authority to check them by is
  an error of CONFIG SET. A session that was begun without a certificate is not resumed where one is asked for.
- As in Redis, a certificate counts if a trusted authority has signed it for the use; names in it are not compared.
- `tls-session-caching no` gives no tickets either, so that nothing can be resumed.
- All certificates are read again by setting any of the `tls-*` directives but `tls-cluster`, which is stored alone. Who is
  connected goes on with the old ones.

Against Redis 7.0, which the tests compare with, the interface of 7.2 also differs in: the encodings of small sets and
lists, the digits of long fractions, ZRANK WITHSCORE, the commands that came with 7.2, and the texts of a few errors.
"""

CONFIGURATION_INTRO = """\
# Configuration

Hearth reads the configuration files of Redis 7: one directive a line, words in "double" or 'single' quotes where they
hold spaces, `#` before comments, `include` for further files. Every directive can be given on the command line too
(`--port 7000 --save ""`), which wins over the file; a single `-` as the first or last word reads standard input.
`CONFIG SET` changes directives of the running server unless they are marked as fixed, and `CONFIG REWRITE` brings the
file up to date, keeping its comments and order.

Sizes take the units `k`, `m`, `g` (powers of 1000) and `kb`, `mb`, `gb` (powers of 1024), in any case.

Directives marked *stored* are accepted and kept, but this version does not act on them; a warning is logged if one of
them does not have its default.
"""

FILE_ONLY = """\
## Only in files

- `include <path or pattern>`: reads other files in this place.
- `rename-command <command> <new name>`: gives a command another name; an empty one takes it away.
- `user <name> <rules...>`: a user, in the words of `ACL SETUSER`.
- `loadmodule <path> <arguments...>`: refused at start, since there is no module interface.
- `sentinel <...>`: what a Sentinel watches and knows; see below.
- `list-max-ziplist-entries`, `list-max-ziplist-value`, `lua-replicate-commands`: obsolete and ignored.
"""

SENTINEL = """\
## Sentinel

`hearth-server sentinel.conf --sentinel`, or the program under a name that ends in `-sentinel`, is a Sentinel. It needs a
configuration file, which it rewrites with each change of its state; the port is 26379 and `protected-mode` is `no` unless
the file says otherwise. Where the file cannot be written, the state goes to `<file>.state` beside it, or into the folder
`dir`, and a warning is logged; that file then counts in place of the lines below until the configuration can be written
again. These lines begin with `sentinel`, and may stand in any order.
"""


def support_of(command):
    status = command["status"]
    if isinstance(status, str):
        return "yes", ""
    ((kind, note),) = status.items()
    return ("differs" if kind == "differs" else "no"), note


def cell(text):
    return text.replace("|", "\\|")


def compatibility(commands, topics):
    groups = {}
    for command in commands:
        for entry in (command, *command["subcommands"]):
            groups.setdefault(entry["group"], []).append(entry)
    supported = sum(1 for entries in groups.values() for entry in entries if support_of(entry)[0] != "no")
    total = sum(len(entries) for entries in groups.values())
    out = [MADE, "\n", COMPATIBILITY_INTRO, f"\n{supported} of {total} commands and subcommands are supported.\n"]
    for group, title in GROUP_TITLES.items():
        entries = groups.get(group, [])
        if not entries:
            continue
        out.append(f"\n## {title}\n\n| command | supported | notes |\n|---|---|---|\n")
        for entry in sorted(entries, key=full_name):
            support, note = support_of(entry)
            if entry["origin"] != "redis-7.2":
                note = "; ".join(part for part in (f"from {entry['origin'].replace('-', ' ').title()}", note) if part)
            name = full_name(entry).replace("|", " ").upper()
            out.append(f"| `{name}` | {support} | {cell(note)} |\n")
    out.append("\n## Directives that are stored but not acted on\n\n")
    for topic in topics:
        stored = [f"`{d['name']}`" for d in topic["directives"] if d["status"] == "stored"]
        if stored:
            out.append(f"- {topic['topic']}: {', '.join(stored)}\n")
    return "".join(out)


def value_text(directive):
    kind = directive["type"]
    if kind in ("enum", "flags"):
        return ", ".join(directive["values"])
    if kind == "bool":
        return "yes, no"
    if kind in ("integer", "memory", "octal") and directive["max"] < 2**31 - 1:
        low, high = directive["min"], directive["max"]
        return f"{low:o} to {high:o} (octal)" if kind == "octal" else f"{low} to {high}"
    return {"memory": "size", "integer": "number", "octal": "octal"}.get(kind, "text")


def sentinel_directives(directives):
    out = ["\n", SENTINEL]
    for directive in directives:
        facts = [f"default `{directive['default']}`"] if "default" in directive else []
        if "also" in directive:
            facts.append(f"also `{directive['also']}`")
        if directive.get("kept"):
            facts.append("kept by the Sentinel itself")
        if "origin" in directive:
            facts.append("from " + directive["origin"].title())
        about = f" ({'; '.join(facts)})" if facts else ""
        out.append(f"\n**`{directive['words']}`**{about}  \n{directive['summary']}\n")
    return "".join(out)


def configuration(topics, sentinel):
    out = [MADE, "\n", CONFIGURATION_INTRO]
    for topic in topics:
        out.append(f"\n## {topic['topic']}\n")
        for directive in topic["directives"]:
            if "hidden" in directive.get("flags", []):
                continue
            default = default_text(directive)
            facts = [f"default `{default}`" if default else "default empty", value_text(directive)]
            if directive.get("immutable"):
                facts.append("fixed at start")
            if "protected" in directive.get("flags", []):
                facts.append("protected")
            if directive["status"] == "stored":
                facts.append("*stored*")
            names = [directive["alias"]] if "alias" in directive else []
            names += directive.get("quiet_names", [])
            if names:
                facts.append("also " + ", ".join(f"`{name}`" for name in names))
            if "origin" in directive:
                facts.append("from " + directive["origin"].replace("-", " ").title())
            out.append(f"\n**`{directive['name']}`** ({'; '.join(facts)})  \n{directive['summary']}\n")
    out.append("\n" + FILE_ONLY)
    out.append(sentinel_directives(sentinel))
    return "".join(out)


def default_line(directive):
    default = default_text(directive)
    if directive["type"] == "primary-address":
        return "replicaof <host> <port>"
    if directive["type"] == "memory" and not default.startswith("-"):
        value = int(default)
        for factor, unit in ((2**30, "gb"), (2**20, "mb"), (2**10, "kb")):
            if value and value % factor == 0:
                default = f"{value // factor}{unit}"
                break
    if not default:
        default = '""'
    if directive["type"] == "string" and " " in default:
        default = f'"{default}"'
    return f"{directive['name']} {default}"


def default_file(topics):
    out = [
        "# The configuration of Hearth, with every directive at its default.\n",
        "# Made by `spec/generate.py docs` from spec/config/. Take the '#' before a directive away to change it.\n",
        "#\n# Start with this file:  hearth-server /path/to/hearth.conf\n",
        "# Sizes take the units k, m, g (powers of 1000) and kb, mb, gb (powers of 1024).\n",
        "# Further files are read in place with:  include /path/to/other.conf\n",
    ]
    for topic in topics:
        title = topic["topic"]
        out.append(f"\n{'#' * (len(title) + 8)}\n### {title} ###\n{'#' * (len(title) + 8)}\n")
        for directive in topic["directives"]:
            if "hidden" in directive.get("flags", []):
                continue
            out.append("\n" + comment(directive["summary"], prefix="# "))
            if directive["status"] == "stored":
                out.append("# (Accepted and kept, but this version does not act on it.)\n")
            out.append(f"#{default_line(directive)}\n")
    return "".join(out)
