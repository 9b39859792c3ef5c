"""A primary that ran ahead of the replica which took its place joins it without a full copy, and saves what is given up."""

import os
import random
import subprocess

import pytest

from persistence.filling import large_values
from replication.load import Load
from replication.nodes import ONLY_REAL, assert_same_data, wait_in_sync, wait_online
from support.resp import OK, Error
from support.server import hearth_binary, wait_for

pytestmark = pytest.mark.skipif(ONLY_REAL, reason="the real server has nothing of the kind")

RATE = 3000
ROUNDS = int(os.environ.get("HEARTH_REPLICATION_ROUNDS", "4"))


def seed():
    number = int(os.environ.get("HEARTH_SEED", random.randrange(1 << 32)))
    print(f"HEARTH_SEED={number}")
    return number


def write(node, *commands, database=0):
    with node.client() as client:
        client.call("SELECT", database)
        for reply in client.pipeline(commands):
            assert not isinstance(reply, Error), reply


def bulk(words):
    words = [word if isinstance(word, bytes) else str(word).encode() for word in words]
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words)


def lost_files(node):
    return sorted(node.folder.glob("lost-writes-*.aof"))


def lost_commands(path):
    """The commands of a file: [[b"SET", b"k", b"v"], ...]."""
    data, commands = path.read_bytes(), []
    at = 0

    def line():
        nonlocal at
        end = data.index(b"\r\n", at)
        text, at = data[at:end], end + 2
        return text

    while at < len(data):
        words = []
        for _ in range(int(line()[1:])):
            size = int(line()[1:])
            words.append(data[at:at + size])
            at += size + 2
        commands.append(words)
    return commands


def full_copies(*nodes):
    return [one.count("sync_full") for one in nodes]


@pytest.fixture
def parted(node, proxy):
    """parted(arguments...) -> (old primary, its replica that is cut off from it by .refuse() and .cut())."""

    def begin(*arguments, replica="hearth"):
        old = node("hearth", *arguments)
        between = proxy(old)
        new = node(replica, *(arguments if replica == "hearth" else ()))
        write(old, *(["SET", f"k{i}", "v" * 50] for i in range(500)))
        new.replicate(between)
        wait_in_sync(old, new)
        wait_online(old)

        def part():
            replicas = len(old.replicas())
            between.refuse()
            between.cut()
            wait_for(lambda: len(old.replicas()) < max(replicas, 1), 10, "the replica to be gone")
        part.between = between
        return old, new, part
    return begin


def rejoin(old, new):
    """`old` joins `new`, without a full copy."""
    before = full_copies(new)
    old.replicate(new)
    wait_for(old.link_is_up, 30, "the link")
    assert_same_data(new, old)
    assert full_copies(new) == before, old.log()
    assert new.count("sync_rejoin") >= 1


# ---- what is given up, and saved

def test_a_primary_that_ran_ahead_rejoins_and_saves_exactly_what_it_gives_up(parted):
    old, new, part = parted()
    part()
    commands = [["SET", "k1", "lost"], ["DEL", "k2"], ["INCR", "counter"], ["RPUSH", "list", "a", "b"],
                ["SET", "k3", b"\0\r\n*1\r\n"]]
    write(old, *commands)
    write(old, ["SET", "elsewhere", "lost"], database=5)
    new.promote()
    write(new, ["SET", "k1", "kept"], ["SET", "k4", "kept"], ["DEL", "k5"])
    rejoin(old, new)
    [path] = lost_files(old)
    found = [words for words in lost_commands(path) if words[0] != b"SELECT"]
    wanted = [[str(w).encode() if not isinstance(w, bytes) else w for w in words] for words in commands]
    assert found == wanted + [[b"SET", b"elsewhere", b"lost"]]
    assert lost_commands(path)[0] == [b"SELECT", b"0"]
    info = old.info()
    assert info["lost_writes_commands"] == "6" and info["lost_writes_file"] == path.name and info["rejoins"] == "1"
    assert new.call("GET", "k1") == old.call("GET", "k1")
    assert new.count("sync_rejoin") == 1
    # And the stream goes on.
    write(new, ["SET", "after", "1"])
    assert_same_data(new, old)


def test_the_file_can_be_checked_and_played_again(parted, node):
    old, new, part = parted()
    part()
    write(old, ["MULTI"], ["SET", "a", "1"], ["SADD", "s", *range(100)], ["EXEC"], ["SET", "b", "2", "EX", "1000"])
    write(old, ["HSET", "h", "f", "v"], database=2)
    new.promote()
    rejoin(old, new)
    [path] = lost_files(old)
    checker = os.path.join(os.path.dirname(hearth_binary()), "hearth-check-aof")
    done = subprocess.run([checker, str(path)], capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stdout + done.stderr
    third = node("hearth")
    with open(path, "rb") as commands:
        played = subprocess.run(["redis-cli", "-p", str(third.port), "--pipe"], stdin=commands, capture_output=True,
                                text=True, timeout=30)
    assert "errors: 0" in played.stdout, played.stdout + played.stderr
    assert third.call("GET", "a") == b"1" and third.call("SCARD", "s") == 100
    assert third.redis(2).hget("h", "f") == b"v"


def test_nothing_is_left_behind_where_nothing_was_written(parted):
    old, new, part = parted()
    # What a primary says to its replicas alone moves its offset.
    part.between.stall()
    before = old.offset
    wait_for(lambda: old.offset > before, 10, "a ping")
    part()
    part.between.resume()
    wait_for(lambda: new.info()["master_link_status"] == "down", 10, "the link to be down")
    assert new.offset < old.offset
    new.promote()
    write(new, *(["SET", f"k{i}", "kept"] for i in range(100)))
    copies = full_copies(new)
    old.replicate(new)
    assert_same_data(new, old)
    assert full_copies(new) == copies and new.count("sync_partial_ok") == 1
    assert lost_files(old) == [] and "Nothing was written since" in old.log()


# ---- what may differ

def test_every_kind_of_data_and_of_change(parted):
    number = seed()
    old, new, part = parted()
    with Load(old, number, RATE, limit=4000) as load:
        load.wait_until_done()
    write(old, *large_values())
    wait_in_sync(old, new)
    part()
    with Load(old, number + 1, RATE, limit=4000) as load:
        load.wait_until_done()
    write(old, ["LPUSH", "large:list", "x"], ["SREM", "large:set", "member 5"], ["DEL", "large:hash"],
          ["XADD", "large:stream", "*", "more", "1"], ["ZADD", "large:scores", "5", "new"],
          ["APPEND", "large:text", "tail"], ["RENAME", "large:numbers", "renamed"], ["PERSIST", "large:hash"])
    new.promote()
    with Load(new, number + 2, RATE, limit=4000) as load:
        load.wait_until_done()
    write(new, ["RPUSH", "large:list", "y"], ["HSET", "large:hash", "other", "1"], ["DEL", "large:scores"])
    rejoin(old, new)


def test_keys_whose_time_runs_out_on_either_side(parted):
    old, new, part = parted()
    write(old, *(["SET", f"k{i}", "v", "PX", "300"] for i in range(50)), ["SET", "k60", "v", "EX", "1000"])
    part()
    write(old, *(["SET", f"k{i}", "lost", "PX", "100"] for i in range(60, 90)), ["PERSIST", "k60"])
    wait_for(lambda: old.call("EXISTS", "k61", "k1") == 0, 10, "the keys to go")
    new.promote()
    write(new, *(["PEXPIRE", f"k{i}", "200"] for i in range(80, 120)))
    rejoin(old, new)
    wait_for(lambda: old.call("EXISTS", "k100") == 0, 10, "the keys to go")
    assert_same_data(new, old)


def test_the_primary_is_written_to_meanwhile(parted):
    number = seed()
    old, new, part = parted()
    with Load(old, number, RATE, limit=3000) as load:
        load.wait_until_done()
    part()
    with Load(old, number + 1, RATE, limit=3000) as load:
        load.wait_until_done()
    new.promote()
    before = full_copies(old, new)
    with Load(new, number + 2, RATE) as load:
        wait_for(lambda: load.written > 1000, 20, "the load")
        old.replicate(new)
        wait_for(old.link_is_up, 30, "the link")
        written = load.written
        wait_for(lambda: load.written > written + 1000, 20, "the load")
    assert_same_data(new, old)
    assert full_copies(old, new) == before and new.count("sync_rejoin") == 1


# ---- who has parted from whom

def test_a_replica_that_is_ahead_of_the_promoted_one_rejoins_too(parted, node):
    old, new, part = parted()
    other = node("hearth", primary=old)
    wait_in_sync(old, other)
    part()
    write(old, ["SET", "k1", "lost"], ["INCR", "counter"])
    wait_in_sync(old, other)
    new.promote()
    write(new, ["SET", "k2", "kept"])
    rejoin(other, new)
    assert len(lost_files(other)) == 1
    rejoin(old, new)


def test_a_replica_that_was_promoted_by_mistake_returns(parted):
    old, new, part = parted()
    part()
    new.promote()
    write(new, ["SET", "k1", "lost"], ["SET", "k2", "lost"])
    write(old, ["SET", "k1", "kept"], ["DEL", "k3"])
    rejoin(new, old)
    assert [words[:2] for words in lost_commands(lost_files(new)[0])] == [[b"SELECT", b"0"], [b"SELECT", b"0"],
                                                                         [b"SET", b"k1"], [b"SET", b"k2"]]


def test_both_go_back_and_forth(parted):
    old, new, part = parted()
    part()
    for turn in range(4):
        write(old, ["SET", "k1", f"lost {turn}"], ["DEL", f"k{turn + 10}"])
        new.promote()
        write(new, ["SET", "k2", f"kept {turn}"])
        rejoin(old, new)
        # `old` is a primary again; `new` follows it and is promoted in the next turn.
        old.promote()
        new.replicate(old)
        assert_same_data(old, new)
        new.replicate(1)  # nobody is there
        wait_for(lambda: not old.replicas(), 10, "the replica to be gone")


@pytest.mark.parametrize("kept", [["--save", "3600 1"], ["--appendonly", "yes"]], ids=["rdb", "aof"])
def test_either_may_have_been_restarted_since(parted, kept):
    """Where they parted has several names by then."""
    old, new, part = parted(*kept)
    part()
    write(old, ["SET", "k1", "lost"])
    new.promote()
    for turn in range(3):
        write(new, ["SET", f"k{turn + 2}", "kept"])
        for one in (old, new) if turn < 2 else [new]:
            one.signal(15)
            one.wait_for_exit()
            one.restart()
    write(old, ["SET", "k9", "lost"])
    rejoin(old, new)
    lost = [words for words in lost_commands(lost_files(old)[0]) if words[0] != b"SELECT"]
    assert lost == [[b"SET", b"k1", b"lost"], [b"SET", b"k9", b"lost"]]


def test_replicas_of_the_one_that_rejoins_follow(parted, node):
    old, new, part = parted()
    below = node("hearth", primary=old)
    wait_in_sync(old, below)
    part()
    write(old, ["SET", "k1", "lost"])
    wait_in_sync(old, below)
    new.promote()
    write(new, ["SET", "k2", "kept"])
    rejoin(old, new)
    assert_same_data(new, old, below)


# ---- where a full copy must do

def expect_full_copy(old, new):
    copies = new.count("sync_full")
    old.replicate(new)
    wait_for(old.link_is_up, 30, "the link")
    assert_same_data(new, old)
    assert new.count("sync_full") == copies + 1


@pytest.mark.parametrize("command", [["FLUSHALL"], ["FLUSHDB"], ["SWAPDB", "0", "1"]], ids=lambda words: words[0])
@pytest.mark.parametrize("side", ["old", "new"])
def test_what_changes_keys_that_it_does_not_name_costs_a_full_copy(parted, command, side):
    old, new, part = parted()
    part()
    write(old, ["SET", "k1", "lost"])
    if side == "old":
        write(old, command)
    new.promote()
    write(new, ["SET", "k2", "kept"])
    if side == "new":
        write(new, command, ["SET", "k3", "kept"])
    expect_full_copy(old, new)
    found = [words for words in lost_commands(lost_files(old)[0]) if words[0] != b"SELECT"]
    assert found == [[b"SET", b"k1", b"lost"], *([[w.encode() for w in command]] if side == "old" else [])]


@pytest.mark.parametrize("side", ["old", "new"])
def test_a_log_that_does_not_reach_back_costs_a_full_copy(parted, side):
    old, new, part = parted("--repl-backlog-size", "16kb", "--repl-backlog-disk-size", "0")
    part()
    write(old, ["SET", "k1", "lost"])
    new.promote()
    write(old if side == "old" else new, *(["SET", f"k{i}", "x" * 10_000] for i in range(100)))
    expect_full_copy(old, new)


def test_the_log_on_disk_is_long_enough(parted):
    old, new, part = parted("--repl-backlog-size", "16kb")
    part()
    new.promote()
    for one in (old, new):
        write(one, *(["SET", f"k{i}", f"{one}" * 500] for i in range(400)))
    rejoin(old, new)
    assert len(lost_commands(lost_files(old)[0])) >= 400


@pytest.mark.parametrize("side", ["old", "new"])
def test_it_can_be_turned_off(parted, side):
    old, new, part = parted()
    part()
    write(old, ["SET", "k1", "lost"])
    new.promote()
    (old if side == "old" else new).call("CONFIG", "SET", "replication-rejoin", "no")
    expect_full_copy(old, new)
    assert lost_files(old) == []


def test_a_real_server_gives_a_full_copy(parted):
    old, new, part = parted(replica="redis")
    part()
    write(old, ["SET", "k1", "lost"])
    new.promote()
    write(new, ["SET", "k2", "kept"])
    expect_full_copy(old, new)


# ---- what may go wrong

def test_links_that_break_anywhere_end_with_equal_data(parted, proxy):
    number = seed()
    prng = random.Random(number)
    old, new, part = parted()
    between = proxy(new)
    for turn in range(ROUNDS):
        part()
        write(old, *(["SET", f"k{i}", f"lost {turn}" + "x" * 2000] for i in range(100)))
        write(old, ["DEL", f"k{prng.randrange(500)}"], ["SET", f"only {turn}", "1"])
        new.promote()
        write(new, *(["SET", f"k{i}", f"kept {turn}" + "y" * 2000] for i in range(50, 200)))
        copies = full_copies(new)
        for _ in range(3):
            between.limit(to_replica=prng.choice([prng.randrange(600), prng.randrange(400_000)]),
                          to_primary=prng.choice([None, prng.randrange(1500)]))
            attempts = between.attempts
            old.replicate(between)
            wait_for(lambda: between.attempts > attempts or old.link_is_up(), 15, "an attempt")
            wait_for(lambda: not between.open_links() or old.link_is_up(), 15, "the end of it")
        between.limit()
        between.cut()
        wait_for(old.link_is_up, 15, "the link")
        assert_same_data(new, old)
        assert full_copies(new) == copies
        # The other way round for the next turn.
        old.promote()
        new.replicate(old)
        assert_same_data(old, new)
        new.replicate(1)
        wait_for(lambda: not old.replicas(), 10, "the replica to be gone")


def test_what_is_being_written_during_a_rejoin_under_cuts_arrives(parted, proxy):
    number = seed()
    prng = random.Random(number)
    old, new, part = parted()
    with Load(old, number, RATE, limit=2000) as load:
        load.wait_until_done()
    part()
    with Load(old, number + 1, RATE, limit=2000) as load:
        load.wait_until_done()
    new.promote()
    between = proxy(new)
    with Load(new, number + 2, 1000) as load:
        for _ in range(6):
            between.limit(to_replica=prng.randrange(200_000))
            attempts = between.attempts
            old.replicate(between)
            wait_for(lambda: between.attempts > attempts or old.link_is_up(), 15, "an attempt")
            wait_for(lambda: not between.open_links() or old.link_is_up(), 30, "the end of it")
            between.cut()
        between.limit()
        wait_for(old.link_is_up, 15, "the link")
        written = load.written
        wait_for(lambda: load.written > written + 500, 20, "the load")
    assert_same_data(new, old)


@pytest.mark.parametrize("how", ["as a replica", "as a primary"])
def test_after_kill_9_and_a_restart_from_a_snapshot(parted, how):
    old, new, part = parted("--save", "3600 1000000")
    part()
    write(old, ["SET", "k1", "lost"], ["SET", "k2", "lost"])
    old.call("SAVE")
    write(old, ["SET", "k3", "gone with the process"])
    new.promote()
    write(new, ["SET", "k2", "kept"])
    old.kill()
    if how == "as a replica":
        old.command += ["--replicaof", f"127.0.0.1 {new.port}"]
    copies = full_copies(new)
    old.restart()
    old.replicate(new)
    wait_for(old.link_is_up, 30, "the link")
    assert_same_data(new, old)
    assert full_copies(new) == copies
    assert lost_commands(lost_files(old)[0])[-2:] == [[b"SET", b"k1", b"lost"], [b"SET", b"k2", b"lost"]]


@pytest.mark.parametrize("persistence", [["--appendonly", "yes"], ["--appendonly", "yes", "--save", "3600 1"]],
                         ids=["aof", "both"])
def test_what_was_taken_survives_a_restart(parted, persistence):
    old, new, part = parted(*persistence)
    part()
    write(old, ["SET", "k1", "lost"], ["SET", "only here", "lost"])
    new.promote()
    write(new, ["SET", "k2", "kept"])
    rejoin(old, new)
    wait_for(lambda: old.count("aof_rewrite_in_progress", "persistence") == 0, 20, "the rewrite")
    old.signal(15)
    old.wait_for_exit(20)
    old.restart()
    assert old.call("EXISTS", "only here") == 0 and old.call("GET", "k2") == b"kept"
    old.replicate(new)
    assert_same_data(new, old)


def test_an_empty_primary_does_not_have_its_replica_give_up_everything(node):
    primary = node("hearth", "--save", "3600 1000000")
    replica = node("hearth", primary=primary)
    wait_in_sync(primary, replica)
    # A snapshot without a key, which knows its place in the history.
    assert primary.call("SAVE") == OK
    write(primary, ["SET", "k1", "kept"])
    wait_in_sync(primary, replica)
    primary.kill()
    primary.restart()
    wait_for(lambda: replica.info().get("master_link_refused_reason"), 20, "the refusal of an empty dataset")
    assert replica.call("GET", "k1") == b"kept" and not lost_files(replica)
