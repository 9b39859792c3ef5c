"""TLS for tests: certificates that the openssl command makes in a temporary folder, and clients that speak TLS."""

import functools
import pathlib
import shutil
import ssl
import subprocess
import tempfile
import atexit

from support.resp import Client

# The smallest configuration with which the command signs for times of our choice.
SIGNING = """[ca]
default_ca = here
[here]
new_certs_dir = .
database = index.txt
serial = serial
policy = any
default_md = sha256
unique_subject = no
[any]
commonName = supplied
"""


def _openssl(folder, *arguments):
    done = subprocess.run(["openssl", *map(str, arguments)], cwd=folder, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
    assert done.returncode == 0, done.stdout.decode(errors="replace")


class Authority:
    """An authority in a folder of its own: `certificate` is its file; crt(name) and key(name) are files of
    certificates that it has signed, made when they are first asked for."""

    def __init__(self, name="authority"):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="hearth-tls-"))
        atexit.register(shutil.rmtree, self.folder, ignore_errors=True)
        (self.folder / "signing.cnf").write_text(SIGNING)
        (self.folder / "index.txt").write_text("")
        (self.folder / "serial").write_text("01\n")
        self.certificate = self.folder / "authority.crt"
        _openssl(self.folder, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                 "-keyout", "authority.key", "-out", self.certificate, "-days", 2, "-subj", f"/CN={name}")

    def _issue(self, name, times=("-days", 2), password=None):
        lock = ["-passout", f"pass:{password}"] if password else ["-nodes"]
        _openssl(self.folder, "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", *lock, "-keyout",
                 f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}")
        _openssl(self.folder, "ca", "-batch", "-config", "signing.cnf", "-cert", self.certificate, "-keyfile",
                 "authority.key", "-in", f"{name}.csr", "-out", f"{name}.crt", "-notext", *times)

    def expire(self, name):
        """Makes the certificate of that name one that was good for a day long ago."""
        self._issue(name, ("-startdate", "20200101000000Z", "-enddate", "20200102000000Z"))

    def lock(self, name, password):
        """Makes a certificate of that name whose key is encrypted."""
        self._issue(name, password=password)

    def crt(self, name):
        path = self.folder / f"{name}.crt"
        if not path.exists():
            self._issue(name)
        return path

    def key(self, name):
        self.crt(name)
        return self.folder / f"{name}.key"


@functools.cache
def authority(name="authority"):
    """One for all tests of a run that do not change it."""
    return Authority(name)


def options(which=None, name="server"):
    """What a server is started with, beside its tls-port."""
    which = which or authority()
    return ["--tls-cert-file", which.crt(name), "--tls-key-file", which.key(name), "--tls-ca-cert-file",
            which.certificate]


def context(which=None, name="client", trusts=None):
    """What a client connects with; without a certificate if `name` is None."""
    which = which or authority()
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.check_hostname = False
    made.load_verify_locations((trusts or which).certificate)
    if name is not None:
        made.load_cert_chain(which.crt(name), which.key(name))
    return made


class TlsClient(Client):
    """A raw client (support/resp.py) over TLS."""

    def __init__(self, port, timeout=10.0, how=None):
        super().__init__(("127.0.0.1", port), timeout)
        try:
            self.socket = (how or context()).wrap_socket(self.socket)
        except OSError:
            self.close()
            raise


def cli_options(which=None, name="client"):
    """For redis-cli and redis-benchmark."""
    which = which or authority()
    return ["--tls", "--cacert", str(which.certificate), "--cert", str(which.crt(name)), "--key",
            str(which.key(name))]
