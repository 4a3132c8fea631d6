import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { kubernetesJournal } from "../../actions/shared/clients/kubernetes/kubernetes-journal.ts";
import type { JournalEntry } from "../../actions/shared/domain/rollout/journal-entry.ts";
import { type AdderModels, adderModels } from "./adder-models.ts";
import type { AdderTarget, TargetWish } from "./adder-target.ts";
import { type AdderUsers, POD_METRICS } from "./adder-users.ts";
import type { Cluster } from "./cluster/cluster.ts";
import { connectionTo } from "./cluster/connection.ts";
import { until } from "./cluster/part.ts";
import { applyRole } from "./cluster/shipped-role.ts";
import { kubeconfig } from "./cluster/users.ts";
import { jobContext } from "./job-context.ts";
import { killDoors } from "./kill-doors.ts";
import type { WriteKill } from "./kill-writes.ts";
import { untilCounted } from "./prometheus.ts";
import { type Phase, runAction } from "./run-action.ts";
import type { S3Server } from "./s3-server.ts";
import { type ShareBound, shareBound } from "./share-bound.ts";

/** The process of a step, killed at one of its writes, and what comes after it. */
export type ActionKill = WriteKill & {
  /** How its rollout ends where nobody kills it. */
  readonly ends: "promoted" | "rolled-back";
  /** What comes after: the same step once more, or the mode that ends what is there. */
  readonly mend: "again" | "recover";
};

type KillPlace = {
  readonly cluster: Cluster;
  readonly users: AdderUsers;
  readonly s3: S3Server;
  readonly bucket: string;
  /** Where this machine answers for all pods. */
  readonly port: number;
  /** Makes the object that serves. */
  readonly serve: (wish: TargetWish) => Promise<AdderTarget>;
};

const STABLE = "1.0.0";
const CANDIDATE = "1.1.0";
const VERSIONS = [STABLE, CANDIDATE] as const;
const NEVER: WriteKill = { write: 0, when: "before" };

/** Decides after a look or two. */
const QUICK = {
  rollout: "rollout.yaml",
  steps: "50%",
  look: "500ms",
  "step-duration": "1s",
  "max-step-duration": "2m",
  bake: "500ms",
  "min-requests": "20",
  "max-error-rate": "20%",
  drain: "100ms",
  smoke: "/v2/health/ready",
};

let places = 0;

/**
 * Kills a rollout at one of its writes, to the cluster or to the store, has it mended, and checks what must hold. `over`: it had fewer writes
 * and came to its end.
 */
export async function killAction(place: KillPlace, kill: ActionKill): Promise<"killed" | "over"> {
  const { cluster, users, s3, bucket, port, serve } = place;
  const models = await adderModels(s3, { bucket, prefix: `kill-${++places}`, versions: VERSIONS });
  const target = await serve({ cluster, models, versions: VERSIONS, port });
  const bound = shareBound(CANDIDATE);
  const failing: Readonly<Record<string, number>> = kill.ends === "promoted" ? {} : { [CANDIDATE]: 0.8 };
  const leave = users.use({ ...target, failing, seen: bound.seen });
  await untilCounted(users.prometheus, `http_requests_total{namespace="${target.namespace}"}`);
  const deploy = { ...QUICK, prometheus: users.prometheus, release: models.release(CANDIDATE) };
  const scene: Scene = {
    ...place,
    models,
    target,
    bound,
    token: await applyRole(cluster, target.role, target.namespace),
  };
  try {
    const { phase, writes } = await runThroughDoors(scene, { kill, wishes: deploy });
    const about = `${target.target} ${JSON.stringify(kill)}: ${writes[kill.write - 1] ?? `only ${writes.length} writes`}`;
    if (phase.signal !== "SIGKILL") {
      expect(phase.outputs.decision, `${about}\n${phase.stdout}`).toBe(kill.ends);
      await expectEnd(scene, {
        about,
        version: kill.ends === "promoted" ? CANDIDATE : STABLE,
        rollbacks: kill.ends === "promoted" ? 0 : 1,
      });
      return "over";
    }
    const left = await journalOf(scene);
    if (kill.mend === "recover") bound.freeze();
    const wishes = kill.mend === "recover" ? { mode: "recover", model: "adder" } : deploy;
    const mended = await runThroughDoors(scene, { kill: NEVER, wishes });
    const { version, decision, rollbacks } = expected(kill, left);
    expect(mended.phase.outputs.decision, `${about}\n${phase.stdout}\n${mended.phase.stdout}`).toBe(decision);
    await expectEnd(scene, { about, version, rollbacks });
    return "killed";
  } finally {
    leave();
    await target.stop();
  }
}

type Scene = KillPlace & {
  readonly models: AdderModels;
  readonly target: AdderTarget;
  readonly bound: ShareBound;
  readonly token: string;
};

type Running = { readonly kill: WriteKill; readonly wishes: Readonly<Record<string, string>> };

/** Each time a process of its own, in the same job. */
async function runThroughDoors(
  { cluster, s3, models, target, bound, token }: Scene,
  { kill, wishes }: Running,
): Promise<{ readonly phase: Phase; readonly writes: readonly string[] }> {
  const doors = await killDoors({
    behind: { cluster: { server: cluster.server, ca: cluster.ca }, store: { server: s3.endpoint } },
    kill,
    passed: bound.passed,
  });
  const job = jobContext({ tag: `v${CANDIDATE}`, files: { "rollout.yaml": POD_METRICS }, keep: true });
  try {
    const { addresses } = doors;
    const config = join(job.root, "kubeconfig");
    const { namespace } = target;
    writeFileSync(config, kubeconfig({ server: addresses.cluster, login: { token }, namespace }));
    const { main } = await runAction("deploy-model", {
      job,
      with: { target: target.target, store: models.store, kubeconfig: config, ...wishes },
      env: { ...models.env, AWS_ENDPOINT_URL_S3: addresses.store },
      onStart: doors.watch,
      post: false,
    });
    return { phase: main, writes: doors.writes };
  } finally {
    doors.close();
    job.remove();
  }
}

type Expected = { readonly version: string; readonly decision: string | undefined; readonly rollbacks: number };

/** What was decided is finished, anything else goes back to stable; a re-run comes to its own end. */
function expected({ ends, mend }: ActionKill, left: JournalEntry | undefined): Expected {
  const before = left?.phase === "ended" && left.decision === "rolled-back" ? 1 : 0;
  if (mend === "again") {
    const version = ends === "promoted" ? CANDIDATE : STABLE;
    return { version, decision: ends, rollbacks: ends === "promoted" ? 0 : before + 1 };
  }
  if (left === undefined || left.phase === "ended") {
    const version = left?.decision === "promoted" ? CANDIDATE : STABLE;
    return { version, decision: left?.decision, rollbacks: before };
  }
  if (left.phase === "recording") return { version: CANDIDATE, decision: "promoted", rollbacks: 0 };
  const decision = left.decision ?? "aborted";
  return { version: STABLE, decision, rollbacks: decision === "rolled-back" ? 1 : 0 };
}

type End = { readonly about: string; readonly version: string; readonly rollbacks: number };

async function expectEnd(scene: Scene, { about, version, rollbacks }: End): Promise<void> {
  const { cluster, target, models, bound } = scene;
  await until(`${version} to have everything: ${about}`, async () => bound.last()[version] === 1, { seconds: 20 });
  expect(bound.breaches, about).toEqual([]);
  expect(await target.leftovers(), about).toEqual([]);
  const entry = await journalOf(scene);
  expect(entry?.phase ?? "ended", about).toBe("ended");
  const lease = await cluster.api.send(
    `/apis/coordination.k8s.io/v1/namespaces/${target.namespace}/leases/mlrelease-${target.target.replace("/", "-")}`,
  );
  expect(lease.body.spec?.holderIdentity ?? "", about).toBe("");
  expect(await models.champion(), about).toBe(version);
  const events = await models.events();
  const moves = events.filter(({ event }) => event === "alias-moved");
  const count = (wanted: string) =>
    events.filter((event) => event.event === wanted && event.version === CANDIDATE).length;
  expect(
    {
      moves: moves.map(({ move }) => move),
      champion: moves.at(-1)?.version,
      promotions: count("promoted"),
      rollbacks: count("rolled-back"),
    },
    about,
  ).toEqual({
    moves: moves.map((_, i) => i + 1),
    champion: version,
    promotions: version === CANDIDATE ? 1 : 0,
    rollbacks,
  });
}

async function journalOf({ cluster, target: { namespace, target } }: Scene): Promise<JournalEntry | undefined> {
  const connection = await connectionTo(cluster, namespace);
  return kubernetesJournal({ connection, namespace, name: target.replace("/", "-") }).read();
}
