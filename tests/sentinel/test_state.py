"""What a Sentinel keeps on disk: its file rewritten in place, restarts, files that cannot be written, bad lines."""

import os
import pathlib
import re
import signal
import subprocess

import pytest

from sentinel.deployment import NAME, as_user
from support.resp import Client, Error
from support.server import free_port, hearth_binary, wait_for

NOBODY = 65534


def test_a_restart_goes_on_with_id_epoch_and_all_it_knew(deploy):
    deployment = deploy(servers=("hearth", "hearth"))
    assert deployment.sentinels[0].call("SENTINEL", "FAILOVER", NAME).value == b"OK"
    new = deployment.wait_until_switched()
    one = deployment.sentinels[0]
    before = one.id
    wait_for(lambda: f"sentinel known-replica {NAME} 127.0.0.1 {deployment.primary.port}" in one.lines(), 10, "lines")
    lines = one.lines()
    one.kill()
    one.restart()
    assert one.id == before
    assert one.primary_port() == new.port
    assert len(one.sentinels()) == 2 and len(one.replicas()) == 1
    assert set(lines) == set(one.lines())
    assert "sentinel current-epoch 1" in lines


def test_comments_and_order_stay(server, sentinel):
    watched = server()
    text = (f"# first\nsentinel down-after-milliseconds {NAME} 7000\n\n# the primary\n"
            f"sentinel monitor {NAME} 127.0.0.1 {watched.port} 1\n# the end\n")
    one = sentinel("hearth", text)
    one.call("SENTINEL", "FLUSHCONFIG")
    kept = one.config_path.read_text()
    assert text in kept
    assert re.search(r"(?m)^sentinel myid [0-9a-f]{40}$", kept)
    assert one.call("SENTINEL", "SET", NAME, "down-after-milliseconds", "8000").value == b"OK"
    assert text.replace("7000", "8000") in one.config_path.read_text()


@pytest.mark.parametrize("writer,reader", [("hearth", "redis"), ("redis", "hearth")])
def test_each_kind_reads_what_the_other_has_written(server, sentinel, writer, reader):
    primary = server()
    replica = server(primary=primary)
    wait_for(lambda: replica.follows(primary), 10, "the replica to follow")
    first = sentinel(writer, f"sentinel monitor {NAME} 127.0.0.1 {primary.port} 1\n"
                             f"sentinel down-after-milliseconds {NAME} 1234\n")
    wait_for(lambda: len(first.replicas()) == 1, 15, "the replica to be known")
    first.call("SENTINEL", "FLUSHCONFIG")
    identity = first.id
    first.kill()
    second = sentinel(reader, config_path=first.config_path, wait=False)
    second.port, second.tcp, second.address = first.port, first.tcp, first.address
    second.wait_until_ready()
    assert second.id == identity
    assert second.primary()["down-after-milliseconds"] == "1234"
    assert [one["port"] for one in second.replicas()] == [str(replica.port)]


def test_words_of_older_versions_load(sentinel):
    one = sentinel("hearth", f"sentinel known-slave {NAME} 127.0.0.1 2\nsentinel monitor {NAME} 127.0.0.1 1 2\n"
                             f"sentinel known-sentinel {NAME} 127.0.0.1 3 {'a' * 40}\n")
    assert [two["name"] for two in one.replicas()] == ["127.0.0.1:2"]
    assert f"sentinel known-replica {NAME} 127.0.0.1 2" in one.lines()
    assert not any("known-slave" in line for line in one.lines())


@pytest.mark.parametrize("line", ["sentinel monitor a 127.0.0.1", "sentinel nonsense a b", "sentinel quorum",
                                  "sentinel down-after-milliseconds nobody 5", "sentinel monitor a 127.0.0.1 x 2"])
def test_a_bad_line_is_named(tmp_path, line):
    path = tmp_path / "sentinel.conf"
    path.write_text(f"port {free_port()}\n{line}\n")
    done = subprocess.run([hearth_binary(), str(path), "--sentinel"], capture_output=True, text=True, timeout=10)
    assert done.returncode == 1
    assert "FATAL CONFIG FILE ERROR" in done.stderr
    assert f"at line 2 of {path}" in done.stderr
    assert f">>> '{line}'" in done.stderr


def test_without_a_file_there_is_no_sentinel():
    done = subprocess.run([hearth_binary(), "--sentinel"], capture_output=True, text=True, timeout=10)
    assert done.returncode == 1
    assert "Sentinel needs config file on disk to save state" in done.stderr + done.stdout


def test_the_programs_name_makes_a_sentinel(tmp_path):
    link = tmp_path / "some-sentinel"
    link.symlink_to(os.path.realpath(hearth_binary()))
    port = free_port()
    path = tmp_path / "s.conf"
    path.write_text(f"port {port}\ndir {tmp_path}\n")
    with open(tmp_path / "log", "wb") as log:
        process = subprocess.Popen([str(link), str(path)], stdout=log, stderr=log)
    try:
        wait_for(lambda: answers(port), 10, "an answer")
        with Client(("127.0.0.1", port)) as client:
            assert client.call("ROLE") == [b"sentinel", []]
        text = (tmp_path / "log").read_text()
        assert f"Running mode=sentinel, port={port}." in text
        assert re.search(r"\d+:X .* Sentinel ID is [0-9a-f]{40}", text)
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    assert "bye bye" in (tmp_path / "log").read_text()
    assert sorted(one.name for one in tmp_path.iterdir()) == ["log", "s.conf", "some-sentinel"]


def answers(port):
    try:
        with Client(("127.0.0.1", port), 1.0) as client:
            return client.call("PING")
    except OSError:
        return None


@pytest.mark.parametrize("place", ["beside", "in the folder"])
def test_where_the_file_cannot_be_written_the_state_goes_elsewhere(tmp_path, place):
    if os.geteuid() != 0:
        pytest.skip("needs the right to start a process as somebody else")
    tmp_path.chmod(0o755)
    for parent in tmp_path.parents:
        if str(parent).startswith(os.environ.get("TMPDIR", "/tmp") + "/"):
            parent.chmod(0o755)
    folder, data = tmp_path / "etc", tmp_path / "data"
    folder.mkdir()
    data.mkdir()
    os.chown(data, NOBODY, NOBODY)
    if place == "beside":
        os.chown(folder, NOBODY, NOBODY)
    binary = tmp_path / "hearth-sentinel"
    binary.write_bytes(open(hearth_binary(), "rb").read())
    binary.chmod(0o755)
    port = free_port()
    path = folder / "sentinel.conf"
    text = f"port {port}\ndir {data}\nsentinel monitor {NAME} 127.0.0.1 1 2\n"
    path.write_text(text)
    path.chmod(0o444)
    state = (folder if place == "beside" else data) / "sentinel.conf.state"
    identities = []
    for _ in range(2):
        process = as_user(NOBODY, [str(binary), str(path)], str(data), tmp_path / "log")
        try:
            wait_for(lambda: answers(port), 10, "an answer")
            with Client(("127.0.0.1", port)) as client:
                identities.append(client.call("SENTINEL", "MYID"))
                client.call("SENTINEL", "SET", NAME, "quorum", str(3 + len(identities)))
        finally:
            process.kill()
            process.wait(10)
    assert identities[0] == identities[1]
    assert path.read_text() == text
    assert f"sentinel monitor {NAME} 127.0.0.1 1 5" in state.read_text()
    log = (tmp_path / "log").read_text()
    assert "is not writable" in log and str(state) in log
    # Once the file can be written, it has the state again.
    path.chmod(0o644)
    os.chown(path, NOBODY, NOBODY)
    os.chown(folder, NOBODY, NOBODY)
    process = as_user(NOBODY, [str(binary), str(path)], str(data), tmp_path / "log")
    try:
        wait_for(lambda: answers(port), 10, "an answer")
    finally:
        process.kill()
        process.wait(10)
    assert f"sentinel monitor {NAME} 127.0.0.1 1 5" in path.read_text()
    assert f"sentinel myid {identities[0].decode()}" in path.read_text()
    assert not state.exists()


def test_a_simulated_crash_ends_with_99(deploy):
    deployment = deploy(servers=("hearth", "hearth"), sentinels=("hearth",), quorum=1)
    one = deployment.sentinels[0]
    assert one.call("SENTINEL", "SIMULATE-FAILURE", "crash-after-election").value == b"OK"
    deployment.primary.kill()
    assert one.wait_for_exit() == 99


def test_a_notification_script_hears_of_it(server, sentinel, tmp_path):
    heard = tmp_path / "heard"
    script = tmp_path / "notify.sh"
    script.write_text(f"#!/bin/sh\necho \"$1 $2\" >> {heard}\n")
    script.chmod(0o755)
    watched = server()
    one = sentinel("hearth", f"sentinel monitor {NAME} 127.0.0.1 {watched.port} 1\n"
                             f"sentinel down-after-milliseconds {NAME} 300\n"
                             f"sentinel notification-script {NAME} {script}\n")
    wait_for(lambda: one.primary()["flags"] == "master", 10, "the primary to be well")
    watched.kill()
    text = f"+sdown master {NAME} 127.0.0.1 {watched.port}"
    wait_for(lambda: heard.exists() and text in heard.read_text(), 10, "the script to have run")
    wait_for(lambda: one.call("SENTINEL", "PENDING-SCRIPTS") == [], 10, "the queue to be empty")


def test_names_are_resolved_where_that_is_allowed(server, sentinel):
    watched = server()
    refused = sentinel("hearth", wait=False)
    wait_for(lambda: answers(refused.port), 10, "an answer")
    reply = refused.call("SENTINEL", "MONITOR", NAME, "localhost", str(watched.port), "1")
    assert reply == Error(b"ERR Invalid IP address or hostname specified")
    one = sentinel("hearth", "sentinel resolve-hostnames yes\nsentinel announce-hostnames yes\n"
                             f"sentinel monitor {NAME} localhost {watched.port} 1\n")
    wait_for(lambda: one.primary()["flags"] == "master", 10, "the primary to be well")
    assert one.call("SENTINEL", "GET-MASTER-ADDR-BY-NAME", NAME) == [b"localhost", str(watched.port).encode()]
    assert f"sentinel monitor {NAME} localhost {watched.port} 1" in one.lines()


def test_a_running_script_has_a_pid_and_is_killed_with_the_queue_going_on(server, sentinel, tmp_path):
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    script = tmp_path / "notify.sh"
    script.write_text(f"#!/bin/sh\nread line < {gate}\nexit 0\n")
    script.chmod(0o755)
    watched = server()
    one = sentinel("hearth", f"sentinel monitor {NAME} 127.0.0.1 {watched.port} 1\n"
                             f"sentinel down-after-milliseconds {NAME} 300\n"
                             f"sentinel notification-script {NAME} {script}\n")

    def running():
        found = [dict(zip(job[::2], job[1::2])) for job in one.call("SENTINEL", "PENDING-SCRIPTS")]
        return [job for job in found if job[b"flags"] == b"running"]

    first = wait_for(running, 10, "a script to run")[0]
    assert first[b"argv"][0] == str(script).encode()
    pid = int(first[b"pid"])
    assert int(first[b"run-time"]) >= 0
    # For a moment it still is a copy of the Sentinel.
    command_line = pathlib.Path(f"/proc/{pid}/cmdline")
    wait_for(lambda: f"/{script.name}" in command_line.read_text(), 10, "the script to be what runs")
    os.kill(pid, signal.SIGKILL)
    retried = wait_for(lambda: [job for job in one.call("SENTINEL", "PENDING-SCRIPTS")
                                if job[job.index(b"flags") + 1] == b"scheduled"], 10, "another try")
    assert int(retried[0][retried[0].index(b"retry-num") + 1]) == 1
    wait_for(lambda: let_go(gate) or not running(), 10, "the others to have ended")


def let_go(gate):
    """Those that read from the pipe, if there are any, find its end."""
    try:
        os.close(os.open(gate, os.O_WRONLY | os.O_NONBLOCK))
    except OSError:
        pass


HOSTILE = [b"", b",,,,,,,", b"a" * 100_000, b"127.0.0.1,0," + b"a" * 40 + b",1," + NAME.encode() + b",127.0.0.1,1,1",
           b"\r\nsentinel myid x,1," + b"b" * 40 + b",1," + NAME.encode() + b",127.0.0.1,1,0",
           b"127.0.0.1,99999999999999999999," + b"c" * 40 + b",1," + NAME.encode() + b",127.0.0.1,1,1",
           b"127.0.0.1,1," + b"d" * 40 + b",99999999999999999999999," + NAME.encode() + b",127.0.0.1,1,1",
           b"\x00\xff" * 50, b"1,2,3,4,5,6,7,8,9"]


def test_hostile_hellos_change_nothing(server, sentinel):
    watched = server()
    one = sentinel("hearth", f"sentinel monitor {NAME} 127.0.0.1 {watched.port} 2\n")
    wait_for(lambda: one.primary()["flags"] == "master", 10, "the primary to be well")
    for text in HOSTILE:
        assert one.call("PUBLISH", "__sentinel__:hello", text) == 1
        watched.call("PUBLISH", "__sentinel__:hello", text)
    assert isinstance(one.call("PUBLISH", "other", "x"), Error)
    assert one.primary()["flags"] == "master"
    assert one.sentinels() == []
    assert one.primary_port() == watched.port
    assert one.is_running()
    assert all("\x00" not in line for line in one.lines())


def test_a_password_of_its_own_is_asked_of_clients_and_given_to_peers(deploy, sentinel):
    deployment = deploy(servers=("hearth",), sentinels=("hearth",), quorum=1)
    text = f"requirepass secret\nsentinel monitor {NAME} 127.0.0.1 {deployment.primary.port} 1\n"
    one, two = (sentinel("hearth", text, debug=False, wait=False) for _ in range(2))
    for each in (one, two):
        wait_for(lambda s=each: answers(s.port), 10, "an answer")
        assert each.call("SENTINEL", "MYID").value.startswith(b"NOAUTH")

    def knows_the_other():
        with Client(one.tcp) as client:
            client.call("AUTH", "secret")
            others = client.call("SENTINEL", "SENTINELS", NAME)
            flat = [[word.decode() for word in other] for other in others]
            found = [dict(zip(other[::2], other[1::2])) for other in flat]
            return any(other["port"] == str(two.port) and other["flags"] == "sentinel" for other in found)

    wait_for(knows_the_other, 15, "the two to be linked")


def test_a_vote_that_cannot_be_saved_is_none(sentinel):
    one = sentinel("hearth", f"sentinel monitor {NAME} 127.0.0.1 1 2\n")
    candidate = "b" * 40

    def ask(epoch):
        return one.call("SENTINEL", "IS-MASTER-DOWN-BY-ADDR", "127.0.0.1", "1", str(epoch), candidate)[1:]

    blocked = one.config_path.with_name(one.config_path.name + ".tmp") / "in the way"
    blocked.mkdir(parents=True)
    assert ask(5) == [b"*", 0]
    assert ask(5) == [b"*", 0]
    blocked.rmdir()
    blocked.parent.rmdir()
    assert ask(5) == [candidate.encode(), 5]
    assert f"sentinel leader-epoch {NAME} 5" in one.lines()
