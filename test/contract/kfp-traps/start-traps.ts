import type { Json } from "../../../actions/shared/domain/canonical.ts";
import type { JsonObject } from "../../fakes/kfp/answer.ts";
import { sendOf } from "../../fakes/kfp/send.ts";
import { pipelineDocuments, python } from "../../support/pipeline-package.ts";
import { RUN_PATH, succeeds, switched, type Trap, unlessForEver, verdict } from "./trap.ts";
import { mostWorkflows, runBody, upload, uploaded, type World } from "./world.ts";

const V2 = "/apis/v2beta1";

/** The name of the version that the only run is of. */
function versionRun({ fake }: World): string | undefined {
  return [...fake.state.runs.values()].at(-1)?.version?.named;
}

const wanted = (world: World, version: string): string =>
  versionRun(world) === version ? "right" : "another version is trained";

/** Posts once more where no answer comes. */
async function postStubbornly(world: World, body: JsonObject): Promise<void> {
  for (let tries = 0; tries < 2; tries++)
    try {
      const { status } = await world.call("POST", `${V2}/runs`, body);
      if (status < 500) return;
    } catch {
      await world.fake.clock.sleep(1_000);
    }
}

const toleration = (key: string): Json => ({
  platforms: { kubernetes: { deploymentSpec: { executors: { "exec-train": { tolerations: [{ key }] } } } } },
});

const lost = { routes: ["create-run"], how: { do: "cut", when: "after" } } as const;

/** Traps on the way from a package to one started run of it. */
export const START_TRAPS: readonly Trap[] = [
  switched("same-run-id-starts-twice", {
    naive: "chooses the run's id and posts again when the answer is lost",
    wrong: "a second workflow of the run is started",
    client: async (world) => {
      const version = await uploaded(world);
      world.fake.fail(lost);
      await postStubbornly(world, runBody(version));
      return mostWorkflows(world) === 1 ? "right" : "a second workflow of the run is started";
    },
    ours: (world) => {
      world.fake.fail(lost);
      return succeeds(world);
    },
  }),
  {
    name: "lost-answer",
    says: "the connection ends after the run was made and before the answer",
    real: false,
    naive: "lets the server choose the id, and posts again",
    wrong: "two runs are started",
    set: ({ fake }, to) => {
      if (to === "on") fake.fail(lost);
    },
    client: async (world) => {
      const { run_id: _, ...body } = runBody(await uploaded(world));
      await postStubbornly(world, body);
      return world.fake.workflows.length === 1 ? "right" : "two runs are started";
    },
    ours: (world) => succeeds(world),
  },
  {
    name: "timeout-after-commit",
    says: "the run is made, and no answer comes until the client gives up",
    real: false,
    naive: "takes the timeout for a failed start",
    wrong: "it runs on, told to have failed",
    world: { tasks: [{ name: "train", runMs: 3_600_000 }] },
    set: ({ fake }, to) => {
      if (to === "on") fake.fail({ routes: ["create-run"], how: { do: "hang", when: "after" } });
    },
    client: async (world) => {
      const body = runBody(await uploaded(world));
      const isStarted = await world.call("POST", `${V2}/runs`, body).then(
        () => true,
        () => false,
      );
      return isStarted === world.fake.inFlight().length > 0 ? "right" : "it runs on, told to have failed";
    },
    ours: (world) => succeeds(world),
  },
  switched("user-errors-are-500", {
    naive: "asks again after every 500",
    wrong: "it waits for ever",
    client: (world) =>
      unlessForEver(async () => {
        const { pipelineId } = await uploaded(world);
        for (;;) {
          const { status } = await world.call("POST", `${V2}/runs`, runBody({ pipelineId, versionId: "none" }));
          if (status < 500) return "right";
          await world.fake.clock.sleep(30_000);
        }
      }),
    ours: async (world) => {
      const body = JSON.stringify({ code: 13, message: "Failed to create a run due to error fetching manifest" });
      const answer = { status: 500, headers: { "content-type": "application/json" }, body };
      world.fake.fail({ routes: ["create-run"], times: 1_000, how: { do: "answer", answer } });
      const told = await world.release();
      const minutes = (world.fake.clock.now() - world.beganMs) / 60_000;
      return minutes < 5
        ? verdict(world, told, /^error CONFLICT: .*error fetching manifest/)
        : `told after ${minutes} min`;
    },
  }),
  switched("default-is-newest-version", {
    naive: "names the pipeline and no version",
    wrong: "another version is trained",
    client: async (world) => {
      const { pipelineId } = await uploaded(world, "v1.0.0");
      await world.fake.clock.sleep(2_000);
      await uploaded(world, "somebody-elses");
      const body = runBody({ pipelineId, versionId: "" });
      await world.call("POST", `${V2}/runs`, { ...body, pipeline_version_reference: { pipeline_id: pipelineId } });
      return wanted(world, "v1.0.0");
    },
    ours: async (world) => {
      const told = await world.release({
        send: async (asked) => {
          const isStart = asked.method === "POST" && new URL(asked.url).pathname === `${V2}/runs`;
          const [pipeline] = world.fake.state.pipelines.values();
          if (isStart && pipeline)
            await upload(world, { pipelineId: pipeline.id, name: "somebody-elses", spec: pipelineDocuments() });
          return sendOf(world.fake)(asked);
        },
      });
      return told === "succeeded" ? wanted(world, "v1.1.0") : told;
    },
  }),
  switched("ties-by-id", {
    naive: "takes the first of `sort_by=created_at desc` for the newest version",
    wrong: "another version is trained",
    world: { newId: falling() },
    client: async (world) => {
      const { pipelineId } = await uploaded(world, "v1.0.0");
      await uploaded(world, "v1.0.1");
      const list = await world.call(
        "GET",
        `${V2}/pipelines/${pipelineId}/versions?sort_by=created_at%20desc&page_size=1`,
      );
      const [newest] = list.json().pipeline_versions as readonly JsonObject[];
      await world.call("POST", `${V2}/runs`, runBody({ pipelineId, versionId: String(newest?.pipeline_version_id) }));
      return wanted(world, "v1.0.1");
    },
    ours: async (world) => {
      const told = [await world.release({ releaseId: "v1.0.0" }), await world.release({ releaseId: "v1.0.1" })];
      return told.every((one) => one === "succeeded") ? wanted(world, "v1.0.1") : told.join(", ");
    },
  }),
  {
    name: "two-documents",
    says: "a package with platform settings comes back in two halves, `pipeline_spec` and `platform_spec`",
    real: true,
    naive: "compares the first half with what it has, and reuses the version",
    wrong: "a changed package is trained as it was",
    client: async (world, trap) => {
      const before = pipelineDocuments({ executors: { "exec-train": python() } });
      const changed =
        trap === "on" ? before : pipelineDocuments({ executors: { "exec-train": python({ image: "python:3.12" }) } });
      const { pipelineId, versionId } = await uploaded(world, "v1.0.0", [...before, toleration("old")]);
      const again = await upload(world, { pipelineId, name: "v1.0.0", spec: [...changed, toleration("new")] });
      if (again.status !== 409) return "no conflict";
      const known = (await world.call("GET", `${V2}/pipelines/${pipelineId}/versions/${versionId}`)).json();
      const { pipeline_spec: first } = known.pipeline_spec as JsonObject;
      return JSON.stringify(sorted(first)) === JSON.stringify(sorted(changed[0]))
        ? "a changed package is trained as it was"
        : "right";
    },
    ours: async (world) => {
      const of = (key: string) => ({
        parts: { platform: { deploymentSpec: { executors: { "exec-train": { tolerations: [{ key }] } } } } },
      });
      const first = await world.release(of("old"));
      return first === "succeeded" ? verdict(world, await world.release(of("new")), /^error CO(NFIG|NFLICT): /) : first;
    },
  },
  {
    name: "display-names-repeat",
    says: "display names of versions may be equal; names may not",
    real: true,
    naive: "finds its version by the display name",
    wrong: "another version is trained",
    client: async (world, trap) => {
      const { pipelineId } = await uploaded(world, "a-first-try");
      const [first] = world.fake.state.versions.values();
      if (trap === "on")
        await world.call("PATCH", `${V2}/pipelines/${pipelineId}/versions/${first?.id}`, { display_name: "v1.0.0" });
      await uploaded(world, "v1.0.0");
      const list = await world.call("GET", `${V2}/pipelines/${pipelineId}/versions?sort_by=name%20asc`);
      const all = list.json().pipeline_versions as readonly JsonObject[];
      const found = all.find((one) => one.display_name === "v1.0.0");
      await world.call("POST", `${V2}/runs`, runBody({ pipelineId, versionId: String(found?.pipeline_version_id) }));
      return wanted(world, "v1.0.0");
    },
    ours: async (world) => {
      const first = await world.release({ releaseId: "v0.9.0" });
      for (const version of world.fake.state.versions.values()) version.displayName = "v1.1.0";
      const told = await world.release();
      return first === "succeeded" && told === "succeeded" ? wanted(world, "v1.1.0") : told;
    },
  },
  switched("filter-decoded-twice", {
    naive: "looks for the pipeline by a filter that is encoded once, and makes it where it is not found",
    wrong: "a pipeline that is there cannot be made",
    client: async (world) => {
      await world.call("POST", `${V2}/pipelines`, { name: "digits+gpu" });
      const filter = { predicates: [{ key: "name", operation: "EQUALS", string_value: "digits+gpu" }] };
      const found = await world.call("GET", `${V2}/pipelines?filter=${encodeURIComponent(JSON.stringify(filter))}`);
      if (found.json().pipelines !== undefined) return "right";
      const { status } = await world.call("POST", `${V2}/pipelines`, { name: "digits+gpu" });
      return status === 200 ? "right" : "a pipeline that is there cannot be made";
    },
    ours: async (world) => {
      const inputs = { "pipeline-name": "digits+gpu 100%41", version: "v1+gpu" };
      const first = await world.release({ inputs });
      return first === "succeeded" ? succeeds(world, { inputs, releaseId: "v1.2.0" }) : first;
    },
  }),
  switched("text-plain-errors", {
    naive: "reads JSON where the content type says so",
    wrong: "the server's reason is lost",
    client: async (world) => {
      const spec = pipelineDocuments();
      const { type, json } = await upload(world, { pipelineId: "none", name: "v1.0.0", spec });
      const reason = type.startsWith("application/json") ? json().error_message : "no JSON";
      return reason === "Failed to create a pipeline version" ? "right" : "the server's reason is lost";
    },
    ours: async (world) => {
      const body = JSON.stringify({ error_message: "the bucket is full" });
      const answer = { status: 400, headers: { "content-type": "text/plain; charset=utf-8" }, body };
      world.fake.fail({ routes: ["upload-version"], times: 10, how: { do: "answer", answer } });
      return verdict(world, await world.release(), /^error \w+: .*the bucket is full/);
    },
  }),
  switched("unknown-field-refused", {
    naive: "sends a field of another version of the API",
    wrong: "the run cannot be started",
    client: async (world) => {
      const body = runBody(await uploaded(world), { labels: { team: "ml" } });
      const { status } = await world.call("POST", `${V2}/runs`, body);
      return status === 200 ? "right" : "the run cannot be started";
    },
    ours: (world) => succeeds(world),
  }),
  switched("patch-keeps-description", {
    naive: "writes the commit into the description afterwards, and trusts the 200",
    wrong: "nothing tells where the version comes from",
    client: async (world) => {
      const { pipelineId, versionId } = await uploaded(world);
      await world.call("PATCH", `${V2}/pipelines/${pipelineId}/versions/${versionId}`, { description: "commit abc" });
      return world.fake.state.versions.get(versionId)?.description === "commit abc"
        ? "right"
        : "nothing tells where the version comes from";
    },
    ours: async (world) => {
      const told = await succeeds(world);
      const [version] = world.fake.state.versions.values();
      return version?.description.includes("abababab") ? told : "nothing tells where the version comes from";
    },
  }),
  switched("retry-refused-by-409", {
    naive: "takes every 409 for something that is there already",
    wrong: "a run is told to go on that does not",
    world: {
      scheduleOf: ({ attempt }) => ({ tasks: [{ name: "train", ends: attempt === 1 ? "Failed" : "Succeeded" }] }),
    },
    client: async (world) => {
      world.fake.turn("nodes-offloaded", "on");
      const { pipelineId, versionId } = await uploaded(world);
      await world.call("POST", `${V2}/runs`, runBody({ pipelineId, versionId }));
      await world.fake.clock.sleep(60_000);
      const { status } = await world.call("POST", `${RUN_PATH}:retry`);
      const told = status === 200 || status === 409;
      return told === world.fake.inFlight().length > 0 ? "right" : "a run is told to go on that does not";
    },
    ours: async (world) => {
      world.fake.turn("nodes-offloaded", "on");
      const first = await world.release();
      if (!first.startsWith("failed")) return first;
      // the next attempt fails as the first one did: but it is another run, and it ran
      const second = await world.release({ runAttempt: 2 });
      return world.fake.workflows.length === 2 ? verdict(world, second, /^failed/) : "no other attempt was made";
    },
  }),
  switched("recurring-runs-in-camel-case", {
    naive: "looks for its schedule in `recurring_runs`, and makes one where there is none",
    wrong: "it is scheduled twice",
    client: async (world) => {
      const version = await uploaded(world);
      for (const _ of [1, 2]) {
        const list = (await world.call("GET", `${V2}/recurringruns`)).json();
        if (list.recurring_runs !== undefined) continue;
        const trigger = { cron_schedule: { cron: "0 0 3 * * *" } };
        const { run_id: __, ...body } = runBody(version);
        await world.call("POST", `${V2}/recurringruns`, { ...body, mode: "ENABLE", max_concurrency: "1", trigger });
      }
      return world.fake.state.recurringRuns.size === 1 ? "right" : "it is scheduled twice";
    },
    ours: async (world) => {
      const told = await succeeds(world);
      const asked = world.fake.calls.filter(({ path }) => path.includes("/recurringruns"));
      return asked.length === 0 ? told : "it has something to do with schedules";
    },
  }),
];

/** Ids of which a later one is smaller. */
function falling(): () => string {
  let next = 10_000;
  return () => `id-${next--}`;
}

function sorted(value: Json | undefined): Json {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value ?? null;
  return Object.fromEntries(
    Object.entries(value as JsonObject)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, one]) => [key, sorted(one)]),
  );
}
