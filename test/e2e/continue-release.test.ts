import { writeFileSync } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import { afterAll, beforeAll, expect, it, type TestContext } from "vitest";
import { ReleaseSchema } from "../../actions/shared/domain/release.ts";
import { kfpEngine } from "../../actions/shared/local/kfp-engine/engine.ts";
import { type FakeGitHub, startGitHub } from "../fakes/github/github.ts";
import { JOB_TOKEN } from "../fakes/github/tokens.ts";
import { localCluster } from "../fakes/kfp/local-cluster.ts";
import { type StartedKfp, startFakeKfp } from "../fakes/kfp/start-kfp.ts";
import { digitsRepository, endServing, type Repository, runWorkflow, storedRelease } from "../support/act.ts";
import { REQUIRE_REAL } from "../support/built-tool.ts";
import { jobContext } from "../support/job-context.ts";
import { lacksMetadataStore, type MetadataStore, startMetadataStore } from "../support/mlmd.ts";
import { kfpPython, USER_CACHE } from "../support/python-environment.ts";
import { runAction } from "../support/run-action.ts";

// A release whose training outlives its job: begun by a step that lets go of the run, gone on with by the workflow that users copy. The
// server behaves as Kubeflow Pipelines and trains on this machine; what tasks leave is read from the real ML Metadata.

let github: FakeGitHub;
let repository: Repository;
let metadata: MetadataStore;
let kubeflow: StartedKfp;

const GATES = "accuracy >= 0.9\nrecall[class=*] >= 0.5 when n >= 20\n";

beforeAll(async () => {
  if (lacksMetadataStore()) return;
  github = await startGitHub();
  metadata = await startMetadataStore();
  repository = digitsRepository();
  writeFileSync(join(repository.workspace, "release/gates.txt"), GATES);
  repository.git("commit", "--quiet", "--all", "--message", "Gates that speak of no data on this machine");
  repository.git("tag", "v1.0.0");
  const requirements = join(repository.workspace, "requirements.txt");
  const env = { PATH: process.env.PATH ?? "", HOME: process.env.HOME ?? "/" };
  const engine = kfpEngine({
    runs: join(repository.home, "cluster"),
    pythonWith: (packages) => kfpPython(packages, requirements),
    env,
    taskEnv: {},
    allowCpu: true,
  });
  kubeflow = await startFakeKfp({ cluster: localCluster({ engine, metadata }), metadata: metadata.endpoint });
});

afterAll(async () => {
  if (lacksMetadataStore()) return;
  await kubeflow.close();
  await metadata.close();
  await github.close();
  endServing(repository);
  repository.remove();
});

it.skipIf(lacksMetadataStore())(
  "a run that was let go of is taken up, gated, registered and deployed when it has ended; the next schedule finds nothing",
  async (context) => {
    const sha = repository.git("rev-parse", "HEAD");
    const begun = await detach(sha);
    expect(begun.outputs.state, begun.stdout).toMatch(/pending|running/);
    expect(checks()).toEqual(["run digits: in_progress"]);

    const first = await continued(context);
    expect(first.code, first.log).toBe(0);
    const release = v.parse(ReleaseSchema, storedRelease(repository, "v1.0.0"));
    expect(release.run).toMatchObject({ state: "succeeded", id: begun.outputs["run-id"] });
    expect(release.gate?.verdict).toBe("pass");
    expect(release.model).toMatchObject({ name: "digits", version: "1.0.0" });
    expect(release.deployment?.decision).toBe("promoted");
    expect(checks()).toEqual(["gate digits: success", "run digits: success"]);

    const idle = await continued(context);
    expect(idle.code, idle.log).toBe(0);
    expect(idle.log).toContain("Nothing to continue");
    expect(kubeflow.workflows).toHaveLength(1);
    expect(github.problems).toEqual([]);
  },
);

/** The step of release.yml, with `mode: detach`. */
async function detach(sha: string) {
  const job = jobContext({ tag: "v1.0.0", sha, apiUrl: github.url });
  const { workspace, home } = repository;
  const digest = `sha256:${"a".repeat(64)}`;
  const release = {
    schema: 1,
    id: "v1.0.0",
    source: {
      repository: "acme/digits",
      commit: sha,
      ref: "refs/tags/v1.0.0",
      tag: "v1.0.0",
      event: "push",
      actor: "octocat",
    },
    images: {
      trainer: { ref: `ghcr.io/acme/digits/trainer@${digest}`, digest, key: `k1-${"b".repeat(64)}`, how: "built" },
    },
  };
  const { main } = await runAction("run-pipeline", {
    job: { ...job, workspace, env: { ...job.env, GITHUB_WORKSPACE: workspace, ML_RELEASE_HOME: home } },
    env: { XDG_CACHE_HOME: USER_CACHE },
    with: {
      mode: "detach",
      pipeline: "pipeline.py",
      requirements: "requirements.txt",
      endpoint: kubeflow.url,
      parameters: `{ all_uri: ${join(workspace, "data/digits.csv")}, train_rows: 400, folds: 3, strengths: [1.0] }`,
      release: JSON.stringify(release),
      "github-token": JOB_TOKEN.text,
    },
  });
  return main;
}

async function continued(context: TestContext) {
  const result = await runWorkflow(repository, {
    workflow: "continue-release.yml",
    eventName: "schedule",
    event: { schedule: "7,22,37,52 * * * *", repository: { full_name: "acme/digits", default_branch: "main" } },
    apiUrl: github.url,
    token: JOB_TOKEN.text,
    variables: { KFP_URL: kubeflow.url },
  });
  if (result !== undefined) return result;
  if (REQUIRE_REAL) throw new Error("the workflow runner needs Go");
  return context.skip();
}

/** The newest of each name. */
function checks(): readonly string[] {
  const all = [...github.state.checkRuns.values()].map(({ fields }) => fields);
  const newest = new Map(all.map(({ name, status, conclusion }) => [String(name), String(conclusion ?? status)]));
  return [...newest].map(([name, is]) => `${name}: ${is}`).toSorted();
}
