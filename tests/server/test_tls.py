"""TLS for clients: ports, certificates, what is refused and how, reloading while the server runs."""

import contextlib
import shutil
import socket
import ssl
import subprocess
import threading

import pytest

from support.info import client_lines, info_fields
from support.raw import assert_responsive
from support.resp import ConnectionClosed, Error, OK, PONG, encode
from support.server import free_port, wait_for
from support.tls import Authority, TlsClient, authority, context, options

UPDATE_FAILED = b"Unable to update TLS configuration. Check server logs."
MB = 1 << 20


@pytest.fixture
def tls(start):
    """tls(*arguments, role=...) -> a server with a port for TLS beside its unix socket: `tls_port`."""

    def begin(*arguments, role="hearth", certificates=None, **kinds):
        port = free_port()
        server = start(role, "--tls-port", port, *(options() if certificates is None else certificates), *arguments,
                       **kinds)
        server.tls_port = port
        return server

    return begin


def refused(port, how, seconds=20.0):
    """True when a client does not get as far as an answer."""
    try:
        with TlsClient(port, seconds, how) as client:
            client.call("PING")
    except (OSError, ConnectionClosed):
        return True
    return False


def logged(server, text):
    wait_for(lambda: text in server.log(), 10, f"{text!r} in the log")


def failed_handshakes(server):
    with server.client() as client:
        return int(info_fields(client.call("INFO", "stats"))["tls_handshakes_failed"])


# -- Ports.


@pytest.mark.parametrize("threads", [1, 4])
def test_both_ports_serve_at_once(tls, threads):
    server = tls("--io-threads", threads, tcp=True)
    with TlsClient(server.tls_port) as secret, server.client(tcp=True) as plain:
        assert secret.call("SET", "a", "1") == OK
        assert plain.call("GET", "a") == b"1"
        lines = client_lines(plain.call("CLIENT", "LIST"))
        assert {line["laddr"] for line in lines} >= {f"127.0.0.1:{server.port}", f"127.0.0.1:{server.tls_port}"}
    assert "Ready to accept connections tls" in server.log()


def test_tls_may_be_the_only_way_in(tls):
    server = tls(unix_socket=False, wait=False)
    wait_for(lambda: "Ready to accept connections tls" in server.log(), 15, "the server")
    with TlsClient(server.tls_port) as client:
        assert client.call("PING") == PONG
        assert info_fields(client.call("INFO", "server"))["tcp_port"] == str(server.tls_port)


def test_the_port_opens_moves_and_closes_at_run_time(start):
    server = start("hearth", *options())
    first, second = free_port(), free_port()
    with server.client() as client:
        assert client.call("CONFIG", "SET", "tls-port", first) == OK
        with TlsClient(first) as secret:
            assert client.call("CONFIG", "SET", "tls-port", second) == OK
            assert secret.call("PING") == PONG  # those who are there stay
            assert refused(first, context())
            with TlsClient(second) as other:
                assert other.call("PING") == PONG
            assert client.call("CONFIG", "SET", "tls-port", 0) == OK
            assert refused(second, context())
            assert secret.call("PING") == PONG


def test_a_port_that_is_taken_leaves_everything_as_it_was(tls):
    server = tls()
    with socket.socket() as other, server.client() as client:
        other.bind(("127.0.0.1", 0))
        other.listen()
        reply = client.call("CONFIG", "SET", "tls-port", other.getsockname()[1])
        assert b"Unable to listen on this port. Check server logs." in reply.value
        assert client.call("CONFIG", "GET", "tls-port") == [b"tls-port", str(server.tls_port).encode()]
    with TlsClient(server.tls_port) as secret:
        assert secret.call("PING") == PONG


# -- Who may connect.


@pytest.mark.parametrize("role", ["hearth", "oracle"])
@pytest.mark.parametrize("mode, with_one, without, strange", [("yes", True, False, False), ("no", True, True, True),
                                                              ("optional", True, True, False)])
def test_certificates_of_clients(tls, role, mode, with_one, without, strange):
    server = tls("--tls-auth-clients", mode, role=role)
    stranger = authority("stranger")
    assert refused(server.tls_port, context()) == (not with_one)
    assert refused(server.tls_port, context(name=None)) == (not without)
    assert refused(server.tls_port, context(stranger, trusts=authority())) == (not strange)


def test_an_expired_certificate_is_refused_and_named(tls):
    server = tls()
    expired = Authority()
    expired.expire("client")
    with server.client() as client:
        assert client.call("CONFIG", "SET", "tls-ca-cert-file", str(expired.certificate)) == OK
    assert refused(server.tls_port, context(expired, trusts=authority()))
    logged(server, "certificate has expired) (addr=127.0.0.1:")
    assert "Error accepting a client connection: error:" in server.log()
    assert failed_handshakes(server) == 1


def test_a_folder_of_authorities_will_do(tls, tmp_path):
    name = subprocess.run(["openssl", "x509", "-hash", "-noout", "-in", str(authority().certificate)],
                          stdout=subprocess.PIPE, check=True).stdout.decode().strip()
    shutil.copy(authority().certificate, tmp_path / f"{name}.0")
    server = tls("--tls-ca-cert-dir", tmp_path, certificates=options()[:4])
    assert not refused(server.tls_port, context())
    assert refused(server.tls_port, context(authority("stranger"), trusts=authority()))


def test_versions_and_ciphers_are_as_configured(tls):
    server = tls("--tls-protocols", "TLSv1.2", "--tls-ciphers", "ECDHE-ECDSA-AES256-GCM-SHA384")
    with TlsClient(server.tls_port) as client:
        assert client.socket.version() == "TLSv1.2"
        assert client.socket.cipher()[0] == "ECDHE-ECDSA-AES256-GCM-SHA384"
    with server.client() as client:
        assert client.call("CONFIG", "SET", "tls-protocols", "TLSv1.3", "tls-ciphersuites",
                           "TLS_CHACHA20_POLY1305_SHA256") == OK
    with TlsClient(server.tls_port) as client:
        assert client.socket.version() == "TLSv1.3"
        assert client.socket.cipher()[0] == "TLS_CHACHA20_POLY1305_SHA256"
    old = context()
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    assert refused(server.tls_port, old)


@pytest.mark.parametrize("caching", ["yes", "no"])
def test_sessions_are_resumed_if_they_may_be(tls, caching):
    server = tls("--tls-session-caching", caching)
    how = context()
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        how.minimum_version, how.maximum_version = ssl.TLSVersion.TLSv1_2, version
        with TlsClient(server.tls_port, how=how) as client:
            assert client.call("PING") == PONG
            session = client.socket.session
        if session is None:
            assert caching == "no"
            continue
        raw = socket.create_connection(("127.0.0.1", server.tls_port), 10)
        with how.wrap_socket(raw, session=session) as again:
            again.sendall(b"PING\r\n")
            assert again.recv(100) == b"+PONG\r\n"
            assert again.session_reused == (caching == "yes")


def test_a_session_without_a_certificate_is_no_way_around_one(tls):
    server = tls("--tls-auth-clients", "no")
    how = context(name=None)
    with TlsClient(server.tls_port, how=how) as client:
        assert client.call("PING") == PONG
        session = client.socket.session
    with server.client() as client:
        assert client.call("CONFIG", "SET", "tls-auth-clients", "yes") == OK
    raw = socket.create_connection(("127.0.0.1", server.tls_port), 10)
    with pytest.raises((OSError, AssertionError)):
        with how.wrap_socket(raw, session=session) as again:
            again.sendall(b"PING\r\n")
            assert again.recv(100) == b"+PONG\r\n"


# -- Configuration.


@pytest.mark.parametrize("good, wrong, message", [
    (0, [], "No tls-cert-file configured!"),
    (0, ["--tls-cert-file", "nosuch.crt", "--tls-key-file", "x"], "Failed to load certificate: nosuch.crt"),
    (2, [], "No tls-key-file configured!"),
    (2, ["--tls-key-file", "nosuch.key"], "Failed to load private key: nosuch.key"),
    (4, [], "Either tls-ca-cert-file or tls-ca-cert-dir must be specified"),
    (4, ["--tls-ca-cert-file", "nosuch"], "Failed to configure CA certificate(s) file/directory"),
    (6, ["--tls-protocols", "SSLv2"], "Invalid tls-protocols specified"),
], ids=str)
def test_a_start_that_cannot_work_says_why(start, good, wrong, message):
    server = start("hearth", "--tls-port", free_port(), *options()[:good], *wrong, wait=False)
    assert server.wait_for_exit() == 1
    assert message in server.log()
    assert "Failed to configure TLS. Check logs for more info." in server.log()


@pytest.mark.parametrize("words", [
    ("tls-cert-file", "nosuch"), ("tls-key-file", "nosuch"), ("tls-cert-file", ""), ("tls-ca-cert-file", ""),
    ("tls-ca-cert-file", "nosuch"), ("tls-protocols", "foo"), ("tls-ciphers", "foo"), ("tls-ciphersuites", "foo"),
    ("tls-dh-params-file", "nosuch"),
], ids=str)
def test_a_setting_that_cannot_work_changes_nothing(tls, words):
    hearth, oracle = tls(), tls(role="oracle")
    replies = []
    for server in (hearth, oracle):
        with server.client() as client:
            before = client.call("CONFIG", "GET", "tls-*")
            replies.append(client.call("CONFIG", "SET", "tls-session-cache-size", 7, *words))
            assert sorted(client.call("CONFIG", "GET", "tls-*")) == sorted(before)
        with TlsClient(server.tls_port) as secret:
            assert secret.call("PING") == PONG
    assert UPDATE_FAILED in replies[0].value
    assert UPDATE_FAILED in replies[1].value


def test_certificates_are_loaded_again_when_they_are_set_again(tls, tmp_path):
    files = {"tls-cert-file": tmp_path / "s.crt", "tls-key-file": tmp_path / "s.key"}

    def put(name):
        shutil.copy(authority().crt(name), files["tls-cert-file"])
        shutil.copy(authority().key(name), files["tls-key-file"])

    def shown():
        with TlsClient(server.tls_port) as client:
            assert client.call("PING") == PONG
            return ssl.DER_cert_to_PEM_cert(client.socket.getpeercert(binary_form=True)).strip()

    put("server")
    words = [word for name, path in files.items() for word in (f"--{name}", path)]
    server = tls(certificates=[*words, "--tls-ca-cert-file", authority().certificate])
    first = shown()
    with TlsClient(server.tls_port) as old, server.client() as client:
        put("renewed")
        assert shown() == first
        # One of a pair alone is no pair: nothing changes.
        shutil.copy(authority().key("client"), files["tls-key-file"])
        assert UPDATE_FAILED in client.call("CONFIG", "SET", "tls-key-file", files["tls-key-file"]).value
        assert shown() == first
        put("renewed")
        assert client.call("CONFIG", "SET", "tls-cert-file", files["tls-cert-file"]) == OK
        assert shown() == authority().crt("renewed").read_text().strip() != first
        assert old.call("PING") == PONG


def test_an_encrypted_key_is_opened_with_its_password(tls):
    locked = Authority()
    locked.lock("server", "sesame")
    server = tls("--tls-key-file-pass", "sesame", certificates=options(locked))
    assert not refused(server.tls_port, context(locked))
    with server.client() as client:
        assert UPDATE_FAILED in client.call("CONFIG", "SET", "tls-key-file-pass", "wrong").value
    assert not refused(server.tls_port, context(locked))


# -- Hostile and unlucky clients.


@pytest.mark.parametrize("threads", [1, 4])
def test_what_is_not_tls_is_refused_and_told(tls, threads):
    server = tls("--io-threads", threads)
    texts = [b"PING\r\n", encode(["SET", "a", "b"]), b"\x16\x03\x01\x02\x00" + b"\xff" * 512, b"GET / HTTP/1.0\r\n\r\n"]
    for number, text in enumerate(texts, 1):
        with socket.create_connection(("127.0.0.1", server.tls_port), 10) as raw:
            raw.sendall(text)
            try:
                while raw.recv(1000):
                    pass
            except ConnectionResetError:
                pass
        wait_for(lambda: failed_handshakes(server) == number, 10, "the handshake to be counted")
    logged(server, "Error accepting a client connection: error:")
    assert_responsive(server)
    with server.client() as client:
        assert client.call("DBSIZE") == 0


def test_tls_on_the_plain_port_is_refused(tls):
    server = tls(tcp=True)
    assert refused(server.port, context(), 0.5)  # a hello is the beginning of a line
    assert_responsive(server)


def test_who_leaves_during_the_handshake_is_forgotten(tls):
    server = tls()
    for text in (b"", b"\x16", b"\x16\x03\x01\x02\x00\x01"):
        with socket.create_connection(("127.0.0.1", server.tls_port), 10) as raw:
            raw.sendall(text)
    wait_for(lambda: failed_handshakes(server) == 3, 10, "the three")
    logged(server, "the peer has ended the connection during the handshake (addr=127.0.0.1:")
    with server.client() as client:
        wait_for(lambda: len(client_lines(client.call("CLIENT", "LIST"))) == 1, 10, "all to be gone")


def test_a_slow_handshake_holds_up_nobody_and_comes_to_an_end(tls):
    servers = [tls("--io-threads", threads) for threads in (1, 4)]
    slow = [socket.create_connection(("127.0.0.1", server.tls_port), 60) for server in servers for _ in range(20)]
    for raw in slow:
        raw.sendall(b"\x16\x03\x01\x02\x00\x01")
    for server in servers:
        with TlsClient(server.tls_port) as client:
            assert client.call("PING") == PONG
            wait_for(lambda: len(client_lines(client.call("CLIENT", "LIST"))) == 21, 5, "21 clients")
    for raw in slow:
        try:
            while raw.recv(1000):
                pass
        except ConnectionResetError:
            pass
        raw.close()
    for server in servers:
        logged(server, "no handshake within 10000 ms")


@pytest.mark.parametrize("threads", [1, 4])
def test_pipelines_and_large_values_arrive_whole(tls, threads):
    server = tls("--io-threads", threads)
    with TlsClient(server.tls_port, timeout=60) as client:
        replies = client.pipeline([["SET", f"k:{i}", i] for i in range(10_000)])
        assert replies == [OK] * 10_000
        values = client.pipeline([["GET", f"k:{i}"] for i in range(10_000)])
        assert values == [str(i).encode() for i in range(10_000)]
        value = bytes(range(256)) * (10 * MB // 256)
        assert client.call("SET", "large", value) == OK
        assert client.call("GET", "large") == value
        assert client.pipeline([["GETRANGE", "large", i * MB, (i + 1) * MB - 1] for i in range(10)]) == [
            value[i * MB:(i + 1) * MB] for i in range(10)]


def test_clients_of_all_threads_get_their_own_replies(tls):
    server = tls("--io-threads", "4")
    wrong = []

    def work(number):
        with TlsClient(server.tls_port, timeout=60) as client:
            for i in range(200):
                text = f"{number}:{i}".encode() * (1 + i * 7 % 300)
                if client.call("ECHO", text) != text:
                    wrong.append((number, i))

    workers = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert not wrong


@pytest.mark.parametrize("threads", [1, 4])
def test_who_does_not_read_is_cut_off_by_the_output_limit(tls, threads):
    server = tls("--io-threads", threads, "--client-output-buffer-limit", "normal 20mb 0 0")
    with server.client() as client:
        client.call("SET", "large", b"x" * MB)
    with TlsClient(server.tls_port, timeout=60) as slow:
        try:
            for _ in range(60):
                slow.send("GET", "large")
        except ConnectionClosed:
            pass
        wait_for(lambda: "over its output buffer limit" in server.log(), 20, "the client to be cut off")
    assert_responsive(server)


def test_protected_mode_and_limits_hold(tls):
    server = tls("--maxclients", 10)
    with contextlib.ExitStack() as stack:
        for _ in range(8):  # who has asked at the start may still count
            assert stack.enter_context(TlsClient(server.tls_port)).call("PING") == PONG
        more = [stack.enter_context(socket.create_connection(("127.0.0.1", server.tls_port))) for _ in range(2)]
        wait_for(lambda: refused(server.tls_port, context()), 10, "a refusal")
        assert len(more) == 2
    wait_for(lambda: not refused(server.tls_port, context()), 10, "room for another")
    with TlsClient(server.tls_port) as client:
        assert client.call("CONFIG", "SET", "requirepass", "sesame") == OK
    with TlsClient(server.tls_port) as client:
        assert isinstance(client.call("PING"), Error)
        assert client.call("AUTH", "sesame") == OK


def test_blocked_clients_and_subscribers_are_served(tls):
    server = tls("--io-threads", "4")
    with TlsClient(server.tls_port) as waiting, TlsClient(server.tls_port) as subscriber, server.client() as client:
        waiting.send("BLPOP", "list", 0)
        subscriber.call("SUBSCRIBE", "news")
        wait_for(lambda: info_fields(client.call("INFO", "clients"))["blocked_clients"] == "1", 10, "it to block")
        client.call("RPUSH", "list", "a")
        assert waiting.read() == [b"list", b"a"]
        assert client.call("PUBLISH", "news", "hello") == 1
        assert subscriber.read() == [b"message", b"news", b"hello"]
