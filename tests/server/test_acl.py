"""ACL: users, their rights, the files that keep them, and what becomes of clients whose rights go.

Where both servers must agree the test runs on each; texts that 7.2 words otherwise are tested on Hearth alone.
"""

import pytest

from support.info import client_lines, info_fields, text_of
from support.resp import Error, NULL_BULK, OK, PONG
from support.server import wait_for


def error(text):
    return Error(text.encode())


def fields(flat):
    return dict(zip(flat[::2], flat[1::2]))


def log_in(server, user, password="x"):
    client = server.client()
    assert client.call("AUTH", user, password) == OK
    return client


def user_of(admin, name):
    return fields(admin.call("ACL", "GETUSER", name))


def test_a_new_user_may_nothing(each):
    with each.client() as admin:
        assert admin.call("ACL", "SETUSER", "bob") == OK
        assert admin.call("ACL", "USERS") == [b"bob", b"default"]
        bob = user_of(admin, "bob")
        assert bob[b"flags"][0] == b"off"
        assert (bob[b"commands"], bob[b"keys"], bob[b"channels"], bob[b"selectors"]) == (b"-@all", b"", b"", [])
        assert admin.call("AUTH", "bob", "") == error(
            "WRONGPASS invalid username-password pair or user is disabled.")


def test_setuser_is_all_or_nothing(each):
    with each.client() as admin:
        admin.call("ACL", "SETUSER", "bob", "on", ">one", "~a*", "+get")
        before = user_of(admin, "bob")
        for rules in (["off", "+nosuch"], ["~b", "foo"], ["resetpass", "<two"], ["(~a", "+get"], ["~b", "%X~c"],
                      ["+set", "-select|0"], [">two", "#12"], ["allkeys", "~b"], ["(~a +@nosuch)"]):
            assert isinstance(admin.call("ACL", "SETUSER", "bob", *rules), Error)
            assert user_of(admin, "bob") == before
        assert isinstance(admin.call("ACL", "SETUSER", "new", "foo"), Error)
        assert admin.call("ACL", "GETUSER", "new") == NULL_BULK


def test_passwords_are_kept_as_hashes_and_any_of_them_opens(each):
    digest = "fcde2b2edba56bf408601fb721fe9b5c338d10ee429ea04fae5511b68fbf8fb9"  # of "bar"
    with each.client() as admin, each.client() as client:
        admin.call("ACL", "SETUSER", "bob", "on", ">foo", "#" + digest, "+@all")
        assert digest.encode() in user_of(admin, "bob")[b"passwords"]
        for password, opens in (("foo", True), ("bar", True), ("baz", False), (digest, False)):
            assert (client.call("AUTH", "bob", password) == OK) == opens
        admin.call("ACL", "SETUSER", "bob", "<foo", "!" + digest)
        assert isinstance(client.call("AUTH", "bob", "foo"), Error)
        assert client.call("ACL", "WHOAMI") == b"bob"


@pytest.mark.parametrize("rules, command, allowed", [
    (["+get", "~*"], ["GET", "a"], True),
    (["+get", "~*"], ["SET", "a", "1"], False),
    (["+config|get"], ["CONFIG", "GET", "port"], True),
    (["+config|get"], ["CONFIG", "SET", "port", "1"], False),
    (["+config", "-config|set"], ["CONFIG", "SET", "port", "1"], False),
    (["+select|1"], ["SELECT", "1"], True),
    (["+select|1"], ["SELECT", "2"], False),
    (["+@read", "~*"], ["GET", "a"], True),
    (["+@all", "-@write", "~*"], ["SET", "a", "1"], False),
    (["+@all", "%R~a"], ["GET", "a"], True),
    (["+@all", "%R~a"], ["SET", "a", "1"], False),
    (["+@all", "%W~a"], ["SET", "a", "1"], True),
    (["+@all", "%W~a"], ["SET", "a", "1", "GET"], False),
    (["+@all", "%R~a", "%W~b"], ["COPY", "a", "b"], True),
    (["+@all", "%R~a", "%W~b"], ["COPY", "b", "a"], False),
    (["+@all", "~a*"], ["MGET", "a1", "a2", "b"], False),
    (["+@all", "~a"], ["EXISTS", "b"], False),
    (["-@all", "~b", "(+get ~a)"], ["GET", "a"], True),
    (["-@all", "~b", "(+get ~a)"], ["GET", "b"], False),
    (["+@all", "&a*"], ["PUBLISH", "ab", "m"], True),
    (["+@all", "&a*"], ["PUBLISH", "b", "m"], False),
    (["+@all", "&a*"], ["SPUBLISH", "b", "m"], False),
    (["+@all", "&a*"], ["PSUBSCRIBE", "a*"], True),
    (["+@all", "&a*"], ["PSUBSCRIBE", "ab"], False),
    (["+@all", "&a*"], ["SUBSCRIBE", "ab", "b"], False),
    (["+@all", "&a*"], ["PING"], True),
    (["-@all"], ["RESET"], True),
])
def test_what_rules_allow(both, rules, command, allowed):
    for server in both:
        with server.client() as admin:
            assert admin.call("ACL", "SETUSER", "bob", "on", "nopass", *rules) == OK
            dry = admin.call("ACL", "DRYRUN", "bob", *command)
            assert (dry == OK) == allowed, (server.role, dry)
            with log_in(server, "bob") as bob:
                reply = bob.call(*command)
                assert (isinstance(reply, Error) and reply.value.startswith(b"NOPERM")) != allowed, reply


def test_refusals_are_worded_as_in_7_2(hearth):
    with hearth.client() as admin:
        admin.call("ACL", "SETUSER", "bob", "on", "nopass", "+@all", "-get", "~a", "&c")
        with log_in(hearth, "bob") as bob:
            assert bob.call("GET", "a") == error("NOPERM User bob has no permissions to run the 'get' command")
            assert bob.call("SET", "b", 1) == error("NOPERM No permissions to access a key")
            assert bob.call("PUBLISH", "d", 1) == error("NOPERM No permissions to access a channel")
        dry = [admin.call("ACL", "DRYRUN", "bob", *words) for words in (["SET", "b", "1"], ["PUBLISH", "d", "1"])]
        assert dry == [b"User bob has no permissions to access the 'b' key",
                       b"User bob has no permissions to access the 'd' channel"]


def test_rights_are_checked_when_queued_and_when_executed(each):
    with each.client() as admin:
        admin.call("ACL", "SETUSER", "bob", "on", "nopass", "+@all", "~a")
        with log_in(each, "bob") as bob:
            assert bob.call("MULTI") == OK
            assert isinstance(bob.call("SET", "b", 1), Error)
            assert bob.call("EXEC").value.startswith(b"EXECABORT")
            bob.pipeline([("MULTI",), ("SET", "a", 1), ("PING",)])
            admin.call("ACL", "SETUSER", "bob", "-set")
            replies = bob.call("EXEC")
            assert replies[0].value.startswith(b"NOPERM ACLs rules changed between")
            assert replies[1] == PONG
            assert admin.call("EXISTS", "a") == 0
        assert [fields(entry)[b"context"] for entry in admin.call("ACL", "LOG")] == [b"multi", b"multi"]


def test_deleted_users_lose_their_connections(each):
    with each.client() as admin:
        admin.call("ACL", "SETUSER", "bob", "on", "nopass", "+@all", "~*", "&*")
        with log_in(each, "bob") as one, log_in(each, "bob") as other:
            assert one.call("ACL", "DELUSER", "bob", "nobody") == 1
            assert one.is_closed() and other.is_closed()
        assert admin.call("ACL", "DELUSER", "default") == error("ERR The 'default' user cannot be removed")
        assert admin.call("PING") == PONG


def test_a_user_turned_off_keeps_its_connections(each):
    with each.client() as admin:
        admin.call("ACL", "SETUSER", "bob", "on", ">x", "+@all", "~*")
        with log_in(each, "bob") as bob:
            admin.call("ACL", "SETUSER", "bob", "off", "resetpass")
            assert bob.call("PING") == PONG
            assert isinstance(bob.call("AUTH", "bob", "x"), Error)


@pytest.mark.parametrize("rules, stays", [
    (["&*"], True), (["&b"], True), (["resetchannels", "&a*"], False), (["resetchannels", "&a*", "&p*"], True),
    (["resetchannels", "&a", "&p*"], True), (["resetchannels"], False), (["-@all"], True),
    (["resetchannels", "(&a* &p*)"], True)])
def test_subscribers_are_cut_off_when_their_channels_go(both, rules, stays):
    for server in both:
        with server.client() as admin:
            admin.call("ACL", "SETUSER", "bob", "on", "nopass", "+@all", "&a*", "&p*")
            with log_in(server, "bob") as bob:
                bob.call("SUBSCRIBE", "a")
                bob.call("PSUBSCRIBE", "p*")
                assert admin.call("ACL", "SETUSER", "bob", *rules) == OK
                assert admin.call("PUBLISH", "a", "m") == (1 if stays else 0), server.role
                assert stays or bob.is_closed()


def test_a_blocked_client_that_lost_its_right_is_refused(hearth):
    with hearth.client() as admin:
        admin.call("ACL", "SETUSER", "bob", "on", "nopass", "+@all", "~*")
        with log_in(hearth, "bob") as bob:
            bob.send("BLPOP", "l", 0)
            wait_for(lambda: b"blocked_clients:1" in text_of(admin.call("INFO", "clients")).encode())
            admin.call("ACL", "SETUSER", "bob", "-blpop")
            assert admin.call("RPUSH", "l", "a") == 1
            assert bob.read_reply() == error("NOPERM User bob has no permissions to run the 'blpop' command")
            assert admin.call("LLEN", "l") == 1


def test_the_log_merges_what_is_alike(hearth):
    with hearth.client() as admin:
        admin.call("ACL", "SETUSER", "bob", "on", "nopass", "+@all", "-get", "~a")
        with log_in(hearth, "bob") as bob:
            for command in (["GET", "a"], ["SET", "b", 1], ["GET", "x"], ["AUTH", "nobody", "x"], ["MULTI"],
                            ["GET", "a"]):
                bob.call(*command)
        entries = [fields(entry) for entry in admin.call("ACL", "LOG")]
        shown = [(e[b"count"], e[b"reason"], e[b"context"], e[b"object"], e[b"username"]) for e in entries]
        assert shown == [(1, b"command", b"multi", b"get", b"bob"), (1, b"auth", b"toplevel", b"AUTH", b"nobody"),
                         (2, b"command", b"toplevel", b"get", b"bob"), (1, b"key", b"toplevel", b"b", b"bob")]
        assert [e[b"entry-id"] for e in entries] == [3, 2, 0, 1]
        assert all(0 <= float(e[b"age-seconds"]) < 60 and b"user=bob" in e[b"client-info"] for e in entries)
        assert entries[0][b"timestamp-created"] <= entries[0][b"timestamp-last-updated"]
        assert len(admin.call("ACL", "LOG", 2)) == 2
        denied = info_fields(admin.call("INFO", "stats"))
        assert [denied[f"acl_access_denied_{what}"] for what in ("auth", "cmd", "key", "channel")] == ["1", "3", "1",
                                                                                                   "0"]
        assert admin.call("ACL", "LOG", "RESET") == OK
        assert admin.call("ACL", "LOG") == []


def test_requirepass_is_the_default_users_password(each):
    with each.client() as admin:
        assert admin.call("CONFIG", "SET", "requirepass", "one") == OK
        assert len(user_of(admin, "default")[b"passwords"]) == 1
        with each.client() as client:
            assert client.call("PING") == error("NOAUTH Authentication required.")
            admin.call("ACL", "SETUSER", "default", ">two")
            assert client.call("AUTH", "two") == OK and client.call("AUTH", "default", "one") == OK
        with each.client() as waiting:
            assert isinstance(waiting.call("PING"), Error)
            admin.call("ACL", "SETUSER", "default", "nopass")
            assert waiting.call("PING") == PONG


def test_clients_are_listed_and_killed_by_user(each):
    with each.client() as admin:
        admin.call("ACL", "SETUSER", "bob", "on", "nopass", "+@all")
        with log_in(each, "bob") as bob:
            assert [line["user"] for line in client_lines(admin.call("CLIENT", "LIST"))] == ["default", "bob"]
            assert admin.call("CLIENT", "KILL", "USER", "bob") == 1
            assert bob.is_closed()
        assert admin.call("CLIENT", "KILL", "USER", "nobody") == error("ERR No such user 'nobody'")


def test_sort_needs_all_keys_for_its_patterns(both):
    for server in both:
        with server.client() as admin:
            admin.call("RPUSH", "a", 2, 1)
            admin.call("ACL", "SETUSER", "bob", "on", "nopass", "+@all", "~a")
            with log_in(server, "bob") as bob:
                assert bob.call("SORT", "a") == [b"1", b"2"]
                for option, pattern in (("BY", "w*"), ("GET", "w*"), ("GET", "#")):
                    assert bob.call("SORT", "a", option, pattern) == error(
                        f"ERR {option} option of SORT denied due to insufficient ACL permissions.")
                admin.call("ACL", "SETUSER", "bob", "%R~*")
                assert bob.call("SORT", "a", "BY", "w*", "GET", "#") == [b"1", b"2"]


def test_the_acl_file_is_loaded_all_or_nothing_and_saved(start, role, tmp_path):
    path = tmp_path / "users.acl"
    path.write_text("user bob on nopass ~a +@all\n\nuser default on nopass ~* &* +@all\n")
    server = start(role, "--aclfile", str(path))
    with server.client() as admin:
        assert admin.call("ACL", "USERS") == [b"bob", b"default"]
        path.write_text("user eve on nopass +get\nusr x\nuser bob (+get\nuser eve off\nuser joe +nosuch\n")
        message = admin.call("ACL", "LOAD").value.decode()
        assert message == (
            f"ERR {path}:2 should start with user keyword followed by the username. "
            f"{path}:3: Unmatched parenthesis in selector definition."
            "WARNING: Duplicate user 'eve' found on line 4. "
            f"{path}:5: Error in applying operation '+nosuch': Unknown command or category name in ACL. "
            "WARNING: ACL errors detected, no change to the previously active ACL rules was performed")
        assert admin.call("ACL", "USERS") == [b"bob", b"default"]
        with log_in(server, "bob") as bob:
            path.write_text("user bob on nopass ~b +@all\n")
            assert admin.call("ACL", "LOAD") == OK
            assert bob.is_closed()
        assert admin.call("ACL", "SETUSER", "eve", "on", ">pw", "+get", "(~x +set)") == OK
        assert admin.call("ACL", "SAVE") == OK
        listed = admin.call("ACL", "LIST")
        assert path.read_bytes().splitlines() == listed
        assert admin.call("ACL", "LOAD") == OK
        assert admin.call("ACL", "LIST") == listed


# Patterns that end in a parenthesis or hold quotes, and the pattern * with others behind it.
STRANGE_RULES = ["on", "nopass", "%R~*", "~o'x", "%W~*", "~z", "&c\"", "(~x))", "(\"~o'x\" +get)", "(%RW~* ~z &c) +get)",
                 "(\"~a\\\"b)\" +set|x))"]


@pytest.mark.parametrize("reader_role", ["hearth", "oracle"])
@pytest.mark.parametrize("place", ["file", "configuration"])
def test_strange_patterns_survive_being_written_and_read(start, tmp_path, reader_role, place):
    """The oracle takes them, too, but cannot read all that it writes of them itself."""
    path = tmp_path / "users.acl"
    path.write_text("")
    server = start("hearth", *(["--aclfile", path] if place == "file" else []), config="hz 10\n")
    with server.client() as admin:
        assert admin.call("ACL", "SETUSER", "a\"b", *STRANGE_RULES) == OK
        assert admin.call("ACL", "SETUSER", "", "on").value == b"ERR Usernames can't be empty"
        written = user_of(admin, "a\"b")
        assert admin.call("ACL", "SAVE") == OK if place == "file" else admin.call("CONFIG", "REWRITE") == OK
    assert fields(written[b"selectors"][0])[b"keys"] == b"~x)"
    lines = [line for line in (server.folder / "server.conf").read_text().splitlines() if line.startswith("user ")]
    reader = start(reader_role, *(["--aclfile", path] if place == "file" else []), config="hz 10\n" + "\n".join(lines))
    with reader.client() as admin:
        read = user_of(admin, "a\"b")
        for one, other in [(written, read)] + list(zip(map(fields, written[b"selectors"]), map(fields, read[b"selectors"]))):
            assert one[b"keys"] == other[b"keys"] and one[b"channels"] == other[b"channels"]
        assert len(written[b"selectors"]) == len(read[b"selectors"]) == 4
        assert admin.call("AUTH", "a\"b", "x") == OK


def test_user_lines_stand_in_the_configuration_and_are_rewritten(start, role):
    server = start(role, config="user bob on nopass ~a +get\nuser default on nopass ~* &* +@all\n")
    with server.client() as admin:
        assert user_of(admin, "bob")[b"keys"] == b"~a"
        admin.call("ACL", "SETUSER", "bob", "~b", "(+set ~c)")
        admin.call("ACL", "SETUSER", "eve", ">x")
        assert admin.call("CONFIG", "REWRITE") == OK
        lines = (server.folder / "server.conf").read_text().splitlines()
        assert [line for line in lines if line.startswith("user ")] == [
            line.decode() for line in admin.call("ACL", "LIST")]


def test_bad_user_lines_end_the_start(start):
    for line, reason in (("user a on +nosuch", "Unknown command or category name in ACL"),
                         ("user a on (+get", "Unmatched parenthesis"), ("user a foo", "Syntax error")):
        server = start("hearth", config=f"port 0\n{line}\n", wait=False)
        assert server.process.wait(10) != 0
        text = server.log()
        assert line in text and reason in text
    server = start("hearth", "--aclfile", "/nonexistent/file", wait=False)
    assert server.process.wait(10) != 0
    assert "No such file or directory" in server.log()


def test_without_an_acl_file_there_is_nothing_to_load_or_save(each):
    with each.client() as admin:
        for word in ("LOAD", "SAVE"):
            assert admin.call("ACL", word).value.startswith(b"ERR This Redis instance is not configured to use an ACL")


def test_genpass_and_cat(each):
    with each.client() as admin:
        assert len(admin.call("ACL", "GENPASS")) == 64
        assert len(admin.call("ACL", "GENPASS", 5)) == 2
        for bits in (0, 4097, "x"):
            assert isinstance(admin.call("ACL", "GENPASS", bits), Error)
        assert len(admin.call("ACL", "CAT")) == 21
        assert b"config|get" in admin.call("ACL", "CAT", "dangerous")
        assert isinstance(admin.call("ACL", "CAT", "nosuch"), Error)


def test_the_slow_log_keeps_no_secrets_of_users(each):
    with each.client() as admin:
        admin.call("CONFIG", "SET", "slowlog-log-slower-than", 0)
        admin.call("ACL", "SETUSER", "bob", ">very-secret")
        assert b"very-secret" not in repr(admin.call("SLOWLOG", "GET", -1)).encode()
