"""Certificates for a bench over TLS, made by the openssl command, and what servers and clients are told of them."""

import contextlib
import os
import subprocess
import tempfile


class Certificates:
    """An authority and a certificate for all, in a folder that goes with the `with`."""

    def __init__(self, folder):
        self.folder = folder
        self._openssl("req", "-x509", *self._fresh_key("ca"), "-out", "ca.crt", "-days", "2", "-subj", "/CN=bench")
        self._openssl("req", *self._fresh_key("end"), "-out", "end.csr", "-subj", "/CN=end")
        self._openssl("x509", "-req", "-in", "end.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-out",
                      "end.crt", "-days", "2")

    @staticmethod
    def _fresh_key(name):
        return ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", f"{name}.key"]

    def _openssl(self, *arguments):
        subprocess.run(["openssl", *arguments], cwd=self.folder, check=True, capture_output=True, timeout=60)

    def _path(self, name):
        return os.path.join(self.folder, name)

    def for_server(self, port):
        return ["--tls-port", str(port), "--tls-cert-file", self._path("end.crt"), "--tls-key-file",
                self._path("end.key"), "--tls-ca-cert-file", self._path("ca.crt")]

    def for_client(self):
        return ["--tls", "--cacert", self._path("ca.crt"), "--cert", self._path("end.crt"), "--key",
                self._path("end.key")]


@contextlib.contextmanager
def certificates():
    with tempfile.TemporaryDirectory(prefix="hearth-bench-tls-") as folder:
        yield Certificates(folder)
