import type { Json } from "../canonical.ts";
import { type KubeObject, listAt, recordAt, textAt } from "../manifest/object.ts";
import { parseQuantity } from "../manifest/quantity.ts";

/** By resource, in its unit: `cpu` in processors, `memory` in bytes, `nvidia.com/gpu` in pieces. */
export type Amounts = Readonly<Record<string, number>>;

/**
 * What a pod takes of a node, as the scheduler counts it: its containers together, and init containers before them where those want more;
 * what runs beside all of them (init containers that always restart) counts with both. Its overhead is on top.
 */
export function podRequests(spec: KubeObject): Amounts {
  const containers = addUp(listAt(spec, ["containers"]).map(requestsOf));
  let beside: Amounts = {};
  let peak: Amounts = {};
  for (const container of listAt(spec, ["initContainers"])) {
    const now = add(beside, requestsOf(container));
    peak = most(peak, now);
    if (textAt(container, ["restartPolicy"]) === "Always") beside = now;
  }
  const together = most(add(containers, beside), peak);
  // what is asked for the pod as a whole stands for the sum
  const whole = { ...together, ...requestsOf(spec) };
  return add(whole, amountsOf(recordAt(spec, ["overhead"])));
}

export function amountsOf(quantities: KubeObject): Amounts {
  return Object.fromEntries(
    Object.entries(quantities).flatMap(([name, value]) => {
      const amount = parseQuantity(String(value));
      return amount === undefined ? [] : [[name, amount]];
    }),
  );
}

export function addUp(all: readonly Amounts[]): Amounts {
  return all.reduce(add, {});
}

export function add(a: Amounts, b: Amounts): Amounts {
  return joined(a, b, (x, y) => x + y);
}

export function subtract(a: Amounts, b: Amounts): Amounts {
  return joined(a, b, (x, y) => x - y);
}

export function times(amounts: Amounts, count: number): Amounts {
  return Object.fromEntries(Object.entries(amounts).map(([name, amount]) => [name, amount * count]));
}

function most(a: Amounts, b: Amounts): Amounts {
  return joined(a, b, Math.max);
}

function joined(a: Amounts, b: Amounts, join: (x: number, y: number) => number): Amounts {
  const names = new Set([...Object.keys(a), ...Object.keys(b)]);
  return Object.fromEntries([...names].map((name) => [name, join(a[name] ?? 0, b[name] ?? 0)]));
}

/** Limits stand for requests where only they are given. */
function requestsOf(container: Json): Amounts {
  return amountsOf({
    ...recordAt(container, ["resources", "limits"]),
    ...recordAt(container, ["resources", "requests"]),
  });
}
