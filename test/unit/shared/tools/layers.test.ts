import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { layersJson } from "../../../../actions/shared/tools/layers.ts";

const root = join(import.meta.dirname, "../../../..");

const forms = {
  static: (specifier: string) => `import "${specifier}";`,
  "type-only": (specifier: string) => `import type { T } from "${specifier}";`,
  "re-exported": (specifier: string) => `export { x } from "${specifier}";`,
  dynamic: (specifier: string) => `await import("${specifier}");`,
};
type Form = keyof typeof forms;
const everyForm = Object.keys(forms) as readonly Form[];

type Row = {
  readonly file: string;
  readonly may: readonly string[];
  readonly never: readonly string[];
  /** Allowed in this form alone. */
  readonly only?: Readonly<Partial<Record<Form, readonly string[]>>>;
};

const rows: readonly Row[] = [
  {
    file: "actions/one/index.ts",
    may: ["../shared/runner/signals.ts", "./inputs.ts", "./main.ts", "./report.ts"],
    only: { dynamic: ["./connect.ts"] },
    never: [
      "../shared/lib/a.ts",
      "../shared/clients/s3.ts",
      "../two/main.ts",
      "./noun.ts",
      "node:fs",
      "valibot",
      "@actions/core",
    ],
  },
  {
    file: "actions/one/inputs.ts",
    may: ["../shared/runner/inputs.ts", "valibot"],
    never: ["../shared/runner/log.ts", "../shared/domain/digest.ts", "./main.ts", "../two/inputs.ts", "node:fs"],
  },
  {
    file: "actions/one/connect.ts",
    may: [
      "./inputs.ts",
      "../shared/connect/model-store.ts",
      "../shared/ports/clock.ts",
      "../shared/lib/hash.ts",
      "../shared/domain/digest.ts",
      "../shared/render/html.ts",
      "node:path",
    ],
    only: {
      dynamic: [
        "../shared/clients/s3.ts",
        "../shared/clients/kfp/client.ts",
        "../shared/local/folder.ts",
        "../shared/model/scan.ts",
      ],
    },
    never: ["./main.ts", "./noun.ts", "../shared/runner/log.ts", "../two/connect.ts", "node:fs", "yaml"],
  },
  {
    file: "actions/one/connect-cluster.ts",
    may: ["./inputs.ts", "./connect-other.ts", "../shared/ports/clock.ts", "../shared/lib/hash.ts"],
    only: { dynamic: ["../shared/clients/s3.ts", "../shared/clients/kfp/client.ts"] },
    never: ["./main.ts", "./noun.ts", "../shared/runner/log.ts", "../two/connect.ts", "node:fs"],
  },
  {
    file: "actions/one/check-inputs.ts",
    may: ["./choose-engine.ts", "../shared/domain/digest.ts"],
    only: { "type-only": ["./inputs.ts"] },
    never: ["./main.ts", "./connect.ts", "../shared/lib/hash.ts", "../shared/clients/s3.ts", "node:fs"],
  },
  {
    file: "actions/one/main.ts",
    may: ["./noun.ts", "./noun/part.ts", "../shared/lib/hash.ts", "../shared/domain/digest.ts", "valibot", "node:path"],
    only: { "type-only": ["./inputs.ts", "../shared/ports/clock.ts"] },
    never: [
      "./index.ts",
      "./connect.ts",
      "./connect-cluster.ts",
      "./report.ts",
      "../shared/clients/s3.ts",
      "../shared/local/a.ts",
      "../shared/runner/log.ts",
      "../shared/model/a.ts",
      "../two/noun.ts",
      "node:fs",
      "@actions/exec",
    ],
  },
  {
    file: "actions/one/report.ts",
    may: ["../shared/domain/report.ts", "./report/section.ts"],
    only: { "type-only": ["./outcome.ts"] },
    never: [
      "./main.ts",
      "./noun.ts",
      "../shared/lib/a.ts",
      "../shared/render/html.ts",
      "../two/report.ts",
      "node:path",
      "valibot",
    ],
  },
  {
    file: "actions/one/report/section.ts",
    may: ["./other.ts", "../../shared/domain/report.ts"],
    only: { "type-only": ["../outcome.ts"] },
    never: [
      "../main.ts",
      "../noun.ts",
      "../report.ts",
      "../../shared/lib/a.ts",
      "../../shared/ports/clock.ts",
      "../../two/outcome.ts",
      "node:path",
      "valibot",
    ],
  },
  {
    file: "actions/one/noun.ts",
    may: ["./other.ts", "../shared/lib/hash.ts", "../shared/domain/digest.ts"],
    only: { "type-only": ["../shared/ports/clock.ts"] },
    never: [
      "./main.ts",
      "./connect.ts",
      "./index.ts",
      "./inputs.ts",
      "./report/section.ts",
      "../two/noun.ts",
      "../shared/clients/s3.ts",
      "node:child_process",
    ],
  },
  {
    file: "actions/one/noun/part.ts",
    may: ["./other.ts", "../noun.ts", "../other/part.ts", "../../shared/domain/digest.ts"],
    never: [
      "../main.ts",
      "../connect.ts",
      "../../two/noun.ts",
      "../../shared/clients/s3.ts",
      "../../shared/local/a.ts",
    ],
  },
  {
    file: "actions/shared/clients/kube.ts",
    may: ["../ports/clock.ts", "../lib/http.ts", "../domain/digest.ts", "valibot", "node:fs/promises"],
    never: [
      "./s3.ts",
      "./kfp/client.ts",
      "../local/a.ts",
      "../runner/log.ts",
      "../model/a.ts",
      "../../one/main.ts",
      "@actions/core",
      "@actions/github",
      "yaml",
      "node:process",
      "node:module",
    ],
  },
  {
    file: "actions/shared/clients/kfp/client.ts",
    may: ["./routes.ts", "../../ports/clock.ts", "../../lib/http.ts"],
    never: ["../s3.ts", "../mlmd/client.ts", "../../local/a.ts", "../../../one/main.ts"],
  },
  {
    file: "actions/shared/clients/manifest/engine.ts",
    may: ["../kubernetes/objects.ts", "../../lib/http.ts", "../../domain/digest.ts", "./check.ts"],
    never: ["../kfp/client.ts", "../s3.ts", "../../local/a.ts", "@kubernetes/client-node"],
  },
  {
    file: "actions/shared/clients/github.ts",
    may: ["@actions/github", "@actions/github/lib/utils"],
    never: ["@actions/core", "./s3.ts"],
  },
  {
    file: "actions/shared/clients/s3/store.ts",
    may: ["@aws-sdk/client-s3", "./write.ts", "../../ports/clock.ts", "../../lib/error.ts", "node:crypto"],
    never: ["../kfp/client.ts", "../../local/a.ts", "@kubernetes/client-node", "@aws-sdk/lib-storage"],
  },
  {
    file: "actions/shared/connect/model-store.ts",
    may: ["../ports/clock.ts", "../lib/error.ts", "../domain/digest.ts"],
    only: { dynamic: ["../clients/s3/store.ts", "../local/folder.ts"] },
    never: ["../runner/log.ts", "../../one/main.ts", "node:fs", "@aws-sdk/client-s3"],
  },
  {
    file: "actions/shared/local/folder.ts",
    may: ["./splitter.ts", "../ports/clock.ts", "../lib/hash.ts", "../domain/digest.ts", "node:http"],
    never: ["../clients/s3.ts", "../render/html.ts", "../runner/log.ts", "../../one/main.ts", "@actions/exec"],
  },
  {
    file: "actions/shared/model/scan.ts",
    may: ["./zip.ts", "../ports/clock.ts", "../lib/hash.ts", "../domain/digest.ts"],
    never: ["../clients/s3.ts", "../local/a.ts", "../runner/log.ts", "../../one/main.ts"],
  },
  {
    file: "actions/shared/render/html.ts",
    may: ["./chart.ts", "../domain/report.ts"],
    never: ["../lib/hash.ts", "../ports/clock.ts", "../runner/log.ts", "node:path", "valibot"],
  },
  {
    file: "actions/shared/lib/hash.ts",
    may: ["./error.ts", "../domain/digest.ts", "node:crypto"],
    never: ["../render/html.ts", "../clients/s3.ts", "../runner/log.ts", "yaml", "@actions/exec", "@actions/core"],
  },
  {
    file: "actions/shared/lib/yaml.ts",
    may: ["yaml", "../domain/digest.ts"],
    never: ["@actions/exec", "../local/a.ts"],
  },
  {
    file: "actions/shared/lib/probe.ts",
    may: ["@actions/exec", "node:child_process"],
    never: ["yaml", "../local/a.ts"],
  },
  {
    file: "actions/shared/runner/log.ts",
    may: ["./mask.ts", "../render/summary.ts", "../lib/hash.ts", "../domain/report.ts", "@actions/core"],
    never: [
      "../clients/github.ts",
      "../local/a.ts",
      "../model/a.ts",
      "../../one/main.ts",
      "../cli/main.ts",
      "@actions/github",
    ],
  },
  {
    file: "actions/shared/domain/digest.ts",
    may: ["./canonical.ts", "./rollout/step.ts", "valibot"],
    never: ["../lib/hash.ts", "../ports/clock.ts", "../../one/main.ts", "node:crypto", "yaml", "valibot/anything"],
  },
  {
    file: "actions/shared/ports/clock.ts",
    may: ["../domain/digest.ts"],
    never: ["../lib/hash.ts", "../clients/s3.ts", "node:fs", "valibot"],
  },
  {
    file: "actions/shared/cli/main.ts",
    may: [
      "../runner/log.ts",
      "../render/terminal.ts",
      "../connect/model-store.ts",
      "../ports/model-store.ts",
      "../lib/hash.ts",
      "../domain/digest.ts",
      "../../one/main.ts",
      "node:util",
    ],
    never: ["../clients/s3.ts", "../local/a.ts", "../model/a.ts", "../tools/bundle.ts", "valibot", "@actions/core"],
  },
  {
    file: "actions/shared/tools/make.ts",
    may: [
      "../runner/inputs.ts",
      "../cli/help.ts",
      "../clients/kserve/access.ts",
      "../../one/inputs.ts",
      "@valibot/to-json-schema",
      "node:fs",
    ],
    never: ["../clients/s3.ts", "../clients/kserve/place.ts", "../local/a.ts", "@actions/core"],
  },
  { file: "actions/shared/clients/too/deep/in/file.ts", may: [], never: ["./a.ts", "valibot"] },
  { file: "actions/shared/utils/file.ts", may: [], never: ["./a.ts", "valibot"] },
];

/** What would hide an import from the rule; each line is a breach of its own, in any layer. */
const hidden = [
  `export type A = import("../lib/hash.ts").A;`,
  `export type B = typeof import("../lib/hash.ts");`,
  "export const c = await import(`../lib/hash.ts`);",
  `export const d = (name: string) => import(name);`,
  `import "./../lib/hash.ts";`,
  `import "./part/../../lib/hash.ts";`,
  `await import("./../lib/hash.ts");`,
  `export const e = require("../lib/hash.ts");`,
];

/** Acts that belong elsewhere, with a file in which they are a breach. */
const acts: readonly (readonly [file: string, line: string])[] = [
  ["actions/one/acts.ts", "process.exit(1);"],
  ["actions/one/acts.ts", "export const a = process.env.HOME;"],
  ["actions/one/acts.ts", `console.log("a");`],
  ["actions/one/acts.ts", "export class Thing {}"],
  ["actions/shared/domain/acts.ts", "export const a = Date.now();"],
  ["actions/shared/domain/acts.ts", "export const b = new Date();"],
  ["actions/shared/domain/acts.ts", "export const c = Math.random();"],
  ["actions/shared/domain/acts.ts", "export const d = crypto.randomUUID();"],
  ["actions/shared/domain/acts.ts", "export const e = process.platform;"],
  ["actions/shared/domain/acts.ts", `await fetch("http://127.0.0.1");`],
  ["test/unit/acts.test.ts", `vi.mock("../x.ts");`],
];

let folder: string;
let found: ReadonlySet<string>;

const importLines = ({ may, only, never }: Row) =>
  [...may, ...Object.values(only ?? {}).flat(), ...never].flatMap((specifier) =>
    everyForm.map((form) => forms[form](specifier)),
  );

function plant(file: string, lines: readonly string[]): void {
  mkdirSync(dirname(join(folder, file)), { recursive: true });
  writeFileSync(join(folder, file), `${lines.join("\n")}\n`);
}

/** Every `file: text of the line` in which Biome reports an error that is about imports or acts. */
function breaches(): ReadonlySet<string> {
  const biome = join(root, "node_modules/.bin/biome");
  const { stdout } = spawnSync(biome, ["lint", "--reporter=github", "--max-diagnostics=none", "."], {
    cwd: folder,
    encoding: "utf8",
  });
  const rule =
    /^::error title=(?:plugin|lint\/style\/noRestricted\w+|lint\/style\/noProcessEnv|lint\/style\/noCommonJs|lint\/suspicious\/noConsole),file=([^,]+),line=(\d+)/gm;
  return new Set([...stdout.matchAll(rule)].map(([, file = "", line]) => lineOf(file, Number(line))));
}

function lineOf(file: string, line: number): string {
  const path = resolve(folder, file);
  return `${relative(folder, path)}: ${readFileSync(path, "utf8").split("\n")[line - 1]}`;
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "layers-"));
  for (const part of ["biome.json", "biome.layers.json", ".gitignore", "actions/shared/tools/lint"])
    cpSync(join(root, part), join(folder, part), { recursive: true });
  for (const row of rows) plant(row.file, importLines(row));
  plant("actions/shared/domain/hidden.ts", hidden);
  for (const file of new Set(acts.map(([name]) => name)))
    plant(
      file,
      acts.flatMap(([name, line]) => (name === file ? [line] : [])),
    );
  found = breaches();
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe.each(rows)("$file", (row) => {
  const { file, may, only, never } = row;
  const written = (specifiers: readonly string[]) =>
    specifiers.flatMap((specifier) => everyForm.map((form) => `${file}: ${forms[form](specifier)}`));

  test("is refused every other import, in every form", () => {
    expect(written(never).filter((line) => !found.has(line))).toEqual([]);
  });

  test("imports what its row allows", () => {
    expect(written(may).filter((line) => found.has(line))).toEqual([]);
  });

  test.each(Object.entries(only ?? {}))("imports some things %s only", (form, specifiers) => {
    const allowed = specifiers.map((specifier) => `${file}: ${forms[form as Form](specifier)}`);
    expect(written(specifiers).filter((line) => !found.has(line))).toEqual(allowed);
  });
});

test.each(hidden)("sees through %s", (line) => {
  expect(found).toContain(`actions/shared/domain/hidden.ts: ${line}`);
});

test.each(acts)("%s never has %s", (file, line) => {
  expect(found).toContain(`${file}: ${line}`);
});

test("biome.layers.json is what the table says", () => {
  expect(readFileSync(join(root, "biome.layers.json"), "utf8")).toBe(layersJson());
});

/** A file stands for itself, one of a client's folder for the client: it may take several to speak with one system. */
const placeOf = (source: string) => /^shared\/clients\/[^/]+(?=\/)/.exec(source)?.[0] ?? source;

test("every third-party package is imported in one place of what runs: a file, or the folder of a client", () => {
  const sources = readdirSync(join(root, "actions"), { recursive: true, encoding: "utf8" }).filter(
    (name) => name.endsWith(".ts") && !name.includes("/dist/") && !name.startsWith("shared/tools/"),
  );
  const importers = new Map<string, string[]>();
  for (const source of sources) {
    const text = readFileSync(join(root, "actions", source), "utf8");
    for (const [, name = ""] of text.matchAll(/(?:from|import) ?\(?"((?:@[^/"]+\/)?[a-z][^/"]*)[^"]*"/g)) {
      if (!name.startsWith("node:") && name !== "valibot")
        importers.set(name, [...(importers.get(name) ?? []), placeOf(source)]);
    }
  }
  expect([...importers].filter(([, places]) => new Set(places).size > 1)).toEqual([]);
});

test("the first import of every action is the signal handlers", () => {
  const actions = readdirSync(join(root, "actions"), { recursive: true, encoding: "utf8" }).filter((name) =>
    /^[^/]+\/index\.ts$/.test(name),
  );
  const first = actions.map(
    (name) => /^(?:import|export)[^;]*"([^"]+)";/m.exec(readFileSync(join(root, "actions", name), "utf8"))?.[1],
  );
  expect(first).toEqual(actions.map(() => "../shared/runner/signals.ts"));
});
