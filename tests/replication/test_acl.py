"""Replicas that log in as a user of an ACL file: with what rights they get along, what becomes of them when the file
changes, and that users are no part of what is replicated."""

from replication.nodes import assert_same_data, wait_in_sync
from support.resp import OK
from support.server import wait_for

REPLICATES = "user linker on >sesame ~* resetchannels -@all +psync +replconf +ping\n"
OTHERS = "user default on nopass ~* &* +@all\nuser bob on >b (%R~a* +get) ~b +set\n"


def rules(node):
    """What ACL LIST says; 7.0 shows the rules of a user in another order when they have been read from a file."""
    return [sorted(line.split(b" ")) for line in node.call("ACL", "LIST")]


def users(node):
    return sorted(line.split(b" ")[1] for line in node.call("ACL", "LIST"))


def test_a_replica_logs_in_as_a_user_of_the_file(node, pair, tmp_path):
    path = tmp_path / "users.acl"
    path.write_text(OTHERS + REPLICATES)
    primary = node(pair[0], "--aclfile", path)
    replica = node(pair[1], "--masteruser", "linker", "--masterauth", "sesame", primary=primary)
    wait_in_sync(primary, replica)
    primary.call("SET", "a", "1")
    # Users, and their files, are each server's own.
    assert primary.call("ACL", "SETUSER", "eve", "on", ">x", "+get") == OK
    assert primary.call("ACL", "SAVE") == OK
    assert_same_data(primary, replica)
    assert users(primary) == [b"bob", b"default", b"eve", b"linker"] and users(replica) == [b"default"]
    assert b"linker" in primary.call("CLIENT", "LIST", "TYPE", "replica")
    # A file without the user cuts the replica off, until there is one again.
    saved = path.read_text()
    path.write_text(OTHERS)
    assert primary.call("ACL", "LOAD") == OK
    wait_for(lambda: not replica.link_is_up(), 20, "a link that is cut")
    primary.call("SET", "b", "2")
    path.write_text(saved)
    assert primary.call("ACL", "LOAD") == OK
    assert_same_data(primary, replica)
    assert primary.count("sync_full") == 1
    assert replica.call("GET", "b") == b"2"


def test_a_primary_comes_back_with_the_users_of_its_file(node, pair, tmp_path):
    path = tmp_path / "users.acl"
    path.write_text(OTHERS + REPLICATES)
    primary = node(pair[0], "--aclfile", path, "--appendonly", "yes", "--appendfsync", "always")
    primary.call("ACL", "SETUSER", "eve", "on", ">x", "~k[1]*", "%W~w", "&c", "+@read", "-keys", "(~s +set)")
    assert primary.call("ACL", "SAVE") == OK
    before = rules(primary)
    replica = node(pair[1], "--masteruser", "linker", "--masterauth", "sesame", primary=primary)
    primary.call("SET", "a", "1")
    wait_in_sync(primary, replica)
    primary.kill()
    primary.restart()
    assert rules(primary) == before
    primary.call("SET", "b", "2")
    assert_same_data(primary, replica)
    assert replica.call("MGET", "a", "b") == [b"1", b"2"]
