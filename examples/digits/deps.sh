#!/bin/sh
# Installs the packages of an image into its folder deps/, for Python 3.11, to the same bytes each time.
# usage: deps.sh serving|trainer ...      needs uv (another one: UV=path)
set -eu
cd "$(dirname "$0")"
for image in "$@"; do
    rm -rf "$image/deps"
    "${UV:-uv}" pip install --quiet --no-deps --no-compile --only-binary :all: --python-version 3.11 \
        --target "$image/deps" -r "$image/requirements.txt"
    # console scripts name the interpreter of this machine: the images start modules and files instead
    rm -rf "$image/deps/bin" "$image/deps/.lock"
    find "$image/deps" -name RECORD -path '*.dist-info/*' -exec sed -i '/^\(\.\.\/\)*bin\//d' {} +
    # a third of the files are the packages' own tests
    find "$image/deps" -type d \( -name tests -o -path '*/onnx/backend/test' \) -prune -exec rm -rf {} +
    echo "$image/deps: $(du -sm "$image/deps" | cut -f1) MB"
done
