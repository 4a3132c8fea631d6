import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ociLayout } from "../../actions/shared/local/oci-layout.ts";
import { hasStaticBusybox } from "../support/base-image.ts";
import { REQUIRE_REAL } from "../support/built-tool.ts";
import { lacksEngine, startEngine, type TestEngine } from "../support/container-engines.ts";
import { imageTree, readStored } from "../support/image-tree.ts";
import { type JobContext, jobContext } from "../support/job-context.ts";
import { type ActionRun, runAction } from "../support/run-action.ts";

/** A base with a shell that needs no registry, and an image on it that runs a program while it is built. */
const FILES = (command: string) => ({
  "base/Dockerfile":
    "FROM scratch\nCOPY --chmod=755 busybox /bin/busybox\nCOPY --chmod=755 busybox /bin/sh\nENV PATH=/bin\n",
  "base/busybox": readFileSync("/usr/bin/busybox"),
  "trainer/Dockerfile": `FROM image://base\nCOPY train.py /app/\nRUN ${command}\n`,
  "trainer/train.py": "print('train')\n",
});
const IMAGES = "base: { context: base }\ntrainer: { context: trainer, network: host }";

const isLeftOut = (lacksEngine("docker") || !hasStaticBusybox()) && !REQUIRE_REAL;

describe.skipIf(isLeftOut)("with docker", () => {
  let docker: TestEngine;
  beforeAll(async () => {
    docker = await startEngine("docker");
  });
  afterAll(() => docker.stop());

  test("builds what must be run on an image of the same release, and reuses it without asking the engine", async () => {
    const files = FILES("busybox wc -c < /app/train.py > /app/size");
    const first = await release("v1.0.0", docker.env, { files });
    expect(first.main.code).toBe(0);
    expect(first.images.base?.how).toBe("appended");
    expect(first.images.trainer?.how).toBe("built");
    expect(first.main.summary).toMatch(/built by docker \d/);
    const store = ociLayout(join(first.job.home, "images"));
    const trainer = await readStored(store, "localhost/acme/digits/trainer", first.images.trainer?.digest ?? "");
    expect((await imageTree(store, trainer))["app/size"]).toContain("file 15\n");
    const nobody = { DOCKER_HOST: "unix:///nowhere/docker.sock" };
    const second = await release("v1.1.0", nobody, { files, machine: first.job });
    expect(second.images.trainer).toMatchObject({ how: "reused", digest: first.images.trainer?.digest });
  });

  test("ends a build at once when it is cancelled, leaves nothing running, and goes on when it is run again", async () => {
    const marker = `61${process.pid}`;
    const files = FILES(`echo building && busybox sleep ${marker}`);
    const first = await release("v1.0.0", docker.env, {
      files,
      cancelWhen: (stdout) => /^(#\d+ \S+ )?building$/m.test(stdout),
    });
    expect(first.main.code).not.toBe(0);
    expect(first.main.stdout).toContain("CANCELLED");
    expect(first.main.ms).toBeLessThan(20_000);
    expect(first.main.sent.map(({ name }) => name)).toEqual(["SIGINT"]);
    await expect.poll(() => runningWith(marker), { timeout: 10_000 }).toEqual([]);
    expect(
      await ociLayout(join(first.job.home, "images")).resolve("localhost/acme/digits/base", "v1.0.0"),
    ).toBeUndefined();
    const second = await release("v1.0.0", docker.env, { files: FILES("true"), machine: first.job });
    expect(second.main.code).toBe(0);
    expect(second.images.base?.how).toBe("reused");
  });
});

type Options = {
  readonly files: Readonly<Record<string, string | Uint8Array>>;
  readonly machine?: JobContext;
  readonly cancelWhen?: (stdout: string) => boolean;
};

type Images = Readonly<Record<string, Readonly<Record<"digest" | "how" | "why", string>>>>;

async function release(tag: string, env: Readonly<Record<string, string>>, { files, machine, cancelWhen }: Options) {
  const job = jobContext({ tag, files, ...(machine === undefined ? {} : { machine }) });
  const { DOCKER_HOST = "" } = env;
  const run: ActionRun = {
    with: { images: IMAGES },
    job,
    env: { DOCKER_HOST },
    ...(cancelWhen === undefined ? {} : { cancelWhen }),
  };
  const { main, post } = await runAction("build-images", run);
  return { job, main, post, images: JSON.parse(main.outputs.images || "{}") as Images };
}

function runningWith(marker: string): readonly string[] {
  const lines = execFileSync("ps", ["-eo", "args"], { encoding: "utf8" }).split("\n");
  return lines.filter((line) => line.includes(`sleep ${marker}`));
}
