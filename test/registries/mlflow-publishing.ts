import { randomUUID } from "node:crypto";
import { beforeAll, describe, expect, test } from "vitest";
import { authorized } from "../../actions/shared/clients/access/authorized.ts";
import { fixedToken } from "../../actions/shared/clients/access/token.ts";
import { readTrackingUri } from "../../actions/shared/clients/mlflow/address.ts";
import { ReleaseError } from "../../actions/shared/lib/error.ts";
import { type HttpRequest, request, type Send } from "../../actions/shared/lib/http.ts";
import type { CatalogVersion } from "../../actions/shared/ports/model-catalog.ts";
import { startServer } from "../support/http-server.ts";
import { catalogVersion, TEST } from "../support/hub-catalog.ts";
import { askMlflow, catalogAt, loginOf, type MlflowServer } from "../support/mlflow.ts";

/** What the server says of a version, in its own words. */
type Shown = {
  readonly versions: readonly {
    readonly version: string;
    readonly source: string;
    readonly run_id: string;
    readonly tags: readonly Pair[];
    readonly aliases?: readonly string[];
  }[];
  readonly runs: readonly {
    readonly info: { readonly run_id: string; readonly status: string; readonly run_name: string };
    readonly data: {
      readonly metrics: readonly Measured[];
      readonly params: readonly Pair[];
      readonly tags: readonly Pair[];
    };
    readonly inputs: {
      readonly dataset_inputs?: readonly {
        readonly dataset: { readonly name: string; readonly digest: string };
        readonly tags: readonly Pair[];
      }[];
    };
    readonly outputs?: { readonly model_outputs: readonly { readonly model_id: string }[] };
  }[];
  readonly models: readonly {
    readonly info: { readonly model_id: string; readonly status: string };
    readonly data?: { readonly metrics?: readonly Measured[] };
  }[];
};
type Pair = { readonly key: string; readonly value: string };
type Measured = {
  readonly key: string;
  readonly value: number | string;
  readonly dataset_name?: string;
  readonly dataset_digest?: string;
};

/** A model that no other test knows. */
function newVersion(parts: Partial<CatalogVersion["record"]> = {}, aliases?: string[]): CatalogVersion {
  return catalogVersion({ model: `m-${randomUUID().slice(0, 8)}`, ...parts }, aliases);
}

async function shown(server: MlflowServer, name: string): Promise<Shown> {
  const ask = async (path: string, json?: unknown) =>
    (await askMlflow(server, `/api/2.0/mlflow/${path}`, json === undefined ? {} : { method: "POST", json })) as never;
  const { model_versions = [] } = (await ask(
    `model-versions/search?filter=${encodeURIComponent(`name='${name}'`)}`,
  )) as { model_versions?: Shown["versions"] };
  const { experiment } = (await ask(`experiments/get-by-name?experiment_name=${name}`)) as {
    experiment: { experiment_id: string };
  };
  const of = { experiment_ids: [experiment.experiment_id] };
  const { runs = [] } = (await ask("runs/search", of)) as { runs?: Shown["runs"] };
  const { models = [] } = server.version.startsWith("3")
    ? ((await ask("logged-models/search", of)) as { models?: Shown["models"] })
    : {};
  return { versions: model_versions, runs, models };
}

const tagsOf = (pairs: readonly Pair[]) => Object.fromEntries(pairs.map(({ key, value }) => [key, value]));

/** What every MLflow must do for us. `server` is there when the tests run. */
export function mlflowPublishing(server: () => MlflowServer): void {
  const isThree = () => server().version.startsWith("3");

  describe("a version that is published", () => {
    let version: CatalogVersion;
    let state: Shown;
    beforeAll(async () => {
      version = newVersion();
      const catalog = catalogAt(server());
      await catalog.check();
      const published = await catalog.publish(version);
      state = await shown(server(), version.record.model);
      expect(published).toEqual({
        state: "created",
        ids: {
          model: version.record.model,
          version: "1",
          run: state.runs[0]?.info.run_id,
          ...(isThree() ? { loggedModel: state.models[0]?.info.model_id } : {}),
        },
        url: `${server().base}/#/models/${version.record.model}/versions/1`,
      });
    });

    test("is a version of a registered model that says which of ours it is and where it lies", () => {
      const [shownVersion] = state.versions;
      expect(shownVersion).toMatchObject({ version: "1", source: version.uri, run_id: state.runs[0]?.info.run_id });
      expect(tagsOf(shownVersion?.tags ?? [])).toMatchObject({
        "ml-release.version": "1.1.0",
        "ml-release.release": "v1.1.0",
        "ml-release.digest": version.record.digest,
        "ml-release.gate": "pass",
        "ml-release.commit": "c".repeat(40),
        "ml-release.pipeline-run": "3f1c2d5e-0000-5000-8000-000000000001",
        team: "vision",
      });
    });

    test("has the aliases that point at it", async () => {
      const found = await askMlflow(
        server(),
        `/api/2.0/mlflow/registered-models/alias?name=${version.record.model}&alias=candidate`,
      );
      expect(found).toMatchObject({ model_version: { version: "1" } });
    });

    test("has one run, ended, with its parameters, metrics and tags", () => {
      expect(state.runs).toHaveLength(1);
      const [run] = state.runs;
      expect(run?.info).toMatchObject({ status: "FINISHED", run_name: `${version.record.model} 1.1.0` });
      expect(tagsOf(run?.data.params ?? [])).toEqual({ C: "3", kernel: "rbf", shuffle: "true", layers: "[64,10]" });
      expect(run?.data.metrics.map(({ key, value }) => [key, value]).toSorted()).toEqual([
        ["accuracy", 0.961],
        ["loss", "NaN"],
        ["recall/class/3", 0.94],
      ]);
      expect(tagsOf(run?.data.tags ?? [])).toMatchObject({
        "mlflow.source.git.commit": "c".repeat(40),
        "mlflow.user": "octocat",
        "mlflow.note.content": version.card?.text,
      });
    });

    test("has its data among the run's inputs, by a digest that MLflow takes and by the whole one", () => {
      const inputs = state.runs[0]?.inputs.dataset_inputs ?? [];
      expect(inputs.map(({ dataset: { name, digest } }) => [name, digest]).toSorted()).toEqual([
        ["test", "2".repeat(36)],
        ["train", "1".repeat(36)],
      ]);
      expect(inputs.map(({ tags }) => tagsOf(tags)["ml-release.digest"]).toSorted()).toEqual([
        `sha256:${"1".repeat(64)}`,
        TEST,
      ]);
    });

    test("has its card beside the run", async () => {
      const { base, admin } = server();
      const path = `/get-artifact?run_uuid=${state.runs[0]?.info.run_id}&path=MODEL_CARD.md`;
      const answer = await fetch(`${base}${path}`, { headers: await loginOf(admin).headers(new URL(base)) });
      expect(await answer.text()).toBe(version.card?.text);
    });

    test("has a logged model, ready, whose metrics are bound to the data that they were measured on, where the server knows any", () => {
      if (!isThree()) return expect(state.models).toEqual([]);
      expect(state.models.map(({ info }) => info.status)).toEqual(["LOGGED_MODEL_READY"]);
      expect(state.runs[0]?.outputs?.model_outputs.map(({ model_id }) => model_id)).toEqual([
        state.models[0]?.info.model_id,
      ]);
      const metrics = state.models[0]?.data?.metrics?.map(({ key, value, dataset_name, dataset_digest }) => ({
        key,
        value,
        dataset_name,
        dataset_digest,
      }));
      // NaN is of the run alone
      expect(metrics?.toSorted((a, b) => a.key.localeCompare(b.key))).toEqual([
        { key: "accuracy", value: 0.961, dataset_name: "test", dataset_digest: "2".repeat(36) },
        { key: "recall/class/3", value: 0.94, dataset_name: undefined, dataset_digest: undefined },
      ]);
    });

    test("is the same when it is published again, and made once", async () => {
      expect(await catalogAt(server()).publish(version)).toMatchObject({ state: "unchanged", ids: { version: "1" } });
      expect(await shown(server(), version.record.model)).toEqual(state);
    });

    test("with other files is a conflict, and nothing is changed", async () => {
      const other = { ...version, record: { ...version.record, digest: `sha256:${"e".repeat(64)}` as const } };
      await expect(catalogAt(server()).publish(other)).rejects.toThrow(
        /\[CONFLICT\] MLflow has \S+ 1\.1\.0 with other files: version 1/,
      );
      expect(await shown(server(), version.record.model)).toEqual(state);
    });
  });

  test("the next version of a model is MLflow's next number, and takes the aliases along", async () => {
    const first = newVersion();
    const catalog = catalogAt(server());
    await catalog.publish(first);
    const second = newVersion({ model: first.record.model, version: "1.2.0" }, ["candidate", "champion", "latest"]);
    expect(await catalog.publish(second)).toMatchObject({ state: "created", ids: { version: "2" } });
    expect(await catalog.publish({ ...first, aliases: ["champion"] })).toMatchObject({
      state: "completed",
      ids: { version: "1" },
    });
    const { registered_model } = (await askMlflow(
      server(),
      `/api/2.0/mlflow/registered-models/get?name=${first.record.model}`,
    )) as {
      readonly registered_model: { readonly aliases: readonly { readonly alias: string; readonly version: string }[] };
    };
    // `latest` is MLflow's own word
    expect(registered_model.aliases.map(({ alias, version }) => [alias, version]).toSorted()).toEqual([
      ["candidate", "2"],
      ["champion", "1"],
    ]);
  });

  test("an experiment that was deleted keeps its name: the error says so", async () => {
    const version = newVersion();
    const ask = (path: string, json: unknown) =>
      askMlflow(server(), `/api/2.0/mlflow/experiments/${path}`, { method: "POST", json });
    const { experiment_id } = (await ask("create", { name: version.record.model })) as {
      readonly experiment_id: string;
    };
    await ask("delete", { experiment_id });
    await expect(catalogAt(server()).publish(version)).rejects.toThrow(
      /^\[CONFIG\] input mlflow-experiment: .*was deleted/,
    );
    expect(await catalogAt(server(), { experiment: `${version.record.model}-2` }).publish(version)).toMatchObject({
      state: "created",
    });
  });

  test("a version of a folder store points at what the server keeps: other machines cannot read the folder", async () => {
    const version = { ...newVersion(), uri: "file:///home/runner/models/digits/files/1.1.0" };
    const { ids } = await catalogAt(server()).publish(version);
    const { versions } = await shown(server(), version.record.model);
    expect(versions[0]?.source).toMatch(isThree() ? `models:/${ids.loggedModel}` : /^mlflow-artifacts:\//);
    expect(tagsOf(versions[0]?.tags ?? [])["ml-release.uri"]).toBe(version.uri);
  });

  test("more parameters, metrics and data than MLflow takes at once, and names that it does not take", async () => {
    const version = newVersion({
      parameters: Object.fromEntries(Array.from({ length: 230 }, (_, i) => [`layer[${i}]=width`, i])),
      metrics: Array.from({ length: 1_100 }, (_, i) => ({
        name: "recall",
        slice: { "class:é": String(i) },
        value: i / 1_100,
      })),
      data: [{ role: "train", uri: "s3://b/train", digest: TEST }],
    });
    await catalogAt(server()).publish(version);
    const { runs } = await shown(server(), version.record.model);
    expect(runs[0]?.data.params).toHaveLength(230);
    expect(runs[0]?.data.metrics).toHaveLength(1_100);
    expect(tagsOf(runs[0]?.data.params ?? []).layer_7__width).toBe("7");
  });

  /** Ends the connection after the server has done what the nth request to change something asked for. */
  function losing(nth: number): { readonly send: Send; sent(): number } {
    let writes = 0;
    const direct = authorized(request, loginOf(server().admin));
    return {
      sent: () => writes,
      send: async (wanted: HttpRequest) => {
        const answer = await direct(wanted);
        if (wanted.method === undefined || wanted.method === "GET" || ++writes !== nth) return answer;
        throw new ReleaseError("UNAVAILABLE", { rule: "MLflow is not available", saw: "the answer was lost" });
      },
    };
  }

  test("an attempt that was cut off after any of its requests is completed by the next one: nothing is there twice", async () => {
    const whole = losing(-1);
    const model = newVersion();
    await catalogAt(server(), { send: whole.send }).publish(model);
    const { versions: _, ...expected } = await shown(server(), model.record.model);
    for (let nth = 1; nth <= whole.sent(); nth++) {
      const version = newVersion();
      const { state } = await catalogAt(server(), { send: losing(nth).send })
        .publish(version)
        .catch(() => ({ state: "cut off" }));
      const again = await catalogAt(server()).publish(version);
      const { versions, runs, models } = await shown(server(), version.record.model);
      const what = `after request ${nth} (${state}, then ${again.state})`;
      expect(versions, what).toHaveLength(1);
      expect(runs.map(countsOf), what).toEqual(expected.runs.map(countsOf));
      expect(
        models.map(({ info, data }) => [info.status, data?.metrics?.length]),
        what,
      ).toEqual(expected.models.map(({ info, data }) => [info.status, data?.metrics?.length]));
    }
  });

  const countsOf = ({ info, data, inputs, outputs }: Shown["runs"][number]) => ({
    status: info.status,
    metrics: data.metrics.length,
    params: data.params.length,
    tags: data.tags.length,
    inputs: inputs.dataset_inputs?.length,
    outputs: outputs?.model_outputs.length,
  });

  test("jobs that publish the same version at once end with one", async () => {
    const version = newVersion();
    // the first of a model makes what all of them need: that race is another one
    await catalogAt(server()).publish(newVersion({ model: version.record.model, version: "1.0.0" }));
    const all = await Promise.all(Array.from({ length: 4 }, () => catalogAt(server()).publish(version)));
    const { versions } = await shown(server(), version.record.model);
    const ours = versions.filter(({ tags }) => tagsOf(tags)["ml-release.version"] === "1.1.0");
    expect(ours).toHaveLength(1);
    expect(new Set(all.map(({ ids }) => ids.version))).toEqual(new Set([ours[0]?.version]));
  });

  test("a rollout is told once, however often, and only of a version that is there", async () => {
    const { record, ...rest } = newVersion();
    const catalog = catalogAt(server());
    await catalog.publish({ record, ...rest });
    const rollout = {
      name: record.model,
      version: "1.1.0",
      digest: record.digest,
      target: "kserve/digits",
      environment: "prod",
      decision: "promoted",
      rollout: "digits@1.1.0#1",
      at: "2026-11-21T10:00:00Z",
    } as const;
    await catalog.recordDeployment(rollout);
    await catalog.recordDeployment(rollout);
    const { versions } = await shown(server(), record.model);
    expect(tagsOf(versions[0]?.tags ?? [])["ml-release.deployment.digits_1.1.0_1"]).toBe(
      "promoted at kserve/digits in prod on 2026-11-21T10:00:00Z",
    );
    await expect(catalog.recordDeployment({ ...rollout, version: "9.9.9" })).rejects.toThrow(/^\[NOT_FOUND\]/);
  });

  test("what people decide of a version is told too", async () => {
    const version = newVersion();
    const catalog = catalogAt(server());
    await catalog.publish(version);
    const act = { by: "ann", at: "2026-11-21T10:00:00Z" };
    const approved = { reason: "load test passed", environment: "production", act };
    const decided = {
      schema: 1,
      version: "1.1.0",
      digest: version.record.digest,
      state: "in-use",
      approvals: [approved],
      last: { change: "approved", ...approved },
      changes: 1,
      logAfter: 1,
    } as const;
    expect(await catalog.publish({ ...version, decided })).toMatchObject({ state: "completed" });
    expect(await catalog.publish({ ...version, decided })).toMatchObject({ state: "unchanged" });
    const { versions } = await shown(server(), version.record.model);
    expect(tagsOf(versions[0]?.tags ?? [])).toMatchObject({
      "ml-release.state": "in-use",
      "ml-release.approval": "ann on 2026-11-21T10:00:00Z in production: load test passed",
      "ml-release.last-decision": "approved by ann on 2026-11-21T10:00:00Z in production: load test passed",
    });
  });

  describe("who asks", () => {
    test("nobody, or with a wrong password: is told what to set", async () => {
      await expect(catalogAt(server(), { send: request }).check()).rejects.toThrow(
        /^\[AUTH\] MLflow refused the credentials/,
      );
      const wrong = loginOf({ username: "admin", password: "not-the-password" });
      await expect(catalogAt(server(), { credentials: wrong }).check()).rejects.toThrow(
        /^\[AUTH\] the password of the input password: .*check the user "admin" and the password/,
      );
    });

    test("one who may only read: is told which permission is missing", async () => {
      const reader = { username: `reader-${randomUUID().slice(0, 8)}`, password: "password-of-a-reader" };
      await askMlflow(server(), "/api/2.0/mlflow/users/create", { method: "POST", json: reader });
      const version = newVersion();
      await catalogAt(server()).publish(version);
      const next = newVersion({ model: version.record.model, version: "1.2.0" });
      const catalog = catalogAt(server(), { credentials: loginOf(reader) });
      await catalog.check();
      expect(await catalog.publish(version)).toMatchObject({ state: "unchanged" });
      await expect(catalog.publish(next)).rejects.toThrow(/^\[AUTH\] .*the account needs the permission EDIT/s);
    });

    test("with a token, where something before the server takes one", async () => {
      const { base, admin } = server();
      const own = await loginOf(admin).headers(new URL(base));
      const gateway = await startServer(async (incoming, response) => {
        if (incoming.headers.authorization !== "Bearer token-of-the-test") {
          response.writeHead(401).end("no");
          return;
        }
        const answer = await fetch(`${base}${incoming.url}`, { headers: own });
        response.writeHead(answer.status, { "content-type": "application/json" }).end(await answer.text());
      });
      const options = { ...server(), base: gateway };
      await catalogAt(options, { credentials: fixedToken("token-of-the-test", () => {}, "mlflow-token") }).check();
      await expect(
        catalogAt(options, { credentials: fixedToken("another", () => {}, "mlflow-token") }).check(),
      ).rejects.toThrow(/^\[AUTH\] the token of the input mlflow-token/);
    });

    test("as the address of the server says", async () => {
      const { base, admin } = server();
      const { base: plain, login } = readTrackingUri(
        `${base.replace("//", `//${admin.username}:${admin.password}@`)}/#/models`,
        "mlflow",
      );
      expect(plain).toBe(base);
      await catalogAt(server(), { credentials: loginOf(login ?? { username: "", password: "" }) }).check();
    });
  });
}
