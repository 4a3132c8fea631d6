"""What the tasks of a run get: processors, memory, GPUs, Python and its packages."""

import os
import platform
import subprocess
import sys
from importlib import metadata


def describe():
    return {
        "os": platform.platform(),
        "architecture": platform.machine(),
        "python": platform.python_version(),
        "cpu": {"name": cpu_name(), "count": cpu_count()},
        "memoryBytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "gpus": gpus(),
        "packages": packages(),
    }


def cpu_count():
    """Those that this process may use, which in a container are fewer than those of the machine."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def cpu_name():
    try:
        with open("/proc/cpuinfo") as lines:
            return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "")
    except OSError:
        return platform.processor()


def gpus():
    """Equal cards are one entry with a count."""
    ask = ["nvidia-smi", "--query-gpu=name,memory.total,driver_version", "--format=csv,noheader,nounits"]
    try:
        answer = subprocess.run(ask, capture_output=True, text=True, timeout=20, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return []
    cards = {}
    for line in answer.splitlines():
        name, memory, driver = (cell.strip() for cell in line.split(","))
        card = cards.setdefault((name, memory, driver), {"name": name, "count": 0, "driver": driver})
        if memory.isdecimal():
            card["memoryBytes"] = int(memory) * 1024**2
        card["count"] += 1
    return list(cards.values())


def packages():
    found = {one.metadata["Name"]: one.version for one in metadata.distributions() if one.metadata["Name"]}
    return dict(sorted(found.items(), key=lambda package: package[0].lower()))


if __name__ == "__main__":
    import json

    json.dump(describe(), sys.stdout)
