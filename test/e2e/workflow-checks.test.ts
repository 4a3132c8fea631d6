import { execFile } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { FeatureFlags } from "@actions/expressions";
import { validate } from "@actions/languageservice";
import { beforeAll, describe, expect, it } from "vitest";
import { TextDocument } from "vscode-languageserver-textdocument";
import { parse } from "yaml";
import { ACTIONLINT, goTool, pythonTools, REQUIRE_REAL } from "../support/built-tool.ts";

const run = promisify(execFile);
const ROOT = join(import.meta.dirname, "../..");
const WORKFLOWS = ["workflows", ".github/workflows"].flatMap((folder) =>
  existsSync(join(ROOT, folder)) ? readdirSync(join(ROOT, folder)).map((file) => join(folder, file)) : [],
);

type ThirdParty = {
  readonly name: string;
  readonly description: string;
  readonly inputs: Record<string, { description: string }>;
};

/** What the workflows use of other actions, from their manifests. */
const THIRD_PARTY: Readonly<Record<string, ThirdParty>> = {
  "actions/checkout": {
    name: "Checkout",
    description: "Checkout a repository",
    inputs: {
      "fetch-depth": { description: "" },
      path: { description: "" },
      "persist-credentials": { description: "" },
      ref: { description: "" },
      repository: { description: "" },
      "sparse-checkout": { description: "" },
    },
  },
  "actions/deploy-pages": { name: "Deploy GitHub Pages site", description: "Deploy to GitHub Pages", inputs: {} },
  "actions/setup-node": {
    name: "Setup Node.js environment",
    description: "Set up Node",
    inputs: { "node-version": { description: "" }, "package-manager-cache": { description: "" } },
  },
  "actions/upload-artifact": {
    name: "Upload a Build Artifact",
    description: "Keep files of a job",
    inputs: { name: { description: "" }, path: { description: "" } },
  },
  "actions/upload-pages-artifact": {
    name: "Upload GitHub Pages artifact",
    description: "Keep files for GitHub Pages",
    inputs: { path: { description: "" } },
  },
};

describe("GitHub's own parser, with our action.yml as metadata", () => {
  it.each(WORKFLOWS)("finds nothing in %s", async (file) => {
    expect(await parserFindings(readFileSync(join(ROOT, file), "utf8"), file)).toEqual([]);
  });

  it("finds nothing in the workflow of the README", async () => {
    const workflow = /```yaml\n(name: release\n[\s\S]*?)```/.exec(readFileSync(join(ROOT, "README.md"), "utf8"))?.[1];
    expect(await parserFindings(`${workflow}`, "README.md.yml")).toEqual([]);
    expect(workflow).toContain("deploy-model@v1");
  });

  it("finds an input that the action does not have", async () => {
    const text = readFileSync(join(ROOT, "workflows/release.yml"), "utf8").replace("images: |-", "image: |-");
    expect((await parserFindings(text, "workflows/misspelt.yml")).join("\n")).toContain("Invalid action input 'image'");
  });
});

describe("actionlint", () => {
  let actionlint: string | undefined;
  beforeAll(async () => {
    actionlint = await goTool(ACTIONLINT);
    if (REQUIRE_REAL) expect(actionlint, "actionlint needs Go").toBeDefined();
  });

  it("finds nothing in any workflow", async (context) => {
    if (!actionlint) return context.skip();
    await run(actionlint, WORKFLOWS, { cwd: ROOT });
  });
});

describe("zizmor and the published schemas", () => {
  let bin: string;
  beforeAll(async () => {
    bin = await pythonTools(["zizmor==1.32.0", "check-jsonschema==0.39.0"]);
  });

  it("finds no weakness in any workflow or action", async () => {
    const actions = actionManifests();
    const args = ["--offline", "--strict-collection", "--config", ".github/zizmor.yml", ...WORKFLOWS, ...actions];
    await run(join(bin, "zizmor"), args, { cwd: ROOT });
  });

  it("finds every workflow and manifest to be of the published form", async () => {
    await run(join(bin, "check-jsonschema"), ["--builtin-schema", "vendor.github-workflows", ...WORKFLOWS], {
      cwd: ROOT,
    });
    await run(join(bin, "check-jsonschema"), ["--builtin-schema", "vendor.github-actions", ...actionManifests()], {
      cwd: ROOT,
    });
  });
});

function actionManifests(): readonly string[] {
  return readdirSync(join(ROOT, "actions"))
    .map((name) => join("actions", name, "action.yml"))
    .filter((file) => existsSync(join(ROOT, file)));
}

async function parserFindings(text: string, file: string): Promise<readonly string[]> {
  const document = TextDocument.create(pathToFileURL(join(ROOT, file)).href, "yaml", 1, text);
  const findings = await validate(document, {
    featureFlags: new FeatureFlags({ all: true }),
    actionsMetadataProvider: {
      async fetchActionMetadata(action) {
        if (action.owner !== "OWNER") return THIRD_PARTY[`${action.owner}/${action.name}`];
        const manifest = join(ROOT, action.path ?? "", "action.yml");
        return existsSync(manifest) ? parse(readFileSync(manifest, "utf8")) : undefined;
      },
    },
    fileProvider: {
      async getFileContent(reference) {
        const path = "path" in reference ? reference.path : String(reference);
        return { name: path, content: readFileSync(join(ROOT, path), "utf8") };
      },
    },
  });
  return findings.map((finding) => `${file}:${finding.range.start.line + 1} ${finding.message}`);
}
