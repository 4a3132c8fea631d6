import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { ErrorCode } from "../../actions/shared/lib/error.ts";
import { findModelFiles } from "../../actions/shared/lib/model-files.ts";
import { moveAlias } from "../../actions/shared/lib/model-registry/aliases.ts";
import { appendOnce, history } from "../../actions/shared/lib/model-registry/log.ts";
import { createVersion, findVersion } from "../../actions/shared/lib/model-registry/versions.ts";
import { storeModel } from "../../actions/shared/lib/store-model.ts";
import { verifyModel } from "../../actions/shared/lib/verify-model.ts";
import type { ModelStore } from "../../actions/shared/ports/model-store.ts";
import { behindProxy, type Fault } from "../support/s3-proxy.ts";
import { type S3Server, storeAt } from "../support/s3-server.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { versionRecord } from "../support/version-record.ts";

export const FAULTS: readonly Fault[] = ["lost answer", "reset after", "reset before", "503", "409", "slow"];

/** The number of requests decides, and how busy the machine is. */
const LONGEST_MS = 1_800_000;

const ENDINGS = {
  token: { fault: "expired token", code: "AUTH" },
  clock: { fault: "wrong clock", code: "CONFIG" },
} as const satisfies Readonly<Record<string, { readonly fault: Fault; readonly code: ErrorCode }>>;

/** A registration of two files, one of them so large that it is gone on with after a fault, meets a fault at each of the chosen requests. */
export function registrationFaults(serverOf: () => S3Server, choose: (requests: number) => readonly number[]): void {
  test(
    "a registration is whole, whichever request it befalls",
    async () => {
      const { admin } = serverOf();
      const model = await modelFolder();
      for (const number of choose(await countRequests(model))) {
        const { proxy, open, direct, bucket } = await behindProxy(serverOf());
        const fault = FAULTS[number % FAULTS.length];
        proxy.befall = (current) => (current === number - 1 ? fault : undefined);
        await register(open(), model);
        const met = proxy.requests[number - 1];
        await expectWhole(direct, `${fault} at request ${number}: ${met}`);
        // An upload whose beginning was not answered has an id that nobody knows: it is for the bucket's lifecycle rule.
        const isUnknown = met?.endsWith("?uploads") && (fault === "lost answer" || fault === "reset after");
        const { Uploads: left = [] } = await admin.listMultipartUploads({ Bucket: bucket });
        if (!isUnknown) expect(left, `${fault} at request ${number}: ${met}`).toEqual([]);
      }
    },
    LONGEST_MS,
  );

  test(
    "where the server is gone from some request on there is no version, or a whole one; the next run completes it",
    async () => {
      const model = await modelFolder();
      for (const number of choose(await countRequests(model))) {
        const fault = number % 2 === 0 ? "reset before" : "reset after";
        await expectCompletedAfter(number, { model, fault, code: "UNAVAILABLE" });
      }
    },
    LONGEST_MS,
  );

  test(
    "where the token expires, or the clock is found wrong, at some request that is told; the next run completes what is there",
    async () => {
      const model = await modelFolder();
      for (const number of choose(await countRequests(model))) {
        const ending = number % 2 === 0 ? ENDINGS.token : ENDINGS.clock;
        await expectCompletedAfter(number, { model, ...ending });
      }
    },
    LONGEST_MS,
  );

  type Ending = { readonly model: string; readonly fault: Fault; readonly code: ErrorCode };

  async function expectCompletedAfter(number: number, { model, fault, code }: Ending): Promise<void> {
    const { proxy, open, direct, bucket } = await behindProxy(serverOf());
    proxy.befall = (current) => (current >= number - 1 ? fault : undefined);
    const when = `${fault} from request ${number} on`;
    await expect(register(open({ attempts: 2 }), model), when).rejects.toMatchObject({ code });
    if ((await findVersion(direct, "digits", "1.0.0")) !== undefined) await expectSound(direct);
    await register(storeAt({ server: serverOf(), bucket, quietMs: Number.NEGATIVE_INFINITY }), model);
    await expectWhole(direct, when);
  }

  async function countRequests(model: string): Promise<number> {
    const { proxy, open } = await behindProxy(serverOf());
    await register(open(), model);
    expect(proxy.requests.length).toBeGreaterThan(20);
    return proxy.requests.length;
  }
}

async function modelFolder(): Promise<string> {
  const model = join(await temporaryFolder(), "model");
  mkdirSync(model);
  writeFileSync(join(model, "model.onnx"), Buffer.alloc(33 * 1024 * 1024, 7));
  writeFileSync(join(model, "labels.txt"), "0 1 2 3 4 5 6 7 8 9");
  return model;
}

/** Files, record, log and alias: what a registration is. */
async function register(store: ModelStore, model: string): Promise<void> {
  const files = await findModelFiles(model);
  const stored = await storeModel(store, {
    name: "digits",
    place: "1.0.0",
    files,
    signal: new AbortController().signal,
  });
  const { digest, folder } = stored;
  await createVersion(store, versionRecord({ version: "1.0.0", digest, folder, files: stored.files }));
  const act = { by: "octocat", at: "2026-11-21T09:00:00Z", release: "v1.0.0" };
  const event = { schema: 1, event: "registered", version: "1.0.0", digest, act } as const;
  await appendOnce(store, "digits", { event, after: 0 });
  const to = { version: "1.0.0", digest };
  await moveAlias(store, { name: "digits", alias: "candidate", to, expected: undefined, act });
}

async function expectSound(store: ModelStore): Promise<void> {
  const record = await findVersion(store, "digits", "1.0.0");
  if (record === undefined) throw new Error("no version");
  const { faults } = await verifyModel(store, record, new AbortController().signal);
  expect(faults).toEqual([]);
}

async function expectWhole(store: ModelStore, when: string): Promise<void> {
  await expectSound(store);
  const events = (await history(store, "digits")).map(({ event }) => event);
  expect(events, when).toEqual(["registered", "alias-moved"]);
}
