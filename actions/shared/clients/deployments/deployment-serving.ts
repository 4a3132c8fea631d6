import { type KubeObject, listAt, numberAt, recordAt, textAt } from "../../domain/manifest/object.ts";
import type { ServedModel } from "../../domain/rollout/journal-entry.ts";
import { isSameVersion } from "../../domain/rollout/same-version.ts";
import { candidateName } from "../../domain/serving/candidate-deployment.ts";
import { type DeploymentState, shareInForce } from "../../domain/serving/deployment.ts";
import { undoing } from "../../domain/serving/deployment-change.ts";
import { podShareProblems } from "../../domain/serving/deployment-problems.ts";
import { httpPort } from "../../domain/serving/http-port.ts";
import { formatHealth, podHealthOf } from "../../domain/serving/pod-health.ts";
import { servingContainer } from "../../domain/serving/pod-template.ts";
import { formerOf, modelOf } from "../../domain/serving/read-deployment.ts";
import { isReleaseError, ReleaseError } from "../../lib/error.ts";
import type { ArmNames, ClusterServing, Served } from "../../ports/serving.ts";
import { askService } from "../kubernetes/ask-service.ts";
import { type Carrying, carryOut, send, waitForArm } from "./carry-out.ts";
import { checkDeployment } from "./check-deployment.ts";
import type { DeploymentPlace } from "./place.ts";
import { versionWish } from "./pod-version.ts";
import { previewDeployment } from "./preview-deployment.ts";
import { objectReader, type Seen } from "./read-objects.ts";

/** What may be waited for before a signal's grace is over. */
const LOWERING_MS = 5_000;

/** A Deployment behind a service: the candidate is a second Deployment, and HTTPRoutes (where there are any) or pods give it its share. */
export function deploymentServing(place: DeploymentPlace): ClusterServing {
  const { log, name, namespace } = place;
  const reader = objectReader(place);
  /** The share that was asked for last, and what of it objects can say: whole weights, whole pods. */
  let asked: { readonly share: number; readonly state: DeploymentState } | undefined;
  /** Whether the candidate had a request; unknown of one that this process did not make. */
  let isIdle = false;

  const carry = (carrying: Carrying) => carryOut(place, reader, carrying);

  return {
    check: (model) => checkDeployment(place, reader, model),
    preview: (model) => previewDeployment(place, reader, model),

    async current() {
      const { objects, state } = await reader.read();
      const stable = modelOf(objects.stable);
      const candidate = objects.candidate === undefined ? undefined : modelOf(objects.candidate);
      const share = shareInForce(state);
      const host = state.routes.flatMap(({ hostnames }) => hostnames).find((one) => !one.startsWith("*"));
      return {
        ...(stable === undefined ? {} : { stable: served(objects.stable, stable, objects.service) }),
        ...(candidate === undefined || objects.candidate === undefined
          ? {}
          : {
              candidate: {
                ...served(objects.candidate, candidate, objects.candidateService ?? objects.service),
                ...endOf(objects.candidate, objects.pods),
              },
            }),
        share: asked !== undefined && isAsAsked(state, asked) ? asked.share : share,
        isKept: true,
        ...(host === undefined ? {} : { url: `http://${host}` }),
      };
    },

    async shareProblems(shares) {
      const { state } = await reader.read();
      return place.strategy === "canary" ? podShareProblems(shares, state) : [];
    },

    async apply(arm, model, room) {
      const before = await reader.read();
      const wish = await versionWish(place, before.objects.stable, model);
      if (arm === "stable") {
        await putBack(before.objects.stable, model);
        await roll({ goal: { goal: "roll", model }, wish }, model);
        const { objects } = await reader.read();
        return served(objects.stable, model, objects.service);
      }
      if (!isSameVersion(before.state.candidate?.model, model)) isIdle = true;
      const goal = { goal: "stage", model, ...(room === undefined ? {} : { room }) } as const;
      const seen = await carry({ goal, wish, isIdle });
      // Ready once is not ready: a server that crashes at its first breath was ready before.
      await waitForArm(place, seen, "candidate");
      const { candidate, candidateService, service } = seen.objects;
      return served(candidate ?? {}, model, candidateService ?? service);
    },

    async split(share) {
      if (share > 0) isIdle = false;
      const patienceMs = share > 0 ? place.readyTimeoutMs : LOWERING_MS;
      try {
        const { state } = await carry({ goal: { goal: "share", share }, patienceMs });
        asked = { share, state };
      } catch (error) {
        if (share === 0 && isReleaseError(error, "TIMEOUT")) {
          log.warn(`the share is 0 in the objects, and not yet confirmed: ${error.message}`);
          return;
        }
        // A route that no gateway takes with the candidate in it answers with errors: back to what its owner wrote.
        if (share > 0 && isReleaseError(error, "COMMAND", "TIMEOUT"))
          await carry({ goal: { goal: "share", share: 0 }, patienceMs: LOWERING_MS }).catch(() => undefined);
        throw error;
      }
    },

    async promote() {
      await carry({ goal: { goal: "promote" } });
      asked = undefined;
      isIdle = false;
    },

    async remove() {
      await carry({ goal: { goal: "remove" }, isIdle });
      asked = undefined;
    },

    // A Deployment outlives the job.
    settle: async () => {},

    async armsToBe() {
      const { state } = await reader.read();
      return {
        candidate: armNames(candidateName(name), state.names.candidate),
        stable: armNames(name, state.names.stable),
      };
    },

    async arms() {
      const { state } = await reader.read();
      if (state.candidate === undefined)
        throw new ReleaseError("NOT_FOUND", {
          rule: `the candidate of ${name} must be up`,
          saw: `no Deployment ${candidateName(name)}`,
          hint: "run the step again",
        });
      return {
        candidate: armNames(candidateName(name), state.names.candidate),
        stable: armNames(name, state.names.stable),
      };
    },
  };

  /** In place. What does not come up is taken back. */
  async function roll(carrying: Carrying, model: ServedModel): Promise<void> {
    try {
      await carry(carrying);
      await waitForArm(place, await reader.read(), "stable");
    } catch (error) {
      if (!isReleaseError(error, "COMMAND", "TIMEOUT")) throw error;
      const taken = await takeBack(await reader.read(), model);
      throw taken === undefined
        ? error
        : new ReleaseError(
            error.code,
            [...error.problems, { rule: taken, hint: "the version that served before serves" }],
            error,
          );
    }
  }

  /** A version that was there before comes back as it was, with the image that it had. */
  async function putBack(stable: KubeObject, model: ServedModel): Promise<void> {
    const former = formerOf(stable);
    const isFormer = former !== undefined && isSameVersion(modelOf({ spec: former }), model);
    const change = isFormer && !isSameVersion(modelOf(stable), model) ? undoing(stable) : undefined;
    if (change !== undefined && (await send(place, change)) === "done")
      log.info(`put the template of ${model.version} back into the Deployment ${namespace}/${name}`);
  }

  async function takeBack(seen: Seen, model: ServedModel): Promise<string | undefined> {
    const change = undoing(seen.objects.stable);
    if (!isSameVersion(modelOf(seen.objects.stable), model) || change === undefined) return undefined;
    if ((await send(place, change)) !== "done") return undefined;
    log.warn(`${model.version} did not come up: put the former template back into the Deployment ${namespace}/${name}`);
    await waitForArm(place, await reader.read(), "stable");
    return `${model.version} was taken back from the Deployment ${namespace}/${name}`;
  }

  function served(deployment: KubeObject, model: ServedModel, service: KubeObject): Served {
    const container = servingContainer(recordAt(deployment, ["spec", "template"]), place.container);
    const image = textAt(container, ["image"]);
    const asked = {
      kind: "service",
      name: textAt(service, ["metadata", "name"]) ?? "",
      port: httpPort(listAt(service, ["spec", "ports"]), "port") ?? 80,
    } as const;
    return {
      model,
      ask: (path, body) => askService(place, { ...asked, path, body }),
      runs: {
        as: "pods",
        kind: `Deployment ${textAt(deployment, ["metadata", "name"]) ?? name}`,
        ...(image === undefined ? {} : { image }),
        ready: numberAt(deployment, ["status", "readyReplicas"]) ?? 0,
        wanted: numberAt(deployment, ["spec", "replicas"]) ?? 1,
      },
    };
  }

  function armNames(workload: string, service: string): ArmNames {
    return { namespace, workload, service, pods: `${workload}-[a-z0-9]+-[a-z0-9]{5}` };
  }
}

/** A candidate one of whose pods failed for good. */
function endOf(deployment: KubeObject, pods: readonly KubeObject[]): { readonly ended?: string } {
  const isWhole =
    (numberAt(deployment, ["status", "readyReplicas"]) ?? 0) >= (numberAt(deployment, ["spec", "replicas"]) ?? 1);
  const failed = pods.map(podHealthOf).find(({ state }) => state === "failed");
  return isWhole || failed === undefined ? {} : { ended: formatHealth(failed) };
}

/** Nobody changed what splits. More pods of stable (its autoscaler's) leave less to the candidate, which is no more than was asked for. */
function isAsAsked(now: DeploymentState, asked: { readonly share: number; readonly state: DeploymentState }): boolean {
  const [share, then] = [shareInForce(now), shareInForce(asked.state)];
  if (Math.abs(share - then) < 1e-9) return true;
  const joined = ({ pods }: DeploymentState) => pods.filter(({ isJoined }) => isJoined).length;
  return now.mode === "replicas" && joined(now) === joined(asked.state) && share > 0 && share < asked.share;
}
