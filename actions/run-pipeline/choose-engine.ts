export type EngineKind = "local" | "kubeflow" | "manifest";

type Named = {
  readonly engine?: EngineKind | "auto" | undefined;
  readonly manifest?: string | undefined;
  readonly endpoint?: string | undefined;
  readonly kubeconfig?: string | undefined;
  readonly context?: string | undefined;
};

/** `auto` is what the other inputs speak of. */
export function chooseEngine({ engine, manifest, endpoint, kubeconfig, context }: Named): EngineKind {
  if (engine !== undefined && engine !== "auto") return engine;
  if (manifest !== undefined) return "manifest";
  return [endpoint, kubeconfig, context].some((given) => given !== undefined) ? "kubeflow" : "local";
}
