import { relative } from "node:path";
import type { Json } from "../../shared/domain/canonical.ts";
import { type OwnCard, splitCard } from "../../shared/domain/model-card.ts";
import { ReleaseError } from "../../shared/lib/error.ts";
import { readTextFile } from "../../shared/lib/read-text.ts";
import { parseYaml } from "../../shared/lib/yaml.ts";

const MAX_CARD_BYTES = 1024 * 1024;

/** The model card that the user wrote; undefined where none is named. Throws `CONFIG` for front matter that is no map. */
export async function readOwnCard(path: string | undefined, workspace: string): Promise<OwnCard | undefined> {
  if (path === undefined) return undefined;
  const text = (await readTextFile(path, MAX_CARD_BYTES)) ?? "";
  return parseCard(text, relative(workspace, path));
}

export function parseCard(text: string, file: string): OwnCard {
  const { head, body } = splitCard(text);
  const value = head === undefined ? undefined : parseYaml(head, { file }).value;
  if (value === undefined || value === null) return { head: {}, body };
  const plain = plainValue(value);
  if (typeof plain === "object" && plain !== null && !Array.isArray(plain))
    return { head: plain as OwnCard["head"], body };
  throw new ReleaseError("CONFIG", {
    rule: "the front matter of a model card must be a map of keys and values",
    where: { file, line: 2 },
    saw: plain === undefined ? "a value that holds itself" : JSON.stringify(plain).slice(0, 100),
    allowed: "license: apache-2.0",
    hint: "between the two lines of `---` stands YAML",
  });
}

/** What YAML can say beyond JSON (an anchor inside of itself) has no place in a card. */
function plainValue(value: unknown): Json | undefined {
  try {
    return JSON.parse(JSON.stringify(value));
  } catch {
    return undefined;
  }
}
