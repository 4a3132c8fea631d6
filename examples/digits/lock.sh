#!/bin/sh
# Writes the requirements.txt of the pipeline and of both images from their requirements.in, all in agreement.
# needs uv (another one: UV=path); --upgrade takes newer versions
set -eu
cd "$(dirname "$0")"
lock() { "${UV:-uv}" pip compile --quiet --python-version 3.11 --no-header --no-annotate "$@"; }
lock "$@" requirements.in -o requirements.txt
lock -c requirements.txt serving/requirements.in -o serving/requirements.txt
lock -c requirements.txt trainer/requirements.in -o trainer/requirements.txt
# inside a component KFP needs itself only: its own dependencies serve compiling and talking to a cluster
grep '^kfp==' requirements.txt >> trainer/requirements.txt
LC_ALL=C sort -o trainer/requirements.txt trainer/requirements.txt
