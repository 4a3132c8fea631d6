import { toJsonSchema } from "@valibot/to-json-schema";
import type { GenericSchema } from "valibot";
import { CatalogSchema } from "../domain/catalog/catalog.ts";
import { DigestSchema } from "../domain/digest.ts";
import { GateFileSchema } from "../domain/gate/gate-file.ts";
import { VersionRecordSchema } from "../domain/model-version.ts";
import { RegistrySettingsSchema } from "../domain/registry-settings.ts";
import { ReleaseSchema } from "../domain/release.ts";
import { EvidenceSchema } from "../domain/rollout/evidence.ts";
import { RolloutFileSchema } from "../domain/rollout/rollout-file.ts";
import type { Manifest } from "../runner/inputs.ts";

/** What is published beside the inputs' own schemas, by file name. */
const documents: Readonly<Record<string, { readonly title: string; readonly schema: GenericSchema }>> = {
  release: { title: "Release record of ml-release-actions", schema: ReleaseSchema },
  rollout: { title: "Rollout file of deploy-model (input rollout)", schema: RolloutFileSchema },
  gates: { title: "Gate file in its object form (input gates)", schema: GateFileSchema },
  registry: { title: "Settings of a model store (registry.json)", schema: RegistrySettingsSchema },
  "model-version": { title: "Version record in the model store", schema: VersionRecordSchema },
  catalog: { title: "Catalog of a model store", schema: CatalogSchema },
  evidence: { title: "Evidence file of a rollout", schema: EvidenceSchema },
};

/** JSON Schemas by file name: of the release record, and of every input that is YAML. */
export function jsonSchemas(manifests: readonly Manifest[]): ReadonlyMap<string, string> {
  const inputs = manifests.flatMap(({ name, inputs: declared }) =>
    Object.entries(declared).flatMap(([input, declaration]) =>
      declaration.kind === "yaml"
        ? [[`${name}.${input}`, { title: `Input ${input} of ${name}`, schema: declaration.schema }] as const]
        : [],
    ),
  );
  const all = [...Object.entries(documents), ...inputs];
  return new Map(all.map(([name, { title, schema }]) => [`${name}.schema.json`, jsonSchema(title, schema)]));
}

function jsonSchema(title: string, schema: GenericSchema): string {
  const converted = toJsonSchema(schema, {
    target: "draft-2020-12",
    typeMode: "input",
    // A digest is a template type, which the library only knows as a check of its own.
    overrideSchema: ({ valibotSchema }) =>
      valibotSchema === DigestSchema ? { type: "string", pattern: "^sha256:[0-9a-f]{64}$" } : undefined,
  });
  return `${JSON.stringify({ $schema: "https://json-schema.org/draft/2020-12/schema", title, ...converted }, undefined, 2)}\n`;
}
