import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { findAlias } from "../../actions/shared/lib/model-registry/aliases.ts";
import { history } from "../../actions/shared/lib/model-registry/log.ts";
import { findVersion } from "../../actions/shared/lib/model-registry/versions.ts";
import { verifyModel } from "../../actions/shared/lib/verify-model.ts";
import type { ModelStore } from "../../actions/shared/ports/model-store.ts";
import { besides, PRIVATE_KEY } from "../action/register-model-kills.ts";
import { jobContext } from "../support/job-context.ts";
import { modelRelease } from "../support/model-release.ts";
import { onnxModel } from "../support/onnx.ts";
import { runAction } from "../support/run-action.ts";
import { behindProxy } from "../support/s3-proxy.ts";
import { envOf, type S3Server } from "../support/s3-server.ts";

const files = { "model.onnx": onnxModel(), "weights.bin": Buffer.alloc(33 * 1024 * 1024, 7) };

/** The number of requests decides, and how busy the machine is. */
const LONGEST_MS = 1_800_000;

/** register-model, as a process of its own with a bucket as its store, is killed as one of these requests is on its way, and run again. */
export function registrationKills(serverOf: () => S3Server, choose: (requests: number) => readonly number[]): void {
  test(
    "kill -9: there is no version or a whole one; the next run completes it, and the log tells everything once",
    async () => {
      const whole = await prepared();
      expect((await whole.run()).code).toBe(0);
      expect(whole.proxy.requests.length).toBeGreaterThan(40);
      for (const number of choose(whole.proxy.requests.length)) {
        const { proxy, run, store, kill, job } = await prepared();
        // The server carries out every other request that its client did not live to see the answer of.
        const fault = number % 2 === 0 ? "reset before" : "reset after";
        proxy.befall = (current) => {
          if (current !== number - 1) return undefined;
          kill();
          return fault;
        };
        const at = `killed at ${proxy.requests[number - 1]}, ${number}, ${fault}`;
        expect((await run()).signal, at).toBe("SIGKILL");
        const early = await findVersion(store, "digits", "1.0.0");
        if (early === undefined) expect(await findAlias(store, "digits", "candidate"), at).toBeUndefined();
        else await expectSound(store);

        const again = await run();
        expect({ at, code: again.code }).toEqual({ at, code: 0 });
        if (early !== undefined) expect(await findVersion(store, "digits", "1.0.0")).toEqual(early);
        await expectSound(store);
        expect((await history(store, "digits")).map(({ event, alias }) => `${event} ${alias ?? ""}`)).toEqual([
          "registered ",
          "alias-moved candidate",
          "alias-moved staging",
        ]);
        job.remove();
      }
    },
    LONGEST_MS,
  );

  async function prepared() {
    const { proxy, bucket, direct } = await behindProxy(serverOf());
    const job = jobContext({ tag: "v1.0.0" });
    const release = await modelRelease(job, { files });
    const pidFile = join(job.temp, "pid");
    const hook = `import fs from "node:fs"; fs.writeFileSync(${JSON.stringify(pidFile)}, String(process.pid));`;
    const env = {
      ...envOf({ ...serverOf(), endpoint: proxy.endpoint }),
      NODE_OPTIONS: `--import data:text/javascript,${encodeURIComponent(hook)}`,
    };
    const given = { name: "digits", release, aliases: "staging", "signing-key": PRIVATE_KEY };
    const run = async () =>
      (
        await runAction("register-model", {
          job,
          env,
          with: { ...given, store: `s3://${bucket}/models` },
          post: false,
        })
      ).main;
    const kill = () => process.kill(Number(readFileSync(pidFile, "utf8")), "SIGKILL");
    return { proxy, job, run, kill, store: direct };
  }
}

async function expectSound(store: ModelStore): Promise<void> {
  const record = await findVersion(store, "digits", "1.0.0");
  if (record === undefined) throw new Error("no version");
  expect(await verifyModel(store, record, new AbortController().signal)).toMatchObject({ faults: [] });
  expect(await besides(store, record)).toEqual({ card: record.card?.digest, signature: record.digest });
}
