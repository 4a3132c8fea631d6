import { execFile } from "node:child_process";
import { promisify } from "node:util";
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import type { Json } from "../../actions/shared/domain/canonical.ts";
import { gpuRequests } from "../../actions/shared/domain/pipeline/gpus.ts";
import { applyPins, pinImages } from "../../actions/shared/domain/pipeline/images.ts";
import { linkFaults } from "../../actions/shared/domain/pipeline/links.ts";
import { localFaults } from "../../actions/shared/domain/pipeline/local-faults.ts";
import { type FieldType, type MessageName, messageOf } from "../../actions/shared/domain/pipeline/messages.ts";
import type { PackageFault } from "../../actions/shared/domain/pipeline/package.ts";
import { checkParameters } from "../../actions/shared/domain/pipeline/parameters.ts";
import { readPackage } from "../../actions/shared/domain/pipeline/read-package.ts";
import { taskSites, timesAtOnce } from "../../actions/shared/domain/pipeline/tasks.ts";
import { compiledSample, compiledSamples, documentsOf, kubernetesPython } from "../support/compiled-samples.ts";

// What the real SDK compiles, read by us.

beforeAll(() => compiledSamples(), 300_000);

const NAMES = [
  ...["component", "conditions", "containers", "exits", "gpus", "halves", "importers", "innermost", "loops", "middle"],
  ...["outputs", "placement", "settings", "types", "volumes", "workspace"],
];

test("every sample is among those that are read", async () => {
  expect([...(await compiledSamples()).keys()]).toEqual(NAMES);
});

test.each(NAMES)("the sample %s is a package without a fault", async (name) => {
  const pipeline = await compiledSample(name);
  expect(linkFaults(pipeline)).toEqual([]);
  const sites = taskSites(pipeline);
  expect(sites.length).toBeGreaterThan(0);
  const wrong = localFaults(pipeline, sites, { runsContainers: true }).filter(({ level }) => level === "error");
  expect(wrong.map(({ rule }) => rule.replace(/^task \S+ /, ""))).toEqual(
    name === "volumes"
      ? Array(2).fill("makes or removes a volume of Kubernetes, which the local engine does not have")
      : [],
  );
});

test("parameters keep the types and values that were written in Python", async () => {
  const pipeline = await compiledSample("types");
  const { values, problems } = checkParameters(pipeline, { text: "a", whole: 1 }, () => ({}));
  expect(problems).toEqual([]);
  expect(values).toEqual({
    text: "a",
    whole: 1,
    rate: 1e-5,
    flag: true,
    words: ["it's", "1e3", "yes", "0o17", "2024-01-01", ""],
    table: { a: 1, b: -0.5 },
    unit: "1e-3",
  });
  const wrong = checkParameters(
    pipeline,
    { text: 1, whole: "1", rate: "x", flag: 1, words: {}, table: [] },
    () => ({}),
  );
  expect(wrong.problems).toHaveLength(6);
  expect(taskSites(pipeline).find(({ task }) => task === "word-3")?.executor.container).toMatchObject({
    env: [{ name: "UNIT", value: "1e3" }],
  });
});

test("conditions are found with what holds around them", async () => {
  const sites = taskSites(await compiledSample("conditions"));
  const conditions = Object.fromEntries(
    sites.map(({ path, conditions: all }) => [path.split("/").slice(-2).join("/"), all]),
  );
  const flipped = "inputs.parameter_values['pipelinechannel--flip-Output'] == true";
  const shared = "inputs.parameter_values['pipelinechannel--share-Output'] >= 0.25";
  expect(conditions).toMatchObject({
    flip: [],
    "condition-3/word": [flipped],
    "condition-2/word-2": [flipped, "int(inputs.parameter_values['pipelinechannel--n']) > -1"],
    "condition-4/word-3": [`!(${flipped}) && ${shared}`],
    "condition-5/word-4": [`!(${flipped}) && !(${shared})`],
  });
});

test("loops are counted with their limits and nested, those over parameters by their values", async () => {
  const sites = taskSites(await compiledSample("loops"));
  const times = new Map(sites.map((site) => [site.path, site.times]));
  expect(Object.fromEntries(times)).toMatchObject({
    numbers: 1,
    "for-loop-2/number": 2,
    "for-loop-3/make": 2,
    "for-loop-3/for-loop-4/for-loop-6/word": "unknown",
    "halves/for-loop-2/make": 2,
    "for-loop-7/fit": 3,
  });
  const widths = sites.map((site) => [site.path, timesAtOnce(site, { widths: [1], rows: 3 })]);
  expect(Object.fromEntries(widths)).toMatchObject({ "for-loop-3/make": 1, "for-loop-2/number": 2 });
});

test("exit handlers and tasks that ignore failures are told from the rest", async () => {
  const sites = taskSites(await compiledSample("exits"));
  expect(sites.filter(({ runsAfterFailure }) => runsAfterFailure).map(({ path }) => path.split("/").at(-1))).toEqual([
    "closing",
    "number-2",
    "word-2",
  ]);
});

test("importers run nothing, and their address may come from a parameter", async () => {
  const sites = taskSites(await compiledSample("importers"));
  const uris = sites.flatMap(({ executor }) =>
    executor.importer === undefined ? [] : [executor.importer.artifactUri],
  );
  expect(uris).toEqual([
    { constant: "s3://bucket/data.csv" },
    { runtimeParameter: "uri" },
    { runtimeParameter: "uri" },
  ]);
});

test("retries are counted", async () => {
  const sites = taskSites(await compiledSample("containers"));
  expect(sites.find(({ task }) => task === "word")?.retries).toBe(3);
});

test("GPU requests are filled in through nested pipelines and loops", async () => {
  const sites = taskSites(await compiledSample("gpus"));
  const { requests, faults } = gpuRequests(sites, { gpu_count: 3, sizes: [1, 4, 2] });
  expect(requests).toEqual([
    { task: "fit-3", type: "NVIDIA_TESLA_K80", count: 1, times: 1 },
    { task: "for-loop-1/middle-2/innermost/fit", type: "nvidia.com/gpu", count: 4, times: 2, retries: 2 },
    { task: "for-loop-3/fit", type: "nvidia.com/gpu", count: 16, times: 2 },
    { task: "launch", type: "nvidia.com/gpu", count: 4, times: 1, passedOn: true },
    { task: "launch-and-run", type: "nvidia.com/gpu", count: 1, times: 1 },
    { task: "middle/innermost/fit", type: "nvidia.com/gpu", count: 3, times: 1, retries: 2 },
  ]);
  expect(faults.map(({ level, rule }) => `${level}: ${rule}`)).toEqual([
    "notice: known in the run only: the accelerators that task fit-2 asks for",
    "warning: task fit-3 asks for an accelerator by a name that is no resource of Kubernetes",
    "error: task fit-4 asks for an accelerator without saying which and how many: it would run without one",
  ]);
});

test("node selectors and tolerations come from the second document, also by a parameter", async () => {
  const sites = taskSites(await compiledSample("placement"));
  const { requests } = gpuRequests(sites, { pool: { pool: "big" }, toleration: { key: "team", operator: "Exists" } });
  expect(requests.map(({ count, nodeSelector, tolerations }) => ({ count, nodeSelector, tolerations }))).toEqual([
    {
      count: 1,
      nodeSelector: { "cloud.example.org/accelerator": "l4" },
      tolerations: [{ key: "nvidia.com/gpu", operator: "Exists", effect: "NoSchedule" }],
    },
    { count: 2, nodeSelector: { pool: "big" }, tolerations: [{ key: "team", operator: "Exists" }] },
    { count: 3, nodeSelector: { zone: "a" }, tolerations: undefined },
  ]);
});

test("images of containers are pinned; those that make and remove volumes are left alone", async () => {
  const trainer = `ghcr.io/acme/trainer@sha256:${"a".repeat(64)}`;
  const containers = await compiledSample("containers");
  const { pins } = pinImages(containers, { trainer }, { runsImages: true });
  expect(pins.map(({ executor, from, to }) => [executor, from, to])).toEqual([
    ["exec-shell", "image://trainer", trainer],
    ["exec-shell-2", "image://trainer", trainer],
  ]);
  expect(JSON.stringify(applyPins(containers.documents, pins))).not.toContain("image://trainer");
  expect(JSON.stringify(pinImages(await compiledSample("volumes"), {}, { runsImages: true }))).not.toContain(
    "argostub",
  );
});

type Descriptor = {
  readonly fields: Readonly<Record<string, string>>;
  readonly oneofs: readonly (readonly string[])[];
};

/** Every message of both protocols as the installed SDK declares it: JSON name to kind. */
const DESCRIPTORS = `
import json
from google.protobuf.descriptor import FieldDescriptor as F
from kfp.pipeline_spec import pipeline_spec_pb2 as spec
from kfp.kubernetes import kubernetes_executor_config_pb2 as platform
SCALAR = {F.TYPE_STRING: "string", F.TYPE_BOOL: "bool", F.TYPE_INT32: "integer", F.TYPE_INT64: "integer", F.TYPE_DOUBLE: "number"}
KNOWN = {"google.protobuf.Struct": "struct", "google.protobuf.Value": "value", "google.protobuf.Duration": "duration"}
found = {}
def kind(f):
    if f.type == F.TYPE_ENUM:
        return "enum " + " ".join(f.enum_type.values_by_number[i].name for i in sorted(f.enum_type.values_by_number))
    if f.type != F.TYPE_MESSAGE:
        return SCALAR[f.type]
    m = f.message_type
    if m.GetOptions().map_entry:
        return "map " + kind(m.fields_by_name["value"])
    if m.full_name in KNOWN:
        return KNOWN[m.full_name]
    visit(m)
    return "message " + m.full_name
def visit(m):
    if m.full_name in found:
        return
    found[m.full_name] = {}
    many = lambda f: f.is_repeated and not (f.message_type and f.message_type.GetOptions().map_entry)
    fields = {f.json_name: ("list " if many(f) else "") + kind(f) for f in m.fields}
    oneofs = [[f.json_name for f in one.fields] for one in m.oneofs if len(one.fields) > 1]
    found[m.full_name] = {"fields": fields, "oneofs": oneofs}
for m in (spec.PipelineSpec, spec.PlatformSpec, spec.PipelineDeploymentConfig, platform.KubernetesExecutorConfig):
    visit(m.DESCRIPTOR)
print(json.dumps(found))`;

/** Where the protocol says "any object", and what its readers take it for. */
const OPAQUE: Readonly<Record<string, string>> = {
  "PipelineSpec.deploymentSpec": "message ml_pipelines.PipelineDeploymentConfig",
  "PlatformDeploymentConfig.executors": "map message kfp_kubernetes.KubernetesExecutorConfig",
};
/** Declared on the main branch of KFP, and not in the SDK that is installed. */
const NEWER = ["KubernetesExecutorConfig.initContainers"];

test("the table of messages is what the installed SDK declares", async () => {
  const { stdout } = await promisify(execFile)(await kubernetesPython(), ["-W", "ignore", "-c", DESCRIPTORS]);
  const declared: Readonly<Record<string, Descriptor>> = JSON.parse(stdout);
  const seen = new Set<string>();
  const differences: string[] = [];
  const compare = (name: MessageName, declaredName: string): void => {
    if (seen.has(name)) return;
    seen.add(name);
    const { fields, exclusive = [] } = messageOf(name);
    const theirs = declared[declaredName] ?? { fields: {}, oneofs: [] };
    for (const field of new Set([...Object.keys(fields), ...Object.keys(theirs.fields)])) {
      const at = `${name}.${field}`;
      if (NEWER.includes(at)) continue;
      const kind = OPAQUE[at] ?? theirs.fields[field] ?? "absent";
      const type = fields[field];
      if (type === undefined || !fits(type, kind, compare))
        differences.push(`${at}: ${JSON.stringify(type)} is ${kind}`);
    }
    expect({ name, exclusive: sorted(exclusive) }).toEqual({ name, exclusive: sorted(theirs.oneofs) });
  };
  compare("PipelineSpec", "ml_pipelines.PipelineSpec");
  compare("PlatformSpec", "ml_pipelines.PlatformSpec");
  expect(differences).toEqual([]);
  expect(seen.size).toBeGreaterThan(70);
});

const sorted = (groups: readonly (readonly string[])[]) => groups.map((group) => [...group].sort().join(" ")).sort();

function fits(type: FieldType, kind: string, compare: (name: MessageName, declared: string) => void): boolean {
  if (typeof type === "string") return type === kind;
  if ("oneOf" in type) return kind === `enum ${type.oneOf.join(" ")}`;
  if ("list" in type) return kind.startsWith("list ") && fits(type.list, kind.slice(5), compare);
  if ("map" in type) return kind.startsWith("map ") && fits(type.map, kind.slice(4), compare);
  if (!kind.startsWith("message ")) return false;
  compare(type.message, kind.slice("message ".length));
  return true;
}

describe("a package with something else in one place", () => {
  /** Everything that the reader does with a package, in the order of a step. */
  const faultsOf = (documents: readonly Json[]): readonly PackageFault[] => {
    const read = readPackage(documents);
    if (read.state === "bad") return read.faults;
    const links = linkFaults(read.package);
    if (links.length > 0) return links;
    const sites = taskSites(read.package);
    const { values } = checkParameters(read.package, {}, () => ({}));
    return [
      ...pinImages(read.package, {}, { runsImages: true }).faults,
      ...gpuRequests(sites, values).faults,
      ...localFaults(read.package, sites, { runsContainers: false }),
    ];
  };

  const ANYTHING = fc.constantFrom<Json | undefined>(
    ...[undefined, null, "", "text", "constructor", "__proto__", 0, -1, 1.5, true, [], [null], {}, { toString: null }],
    "{{$.inputs.parameters['x']}}",
    "1e999",
  );

  test("is refused with a place, or read; it never throws", async () => {
    const samples = [...(await compiledSamples()).values()].map(documentsOf);
    const spots = samples.flatMap((documents) => placesIn(documents).map((path) => ({ documents, path })));
    fc.assert(
      fc.property(fc.constantFrom(...spots), ANYTHING, ({ documents, path }, value) => {
        const changed = replaceAt(documents, path, value) as readonly Json[];
        for (const fault of faultsOf(changed)) {
          expect(fault.rule).not.toBe("");
          expect(typeof fault.path[0]).toBe("number");
        }
      }),
      { numRuns: 1_500 },
    );
  });

  test("that refers to what is not there is refused", async () => {
    const documents = documentsOf((await compiledSamples()).get("conditions") ?? "");
    const references = placesIn(documents).filter((path) =>
      ["producerTask", "outputParameterKey", "componentInputParameter", "producerSubtask"].includes(
        String(path.at(-1)),
      ),
    );
    expect(references.length).toBeGreaterThan(20);
    for (const path of references) {
      const faults = faultsOf(replaceAt(documents, path, "nobody") as readonly Json[]);
      expect(faults).toMatchObject([{ level: "error", saw: expect.stringContaining("nobody") }]);
      const place = faults[0]?.path ?? [];
      expect(path.slice(0, place.length)).toEqual(place);
    }
  });

  test("may be written in snake_case, with numbers as texts and nulls", async () => {
    const documents = documentsOf((await compiledSamples()).get("gpus") ?? "");
    const written = { ...(inSnakeCase(documents[0] ?? null) as object), default_pipeline_root: null };
    const [one, other] = [readPackage([written]), readPackage(documents)];
    if (one.state === "bad" || other.state === "bad") throw new Error(JSON.stringify(one));
    expect({ ...one.package, documents: [] }).toEqual({ ...other.package, documents: [] });
  });
});

type Path = readonly (string | number)[];

function placesIn(value: unknown, path: Path = []): readonly Path[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, one]) => {
    const here = [...path, Array.isArray(value) ? Number(key) : key];
    return [here, ...placesIn(one, here)];
  });
}

function replaceAt(value: unknown, [key, ...rest]: Path, by: Json | undefined): unknown {
  if (key === undefined) return by;
  if (Array.isArray(value))
    return value.map((one, i) => (i === key ? replaceAt(one, rest, by) : one)).filter((one) => one !== undefined);
  const entries = Object.entries(value as object).map(([name, one]) => [
    name,
    name === key ? replaceAt(one, rest, by) : one,
  ]);
  return Object.fromEntries(entries.filter(([, one]) => one !== undefined));
}

/** Names that users choose: keys of maps, and what is no message at all. */
const CHOSEN = ["components", "tasks", "parameters", "artifacts", "executors", "platforms", "labels"];
const FREE = ["constant", "defaultValue"];

function inSnakeCase(value: Json, parent = ""): Json {
  if (Array.isArray(value)) return value.map((one) => inSnakeCase(one));
  if (typeof value !== "object" || value === null) return typeof value === "number" ? String(value) : value;
  const entries = Object.entries(value).map(([key, one]): [string, Json] => {
    const name = CHOSEN.includes(parent) ? key : key.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
    return [name, FREE.includes(key) ? (one as Json) : inSnakeCase(one as Json, CHOSEN.includes(parent) ? "" : key)];
  });
  return Object.fromEntries(entries);
}
