/**
 * Who may import whom: the table behind `biome.layers.json`, which `make generate` writes.
 *
 * Biome matches the text of a specifier. A layer is always reached through `../`, and what is one's own through `./` or, from a
 * folder of one's own, through as many `../` as lead back to its root: so the text says which layer is meant.
 */

type Table = Readonly<Record<string, readonly string[]>>;

/** Folders of `actions/shared`: the layers and modules that they import, besides themselves (a client: besides its own folder). */
const sharedLayers: Table = {
  domain: ["valibot"],
  ports: ["domain"],
  lib: ["ports", "domain", "valibot", "node:"],
  clients: ["ports", "lib", "domain", "valibot", "node:"],
  local: ["ports", "lib", "domain", "valibot", "node:"],
  model: ["ports", "lib", "domain", "valibot", "node:"],
  connect: ["ports", "lib", "domain", "clients", "local"],
  render: ["domain"],
  runner: ["render", "lib", "domain", "ports", "valibot", "node:", "node:process", "@actions/core"],
  cli: ["runner", "render", "connect", "ports", "lib", "domain", "actions", "node:", "node:process"],
  tools: [
    "runner",
    "cli",
    "clients/*/access.ts",
    "lib",
    "domain",
    "actions",
    "test/support",
    "valibot",
    "node:",
    "node:process",
    "@valibot/to-json-schema",
    "esbuild",
  ],
};

/** What puts ports together; a file of its own for what one target needs. */
const connecting = [
  "./inputs.ts",
  "connect",
  "ports",
  "lib",
  "domain",
  "render",
  "clients",
  "local",
  "model",
  "node:path",
];

/** Files that every action has, or may have: what they import, as they write it. `./*` is whatever lies beside them and has no row of its own. */
const actionFiles: Table = {
  "index.ts": ["./inputs.ts", "./check-inputs.ts", "./connect.ts", "./main.ts", "./report.ts", "./cancel.ts", "runner"],
  "inputs.ts": ["runner/inputs.ts", "valibot"],
  "connect.ts": [...connecting, "./connect-*.ts", "./choose-engine.ts"],
  // What a kind allows is known once it is found.
  "connect-*.ts": [...connecting, "./connect-*.ts", "./check-inputs.ts"],
  "check-inputs.ts": ["./inputs.ts", "./choose-engine.ts", "domain"],
  "main.ts": ["./*", "./inputs.ts", "ports", "lib", "domain", "valibot", "node:path"],
  "report.ts": ["./outcome.ts", "./report/*.ts", "domain"],
  "report/*.ts": ["../outcome.ts", "./*.ts", "domain"],
};

/** Everything else that belongs to one action. */
const noun: readonly string[] = ["./*", "ports", "lib", "domain", "valibot", "node:path"];

/** The one file (or folder) of each third-party package; and the clients that stand on `kubernetes`. */
const packages: Table = {
  "lib/probe": ["@actions/exec"],
  "lib/yaml": ["yaml"],
  "clients/github": ["@actions/github"],
  "clients/s3": ["@aws-sdk/client-s3"],
  "clients/kubernetes": ["@kubernetes/client-node"],
  "clients/sigstore": [
    "@sigstore/bundle",
    "@sigstore/core",
    "@sigstore/protobuf-specs",
    "@sigstore/sign",
    "@sigstore/tuf",
    "@sigstore/verify",
  ],
  "clients/manifest": ["../kubernetes/**"],
  "clients/deployments": ["../kubernetes/**"],
  "clients/kserve": ["../kubernetes/**"],
  "clients/argo-rollouts": ["../kubernetes/**"],
  "render/card-html": ["micromark", "micromark-extension-gfm"],
};

/** Layers that are pure: their values depend on their parameters alone. */
const pure = ["domain", "ports", "render", "report.ts", "report/*.ts"];

const impureGlobals = [
  "process",
  "console",
  "fetch",
  "performance",
  "crypto",
  "setTimeout",
  "setInterval",
  "setImmediate",
];

/** Folders within a layer or an action may be this deep; what lies deeper is refused as outside of the layout. */
const depths = [0, 1, 2];

type Place = { readonly layer: string; readonly includes: readonly string[]; readonly allowed: readonly string[] };

/** The text of `biome.layers.json`. */
export function layersJson(): string {
  const outside: Place = { layer: "a file outside of the layout", includes: ["actions/**/*.ts"], allowed: [] };
  const places = [outside, ...actionPlaces(), ...sharedPlaces()];
  return `{ "overrides": [\n${places.map((place) => JSON.stringify(override(place))).join(",\n")}\n] }\n`;
}

function actionPlaces(): readonly Place[] {
  const rows = Object.entries(actionFiles);
  const named = rows.map(([file, may]) => ({
    layer: file,
    includes: [`actions/*/${file}`],
    allowed: may.flatMap((target) => fromAction(target, file.split("/").length - 1)),
  }));
  const nouns = depths.map((depth) => ({
    layer: "what belongs to one action",
    includes: [
      `actions/*/${"*/".repeat(depth)}*.ts`,
      "!actions/shared/**",
      ...rows.map(([file]) => `!actions/*/${file}`),
    ],
    allowed: noun.flatMap((target) => fromAction(target, depth)),
  }));
  return [...named, ...nouns];
}

function sharedPlaces(): readonly Place[] {
  const layers = Object.entries(sharedLayers).flatMap(([layer, may]) =>
    depths.map((depth) => sharedPlace(`${layer}/${"*/".repeat(depth)}*.ts`, may, depth)),
  );
  const owners = Object.entries(packages).flatMap(([path, names]) => {
    const may = [...(sharedLayers[layerOf(path)] ?? []), ...names];
    return [sharedPlace(`${path}.ts`, may, 0), sharedPlace(`${path}/*.ts`, may, 1)];
  });
  return [...layers, ...owners];
}

function sharedPlace(path: string, may: readonly string[], depth: number): Place {
  const layer = layerOf(path);
  const ownDepth = layer === "clients" ? depth - 1 : depth;
  const toShared = "../".repeat(depth + 1);
  const targets = may.flatMap((target) => reach(target, toShared));
  return { layer, includes: [`actions/shared/${path}`], allowed: [...within(ownDepth), ...targets] };
}

function fromAction(target: string, depth: number): readonly string[] {
  if (target === "./*") return [...within(depth), ...Object.keys(actionFiles).map((file) => up(depth) + file)];
  if (target.startsWith("./") || target.startsWith("../")) return [`!${target}`];
  return reach(target, `${"../".repeat(depth + 1)}shared/`);
}

function reach(target: string, toShared: string): readonly string[] {
  if (target === "actions") return [`!${toShared}../*/*.ts`];
  if (target === "test/support") return [`!${toShared}../../${target}/*.ts`];
  if (target === "node:") return ["!node:*", "!node:*/*", "node:process", "node:module"];
  if (target.includes("/") && target.endsWith(".ts")) return [`!${toShared}${target}`];
  if (target in sharedLayers) return [`!${toShared}${target}/**`];
  return [`!${target}`, ...(target.startsWith("@") ? [`!${target}/**`] : [])];
}

/** Everything at most `levels` folders up, and nothing further up. */
function within(levels: number): readonly string[] {
  if (levels < 0) return [];
  const ups = Array.from({ length: levels }, (_, level) => `!${"../".repeat(level + 1)}**`);
  return ["!./**", ...ups, `${"../".repeat(levels + 1)}**`];
}

const layerOf = (path: string) => path.slice(0, path.indexOf("/"));

const up = (depth: number) => (depth === 0 ? "./" : "../".repeat(depth));

function override({ layer, includes, allowed }: Place) {
  const message = `Not for ${layer} to import: see the table in actions/shared/tools/layers.ts.`;
  const noRestrictedImports = { level: "error", options: { patterns: [{ group: ["**", ...allowed], message }] } };
  const deniedGlobals = Object.fromEntries(impureGlobals.map((name) => [name, `${layer} is pure: pass it in.`]));
  const noRestrictedGlobals = { level: "error", options: { deniedGlobals } };
  const style = { noRestrictedImports, ...(pure.includes(layer) ? { noRestrictedGlobals } : {}) };
  return { includes, linter: { rules: { style } } };
}
