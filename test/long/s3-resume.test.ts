import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { findVersion } from "../../actions/shared/lib/model-registry/versions.ts";
import { verifyModel } from "../../actions/shared/lib/verify-model.ts";
import { jobContext } from "../support/job-context.ts";
import { modelRelease } from "../support/model-release.ts";
import { runAction } from "../support/run-action.ts";
import { behindProxy } from "../support/s3-proxy.ts";
import { envOf, type S3Server } from "../support/s3-server.ts";
import { startVersitygw, versitygw } from "../support/versitygw.ts";

const program = await versitygw();
const PART = 8 * 1024 ** 2;

describe.skipIf(program === undefined)("a job that is killed while it sends a large file", () => {
  let server: S3Server;
  beforeAll(async () => {
    server = await startVersitygw({ program: program ?? "" });
  });
  afterAll(() => server.stop());

  test("is gone on with by the next one, half a minute later, and what was sent is not sent again", async () => {
    const { proxy, bucket, direct } = await behindProxy(server);
    const job = jobContext({ tag: "v1.0.0" });
    const files = { "weights.bin": Buffer.alloc(10 * PART, "weights") };
    const release = await modelRelease(job, { files });
    const pidFile = join(job.temp, "pid");
    const hook = `import fs from "node:fs"; fs.writeFileSync(${JSON.stringify(pidFile)}, String(process.pid));`;
    const env = {
      ...envOf({ ...server, endpoint: proxy.endpoint }),
      NODE_OPTIONS: `--import data:text/javascript,${encodeURIComponent(hook)}`,
    };
    const given = { name: "digits", release, store: `s3://${bucket}/models` };
    const run = async () => (await runAction("register-model", { job, env, with: given, post: false })).main;
    const parts = () => proxy.requests.filter((line) => /^PUT .*partNumber/.test(line)).length;

    proxy.befall = () => {
      if (parts() < 6) return undefined;
      process.kill(Number(readFileSync(pidFile, "utf8")), "SIGKILL");
      return "reset before";
    };
    expect((await run()).signal).toBe("SIGKILL");
    proxy.befall = () => undefined;
    const sentBefore = parts();

    await sleep(32_000);
    const again = await run();
    expect(again.code).toBe(0);
    const [, kept] = /^An earlier attempt sent (\d+) MiB of .*weights\.bin/m.exec(again.stdout) ?? [];
    const keptParts = (Number(kept) * 1024 ** 2) / PART;
    expect(keptParts).toBeGreaterThan(0);
    expect(parts() - sentBefore).toBe(10 - keptParts);
    expect(again.stdout).toMatch(
      new RegExp(`^Copied \\d+ MiB; saved ${kept} MiB, which was in the store already\\.$`, "m"),
    );
    const record = await findVersion(direct, "digits", "1.0.0");
    expect(record && (await verifyModel(direct, record, new AbortController().signal)).faults).toEqual([]);
    expect((await server.admin.listMultipartUploads({ Bucket: bucket })).Uploads ?? []).toEqual([]);
  });
});
