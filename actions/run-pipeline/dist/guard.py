"""Runs one task in a session of its own and leaves nothing of it behind.

usage: guard.py [--after JSON] COMMAND ARGUMENT...

With `--after` the command is the client of a container engine, and the JSON a command that removes its container: it is run
when the task has ended, and soon after SIGTERM where the task has to be ended, since the first process of a container heeds
no SIGTERM unless it says so.
Standard input is a pipe that only the driver holds open: when the driver is gone, however it ended, the task is ended
too. SIGTERM ends the task as well. What the task left running in the background is ended after it. Exits with the
task's exit code, 128 and the number of the signal for a task that was killed.
"""

import ctypes
import json
import os
import signal
import subprocess
import sys
import threading
import time

GRACE_S = 2.0
CONTAINER_GRACE_S = 0.7
REMOVE_S = 10.0
PR_SET_CHILD_SUBREAPER = 36
# macOS has neither /proc nor, before Python 3.13, waitid: there a task's process group is all that is known of it.
CAN_LOOK = hasattr(os, "waitid") and os.path.isdir("/proc/self/task")


def adopt_orphans():
    """A descendant that starts a session of its own and loses its parent becomes our child, so that it is found."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def descendants(pid):
    """All processes below `pid`, parents first."""
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


def signal_all(task, number):
    """Signals the task's process group and every descendant that left it."""
    try:
        os.killpg(task, number)
    except (ProcessLookupError, PermissionError):
        pass
    for pid in descendants(os.getpid()):
        try:
            os.kill(pid, number)
        except (ProcessLookupError, PermissionError):
            pass


def something_runs(task):
    if not CAN_LOOK:
        try:
            os.killpg(task, 0)
            return True
        except (ProcessLookupError, PermissionError):
            return False
    return any(not has_ended(pid, task) for pid in descendants(os.getpid()))


def has_ended(pid, task):
    """Collects what ended on the way, but for the task itself, whose exit code is still wanted."""
    if pid != task:
        try:
            os.waitpid(pid, os.WNOHANG)
        except ChildProcessError:
            pass
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def end(task, after):
    """SIGTERM, then, for what is still there after the grace period, SIGKILL; a container is removed in between."""
    for number, patience in ((signal.SIGTERM, CONTAINER_GRACE_S if after else GRACE_S), (signal.SIGKILL, 1.0)):
        if not something_runs(task):
            return
        if number == signal.SIGKILL:
            run_after(after)
        signal_all(task, number)
        deadline = time.monotonic() + patience
        while something_runs(task) and time.monotonic() < deadline:
            time.sleep(0.02)


def run_after(after):
    if after:
        quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        try:
            subprocess.run(after, timeout=REMOVE_S, start_new_session=True, **quiet)
        except (OSError, subprocess.TimeoutExpired):
            pass


def wait_for(process):
    """Where it can be had, the task stays a zombie until its group is gone: so its number cannot belong to anybody else."""
    if CAN_LOOK:
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    else:
        process.wait()


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
    command, after = sys.argv[1:], None
    if command[0] == "--after":
        after, command = json.loads(command[1]), command[2:]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)

    def watch_stop():
        stop.wait()
        end(process.pid, after)

    threading.Thread(target=watch_stop, daemon=True).start()
    wait_for(process)
    end(process.pid, after)
    run_after(after)
    code = process.wait()
    os._exit(code if code >= 0 else 128 - code)


main()
