"""Runs a program and tells what it took: seconds, seconds of CPU, greatest memory in MB, as JSON on the last line."""
import json
import resource
import subprocess
import sys
import time

started = time.monotonic()
ended = subprocess.run(sys.argv[1:], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
seconds = time.monotonic() - started
if ended.returncode != 0:
    sys.exit(f"{sys.argv[1]} ended with {ended.returncode}: {ended.stderr[-2000:]}")
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps({"seconds": seconds, "cpu": used.ru_utime + used.ru_stime, "peakMb": used.ru_maxrss / 1024}))
