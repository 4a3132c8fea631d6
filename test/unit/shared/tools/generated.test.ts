import { Ajv2020 } from "ajv/dist/2020.js";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { actionYml } from "../../../../actions/shared/tools/action-yml.ts";
import { jsonSchemas } from "../../../../actions/shared/tools/json-schemas.ts";
import { withTables } from "../../../../actions/shared/tools/readme-tables.ts";
import { manifest } from "../../../fixtures/actions/echo/inputs.ts";
import { parts, release } from "../../../support/releases.ts";

describe("action.yml", () => {
  const yml = parse(actionYml(manifest));

  test("has every input and output of the manifest, in its order", () => {
    expect(Object.keys(yml.inputs)).toEqual(Object.keys(manifest.inputs));
    expect(Object.keys(yml.outputs)).toEqual(Object.keys(manifest.outputs));
    expect(yml.inputs.message).toEqual({ description: "What to say.", required: true });
  });

  test("has defaults that are strings, and expressions as they are", () => {
    const defaults = Object.values(yml.inputs as Record<string, { default?: unknown }>).map(
      (input) => typeof input.default,
    );
    expect(new Set(defaults)).toEqual(new Set(["string", "undefined"]));
    expect(yml.inputs["github-token"].default).toBe("${{ github.token }}");
  });

  test("gives no default to an input with a stand-in, which would never be looked at", () => {
    const store = { kind: "string", env: "ML_RELEASE_STORE", default: "x", required: true, description: "" } as const;
    const { inputs } = parse(actionYml({ ...manifest, inputs: { store } }));
    expect(inputs.store).toEqual({ description: "" });
  });

  test("runs the bundle, and a post that is never a second main", () => {
    expect(yml.runs).toEqual({ using: "node24", main: "dist/index.js", post: "dist/post.js", "post-if": "always()" });
  });
});

describe("the tables of a README", () => {
  const readme =
    "# x\n<!-- inputs -->\nstale table\n<!-- /inputs -->\ntext\n<!-- outputs -->\n<!-- /outputs -->\nend\n";

  test("stand between their marks; the rest stays", () => {
    const text = withTables(readme, manifest) ?? "";
    expect(text).toMatch(/^# x\n<!-- inputs -->\n\| input/);
    expect(text).toMatch(/\| `times` \| How often\. At least 1, at most 5\. \| `1` \|\n/);
    expect(text).toMatch(/\| `reason` \| Why\. Only in mode `echo`\. \|/);
    expect(text).toMatch(/\| `said` \| What was said\. \|\n<!-- \/outputs -->\nend\n$/);
    expect(text).not.toContain("stale table");
    expect(withTables(text, manifest)).toBe(text);
  });

  test("need their marks", () => {
    expect(withTables("# x\n<!-- inputs --><!-- /inputs -->", manifest)).toBeUndefined();
  });
});

describe("JSON Schemas", () => {
  const schemas = jsonSchemas([manifest]);
  const validate = (name: string, value: unknown) =>
    new Ajv2020({ strict: false }).compile(JSON.parse(schemas.get(name) ?? "false"))(value);

  test("are one for each document and one for each YAML input", () => {
    const names = ["release", "rollout", "gates", "registry", "model-version", "catalog", "evidence", "echo.things"];
    expect([...schemas.keys()]).toEqual(names.map((name) => `${name}.schema.json`));
  });

  test("take what the schemas of the code take", () => {
    const record = release({
      images: parts.images("b"),
      run: parts.run(1, "c"),
      metrics: parts.metrics(0.9),
      gate: parts.gate(1, "c"),
      model: parts.model("c"),
      deployment: parts.deployment(),
    });
    expect(validate("release.schema.json", record)).toBe(true);
    expect(validate("echo.things.schema.json", { a: { context: "." } })).toBe(true);
  });

  test("refuse what the schemas of the code refuse", () => {
    expect(validate("release.schema.json", { ...release(), schema: 2 })).toBe(false);
    expect(validate("release.schema.json", release({ model: { ...parts.model("c"), digest: "sha256:x" } }))).toBe(
      false,
    );
    expect(validate("echo.things.schema.json", { a: { context: ".", colour: "red" } })).toBe(false);
  });
});
