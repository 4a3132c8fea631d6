import type { KServePlace } from "../../../actions/shared/clients/kserve/place.ts";
import type { ServedModel } from "../../../actions/shared/domain/rollout/journal-entry.ts";
import { isReleaseError } from "../../../actions/shared/lib/error.ts";
import type { ClusterServing } from "../../../actions/shared/ports/serving.ts";
import { SWITCHES, type SwitchName } from "../../fakes/kserve/switches.ts";
import type { World, WorldOptions } from "../../fakes/kserve/world.ts";
import type { Cluster } from "../../support/cluster/cluster.ts";
import { until } from "../../support/cluster/part.ts";
import { patchService, readService, servingOf, version } from "../../support/kserve-target.ts";

export const ONE = version("1.0.0");
export const TWO = version("1.1.0");

/** A namespace in which the trap is set. */
export type Ground = { readonly cluster: Cluster; readonly world: World };

/** One way of KServe, a client that does not know it, and ours. */
export type Trap = {
  readonly name: string;
  /** What the server does. */
  readonly says: string;
  /** `always`: every real server of that mode and version does it. */
  readonly when: "always" | "sometimes";
  /** What a client does that does not know. */
  readonly naive: string;
  /** What comes of that. */
  readonly wrong: string;
  readonly world?: WorldOptions;
  /** Answers `right`, or what went wrong. */
  client(ground: Ground): Promise<string>;
  ours(ground: Ground): Promise<string>;
};

/** A trap that is a switch of the controllers. */
export function switched(name: SwitchName, rest: Omit<Trap, "name" | "says">): Trap {
  return { name, says: SWITCHES[name], ...rest };
}

export function ourServing({ cluster, world }: Ground, options: Partial<KServePlace> = {}): Promise<ClusterServing> {
  return servingOf(cluster, world, options);
}

export function patch({ cluster, world }: Ground, body: object): Promise<number> {
  return patchService(cluster, world.namespace, body);
}

/** The address and the percent of the model, in one patch. */
export function canary(uri: string, percent: number | null): object {
  return { spec: { predictor: { model: { storageUri: uri }, canaryTrafficPercent: percent } } };
}

// biome-ignore lint/suspicious/noExplicitAny: a status has many shapes, and a trap reads what it knows to be there
export async function read({ cluster, world }: Ground): Promise<any> {
  return readService(cluster, world.namespace);
}

export async function isReady(ground: Ground): Promise<boolean> {
  const { status } = await read(ground);
  return status?.conditions?.find(({ type }: { type: string }) => type === "Ready")?.status === "True";
}

export async function gets({ world }: Ground, uri: string, percent: number): Promise<void> {
  await until(`${percent} % for ${uri}`, async () => Math.abs((world.answering("fraud")[uri] ?? 0) - percent) < 0.01, {
    seconds: 40,
  });
}

export function shareOf({ world }: Ground, uri: string, route = "fraud"): number {
  return Math.round(world.answering(route)[uri] ?? 0);
}

/** Whether it comes to that within half a minute. */
export async function eventually(holds: () => Promise<boolean> | boolean): Promise<boolean> {
  for (const end = Date.now() + 30_000; Date.now() < end; await rest(100)) if (await holds()) return true;
  return false;
}

/** As long as controllers take to come to rest. */
export function rest(ms = 2_500): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

export async function revisions({ cluster, world }: Ground): Promise<number> {
  const { items } = await cluster.api.get(`/apis/serving.knative.dev/v1/namespaces/${world.namespace}/revisions`);
  return items.length;
}

/** Whether a version that cannot come up is told as such. */
export async function isTold(serving: ClusterServing, model: ServedModel): Promise<boolean> {
  try {
    await serving.apply("candidate", model);
    return false;
  } catch (error) {
    if (isReleaseError(error, "COMMAND")) return true;
    throw error;
  }
}

/** A whole rollout of ours. */
export async function release(ground: Ground, model: ServedModel): Promise<void> {
  const serving = await ourServing(ground);
  await serving.apply("candidate", model);
  await serving.split(1, 0);
  await serving.promote();
}

export function verdict(isRight: boolean, wrong: string): string {
  return isRight ? "right" : wrong;
}
