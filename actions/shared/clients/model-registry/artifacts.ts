import * as v from "valibot";
import { inParallel } from "../../lib/in-parallel.ts";
import type { Clock } from "../../ports/clock.ts";
import type { ArtifactBody } from "./artifact-bodies.ts";
import type { Connection } from "./connection.ts";
import { ensure } from "./ensure.ts";
import { hasAll, PropertiesSchema } from "./properties.ts";

const ArtifactSchema = v.looseObject({
  id: v.string(),
  artifactType: v.string(),
  name: v.optional(v.nullable(v.string())),
  customProperties: PropertiesSchema,
});

type Artifact = v.InferOutput<typeof ArtifactSchema>;

/** A version may have metrics by the hundred. */
const AT_ONCE = 8;

/** Everything that belongs to a version: what is missing is made, what differs is written again. Answers how many of them, and the model's id. */
export async function syncArtifacts(
  connection: Connection,
  clock: Clock,
  { versionId, bodies }: { readonly versionId: string; readonly bodies: readonly ArtifactBody[] },
): Promise<{ readonly written: number; readonly modelArtifact: string | undefined }> {
  const path = `/model_versions/${versionId}/artifacts`;
  const list = () => connection.list(ArtifactSchema, path);
  const there = await list();
  const [model, ...others] = bodies.map(
    (body) => async (): Promise<{ readonly id: string; readonly isNew: boolean }> => {
      let known: readonly Artifact[] | undefined = there;
      const found = async () => {
        const all = known ?? (await list());
        known = undefined;
        return all.find((one) => one.artifactType === body.artifactType && one.name === body.name);
      };
      const { how, value } = await ensure(connection, clock, { schema: ArtifactSchema, find: found, path, json: body });
      if (how === "created") return { id: value.id, isNew: true };
      if (isSame(value, body)) return { id: value.id, isNew: false };
      // with an id the same call changes what is there
      await connection.update(ArtifactSchema, { path, json: { ...body, id: value.id } });
      return { id: value.id, isNew: true };
    },
  );
  // whoever serves takes the first artifact that there is: the model comes before the rest
  const first = await model?.();
  const rest = await inParallel(others, AT_ONCE, (write) => write());
  return { written: [first, ...rest].filter((one) => one?.isNew).length, modelArtifact: first?.id };
}

function isSame(there: Artifact, { customProperties = {}, ...fields }: ArtifactBody): boolean {
  return (
    Object.entries(fields).every(([name, value]) => there[name] === value) &&
    hasAll(there.customProperties ?? {}, customProperties)
  );
}
