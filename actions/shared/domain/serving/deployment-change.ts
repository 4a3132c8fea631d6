import type { Json, JsonObject } from "../canonical.ts";
import type { HashText } from "../digest.ts";
import { type KubeObject, numberAt, type Path, recordAt, textAt, textsAt, valueAt } from "../manifest/object.ts";
import { extendedResources } from "../manifest/templates.ts";
import {
  candidateDeployment,
  candidateLabels,
  candidateName,
  candidateService,
  promotedTemplate,
} from "./candidate-deployment.ts";
import type { WritingAct } from "./deployment.ts";
import type { Loan } from "./deployment-loan.ts";
import type { RouteOperation } from "./http-route.ts";
import { FORMER_MARK } from "./marks.ts";
import { type PodVersion, withVersion } from "./pod-template.ts";
import { type DeploymentObjects, formerOf, formerStrategy, loanOf, stableSelector } from "./read-deployment.ts";

export type ChangedKind = "deployment" | "service" | "route" | "autoscaler" | "pod";

/** One write. Patches hold only for what was read. */
export type DeploymentChange = { readonly kind: ChangedKind; readonly name: string } & (
  | { readonly do: "create"; readonly object: KubeObject }
  | { readonly do: "patch"; readonly operations: readonly RouteOperation[] }
  | { readonly do: "delete"; readonly uid: string }
);

export type VersionWish = {
  readonly version: PodVersion;
  readonly container: string;
  readonly strategy: "canary" | "rolling" | "recreate";
  readonly hash: HashText;
};

/** What an act is in terms of objects. `wish` is for those that put a version somewhere. */
export function changeOf(act: WritingAct, objects: DeploymentObjects, wish: VersionWish | undefined): DeploymentChange {
  const { stable, candidate, service, candidateService: second, autoscaler } = objects;
  const name = nameOf(stable);
  switch (act.do) {
    case "create-candidate": {
      const object = candidateDeployment({ stable, service, ...needed(wish) });
      return { kind: "deployment", name: candidateName(name), do: "create", object };
    }
    case "create-service":
      return {
        kind: "service",
        name: candidateName(nameOf(service)),
        do: "create",
        object: candidateService(stable, service),
      };
    case "delete-candidate":
      return { kind: "deployment", do: "delete", ...identityOf(candidate) };
    case "delete-service":
      return { kind: "service", do: "delete", ...identityOf(second) };
    case "scale-candidate":
      return patch("deployment", candidate, setting(candidate, ["spec", "replicas"], act.replicas));
    case "patch-route":
      return { kind: "route", name: act.route, do: "patch", operations: act.operations };
    case "note-loan": {
      const replicas = { ...loanTo(act.to, stable), was: sizeOf(stable) };
      return patch("deployment", stable, remembering(stable, { ...formerOf(stable), replicas }));
    }
    case "lend": {
      const replicas = loanTo(act.to, stable);
      return patch("deployment", stable, [
        ...setting(stable, ["spec", "replicas"], act.to),
        ...remembering(stable, { ...formerOf(stable), replicas }),
      ]);
    }
    case "return-loan":
      return patch("deployment", stable, [
        ...setting(stable, ["spec", "replicas"], loanOf(stable)?.from),
        ...remembering(stable, withoutLoan(stable)),
      ]);
    case "forget-loan":
      return patch("deployment", stable, remembering(stable, withoutLoan(stable)));
    case "hold-floor":
      return patch("autoscaler", autoscaler, [
        ...setting(autoscaler, ["spec", "minReplicas"], act.min),
        ...remembering(autoscaler, { minReplicas: numberAt(autoscaler, ["spec", "minReplicas"]) ?? 1 }),
      ]);
    case "hold-size":
      return patch("autoscaler", autoscaler, [
        ...setting(autoscaler, ["spec", "minReplicas"], act.replicas),
        ...setting(autoscaler, ["spec", "maxReplicas"], act.replicas),
        ...remembering(autoscaler, { ...boundsOf(autoscaler), ...formerOf(autoscaler) }),
      ]);
    case "restore-floor":
      return patch("autoscaler", autoscaler, [
        ...setting(autoscaler, ["spec", "minReplicas"], numberAt(formerOf(autoscaler), ["minReplicas"]) ?? 1),
        ...formerMost(autoscaler),
        ...remembering(autoscaler, undefined),
      ]);
    case "promote-template":
      return patch("deployment", stable, promotion(stable, candidate ?? {}));
    case "roll-template":
      return patch("deployment", stable, inPlace(stable, needed(wish)));
    case "restore-strategy":
      return patch("deployment", stable, [
        ...setting(stable, ["spec", "strategy"], formerStrategy(stable)),
        ...remembering(stable, { template: recordAt(formerOf(stable), ["template"]), ...keptLoan(stable) }),
      ]);
    case "join-pod":
    case "leave-pod":
      return patch("pod", podOf(objects, act.pod), joining(act, objects));
    case "pin-service":
      return patch("service", service, [
        ...setting(service, ["spec", "selector"], candidateLabels(name)),
        ...remembering(service, { selector: textsAt(service, ["spec", "selector"]) }),
      ]);
    case "unpin-service":
      return patch("service", service, [
        ...setting(service, ["spec", "selector"], stableSelector(service)),
        ...remembering(service, undefined),
      ]);
  }
}

/** Back to the template that the Deployment had before; undefined where that is not known. */
export function undoing(stable: KubeObject): DeploymentChange | undefined {
  const former = valueAt(formerOf(stable), ["template"]);
  if (former === undefined) return undefined;
  const strategy = formerStrategy(stable);
  return patch("deployment", stable, [
    ...setting(stable, ["spec", "template"], former),
    ...(strategy === undefined ? [] : setting(stable, ["spec", "strategy"], strategy)),
    ...remembering(stable, loanOf(stable) === undefined ? undefined : keptLoan(stable)),
  ]);
}

/** Of the size that stable has now, unless it lent some before. */
function loanTo(to: number, stable: KubeObject): Loan {
  return { from: loanOf(stable)?.from ?? sizeOf(stable), to };
}

function sizeOf(deployment: KubeObject): number {
  return numberAt(deployment, ["spec", "replicas"]) ?? 1;
}

function keptLoan(stable: KubeObject): JsonObject {
  const replicas = loanOf(stable);
  return replicas === undefined ? {} : { replicas };
}

function withoutLoan(stable: KubeObject): JsonObject | undefined {
  const { replicas: _, ...rest } = formerOf(stable) ?? {};
  return Object.keys(rest).length === 0 ? undefined : rest;
}

function boundsOf(autoscaler: KubeObject | undefined): JsonObject {
  return {
    minReplicas: numberAt(autoscaler, ["spec", "minReplicas"]) ?? 1,
    maxReplicas: numberAt(autoscaler, ["spec", "maxReplicas"]) ?? 1,
  };
}

function formerMost(autoscaler: KubeObject | undefined): readonly RouteOperation[] {
  const former = numberAt(formerOf(autoscaler), ["maxReplicas"]);
  return former === undefined ? [] : setting(autoscaler, ["spec", "maxReplicas"], former);
}

const RECREATE = { type: "Recreate" };

/**
 * Nobody is sent to stable while the candidate carries everything: pods that hold devices go before their successors come, so that no third
 * set of devices is needed.
 */
function promotion(stable: KubeObject, candidate: KubeObject): readonly RouteOperation[] {
  const template = promotedTemplate(stable, candidate);
  const holdsDevices = Object.values(extendedResources(recordAt(template, ["spec"]))).some((count) => count > 0);
  return replacing(stable, template, holdsDevices);
}

function inPlace(stable: KubeObject, { version, container, strategy }: VersionWish): readonly RouteOperation[] {
  const template = recordAt(stable, ["spec", "template"]);
  return replacing(stable, withVersion({ template, version, container }), strategy === "recreate");
}

function replacing(stable: KubeObject, template: KubeObject, endsFirst: boolean): readonly RouteOperation[] {
  const strategy = valueAt(stable, ["spec", "strategy"]) ?? {};
  const isOther = endsFirst && textAt(strategy, ["type"]) !== "Recreate";
  const former = {
    template: recordAt(stable, ["spec", "template"]),
    ...(isOther ? { strategy } : {}),
    ...keptLoan(stable),
  };
  return [
    ...setting(stable, ["spec", "template"], template),
    ...(isOther ? setting(stable, ["spec", "strategy"], RECREATE) : []),
    ...remembering(stable, former),
  ];
}

/** The stable service chooses a pod by labels that candidates have with other values. */
function joining(
  act: Extract<WritingAct, { readonly do: "join-pod" | "leave-pod" }>,
  objects: DeploymentObjects,
): readonly RouteOperation[] {
  const pod = podOf(objects, act.pod);
  const aside = textsAt(objects.candidate, ["spec", "template", "metadata", "labels"]);
  return Object.entries(stableSelector(objects.service)).flatMap(([key, value]) =>
    setting(pod, ["metadata", "labels", key], act.do === "join-pod" ? value : aside[key]),
  );
}

function podOf({ pods }: DeploymentObjects, name: string): KubeObject {
  return pods.find((pod) => nameOf(pod) === name) ?? {};
}

/** Sets a value that must be as it was read; undefined takes it away. */
function setting(object: KubeObject | undefined, path: Path, to: Json | undefined): readonly RouteOperation[] {
  const pointer = path.map((key) => `/${String(key).replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
  const now = valueAt(object, path);
  if (now === undefined) return to === undefined ? [] : [{ op: "add", path: pointer, value: to }];
  const test = { op: "test", path: pointer, value: now } as const;
  return [test, to === undefined ? { op: "remove", path: pointer } : { op: "replace", path: pointer, value: to }];
}

/** Keeps beside a change what is needed to take it back. */
function remembering(object: KubeObject | undefined, former: JsonObject | undefined): readonly RouteOperation[] {
  const value = former === undefined ? undefined : JSON.stringify(former);
  if (valueAt(object, ["metadata", "annotations"]) !== undefined || value === undefined)
    return setting(object, ["metadata", "annotations", FORMER_MARK], value);
  return [{ op: "add", path: "/metadata/annotations", value: { [FORMER_MARK]: value } }];
}

function patch(
  kind: ChangedKind,
  object: KubeObject | undefined,
  operations: readonly RouteOperation[],
): DeploymentChange {
  return { kind, name: nameOf(object), do: "patch", operations };
}

function identityOf(object: KubeObject | undefined): { readonly name: string; readonly uid: string } {
  return { name: nameOf(object), uid: textAt(object, ["metadata", "uid"]) ?? "" };
}

function nameOf(object: KubeObject | undefined): string {
  return textAt(object, ["metadata", "name"]) ?? "";
}

function needed(wish: VersionWish | undefined): VersionWish {
  if (wish === undefined) throw new RangeError("an act that puts a version somewhere needs one");
  return wish;
}
