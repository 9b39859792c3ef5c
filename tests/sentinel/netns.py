"""A network of namespaces: one for each host, and one that routes between them and can fail.

Needs root and the tool `ip` (package iproute2). Nothing of it is seen outside, and it is gone with the process: a
namespace lives as long as its descriptor. What is cut is dropped silently, as by a network that has failed: nobody
is told.
"""

import contextlib
import ctypes
import os
import shutil
import subprocess
import threading

CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)


def why_not():
    """Why namespaces cannot be made here; empty if they can."""
    if os.geteuid() != 0:
        return "making network namespaces needs root"
    if shutil.which("ip") is None:
        return "making network namespaces needs the tool ip (package iproute2)"
    try:
        with contextlib.closing(Network(["a"])):
            return ""
    except (OSError, subprocess.CalledProcessError) as error:
        return f"no network namespace can be made here: {error}"


def _check(result):
    if result != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


def _own_namespace():
    return os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)


class Namespace:
    """Entered by the thread that calls, which makes sockets and processes there and comes back."""

    def __init__(self):
        made = []

        def make():
            try:
                _check(_libc.unshare(CLONE_NEWNET))
                made.append(_own_namespace())
            except OSError as error:
                made.append(error)

        thread = threading.Thread(target=make)
        thread.start()
        thread.join()
        if isinstance(made[0], OSError):
            raise made[0]
        self.fd = made[0]

    @contextlib.contextmanager
    def inside(self):
        before = _own_namespace()
        _check(_libc.setns(self.fd, CLONE_NEWNET))
        try:
            yield
        finally:
            _check(_libc.setns(before, CLONE_NEWNET))
            os.close(before)

    def ip(self, *commands, fds=()):
        """Runs lines of `ip -batch` there."""
        with self.inside():
            subprocess.run(["ip", "-batch", "-"], input="\n".join(commands) + "\n", text=True, check=True,
                           capture_output=True, pass_fds=fds)

    def close(self):
        os.close(self.fd)


class Network:
    """Hosts by name, each with an address; cut() and heal() by their names."""

    def __init__(self, names):
        self.names = list(names)
        self._cut = set()  # (from, to)
        self._router = Namespace()
        self._hosts = {}
        try:
            self._build()
        except BaseException:
            self.close()
            raise

    def _build(self):
        self._router.ip("link set lo up")
        with self._router.inside(), open("/proc/sys/net/ipv4/ip_forward", "w", encoding="ascii") as file:
            file.write("1")
        for index, name in enumerate(self.names):
            host = self._hosts[name] = Namespace()
            self._router.ip(f"link add v{index} type veth peer name eth0 netns /proc/self/fd/{host.fd}",
                            f"addr add 10.77.{index}.1/24 dev v{index}", f"link set v{index} up", fds=(host.fd,))
            host.ip("link set lo up", f"addr add {self.address(name)}/24 dev eth0", "link set eth0 up",
                    f"route add default via 10.77.{index}.1")

    def address(self, name):
        return f"10.77.{self.names.index(name)}.2"

    def inside(self, name):
        return self._hosts[name].inside()

    def cut(self, senders, receivers):
        """What `senders` send to `receivers` does not arrive any more."""
        self._change({(a, b) for a in senders for b in receivers if a != b} - self._cut, "add")

    def split(self, side):
        """The hosts of `side` and the others do not hear each other."""
        others = [name for name in self.names if name not in side]
        self.cut(side, others)
        self.cut(others, side)

    def heal(self):
        self._change(set(self._cut), "del")

    def _change(self, pairs, verb):
        if not pairs:
            return
        self._router.ip(*(f"rule {verb} from {self.address(a)} to {self.address(b)} pref 100 blackhole"
                          for a, b in pairs))
        self._cut = self._cut | pairs if verb == "add" else self._cut - pairs

    def close(self):
        for host in self._hosts.values():
            host.close()
        self._hosts = {}
        self._router.close()
