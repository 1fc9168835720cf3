"""Becomes a command that Linux signals when its parent dies: `tether.py SIGNAL UID GID COMMAND...`.

A file of its own, run with the standard library only, because `preexec_fn` is unsafe in a process
with threads. It is also where root lets go of its rights, in an order that matters: a change of
user clears the death signal, so the user comes first; and all imports come before, since the user
may be unable to read this interpreter's library.
"""

import os
import sys

try:
    import ctypes
except ImportError:
    # A Python built without libffi: the command then runs untied, and only an orderly end stops it.
    ctypes = None

PR_SET_PDEATHSIG = 1


def main() -> None:
    """Drop the user when UID is not -1, tie this process to its parent, and become the command."""
    parent = os.getppid()
    death_signal, uid, gid = (int(argument) for argument in sys.argv[1:4])
    command = sys.argv[4:]
    if uid != -1:
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    if ctypes is not None and sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, death_signal)
    if os.getppid() != parent:
        sys.exit("tether: the parent died first")
    os.execv(command[0], command)  # noqa: S606 (that is the purpose)


main()
