import { execFileSync } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { Engine } from "../../actions/shared/clients/builder/engine.ts";
import { loadImage } from "../../actions/shared/clients/builder/load-image.ts";
import { hostPlatform } from "../../actions/shared/lib/image/platform.ts";
import { ociLayout } from "../../actions/shared/local/oci-layout.ts";
import type { ImageBuilder } from "../../actions/shared/ports/image-builder.ts";
import { putBaseImage } from "../support/base-image.ts";
import { buildRequest, type Wanted } from "../support/build-request.ts";
import { imageTree, readStored } from "../support/image-tree.ts";
import { silentLog } from "../support/logs.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const REPOSITORY = "localhost/acme/digits/serving";
const BASE = "localhost/acme/digits/base:1";

const DOCKERFILE = `
# A comment that changes nothing.
ARG BASE=${BASE}
FROM $BASE AS base
ARG VERSION=1
ENV MODE=serve PATH=/app/bin:$PATH
WORKDIR /app
COPY app/ ./
COPY --chown=1000:1000 data.txt /data/
COPY tool.sh bin/
COPY notes.txt /lib/notes.txt
COPY notes.txt /tmp/
USER 1000
EXPOSE 8080
LABEL version="$VERSION" name="a b"
ENTRYPOINT ["/bin/busybox", "cat"]
CMD ["main.py"]
`;

const FILES = {
  Dockerfile: DOCKERFILE,
  ".dockerignore": "**/*.pyc\napp/secret*\n!app/secret-not.txt\n",
  "app/main.py": "print('main')\n",
  "app/deep/er.py": "deep\n",
  "app/deep/er.pyc": "bytecode\n",
  "app/secret.txt": "hidden\n",
  "app/secret-not.txt": "shown\n",
  "app/link.py": "-> main.py",
  "data.txt": "1,2\n",
  "tool.sh": "#!/bin/sh\necho tool\n",
  "notes.txt": "notes\n",
} as const;

/** What the Dockerfile says, on the base: the same whoever builds. */
const TREE = {
  app: "755 0:0 folder",
  "app/bin": "755 0:0 folder",
  "app/bin/tool.sh": "755 0:0 file #!/bin/sh\necho tool\n",
  "app/deep": "755 0:0 folder",
  "app/deep/er.py": "644 0:0 file deep\n",
  "app/link.py": "link main.py",
  "app/main.py": "644 0:0 file print('main')\n",
  "app/secret-not.txt": "644 0:0 file shown\n",
  "data/data.txt": "644 1000:1000 file 1,2\n",
  lib: "link usr/lib",
  tmp: "1777 0:0 folder",
  "tmp/notes.txt": "644 0:0 file notes\n",
  "usr/lib": "755 0:0 folder",
  "usr/lib/notes.txt": "644 0:0 file notes\n",
  "usr/lib/os-release": "644 0:0 file ID=test\n",
};

export type Opened = { readonly builder: ImageBuilder; readonly engine?: Engine };

/** What every builder must do. */
export function builderContract(open: () => Promise<Opened>): void {
  test("makes the files and the configuration that the Dockerfile says", async () => {
    const { store, build } = await setUp(open);
    const image = await build({ args: { VERSION: "7" } });
    const tree = await imageTree(store, image);
    for (const [path, node] of Object.entries(TREE)) expect.soft(`${path}: ${tree[path]}`).toBe(`${path}: ${node}`);
    expect(Object.keys(tree).filter((path) => /secret\.txt|\.pyc|Dockerfile/.test(path))).toEqual([]);
    expect(image.config.config).toMatchObject({
      Env: expect.arrayContaining(["MODE=serve", "PATH=/app/bin:/bin"]),
      WorkingDir: "/app",
      User: "1000",
      ExposedPorts: { "8080/tcp": {} },
      Labels: { version: "7", name: "a b" },
      Entrypoint: ["/bin/busybox", "cat"],
      Cmd: ["main.py"],
    });
  });

  test("keeps the layers of the base as they are", async () => {
    const { store, build, base } = await setUp(open);
    const before = await readStored(store, base.repository, base.digest);
    const image = await build();
    expect(image.manifest.layers[0]).toMatchObject({ digest: before.manifest.layers[0]?.digest });
    expect(image.config.rootfs.diff_ids?.[0]).toBe(before.config.rootfs.diff_ids?.[0]);
  });

  test("sends only the layers that changed since the last release", async () => {
    const { store, build } = await setUp(open);
    const first = await build();
    const second = await build({ files: { ...FILES, "notes.txt": "other notes\n" }, previous: first.stored });
    const kept = second.manifest.layers.filter(({ digest }) =>
      first.manifest.layers.some((old) => old.digest === digest),
    );
    expect(second.stored.digest).not.toBe(first.stored.digest);
    expect(kept.length).toBeGreaterThanOrEqual(2);
    expect((await imageTree(store, second))["tmp/notes.txt"]).toBe("644 0:0 file other notes\n");
  });

  test("builds on an image of the same release by its digest", async () => {
    const { store, build } = await setUp(open);
    const parent = await build();
    const bases = [{ written: "image://parent", repository: REPOSITORY, digest: parent.stored.digest }];
    const files = { Dockerfile: "FROM image://parent\nCOPY extra.txt /app/\n", "extra.txt": "extra\n" };
    const child = await build({ files, bases });
    const tree = await imageTree(store, child);
    expect(tree["app/extra.txt"]).toBe("644 0:0 file extra\n");
    expect(tree["app/main.py"]).toBe(TREE["app/main.py"]);
    expect(child.config.config).toMatchObject({ Entrypoint: ["/bin/busybox", "cat"], Cmd: ["main.py"] });
  });

  test("notices a file that changes between the key and the build", async () => {
    const { build } = await setUp(open);
    const files = { Dockerfile: "FROM scratch\nCOPY a.txt /\n", "a.txt": "one\n" };
    const change = (context: string) => writeFile(join(context, "a.txt"), "two\n");
    await expect(build({ files, bases: [] }, change)).rejects.toThrow(/INTEGRITY/);
  });
}

/** What only engines can do: run programs. `open` takes the signal that cancels. */
export function engineContract(open: (signal?: AbortSignal) => Promise<Required<Opened>>): void {
  test("runs what RUN says, over stages", async () => {
    const { store, build } = await setUp(open);
    const files = {
      Dockerfile: `FROM ${BASE} AS make\nCOPY in.txt /work/\nRUN cat /work/in.txt > /work/out.txt && echo made >> /work/out.txt\nFROM ${BASE}\nCOPY --from=0 /work/out.txt /out.txt\n`,
      "in.txt": "in\n",
    };
    const image = await build({ files, network: "host" });
    expect((await imageTree(store, image))["out.txt"]).toBe("644 0:0 file in\nmade\n");
  });

  test("tells the end of its output when a step fails", async () => {
    const { build } = await setUp(open);
    const files = { Dockerfile: `FROM ${BASE}\nRUN echo about to fail && exit 3\n` };
    const failed = build({ files, network: "host" });
    await expect(failed).rejects.toThrow(/COMMAND[\s\S]*about to fail/);
  });

  test("stops at once when it is cancelled, and leaves nothing running", async () => {
    const cancel = new AbortController();
    const { build } = await setUp(() => open(cancel.signal));
    const marker = `sleep 61${Math.floor(performance.now())}`;
    const files = { Dockerfile: `FROM ${BASE}\nRUN echo sleeping && ${marker}\n` };
    const log = {
      ...silentLog,
      fenced: (line: string) => /^(#\d+ .*)?sleeping$/.test(line) && cancel.abort(new Error("cancelled")),
    };
    await expect(build({ files, network: "host", log, signal: cancel.signal })).rejects.toThrow("cancelled");
    await expect.poll(() => processesWith(marker), { timeout: 10_000 }).toEqual([]);
  });
}

/** What engines can do that keep images themselves. */
export function imageEngineContract(open: () => Promise<Required<Opened>>): void {
  test("takes an image from the store and runs it", async () => {
    const { store, build } = await setUp(open);
    const image = await build();
    const { engine } = await open();
    const wanted = {
      store,
      repository: REPOSITORY,
      digest: image.stored.digest,
      platform: hostPlatform(),
      temp: await temporaryFolder(),
    };
    const loaded = await loadImage(engine, wanted);
    expect(loaded.id).toBe(image.manifest.config.digest);
    if (engine.kind === "buildah") return;
    const { stdout } = await engine.run(["run", "--rm", "--network=host", loaded.id]);
    expect(stdout).toBe("print('main')\n");
  });
}

function processesWith(marker: string): readonly string[] {
  const lines = execFileSync("ps", ["-eo", "args"], { encoding: "utf8" }).split("\n");
  return lines.filter((line) => line.includes(marker));
}

/** A store with a base in it, and a builder. */
export async function setUp(open: () => Promise<Opened>) {
  const store = ociLayout(join(await temporaryFolder(), "images"));
  const base = await putBaseImage(store, "localhost/acme/digits/base", BASE);
  const { builder } = await open();
  const build = async (wanted: Partial<Wanted> = {}, before?: (context: string) => Promise<void>) => {
    const request = await buildRequest({ store, repository: REPOSITORY, files: FILES, bases: [base], ...wanted });
    await before?.(request.context);
    const { manifest } = await builder.build(request);
    return readStored(store, REPOSITORY, manifest.digest);
  };
  return { store, base, build };
}
