import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { findVersion } from "../../actions/shared/lib/model-registry/versions.ts";
import { folderStore } from "../../actions/shared/local/folder-store.ts";
import { bearerDoor, type TurnedAway } from "../fakes/kfp/door.ts";
import { startFakeKfp } from "../fakes/kfp/start-kfp.ts";
import { jobContext } from "../support/job-context.ts";
import { modelRelease } from "../support/model-release.ts";
import { onnxModel } from "../support/onnx.ts";
import { runAction } from "../support/run-action.ts";

const ADDRESS = "minio://mlpipeline/v2/artifacts/digits/0a1b/export/model.onnx";
const TOKEN = "eyJ-token-of-the-runner";

/** A release whose training ran on a Kubeflow that is behind a gateway, its bucket inside of the cluster. */
async function clusterRelease({ engine = "kubeflow", turnedAway = "server" as TurnedAway } = {}) {
  const door = bearerDoor(new Map([[TOKEN, Number.POSITIVE_INFINITY]]), turnedAway);
  const kubeflow = await startFakeKfp({ prefix: "/pipeline", multiUser: true, namespace: "team-a", door });
  onTestFinished(() => kubeflow.close());
  kubeflow.state.objects.set(ADDRESS, onnxModel());
  const job = jobContext({ tag: "v1.0.0" });
  const release = await modelRelease(job, {
    alter: (same) => ({
      ...same,
      pipeline: { ...same.pipeline, engine } as NonNullable<typeof same.pipeline>,
      run: { ...same.run, model: { ...same.run?.model, uri: ADDRESS } } as NonNullable<typeof same.run>,
    }),
  });
  const register = async (given: Readonly<Record<string, string>> = {}) => {
    const inputs = { name: "digits", release, endpoint: kubeflow.url, token: TOKEN, namespace: "team-a", ...given };
    return (await runAction("register-model", { job, with: inputs, post: false })).main;
  };
  return { kubeflow, job, register, store: folderStore(join(job.home, "models")) };
}

describe("the model of a run on Kubeflow whose bucket is out of reach", () => {
  test("is downloaded from Kubeflow's page into the store, and the log says why", async () => {
    const { job, register, store } = await clusterRelease();
    const main = await register();
    expect({ code: main.code, stderr: main.stderr }).toEqual({ code: 0, stderr: "" });
    expect(main.stdout).toMatch(
      /The bucket of the model is out of reach \(minio:\/\/ is an address inside of the engine's cluster.*\): took the last resort, its download from http:\S+\/pipeline\./,
    );
    expect(readFileSync(join(job.home, "models/digits/files/1.0.0/model.onnx")).equals(onnxModel())).toBe(true);
    expect(await findVersion(store, "digits", "1.0.0")).toMatchObject({
      files: [{ path: "model.onnx", size: onnxModel().length }],
      run: { task: "export", output: "model" },
    });
  });

  test.each<{ how: string; turnedAway?: TurnedAway; given: Readonly<Record<string, string>>; error: RegExp }>([
    {
      how: "with a token that is not taken",
      given: { token: "eyJ-another" },
      error: /❌ AUTH the token of the input token/,
    },
    {
      how: "behind a login page",
      turnedAway: "login-page",
      given: { token: "eyJ-another" },
      error: /❌ AUTH .*a login page instead of data/,
    },
    { how: "without the namespace of the run", given: { namespace: "" }, error: /❌ CONFIG input namespace/ },
  ])("is not registered $how", async ({ turnedAway = "server", given, error }) => {
    const { job, register } = await clusterRelease({ turnedAway });
    const main = await register(given);
    expect(main.code).toBe(1);
    expect(main.stdout).toMatch(error);
    expect(existsSync(join(job.home, "models/digits/versions"))).toBe(false);
  });

  test("is not registered where the connection never holds, and is in the next attempt", async () => {
    const { kubeflow, register, store } = await clusterRelease();
    kubeflow.fail({ routes: ["download-artifact"], times: 4, how: { do: "break-off", bytes: 100 } });
    const cut = await register();
    expect(cut.code).toBe(1);
    expect(cut.stdout).toMatch(/❌ UNAVAILABLE minio:\S+: a file of Kubeflow broke off/);
    expect(await findVersion(store, "digits", "1.0.0")).toBe(undefined);
    expect((await register()).code).toBe(0);
    expect(await findVersion(store, "digits", "1.0.0")).toBeDefined();
  });

  test("is nobody's to ask for where another engine ran it, or other files are named", async () => {
    const manifest = await clusterRelease({ engine: "manifest" });
    const named = await clusterRelease();
    for (const [{ kubeflow, register }, given] of [
      [manifest, {}],
      [named, { model: ADDRESS }],
    ] as const) {
      const main = await register(given);
      expect(main.stdout).toMatch(
        /❌ INPUT input model-endpoint: minio:\/\/ is an address inside of the engine's cluster/,
      );
      expect(kubeflow.calls).toEqual([]);
    }
  });
});
