"""Replace this process by a command that Linux signals when its parent dies.

    tether.py SIGNAL UID GID COMMAND...

This is a separate script with the standard library only, because `preexec_fn` is unsafe in a
process with threads. It also drops root's rights, in a fixed order. A change of user clears the
death signal, so the user changes first. All imports come before that, because the user may be
unable to read this interpreter's library.
"""

import os
import sys

try:
    import ctypes
except ImportError:
    # Python was built without libffi. Then the command gets no signal when its parent dies.
    ctypes = None

PR_SET_PDEATHSIG = 1


def main() -> None:
    """Change the user unless UID is -1, request the death signal, and become the command."""
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
