"""Runs one task in a session of its own and leaves nothing of it behind.

usage: guard.py COMMAND ARGUMENT...

Standard input is a pipe that only the driver holds open: when the driver is gone, however it ended, the task is ended
too. SIGTERM ends the task as well. What the task left running in the background is ended after it. Exits with the
task's exit code, 128 and the number of the signal for a task that was killed.
"""

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time

GRACE_S = 2.0
PR_SET_CHILD_SUBREAPER = 36


def adopt_orphans():
    """A descendant that starts a session of its own and loses its parent becomes our child, so that it is found."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def descendants(pid):
    """All living processes below `pid`, children first."""
    found = []
    try:
        threads = os.listdir(f"/proc/{pid}/task")
    except OSError:
        return found
    for thread in threads:
        try:
            with open(f"/proc/{pid}/task/{thread}/children") as children:
                below = [int(child) for child in children.read().split()]
        except OSError:
            continue
        for child in below:
            found += [child, *descendants(child)]
    return found


def kill_all(session, number):
    """Signals the task's process group and every descendant that left it."""
    try:
        os.killpg(session, number)
    except (ProcessLookupError, PermissionError):
        pass
    for pid in descendants(os.getpid()):
        try:
            os.kill(pid, number)
        except (ProcessLookupError, PermissionError):
            pass


def reap(task):
    """Collects what ended, but for the task itself, whose exit code is still wanted."""
    for pid in descendants(os.getpid()):
        if pid != task:
            try:
                os.waitpid(pid, os.WNOHANG)
            except ChildProcessError:
                pass


def someone_runs(task):
    return any(pid != task and not is_zombie(pid) for pid in descendants(os.getpid())) or not is_over(task)


def is_zombie(pid):
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def is_over(task):
    return os.waitid(os.P_PID, task, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def end(task):
    """SIGTERM, then, for what is still there after the grace period, SIGKILL."""
    for number, patience in ((signal.SIGTERM, GRACE_S), (signal.SIGKILL, 1.0)):
        kill_all(task, number)
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            reap(task)
            if not someone_runs(task):
                return
            time.sleep(0.02)


def main():
    adopt_orphans()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: stop.set())

    def watch_driver():
        while os.read(0, 1):
            pass
        stop.set()

    threading.Thread(target=watch_driver, daemon=True).start()
    process = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL, start_new_session=True)

    def watch_stop():
        stop.wait()
        end(process.pid)

    threading.Thread(target=watch_stop, daemon=True).start()
    # the task stays a zombie until its group is gone, so that its number cannot belong to anybody else
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    end(process.pid)
    code = process.wait()
    os._exit(code if code >= 0 else 128 - code)


main()
