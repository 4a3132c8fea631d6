import type { ControllerApi } from "./api.ts";
import type { SwitchName } from "./switches.ts";

/** How KServe is in one namespace. */
export type WorldOptions = {
  readonly mode?: "Knative" | "Standard";
  readonly switches?: readonly SwitchName[];
  /** Annotations for the kubelet of the tests, by the address of the model that a pod loads. */
  readonly plays?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** Port of this machine that a pod with this model answers on, by its address. */
  readonly ports?: Readonly<Record<string, number>>;
  /** KServe keeps no HTTPRoutes, as it comes out of the box. */
  readonly withoutGatewayApi?: boolean;
  /** How many seconds of a progress deadline pass in one. */
  readonly deadlineSpeed?: number;
};

/** What users of a service really get, in percent, by the address of the model that answers. */
export type Answering = Readonly<Record<string, number>>;

export type World = {
  readonly namespace: string;
  readonly options: WorldOptions;
  turn(name: SwitchName, to: "on" | "off"): void;
  has(name: SwitchName): boolean;
  /** Of users of the service `name`, by what gateways have in force now. */
  answering(name: string): Answering;
  /** The largest part of the requests that a model may have; more is a breach. */
  allow(name: string, uri: string, percent: number): void;
  readonly breaches: readonly string[];
  /** Shares that went to a Service without a pod that could answer. */
  readonly errors: readonly string[];
};

export type Recorder = World & {
  record(name: string, answering: Answering): void;
  error(what: string): void;
};

/** What a controller works with. */
export type Control = { readonly api: ControllerApi; readonly world: Recorder };

export function newWorld(namespace: string, options: WorldOptions): Recorder {
  const on = new Set<SwitchName>(options.switches ?? []);
  const seen = new Map<string, Answering>();
  const allowed = new Map<string, { readonly uri: string; readonly percent: number }>();
  const breaches: string[] = [];
  const errors: string[] = [];
  return {
    namespace,
    options,
    breaches,
    errors,
    turn: (name, to) => {
      if (to === "on") on.add(name);
      else on.delete(name);
    },
    has: (name) => on.has(name),
    answering: (name) => seen.get(name) ?? {},
    allow: (name, uri, percent) => {
      allowed.set(name, { uri, percent });
    },
    record: (name, answering) => {
      seen.set(name, answering);
      const bound = allowed.get(name);
      const share = bound === undefined ? 0 : (answering[bound.uri] ?? 0);
      if (bound !== undefined && share > bound.percent + 1e-6)
        breaches.push(`${share} % to ${bound.uri}, where ${bound.percent} % were allowed`);
    },
    error: (what) => {
      errors.push(what);
    },
  };
}
