"""Runs a command for as long as its own standard input is open: keeper.py GRACE COMMAND... (tests use it).

A test run may end in any way, killed too, and its end of the pipe closes then. The command and what it started are a
group of their own; they get GRACE seconds to end when they are asked to, none at 0, and are killed after it.
"""

import contextlib
import os
import signal
import subprocess
import sys
import threading

grace = float(sys.argv[1])
with open(os.devnull, "rb") as nothing:
    server = subprocess.Popen(sys.argv[2:], stdin=nothing, start_new_session=True)


def end_with_the_tests() -> None:
    """Wait until the pipe is closed, then end the group."""
    sys.stdin.buffer.read()
    with contextlib.suppress(ProcessLookupError):
        if grace:
            os.killpg(server.pid, signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                server.wait(grace)
        os.killpg(server.pid, signal.SIGKILL)


signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the tests' to handle; they close the pipe
ending = threading.Thread(target=end_with_the_tests, daemon=True)
ending.start()
code = server.wait()
if grace:
    ending.join(0.5)
sys.exit(code)
