import { describe, expect, test } from "vitest";
import { findRelease, findReleaseOfRun, saveRelease } from "../../actions/shared/lib/release-store.ts";
import { folderStore } from "../../actions/shared/local/folder-store.ts";
import type { ModelStore } from "../../actions/shared/ports/model-store.ts";
import { parts, release } from "../support/releases.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

async function open(): Promise<ModelStore> {
  return folderStore(await temporaryFolder());
}

test("a record that was saved is found by its id", async () => {
  const store = await open();
  expect(await findRelease(store, "v1.0.0")).toBeUndefined();
  const saved = await saveRelease(store, release(), { images: parts.images("b") });
  expect(saved).toEqual(release({ images: parts.images("b") }));
  expect(await findRelease(store, "v1.0.0")).toEqual(saved);
});

test("parts that others have written are kept", async () => {
  const store = await open();
  await saveRelease(store, release(), { images: parts.images("b") });
  await saveRelease(store, release(), { metrics: parts.metrics(0.9) });
  expect(await findRelease(store, "v1.0.0")).toEqual(
    release({ images: parts.images("b"), metrics: parts.metrics(0.9) }),
  );
});

test("writers at once lose nothing", async () => {
  const store = await open();
  const names = Array.from({ length: 12 }, (_, i) => `set-${i}`);
  const all = [
    { images: parts.images("b") },
    { metrics: parts.metrics(0.9) },
    { deployment: parts.deployment() },
    { model: parts.model("c") },
  ];
  for (const _ of names) {
    await Promise.all(all.map((part) => saveRelease(store, release(), part)));
  }
  expect(await findRelease(store, "v1.0.0")).toEqual(release(Object.assign({}, ...all)));
});

test("a contradiction is not saved", async () => {
  const store = await open();
  await saveRelease(store, release(), { run: parts.run(1) });
  await expect(saveRelease(store, release(), { gate: parts.gate(2) })).rejects.toThrow(
    /^\[INTEGRITY\].*the verdict is not on its run/,
  );
  expect(await findRelease(store, "v1.0.0")).toEqual(release({ run: parts.run(1) }));
});

test("a record that is too large is not saved", async () => {
  const store = await open();
  const metrics = Array.from({ length: 3_000 }, (_, i) => ({ name: `metric-${i}`, value: i }));
  await expect(saveRelease(store, release(), { metrics })).rejects.toThrow(/^\[REFUSED\] .*in metrics/);
  expect(await findRelease(store, "v1.0.0")).toBeUndefined();
});

test("a record that somebody has damaged is refused with its place", async () => {
  const store = await open();
  await store.create("releases/v1.0.0.json", Buffer.from('{"schema":1,'));
  await expect(findRelease(store, "v1.0.0")).rejects.toThrow(
    /^\[INTEGRITY\] .*releases\/v1\.0\.0\.json: is no whole release record/,
  );
});

test("a store that never gives in is an error, no endless loop", async () => {
  const store = await open();
  const contended: ModelStore = { ...store, create: async () => ({ state: "exists" }) };
  await expect(saveRelease(contended, release(), {})).rejects.toThrow(/^\[CONFLICT\] .*20 times/);
});

describe("the release of a workflow run", () => {
  test("is found by the run's id, whatever time its own id holds", async () => {
    const store = await open();
    for (const id of [
      "retrain-20261121T090000Z-811",
      "retrain-20261121T090001Z-812",
      "retrain-20261121T090000Z-1812",
      "run-812",
    ])
      await saveRelease(store, release({ id }), {});
    expect(await findReleaseOfRun(store, "812")).toBe("retrain-20261121T090001Z-812");
    expect(await findReleaseOfRun(store, "9")).toBeUndefined();
  });
});
