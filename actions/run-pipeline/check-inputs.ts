import type { Problem } from "../shared/domain/problem.ts";
import { dataParameters } from "../shared/domain/run/data-address.ts";
import { chooseEngine, type EngineKind } from "./choose-engine.ts";
import type { RunPipelineInputs } from "./inputs.ts";

type Given = Partial<RunPipelineInputs>;
type Name = keyof RunPipelineInputs;

/** Inputs that one engine alone looks at. Those with a default are left out: nobody could say whether they were given. */
const ENGINES_OF: Readonly<Partial<Record<Name, readonly EngineKind[]>>> = {
  endpoint: ["kubeflow"],
  "metadata-endpoint": ["kubeflow"],
  token: ["kubeflow"],
  "token-file": ["kubeflow"],
  "token-command": ["kubeflow"],
  username: ["kubeflow"],
  password: ["kubeflow"],
  "iap-audience": ["kubeflow"],
  experiment: ["kubeflow"],
  "service-account": ["kubeflow"],
  "pipeline-root": ["kubeflow"],
  "keep-versions": ["kubeflow"],
  kubeconfig: ["kubeflow", "manifest"],
  context: ["kubeflow", "manifest"],
  namespace: ["kubeflow", "manifest"],
  "success-condition": ["manifest"],
  "failure-condition": ["manifest"],
  function: ["local", "kubeflow"],
  "model-artifact": ["local", "kubeflow"],
  "pass-env": ["local"],
};

/** Ways to say who asks; the endpoint is asked in one of them. */
const CREDENTIALS: readonly Name[] = ["token", "token-file", "token-command", "username", "iap-audience"];

/** What the inputs, each right by itself, say against each other. */
export function checkInputs(inputs: Given): readonly Problem[] {
  return [
    ...workProblems(inputs),
    ...engineProblems(inputs),
    ...accessProblems(inputs),
    ...modeProblems(inputs),
    ...dataProblems(inputs),
  ];
}

function workProblems({ mode, pipeline, manifest, engine }: Given): readonly Problem[] {
  if (mode === "attach") return engine === "manifest" && manifest === undefined ? [needsManifest] : [];
  if (pipeline === undefined && manifest === undefined)
    return [
      {
        rule: "is required",
        where: { input: "pipeline" },
        saw: "nothing",
        hint: "add `pipeline: pipeline.py` under `with:`, or `manifest:` with a Kubernetes object that trains",
      },
    ];
  if (pipeline !== undefined && manifest !== undefined) return [contradiction("pipeline", "manifest")];
  if (manifest !== undefined && engine !== undefined && engine !== "auto" && engine !== "manifest")
    return [contradiction("manifest", `engine: ${engine}`)];
  if (pipeline !== undefined && engine === "manifest") return [contradiction("pipeline", "engine: manifest")];
  return [];
}

const needsManifest: Problem = {
  rule: "is required with `engine: manifest`",
  where: { input: "manifest" },
  saw: "nothing",
  hint: "name the manifest that was applied: its kind says how it is followed",
};

function engineProblems(inputs: Given): readonly Problem[] {
  const kind = chooseEngine(inputs);
  return Object.entries(ENGINES_OF)
    .filter(([name, engines]) => isGiven(inputs[name as Name]) && !engines.includes(kind))
    .map(([name, engines]) => ({
      rule: `means nothing to the engine \`${kind}\``,
      where: { input: name },
      allowed: engines.map((engine) => `engine: ${engine}`).join(", "),
      hint:
        kind === "local" && engines.includes("kubeflow") ? "give `endpoint` or `kubeconfig` too" : `remove \`${name}\``,
    }));
}

function accessProblems(inputs: Given): readonly Problem[] {
  const credentials = CREDENTIALS.filter((name) => isGiven(inputs[name]));
  const [first, second] = credentials;
  const proxy = (["kubeconfig", "context"] as const).find((name) => isGiven(inputs[name]));
  const kubeflow = chooseEngine(inputs) === "kubeflow";
  return [
    ...(first === undefined || second === undefined ? [] : [contradiction(first, second)]),
    ...(isGiven(inputs.username) === isGiven(inputs.password)
      ? []
      : [
          {
            rule: "`username` and `password` go together",
            where: { input: isGiven(inputs.username) ? "username" : "password" },
            hint: "give both, or neither",
          },
        ]),
    ...(kubeflow && proxy !== undefined && isGiven(inputs.endpoint) ? [contradiction("endpoint", proxy)] : []),
    ...(kubeflow && proxy !== undefined && !isGiven(inputs.endpoint) && first !== undefined
      ? [
          {
            rule: `\`${first}\` is for an \`endpoint\`; through the Kubernetes API the kubeconfig says who asks`,
            where: { input: first },
            hint: `remove \`${first}\`, or give \`endpoint\` in place of \`${proxy}\``,
          },
        ]
      : []),
  ];
}

function modeProblems(inputs: Given): readonly Problem[] {
  const { mode } = inputs;
  if (inputs["on-cancel"] === "keep" && chooseEngine(inputs) === "local")
    return [
      {
        rule: "a run of the local engine ends with its job",
        where: { input: "on-cancel" },
        saw: "keep",
        allowed: "terminate",
      },
    ];
  if ((mode !== "detach" && mode !== "attach") || chooseEngine(inputs) !== "local") return [];
  return [
    {
      rule: `mode \`${mode}\` needs an engine that goes on without this job`,
      where: { input: "mode" },
      saw: "engine local",
      allowed: "engine: kubeflow, engine: manifest",
      hint: "give `endpoint` or `kubeconfig`",
    },
  ];
}

/** `hold-out` and `hold_out` would both arrive as `hold_out_uri`. */
function dataProblems({ data = {} }: Given): readonly Problem[] {
  const byParameter = Map.groupBy(Object.keys(data), (role) => dataParameters(role).uri);
  return [...byParameter]
    .filter(([, roles]) => roles.length > 1)
    .map(([parameter, roles]) => ({
      rule: "two data sets cannot arrive as one parameter",
      where: { input: "data" },
      saw: `${roles.join(" and ")}, as ${parameter}`,
      hint: "give one of them another role",
    }));
}

function contradiction(one: string, other: string): Problem {
  return {
    rule: `\`${one}\` and \`${other}\` contradict each other`,
    where: { input: one },
    hint: "give one of the two",
  };
}

function isGiven(value: unknown): boolean {
  return value !== undefined && value !== "";
}
