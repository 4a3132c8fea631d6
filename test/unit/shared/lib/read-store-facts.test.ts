import { expect, test } from "vitest";
import type { Release } from "../../../../actions/shared/domain/release.ts";
import { changeState } from "../../../../actions/shared/lib/model-registry/states.ts";
import { versionKey } from "../../../../actions/shared/lib/model-registry/versions.ts";
import { namedVersion } from "../../../../actions/shared/lib/registry-queries/named-version.ts";
import { readModelFacts } from "../../../../actions/shared/lib/registry-queries/read-model-facts.ts";
import { listModels, readStoreFacts } from "../../../../actions/shared/lib/registry-queries/read-store-facts.ts";
import { saveRelease } from "../../../../actions/shared/lib/release-store.ts";
import type { ModelStore } from "../../../../actions/shared/ports/model-store.ts";
import { memoryStore } from "../../../support/memory-store.ts";
import { actAt, pointed, registered } from "../../../support/registry.ts";

const NOW = "2026-11-21T12:00:00Z";

async function replaced(store: ModelStore, key: string, change: (text: string) => string): Promise<void> {
  const entry = await store.read(key);
  const text = new TextDecoder().decode(entry?.bytes);
  await store.replace(key, entry?.etag ?? "", new TextEncoder().encode(change(text)));
}

test("models are what has a version, an alias or a log, and not what only looks like one", async () => {
  const store = memoryStore();
  await registered(store, { model: "digits" });
  await store.create("letters/log/00000000000000000001.json", new Uint8Array());
  for (const key of ["releases/v1.json", "gc/clock.json", "notes/files/a/b.bin", "Big/versions/1.json"])
    await store.create(key, new Uint8Array());
  expect(await listModels(store)).toEqual(["digits", "letters"]);
});

test("a version is told with its aliases, what was decided of it, and where it was deployed", async () => {
  const store = memoryStore();
  const record = await registered(store);
  await pointed(store, record, { act: actAt(NOW) });
  const { version, digest } = record;
  const decision = { reason: "load test passed", environment: "production", act: actAt(NOW) };
  await changeState(store, { name: "digits", version, digest, change: "approved", decision });
  const deployment = { target: "local", decision: "promoted", exposure: 1, rehearsal: false } as const;
  const source = {
    repository: "acme/digits",
    commit: "a".repeat(40),
    ref: "refs/tags/v1.0.0",
    event: "push",
    actor: "octocat",
  };
  const release: Release = { schema: 1, id: "v1.0.0", source };
  const model = { name: "digits", version, digest, uri: "memory:///x", store: store.uri };
  await saveRelease(store, release, { model, deployment });

  const { madeAt, models } = await readStoreFacts(store, NOW);

  expect(madeAt).toBe(NOW);
  expect(models).toMatchObject([
    {
      name: "digits",
      records: [record],
      aliases: [{ alias: "champion", version }],
      decisions: [{ version, state: "approved", reason: "load test passed", environment: "production" }],
      deployments: [{ version, release: "v1.0.0", deployment }],
      problems: [],
    },
  ]);
  expect(models[0]?.events.map(({ event }) => event)).toEqual(["registered", "alias-moved", "approved"]);
});

test("a release record that cannot be read keeps nothing from being told", async () => {
  const store = memoryStore();
  await registered(store);
  await store.create("releases/v1.0.0.json", new TextEncoder().encode("{"));
  expect(await readStoreFacts(store, NOW)).toMatchObject({ models: [{ name: "digits", deployments: [] }] });
});

test("what is damaged is told by its key, and the rest is there", async () => {
  const store = memoryStore();
  const one = await registered(store, { version: "1.0.0" });
  await registered(store, { version: "1.1.0" });
  await registered(store, { version: "1.2.0" });
  await store.create(
    versionKey("digits", "9.9.9"),
    (await store.read(versionKey("digits", "1.0.0")))?.bytes ?? new Uint8Array(),
  );
  await replaced(store, versionKey("digits", "1.1.0"), (text) => text.replace("octocat", "mallory"));
  await replaced(store, versionKey("digits", "1.2.0"), () => "{");

  const { records, problems } = await readModelFacts(store, "digits");

  expect(records.map(({ version }) => version)).toEqual(["1.0.0", "1.1.0"]);
  expect(records[0]).toEqual(one);
  expect(problems).toEqual([
    { key: versionKey("digits", "1.2.0"), problem: expect.stringContaining("a record of the model store must be") },
    { key: versionKey("digits", "9.9.9"), problem: expect.stringContaining("the record of digits 1.0.0") },
    { key: versionKey("digits", "1.1.0"), version: "1.1.0", problem: "the record was edited after it was registered" },
  ]);
});

test("a word names a version before it names an alias", async () => {
  const store = memoryStore();
  const one = await registered(store, { version: "1.0.0" });
  await registered(store, { version: "stable" });
  await pointed(store, one, { alias: "stable", act: actAt(NOW) });
  await pointed(store, one, { act: actAt(NOW) });
  const named = async (word: string) => (await namedVersion(store, { name: "digits", word, input: "A" })).version;
  expect([await named("stable"), await named("champion"), await named("1.0.0")]).toEqual(["stable", "1.0.0", "1.0.0"]);
  await expect(named("1.0.1")).rejects.toThrow("[NOT_FOUND] input A: digits 1.0.1 is not registered");
});
