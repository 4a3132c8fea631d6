import { mkdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import * as v from "valibot";
import { decode } from "../../lib/decode.ts";
import { writeFileAtomic } from "../../lib/write-file.ts";
import { ProcessIdentitySchema } from "./process-identity.ts";
import { ServerSchema } from "./server.ts";

const SplitterSchema = v.object({ id: v.string(), port: v.number(), process: v.optional(ProcessIdentitySchema) });

/** What runs at the local target. Written before each change, so that whatever was started is found again. */
const ServingFileSchema = v.object({
  schema: v.literal(1),
  splitter: v.optional(SplitterSchema),
  stable: v.optional(ServerSchema),
  candidate: v.optional(ServerSchema),
  /** Was stable until the candidate was promoted; to be ended. */
  former: v.optional(ServerSchema),
  /** The candidate's share that was asked for last. */
  share: v.number(),
  /** Whether what serves outlives the job that started it. */
  keep: v.optional(v.boolean()),
});
export type ServingFile = Readonly<v.InferOutput<typeof ServingFileSchema>>;

export const NOTHING_SERVES: ServingFile = { schema: 1, share: 0 };

export async function readServingFile(folder: string): Promise<ServingFile> {
  const path = pathOf(folder);
  const text = await readFile(path, "utf8").catch(() => undefined);
  return text === undefined ? NOTHING_SERVES : decode(ServingFileSchema, JSON.parse(text), path);
}

export async function writeServingFile(folder: string, value: ServingFile): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await writeFileAtomic(pathOf(folder), `${JSON.stringify(value)}\n`);
}

export async function removeServingFile(folder: string): Promise<void> {
  await rm(pathOf(folder), { force: true });
}

function pathOf(folder: string): string {
  return join(folder, "current.json");
}
