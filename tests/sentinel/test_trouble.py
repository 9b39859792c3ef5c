"""What a Sentinel does in trouble of its own: scripts that fail, time that stood still, a disk that is full."""

import signal
import time

import pytest

from sentinel.deployment import NAME
from support.info import info_fields
from support.resp import Error
from support.server import free_port, wait_for
from support.small_disk import mounted

H, R = "hearth", "redis"
SCRIPT_RETRY_MS = 100
DISK_BYTES = 256 << 10


def make_script(folder, name, text):
    path = folder / name
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def lines_of(path):
    return path.read_text().splitlines() if path.exists() else []


@pytest.mark.parametrize("kind", [H, R])
def test_each_sentinel_runs_the_script_for_clients_once_with_its_role(deploy, tmp_path, kind):
    heard = tmp_path / "heard"
    script = make_script(tmp_path, "reconfigure.sh", f'echo "$# $*" >> {heard}')
    deployment = deploy(sentinels=(kind,) * 3, more=f"sentinel client-reconfig-script {NAME} {script}\n")
    deployment.primary.kill()
    new = deployment.wait_until_switched()
    wait_for(lambda: len(lines_of(heard)) >= 3, 30, "all to have run the script")
    move = f"start 127.0.0.1 {deployment.primary.port} 127.0.0.1 {new.port}"
    assert sorted(lines_of(heard)) == [f"7 {NAME} leader {move}", f"7 {NAME} observer {move}", f"7 {NAME} observer {move}"]
    for one in deployment.sentinels:
        wait_for(lambda s=one: s.call("SENTINEL", "PENDING-SCRIPTS") == [], 10, "the queue to be empty")


def watch_with_script(server, sentinel, kind, script):
    """A Sentinel that runs the script when its primary goes, at once again if it wants that."""
    watched = server()
    one = sentinel(kind, f"sentinel monitor {NAME} 127.0.0.1 {watched.port} 1\n"
                         f"sentinel down-after-milliseconds {NAME} 300\n"
                         f"sentinel notification-script {NAME} {script}\n")
    assert one.call("SENTINEL", "DEBUG", "script-retry-delay", str(SCRIPT_RETRY_MS)).value == b"OK"
    wait_for(lambda: one.primary()["flags"] == "master", 10, "the primary to be well")
    wait_for(lambda: one.call("SENTINEL", "PENDING-SCRIPTS") == [], 10, "what the start wants told")
    return watched, one


@pytest.mark.parametrize("kind", [H, R])
def test_a_script_that_asks_for_it_is_run_again_later(server, sentinel, tmp_path, kind):
    heard = tmp_path / "heard"
    # It counts what has been heard of +sdown, and wants two more tries.
    script = make_script(tmp_path, "notify.sh", f'[ "$1" = +sdown ] || exit 0\necho "$1" >> {heard}\n'
                                                f'[ $(wc -l < {heard}) -ge 3 ]')
    watched, one = watch_with_script(server, sentinel, kind, script)
    events = one.events()
    watched.kill()
    wait_for(lambda: len(lines_of(heard)) >= 3, 20, "three tries")
    wait_for(lambda: one.call("SENTINEL", "PENDING-SCRIPTS") == [], 10, "the queue to be empty")
    assert lines_of(heard) == ["+sdown"] * 3
    assert "-script-error" not in events.names()


@pytest.mark.parametrize("kind", [H, R])
def test_a_script_that_has_failed_for_good_is_told_of_and_not_run_again(server, sentinel, tmp_path, kind):
    heard = tmp_path / "heard"
    script = make_script(tmp_path, "notify.sh", f'[ "$1" = +sdown ] || exit 0\necho "$1" >> {heard}\nexit 3')
    watched, one = watch_with_script(server, sentinel, kind, script)
    events = one.events()
    watched.kill()
    assert events.text("-script-error") == f"{script} 0 3"
    wait_for(lambda: one.call("SENTINEL", "PENDING-SCRIPTS") == [], 10, "the queue to be empty")
    assert lines_of(heard) == ["+sdown"]


def test_who_stood_still_judges_nobody_for_a_while(server, sentinel):
    watched = server()
    one = sentinel(H, f"sentinel monitor {NAME} 127.0.0.1 {watched.port} 1\n"
                      f"sentinel down-after-milliseconds {NAME} 300\n")
    assert one.call("SENTINEL", "DEBUG", "tilt-period", "3000").value == b"OK"
    wait_for(lambda: one.primary()["flags"] == "master", 10, "the primary to be well")
    events = one.events()
    one.signal(signal.SIGSTOP)
    stopped = time.monotonic()
    watched.kill()
    wait_for(lambda: time.monotonic() - stopped > 3.0, 10, "three seconds")
    one.signal(signal.SIGCONT)
    wait_for(lambda: info_fields(one.call("INFO", "sentinel"))["sentinel_tilt"] == "1", 10, "TILT")
    events.text("-tilt")
    events.text("+sdown")
    names = [name for name in events.names() if name in ("+tilt", "-tilt", "+sdown")]
    assert names[0] == "+tilt"
    assert names.index("+sdown") > names.index("-tilt")
    assert info_fields(one.call("INFO", "sentinel"))["sentinel_tilt"] == "0"


@pytest.fixture
def small_disk(tmp_path):
    """A folder on a disk of its own, with little room."""
    with mounted(tmp_path / "disk", DISK_BYTES) as folder:
        yield folder


def test_on_a_full_disk_the_old_state_stays_and_the_next_change_that_fits_saves_all(server, sentinel, small_disk):
    watched = server()
    port = watched.port
    config = small_disk / "sentinel.conf"
    one_port = free_port()
    config.write_text(f"port {one_port}\nbind 127.0.0.1\ndir {small_disk}\nsentinel monitor {NAME} 127.0.0.1 {port} 1\n")
    one = sentinel(H, config_path=config, wait=False)
    one.port, one.tcp, one.address = one_port, ("127.0.0.1", one_port), ("127.0.0.1", one_port)
    one.wait_until_ready()
    wait_for(lambda: one.primary()["flags"] == "master", 10, "the primary to be well")
    identity = one.id
    before = config.read_text()
    assert f"sentinel monitor {NAME} 127.0.0.1 {port} 1" in before
    ballast = small_disk / "ballast"
    with open(ballast, "wb", buffering=0) as file:
        try:
            while file.write(b"\0" * 4096):
                pass
        except OSError:
            pass
    assert one.call("SENTINEL", "SET", NAME, "quorum", "2").value == b"OK"
    assert isinstance(one.call("SENTINEL", "FLUSHCONFIG"), Error)
    assert "was not able to save the new configuration on disk" in one.log()
    assert config.read_text() == before
    assert one.primary()["quorum"] == "2"
    assert sorted(path.name for path in small_disk.iterdir()) == ["ballast", "sentinel.conf"]
    ballast.unlink()
    assert one.call("SENTINEL", "SET", NAME, "down-after-milliseconds", "7000").value == b"OK"
    text = config.read_text()
    assert f"sentinel monitor {NAME} 127.0.0.1 {port} 2" in text and "7000" in text
    one.kill()
    one.restart()
    assert one.id == identity and one.primary()["quorum"] == "2"
