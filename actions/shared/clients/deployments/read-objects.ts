import { type KubeObject, listAt, textAt, textsAt } from "../../domain/manifest/object.ts";
import { candidateLabels, candidateName } from "../../domain/serving/candidate-deployment.ts";
import type { DeploymentState } from "../../domain/serving/deployment.ts";
import {
  type DeploymentObjects,
  deploymentState,
  isChosen,
  stableSelector,
} from "../../domain/serving/read-deployment.ts";
import { ReleaseError } from "../../lib/error.ts";
import { hashText } from "../../lib/hash.ts";
import { getObject, listObjects } from "../kubernetes/objects.ts";
import { type DeploymentPlace, typeIn } from "./place.ts";

/** The cluster as it is, and what that means. */
export type Seen = { readonly objects: DeploymentObjects; readonly state: DeploymentState };

export type Reader = {
  /** Throws `NOT_FOUND` where there is no such Deployment, or no service of it. */
  read(): Promise<Seen>;
};

/** Looks at everything that a rollout of a Deployment depends on. */
export function objectReader(place: DeploymentPlace): Reader {
  const { connection, name, namespace } = place;
  let serviceName = place.service;
  let hadRoutes = false;

  const list = async (kind: Parameters<typeof typeIn>[1], labels?: Readonly<Record<string, string>>) => {
    const selector =
      labels === undefined
        ? {}
        : {
            labels: Object.entries(labels)
              .map((pair) => pair.join("="))
              .join(),
          };
    return (await listObjects(connection, typeIn(place, kind), selector))?.items;
  };
  const get = (kind: Parameters<typeof typeIn>[1], wanted: string) =>
    getObject(connection, typeIn(place, kind), wanted);

  return {
    async read() {
      const stable = await get("deployment", name);
      if (stable === undefined) throw missingDeployment(place);
      serviceName ??= serviceOf(place, stable, (await list("service")) ?? []);
      const own = candidateName(serviceName);
      const [service, second, candidate, routes, autoscalers, slices, pods] = await Promise.all([
        get("service", serviceName),
        get("service", own),
        get("deployment", candidateName(name)),
        list("route"),
        list("autoscaler"),
        list("slice", { "kubernetes.io/service-name": own }),
        list("pod", candidateLabels(name)),
      ]);
      if (service === undefined) throw missingService(place, serviceName);
      // Without routes pods would be counted instead: a server that does not know its own types for a moment must not bring that about.
      if (hadRoutes && routes === undefined) throw forgotten();
      hadRoutes = routes !== undefined;
      const objects: DeploymentObjects = {
        stable,
        candidate: ownOnly(candidate, place),
        service,
        candidateService: ownOnly(second, place),
        routes,
        autoscaler: (autoscalers ?? []).find((one) => scales(one, name)),
        slices: slices ?? [],
        pods: pods ?? [],
      };
      const names = { stable: serviceName, candidate: own, namespace };
      return { objects, state: deploymentState(objects, names, hashText) };
    },
  };
}

/** What has the name of ours and is not of ours stays as it is. */
function ownOnly(object: KubeObject | undefined, { name }: DeploymentPlace): KubeObject | undefined {
  if (object === undefined) return undefined;
  if (isChosen(textsAt(object, ["metadata", "labels"]), candidateLabels(name))) return object;
  throw new ReleaseError("CONFLICT", {
    rule: `${textAt(object, ["metadata", "name"])} must be free for the candidate of ${name}`,
    saw: `a ${textAt(object, ["kind"]) ?? "object"} that no rollout of ours made`,
    hint: "somebody else's, or of another tool: remove or rename it",
  });
}

function scales(autoscaler: KubeObject, name: string): boolean {
  const target = ["spec", "scaleTargetRef"];
  return textAt(autoscaler, [...target, "kind"]) === "Deployment" && textAt(autoscaler, [...target, "name"]) === name;
}

/** The one service that chooses the Deployment's pods; of several the one of its name. */
function serviceOf({ name, namespace }: DeploymentPlace, stable: KubeObject, services: readonly KubeObject[]): string {
  const labels = textsAt(stable, ["spec", "template", "metadata", "labels"]);
  const choosing = services.filter(
    (one) =>
      listAt(one, ["spec", "ports"]).length > 0 &&
      isChosen(labels, stableSelector(one)) &&
      textsAt(one, ["metadata", "labels"])[Object.keys(candidateLabels(name))[0] ?? ""] === undefined,
  );
  const names = choosing.map((one) => textAt(one, ["metadata", "name"]) ?? "");
  const [only] = names;
  if (only !== undefined && names.length === 1) return only;
  if (names.includes(name)) return name;
  throw new ReleaseError(names.length === 0 ? "NOT_FOUND" : "CONFIG", {
    rule: `one service must send to the pods of the Deployment ${namespace}/${name}`,
    where: { input: "target" },
    saw: names.length === 0 ? `none of ${services.length} services chooses them` : names.join(", "),
    hint:
      names.length === 0
        ? `make a service whose selector matches ${Object.entries(labels)
            .map((pair) => pair.join("="))
            .join(",")}`
        : "set the input service to the one that users reach",
  });
}

function forgotten(): ReleaseError {
  return new ReleaseError("UNAVAILABLE", {
    rule: "the cluster must know HTTPRoutes as long as a rollout goes by them",
    saw: "it says that there is no such kind, and knew it before",
    hint: "look at the log of its API server, then run the step again",
  });
}

function missingDeployment({ name, namespace }: DeploymentPlace): ReleaseError {
  return new ReleaseError("NOT_FOUND", {
    rule: `the target must be there: a rollout changes a Deployment that serves`,
    where: { input: "target" },
    saw: `no Deployment ${name} in the namespace ${namespace}`,
    hint: "correct the inputs target and namespace, or apply the Deployment first",
  });
}

function missingService({ name, namespace }: DeploymentPlace, service: string): ReleaseError {
  return new ReleaseError("NOT_FOUND", {
    rule: `the service that users reach the Deployment ${name} by must be there`,
    where: { input: "service" },
    saw: `no Service ${service} in the namespace ${namespace}`,
    hint: "correct the input service, or apply the service first",
  });
}
