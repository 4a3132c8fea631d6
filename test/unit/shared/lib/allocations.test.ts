import { expect, test } from "vitest";
import type { VersionRecord } from "../../../../actions/shared/domain/model-version.ts";
import type { VersionScheme } from "../../../../actions/shared/domain/version-scheme.ts";
import {
  type Allocated,
  allocateVersion,
  findAllocated,
  findAllocations,
  foreseeVersion,
} from "../../../../actions/shared/lib/model-registry/allocations.ts";
import { createVersion, findVersion, listVersions } from "../../../../actions/shared/lib/model-registry/versions.ts";
import type { ModelStore } from "../../../../actions/shared/ports/model-store.ts";
import { memoryStore } from "../../../support/memory-store.ts";
import { versionRecord } from "../../../support/version-record.ts";
import { virtualClock } from "../../../support/virtual-clock.ts";

const digestOf = (digit: string) => `sha256:${digit.repeat(64)}` as const;

type Job = { readonly release?: string; readonly digit?: string; readonly scheme?: VersionScheme };

function jobOn(store: ModelStore, { release = "v1", digit = "a", scheme = "auto" }: Job = {}) {
  const allocating = {
    name: "digits",
    release,
    digest: digestOf(digit),
    scheme,
    clock: virtualClock(Date.parse("2026-11-21T09:00:00Z")),
  };
  const attempt = async (version: string): Promise<Allocated> => {
    const record = versionRecord({ version, release, digest: digestOf(digit) });
    if ((await createVersion(store, record)).state === "created") return { state: "created", record };
    return { state: "existed", record: (await findVersion(store, "digits", version)) as VersionRecord };
  };
  return { allocating, attempt, register: () => allocateVersion(store, allocating, attempt) };
}

test("each release gets the next number; one that is run again finds its own", async () => {
  const store = memoryStore();
  for (const release of ["v1", "v2", "v1"]) await jobOn(store, { release }).register();
  expect(await listVersions(store, "digits")).toEqual(["1", "2"]);
  const again = await jobOn(store, { release: "v1" }).register();
  expect(again).toMatchObject({ state: "existed", record: { version: "1" } });
});

test("a release that made another model gets another version", async () => {
  const store = memoryStore();
  await jobOn(store, { digit: "a" }).register();
  expect(await jobOn(store, { digit: "b" }).register()).toMatchObject({ state: "created", record: { version: "2" } });
  expect((await findAllocations(store, { name: "digits", release: "v1" })).map(({ version }) => version)).toEqual([
    "1",
    "2",
  ]);
});

test("versions that people named are passed over", async () => {
  const store = memoryStore();
  for (const version of ["1", "7", "1.1.0"]) await createVersion(store, versionRecord({ version, release: "by-hand" }));
  expect((await jobOn(store).register()).record.version).toBe("8");
});

test("an attempt that died before its record is completed under the version that it had chosen", async () => {
  const store = memoryStore();
  const job = jobOn(store);
  const died = allocateVersion(store, job.allocating, async () => {
    throw new Error("killed");
  });
  await expect(died).rejects.toThrow("killed");
  expect(await findAllocated(store, job.allocating)).toBeUndefined();
  expect(await foreseeVersion(store, job.allocating)).toBe("1");
  await jobOn(store, { release: "v2" }).register();
  const completed = await job.register();
  expect(completed.record.version).toBe("2");
  expect(await findAllocated(store, job.allocating)).toEqual(completed.record);
});

test("who loses the version that was chosen takes the next one", async () => {
  const store = memoryStore();
  const one = jobOn(store, { release: "v1" });
  const lost = await allocateVersion(store, one.allocating, async (version) => {
    if (version === "1")
      await createVersion(store, versionRecord({ version: "1", release: "v2", digest: digestOf("a") }));
    return await one.attempt(version);
  });
  expect(lost).toMatchObject({ state: "created", record: { version: "2" } });
});

test("jobs of one release that run at once agree on one version", async () => {
  const store = memoryStore();
  await createVersion(store, versionRecord({ version: "4", release: "v0" }));
  const all = await Promise.all(Array.from({ length: 16 }, () => jobOn(store).register()));
  expect(new Set(all.map(({ record }) => record.version))).toEqual(new Set(["5"]));
  expect(all.filter(({ state }) => state === "created")).toHaveLength(1);
});

test("the same model has one version by its digest, whoever registers it; another one with the same first digits has its own", async () => {
  const store = memoryStore();
  await jobOn(store, { release: "v1", scheme: "digest" }).register();
  const second = jobOn(store, { release: "v2", scheme: "digest" });
  expect(await findAllocated(store, second.allocating)).toBeUndefined();
  const again = await second.register();
  expect(again).toMatchObject({ state: "existed", record: { version: "a".repeat(12), release: "v1" } });
  expect(await findAllocated(store, second.allocating)).toEqual(again.record);
  await createVersion(store, versionRecord({ version: "b".repeat(12), digest: digestOf("c") }));
  const other = await jobOn(store, { release: "v3", digit: "b", scheme: "digest" }).register();
  expect(other).toMatchObject({ state: "created", record: { version: "b".repeat(24) } });
});
