import { authorized } from "../../actions/shared/clients/access/authorized.ts";
import { fixedToken } from "../../actions/shared/clients/access/token.ts";
import { kubeflowHub } from "../../actions/shared/clients/model-registry/hub.ts";
import { request, type Send, type Transport } from "../../actions/shared/lib/http.ts";
import type { CatalogVersion, ModelCatalog } from "../../actions/shared/ports/model-catalog.ts";
import type { FakeHub } from "../fakes/hub/hub.ts";
import { versionRecord } from "./version-record.ts";
import { virtualClock } from "./virtual-clock.ts";

export const HUB = "https://registry.test";

/** Our client on the fake, without a socket in between: time passes only when both sleep. */
export function hubCatalog(
  fake: FakeHub,
  { token, address = HUB }: { readonly token?: string; readonly address?: string } = {},
): ModelCatalog {
  const clock = virtualClock(Date.parse("2026-11-21T09:00:00Z"));
  const direct: Send = (wanted) => request({ ...wanted, transport: transportTo(fake), clock });
  const send =
    token === undefined
      ? direct
      : authorized(
          direct,
          fixedToken(token, () => {}, "kubeflow-registry-token"),
        );
  return kubeflowHub({ address, send, clock });
}

export function transportTo(fake: FakeHub): Transport {
  return async (url, { method, headers, body }) => {
    const { pathname, search } = new URL(url);
    // an answer never comes in the same turn: others get theirs in between
    await new Promise((resolve) => setImmediate(resolve));
    const outcome = fake.handle({ method, target: `${pathname}${search}`, headers, body: String(body ?? "") });
    if (outcome === "cut") throw Object.assign(new Error("socket hang up"), { code: "ECONNRESET" });
    return {
      status: outcome.status,
      headers: new Headers(outcome.headers),
      body: (async function* () {
        yield new TextEncoder().encode(outcome.body);
      })(),
    };
  };
}

export const TRAIN = `sha256:${"1".repeat(64)}` as const;
export const TEST = `sha256:${"2".repeat(64)}` as const;

/** A version with everything that a record can say. */
export function catalogVersion(parts: Partial<CatalogVersion["record"]> = {}, aliases = ["candidate"]): CatalogVersion {
  const record = versionRecord({
    version: "1.1.0",
    format: { name: "onnx", version: "8" },
    framework: { name: "scikit-learn", version: "1.7.2" },
    signature: { inputs: [{ name: "x", type: "float32", shape: ["n", 64] }], outputs: [{ name: "y", type: "int64" }] },
    scan: { verdict: "data-only", imports: [] },
    data: [
      { role: "train", uri: "s3://data/train.csv", digest: TRAIN, version: "3Lg", rows: 1464 },
      { role: "test", uri: "file:data/test.csv", digest: TEST, rows: 333 },
    ],
    parameters: { C: 3, kernel: "rbf", shuffle: true, layers: [64, 10] },
    metrics: [
      { name: "accuracy", value: 0.961, n: 333, task: "evaluate", dataset: { role: "test", digest: TEST } },
      { name: "recall", slice: { class: "3" }, value: 0.94, n: 33, task: "evaluate" },
      { name: "loss", value: "NaN", task: "evaluate" },
    ],
    code: { repository: "acme/digits", commit: "c".repeat(40), ref: "refs/tags/v1.1.0", tag: "v1.1.0" },
    ci: {
      event: "push",
      actor: "octocat",
      runId: "812",
      attempt: "1",
      url: "https://github.test/acme/digits/runs/812",
    },
    pipeline: {
      engine: "kubeflow",
      namespace: "team-a",
      name: "digits",
      version: "v1.1.0",
      packageDigest: `sha256:${"d".repeat(64)}`,
    },
    run: {
      id: "3f1c2d5e-0000-5000-8000-000000000001",
      attempt: 1,
      finishedAt: "2026-11-21T08:30:00Z",
      parameters: {},
    },
    gate: { verdict: "pass", subject: {}, rules: [] },
    licence: "Apache-2.0",
    metadata: { team: "vision", budget: 12, share: 0.5, ok: true, tags: ["a"] },
    ...parts,
  });
  return {
    record,
    uri: `s3://models/${record.folder}`,
    card: {
      text: `# ${record.model} ${record.version}\n`,
      uri: `s3://models/digits/cards/${record.version}/MODEL_CARD.md`,
    },
    aliases,
  };
}
