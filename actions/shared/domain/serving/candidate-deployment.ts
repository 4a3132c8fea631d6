import { canonicalJson, type JsonObject } from "../canonical.ts";
import type { Digest, HashText } from "../digest.ts";
import { type KubeObject, listAt, recordAt, textAt, textsAt, valueAt } from "../manifest/object.ts";
import { ARM_LABEL, marksOf, OF_LABEL } from "./marks.ts";
import { type PodVersion, withLabels, withVersion } from "./pod-template.ts";

/** Of the candidate's Deployment: the hash of the stable template that it was made from. */
export const BASE_MARK = "ml-release.dev/base";

/** What is made for a candidate beside a Deployment and its service. */
export function candidateName(name: string): string {
  return `${name}-candidate`;
}

/** What pods of the candidate have, and no others. */
export function candidateLabels(name: string): Readonly<Record<string, string>> {
  return { [ARM_LABEL]: "candidate", [OF_LABEL]: name };
}

/** A name for what somebody could change in a template. */
export function templateHash(deployment: KubeObject, hash: HashText): Digest {
  return hash(canonicalJson(recordAt(deployment, ["spec", "template"])));
}

export type CandidateWish = {
  readonly stable: KubeObject;
  readonly service: KubeObject;
  readonly container: string;
  readonly version: PodVersion;
  readonly hash: HashText;
};

/**
 * A Deployment with the stable template and another version in it. Its pods match neither the stable service nor the stable Deployment's
 * selector: each label that one of them chooses by has another value.
 */
export function candidateDeployment({ stable, service, container, version, hash }: CandidateWish): KubeObject {
  const name = textAt(stable, ["metadata", "name"]) ?? "";
  const template = recordAt(stable, ["spec", "template"]);
  const labels = {
    ...aside(textsAt(template, ["metadata", "labels"]), [
      ...Object.keys(textsAt(service, ["spec", "selector"])),
      ...Object.keys(textsAt(stable, ["spec", "selector", "matchLabels"])),
    ]),
    ...candidateLabels(name),
  };
  const kept = ["minReadySeconds", "progressDeadlineSeconds"].flatMap((key) => {
    const value = valueAt(stable, ["spec", key]);
    return value === undefined ? [] : [[key, value] as const];
  });
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: {
      name: candidateName(name),
      labels: candidateLabels(name),
      annotations: { ...version.marks, ...marksOf(version.model), [BASE_MARK]: templateHash(stable, hash) },
      ownerReferences: [ownerReference(stable)],
    },
    spec: {
      ...Object.fromEntries(kept),
      replicas: 1,
      revisionHistoryLimit: 0,
      selector: { matchLabels: candidateLabels(name) },
      template: withLabels(withVersion({ template, version, container }), labels),
    },
  };
}

/** A service for the candidate's pods alone, with the ports of the stable one. */
export function candidateService(stable: KubeObject, service: KubeObject): KubeObject {
  const name = textAt(stable, ["metadata", "name"]) ?? "";
  // What tools that deploy from a repository know their objects by would have them removed as none of theirs.
  const labels = Object.entries(textsAt(service, ["metadata", "labels"])).filter(
    ([key]) => !/^(app\.kubernetes\.io\/instance|argocd\.argoproj\.io\/.*|.*\.toolkit\.fluxcd\.io\/.*)$/.test(key),
  );
  const isHeadless = textAt(service, ["spec", "clusterIP"]) === "None";
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: {
      name: candidateName(textAt(service, ["metadata", "name"]) ?? ""),
      labels: { ...Object.fromEntries(labels), ...candidateLabels(name) },
      ownerReferences: [ownerReference(stable)],
    },
    spec: {
      selector: candidateLabels(name),
      ports: listAt(service, ["spec", "ports"]).map(portOf),
      ...(isHeadless ? { clusterIP: "None" } : {}),
    },
  };
}

/** The candidate's template as stable gets it. */
export function promotedTemplate(stable: KubeObject, candidate: KubeObject): KubeObject {
  const labels = textsAt(stable, ["spec", "template", "metadata", "labels"]);
  return withLabels(recordAt(candidate, ["spec", "template"]), labels);
}

/** It goes when stable goes. */
function ownerReference(stable: KubeObject): JsonObject {
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    name: textAt(stable, ["metadata", "name"]),
    uid: textAt(stable, ["metadata", "uid"]),
  };
}

/** Labels hold 63 characters. */
function aside(
  labels: Readonly<Record<string, string>>,
  chosenBy: readonly string[],
): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(labels).flatMap(([key, value]) => {
      if (!chosenBy.includes(key)) return [[key, value]];
      const other = candidateName(value);
      return other.length > 63 ? [] : [[key, other]];
    }),
  );
}

function portOf(port: unknown): JsonObject {
  const { nodePort: _, ...rest } = port as JsonObject;
  return rest;
}
