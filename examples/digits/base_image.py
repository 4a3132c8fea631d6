#!/usr/bin/env python3
"""Makes a base image for trainer and serving from Debian's packages, where no image registry is in reach.

usage: base_image.py [--root] OUT.tar [MIRROR or SOURCES.LIST]      needs mmdebstrap

OUT.tar is an OCI image layout and a `docker load` archive in one: `docker load -i`, `podman load -i`, or unpacked
as a folder; with --root it is the files alone, for base/Dockerfile. It holds Python 3.11, a shell and the C++ libraries, as digits-base:bookworm; the same packages give
the same bytes.
"""

import hashlib
import io
import json
import os
import platform
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

NAME = "digits-base:bookworm"
PACKAGES = "python3,dash,coreutils,base-files,ca-certificates,libstdc++6,libgomp1"
EPOCH = "1700000000"  # any fixed time: files newer than it get it
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


def root_filesystem(folder: Path, mirror: list) -> Path:
    """Unpacked packages, without running their install scripts: Python needs none of them."""
    tar = folder / "root.tar"
    leave_out = 'rm -rf "$1/usr/share/doc" "$1/usr/share/man" "$1/usr/share/locale" "$1/var/lib/apt" "$1/var/cache"'
    command = ["mmdebstrap", "--quiet", "--variant=extract", f"--include={PACKAGES}", f"--customize-hook={leave_out}"]
    environment = {**os.environ, "SOURCE_DATE_EPOCH": EPOCH, "TMPDIR": str(folder)}
    subprocess.run([*command, "bookworm", str(tar), *mirror], check=True, env=environment)
    return tar


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_image(layer: Path, out: Path) -> str:
    """The archive with one layer; its answer is the digest of the manifest."""
    blobs = {}

    def blob(value: dict) -> dict:
        content = json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
        digest = hashlib.sha256(content).hexdigest()
        blobs[f"blobs/sha256/{digest}"] = content
        return {"digest": f"sha256:{digest}", "size": len(content)}

    layer_sha256 = sha256_of(layer)
    config = blob(
        {
            "architecture": ARCHITECTURES[platform.machine()],
            "os": "linux",
            "config": {"Env": ["PATH=/usr/local/bin:/usr/bin:/bin"], "Cmd": ["python3"]},
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{layer_sha256}"]},
            "history": [{"created_by": f"mmdebstrap bookworm {PACKAGES}"}],
        }
    )
    oci = "application/vnd.oci.image"
    layer_blob = {"digest": f"sha256:{layer_sha256}", "size": layer.stat().st_size}
    manifest = {
        "schemaVersion": 2,
        "mediaType": f"{oci}.manifest.v1+json",
        "config": {"mediaType": f"{oci}.config.v1+json", **config},
        "layers": [{"mediaType": f"{oci}.layer.v1.tar", **layer_blob}],
    }
    entry = {"mediaType": f"{oci}.manifest.v1+json", **blob(manifest)}
    entry["annotations"] = {"org.opencontainers.image.ref.name": NAME}
    path_of = {key: f"blobs/sha256/{value['digest'][7:]}" for key, value in (("config", config), ("layer", layer_blob))}
    files = {
        "oci-layout": {"imageLayoutVersion": "1.0.0"},
        "index.json": {"schemaVersion": 2, "manifests": [entry]},
        "manifest.json": [{"Config": path_of["config"], "RepoTags": [NAME], "Layers": [path_of["layer"]]}],
    }
    contents = {**blobs, **{name: json.dumps(value).encode() for name, value in files.items()}}
    with tarfile.open(out, "w") as tar:
        for name, content in contents.items():
            header = tarfile.TarInfo(name)
            header.size = len(content)
            tar.addfile(header, io.BytesIO(content))
        header = tarfile.TarInfo(path_of["layer"])
        header.size = layer_blob["size"]
        with layer.open("rb") as file:
            tar.addfile(header, file)
    return entry["digest"]


if __name__ == "__main__":
    arguments = [argument for argument in sys.argv[1:] if argument != "--root"]
    if not arguments:
        sys.exit(__doc__.strip())
    out = Path(arguments[0])
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)  # mmdebstrap may go on as another user
        root = root_filesystem(Path(folder), arguments[1:])
        if "--root" in sys.argv:
            shutil.move(root, out)
        else:
            print(NAME, write_image(root, out))
