"""A disk with little room: a small file system in memory."""

import contextlib
import subprocess

import pytest


@contextlib.contextmanager
def mounted(folder, size_bytes):
    """`folder`, made here, on a disk of its own of this size; skips the test where none can be mounted."""
    folder.mkdir()
    mount = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size_bytes}", "tmpfs", str(folder)],
                           capture_output=True, text=True, check=False)
    if mount.returncode != 0:
        pytest.skip(f"no disk can be mounted here: {mount.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)
