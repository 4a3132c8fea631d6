import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import { decode } from "../../lib/decode.ts";
import { parseYaml } from "../../lib/yaml.ts";

const FILE = join(import.meta.dirname, "../../../../workflows/release.yml");
const OURS = /^OWNER\/ml-release-actions\/actions\/([a-z-]+)@v1$/;

const WorkflowSchema = v.object({
  jobs: v.object({
    release: v.object({
      env: v.record(v.string(), v.string()),
      steps: v.array(
        v.object({
          name: v.string(),
          uses: v.optional(v.string()),
          run: v.optional(v.string()),
          with: v.optional(v.record(v.string(), v.union([v.string(), v.boolean(), v.number()])), {}),
        }),
      ),
    }),
  }),
});

/** A step of the release workflow: one of our actions with its inputs, or a script. */
export type WorkflowStep =
  | {
      readonly do: "action";
      readonly name: string;
      readonly action: string;
      readonly with: Readonly<Record<string, string>>;
    }
  | { readonly do: "script"; readonly name: string; readonly script: string };

export type ReleaseWorkflow = {
  readonly env: Readonly<Record<string, string>>;
  readonly steps: readonly WorkflowStep[];
};

/** The job of workflows/release.yml, as a repository without any variable sees it. The checkout is left to the caller. */
export function readReleaseWorkflow(): ReleaseWorkflow {
  const { value } = parseYaml(readFileSync(FILE, "utf8"), { file: FILE });
  const { env, steps } = decode(WorkflowSchema, value, "workflows/release.yml").jobs.release;
  return { env: mapValues(env, withoutVariables), steps: steps.flatMap(stepOf) };
}

function stepOf(
  step: v.InferOutput<typeof WorkflowSchema>["jobs"]["release"]["steps"][number],
): readonly WorkflowStep[] {
  if (step.run !== undefined) return [{ do: "script", name: step.name, script: step.run }];
  const action = OURS.exec(step.uses ?? "")?.[1];
  if (action === undefined) return [];
  return [
    { do: "action", name: step.name, action, with: mapValues(step.with, (value) => withoutVariables(String(value))) },
  ];
}

function withoutVariables(text: string): string {
  return text.replaceAll(/\$\{\{ vars\.\w+ \}\}/g, "");
}

function mapValues<T>(
  record: Readonly<Record<string, T>>,
  map: (value: T) => string,
): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, map(value)]));
}
