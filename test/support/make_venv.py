"""Makes a virtual environment with exactly these requirements, once, whoever asks for it at the same time.

usage: make_venv.py FOLDER REQUIREMENT...
"""

import fcntl
import os
import shutil
import subprocess
import sys
import venv

folder, *requirements = sys.argv[1:]
complete = os.path.join(folder, "complete")
os.makedirs(os.path.dirname(folder), exist_ok=True)
with open(f"{folder}.lock", "w") as lock:
    fcntl.flock(lock, fcntl.LOCK_EX)
    if not os.path.exists(complete):
        shutil.rmtree(folder, ignore_errors=True)
        venv.create(folder, with_pip=True, symlinks=True)
        python = os.path.join(folder, "bin", "python")
        subprocess.run([python, "-m", "pip", "install", "--quiet", *requirements], check=True)
        open(complete, "w").close()
