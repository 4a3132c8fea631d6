const KUBERNETES = "v1.36.3";
const ARGO_ROLLOUTS = "1.8.5";

/** How one of the Go modules beside this file becomes a program. */
export type Recipe = {
  readonly package: string;
  /** Values that the linker sets. Without a version Kubernetes calls itself v0.0.0. */
  readonly sets?: readonly string[];
  /** Folders of YAML in the modules it is made of that belong to it: they are put beside the program. */
  readonly manifests?: Readonly<Record<string, { readonly module: string; readonly folder: string }>>;
};

export const RECIPES = {
  kube: {
    package: ".",
    sets: [`gitVersion=${KUBERNETES}`, "gitMajor=1", "gitMinor=36"].map(
      (set) => `k8s.io/component-base/version.${set}`,
    ),
  },
  kwok: { package: "sigs.k8s.io/kwok/cmd/kwok" },
  trainer: {
    package: ".",
    manifests: {
      "trainer-crds": { module: "github.com/kubeflow/trainer/v2", folder: "manifests/base/crds" },
      "trainer-webhooks": { module: "github.com/kubeflow/trainer/v2", folder: "manifests/base/webhook" },
      "trainer-runtimes": { module: "github.com/kubeflow/trainer/v2", folder: "manifests/base/runtimes" },
      "jobset-crds": { module: "sigs.k8s.io/jobset", folder: "config/components/crd/bases" },
      "jobset-webhooks": { module: "sigs.k8s.io/jobset", folder: "config/components/webhook" },
    },
  },
  rollouts: {
    package: "github.com/argoproj/argo-rollouts/cmd/rollouts-controller",
    sets: [`github.com/argoproj/argo-rollouts/utils/version.version=${ARGO_ROLLOUTS}`],
    manifests: { "rollouts-crds": { module: "github.com/argoproj/argo-rollouts", folder: "manifests/crds" } },
  },
} as const satisfies Readonly<Record<string, Recipe>>;

export type Program = keyof typeof RECIPES;
