import { type RegistrySettings, RegistrySettingsSchema } from "../../domain/registry-settings.ts";
import type { ModelStore } from "../../ports/model-store.ts";
import { decodeConfig } from "../decode.ts";
import { ReleaseError } from "../error.ts";

/** No model has this name: it has a dot. */
export const SETTINGS_KEY = "registry.json";

/** What the people of a store ask of everybody; nothing where they did not say. Throws `CONFIG` with the line of what is wrong. */
export async function readRegistrySettings(store: ModelStore): Promise<RegistrySettings> {
  const entry = await store.read(SETTINGS_KEY);
  if (entry === undefined) return { schema: 1 };
  const file = store.address(SETTINGS_KEY);
  // JSON is YAML, of which the place of every value is known.
  const { parseYaml } = await import("../yaml.ts");
  const { value, placeOf } = parseYaml(textOf(entry.bytes, file), { file });
  return decodeConfig(RegistrySettingsSchema, value, placeOf);
}

function textOf(bytes: Uint8Array, file: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (error) {
    throw new ReleaseError(
      "CONFIG",
      { rule: "must be text (UTF-8)", where: { file }, hint: "save it as UTF-8" },
      error,
    );
  }
}
