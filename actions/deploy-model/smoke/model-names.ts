import type { ServedModel } from "../../shared/domain/rollout/journal-entry.ts";
import { parseTargetName } from "../../shared/domain/serving/target-name.ts";

/** What a server may call the model: its own name, or that of the object that serves it (an InferenceService names it so). */
export function modelNames(target: string, { name }: Pick<ServedModel, "name">): readonly string[] {
  const parsed = parseTargetName(target);
  const object = parsed.state === "ok" && "name" in parsed.value ? [parsed.value.name] : [];
  return [...new Set([name, ...object])];
}
