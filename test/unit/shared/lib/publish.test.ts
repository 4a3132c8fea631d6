import { describe, expect, test } from "vitest";
import { ReleaseError } from "../../../../actions/shared/lib/error.ts";
import { sha256 } from "../../../../actions/shared/lib/hash.ts";
import { history } from "../../../../actions/shared/lib/model-registry/log.ts";
import { allUntold, publishVersion } from "../../../../actions/shared/lib/model-registry/publish.ts";
import type { CatalogVersion, ModelCatalog } from "../../../../actions/shared/ports/model-catalog.ts";
import { silentLog } from "../../../support/logs.ts";
import { memoryStore } from "../../../support/memory-store.ts";
import { versionRecord } from "../../../support/version-record.ts";

const bytes = new TextEncoder().encode("# digits\n");
const key = "digits/cards/1.0.0/MODEL_CARD.md";
const record = versionRecord({ card: { key, digest: sha256(bytes) } });

/** A catalog that keeps what it is told. */
function listeningCatalog() {
  const told: CatalogVersion[] = [];
  const catalog: ModelCatalog = {
    kind: "kubeflow",
    name: "the catalog",
    address: "https://catalog.test",
    check: async () => {},
    publish: async (version) => {
      told.push(version);
      return { state: "created", ids: { version: "1" } };
    },
    recordDeployment: async () => {},
  };
  return { catalog, told };
}

async function published(store: ReturnType<typeof memoryStore>) {
  const { catalog, told } = listeningCatalog();
  const publications = await publishVersion(store, {
    catalogs: [catalog],
    record,
    act: { by: "octocat", at: "2026-11-21T09:00:00Z" },
    log: silentLog,
    signal: new AbortController().signal,
    rehearsal: false,
  });
  return { publications, told };
}

describe("a version that a catalog is told of", () => {
  test("comes with its card, and the log has what it is called there", async () => {
    const store = memoryStore();
    await store.create(key, bytes);
    const { publications, told } = await published(store);
    expect(publications).toMatchObject([{ state: "created", ids: { version: "1" } }]);
    expect(told[0]?.card?.text).toBe("# digits\n");
    expect(await history(store, "digits")).toMatchObject([{ event: "published", catalog: { ids: { version: "1" } } }]);
  });

  test("comes without a card that was changed after it was registered", async () => {
    const store = memoryStore();
    await store.create(key, new TextEncoder().encode("# another\n"));
    const { told } = await published(store);
    expect(told).toHaveLength(1);
    expect(told[0]?.card).toBeUndefined();
  });

  test("is not shown where the store does not say which aliases it has: that is an answer, no exception", async () => {
    const store = memoryStore();
    await store.create("digits/aliases/candidate.json", new TextEncoder().encode("{"));
    const { publications, told } = await published(store);
    expect(publications).toMatchObject([
      { state: "failed", problems: [{ where: { file: "digits/aliases/candidate.json" } }] },
    ]);
    expect(told).toEqual([]);
  });
});

describe("catalogs that nothing can be told", () => {
  const { catalog } = listeningCatalog();
  const away = new ReleaseError("UNAVAILABLE", { rule: "the store does not answer" });

  test("are told of as failed, with why", () => {
    expect(allUntold({ catalogs: [catalog], signal: new AbortController().signal }, away)).toEqual([
      {
        kind: "kubeflow",
        name: "the catalog",
        address: "https://catalog.test",
        state: "failed",
        problems: [{ rule: "the store does not answer" }],
      },
    ]);
  });

  test("do not hide a cancel, nor a bug", () => {
    expect(() => allUntold({ catalogs: [catalog], signal: AbortSignal.abort() }, away)).toThrow(away);
    const bug = new TypeError("nothing has no name");
    expect(() => allUntold({ catalogs: [catalog], signal: new AbortController().signal }, bug)).toThrow(bug);
  });
});
