import type { Tensor } from "../domain/model-version.ts";

export type PmmlFacts = {
  readonly version: string | undefined;
  readonly signature: { readonly inputs: readonly Tensor[]; readonly outputs: readonly Tensor[] } | undefined;
  /** Declarations of entities, which let a parser read other files. */
  readonly hasEntities: boolean;
};

/** Reads the head of a PMML document, by its tags; undefined where it is none. The models in it are not looked into. */
export function readPmml(head: string): PmmlFacts | undefined {
  const [, root] = /<(?:\w+:)?PMML\b([^<>]*)>/.exec(head) ?? [];
  if (root === undefined) return undefined;
  return {
    version: attributesOf(root).version,
    signature: signatureOf(head),
    hasEntities: /<!(DOCTYPE|ENTITY)\b/i.test(head),
  };
}

function signatureOf(head: string): PmmlFacts["signature"] {
  const from = head.search(/<(?:\w+:)?MiningSchema\b/);
  const length = from === -1 ? -1 : head.slice(from).search(/<\/(?:\w+:)?MiningSchema>/);
  if (length === -1) return undefined;
  const schema = head.slice(from, from + length);
  const types = new Map(tags(head, "DataField").map(({ name = "", dataType = "unknown" }) => [name, dataType]));
  const fields = tags(schema, "MiningField").map(({ name = "", usageType = "active" }) => ({
    name,
    usageType,
    type: types.get(name) ?? "unknown",
  }));
  const used = (...usages: readonly string[]) =>
    fields.filter(({ usageType }) => usages.includes(usageType)).map(({ name, type }) => ({ name, type }));
  return { inputs: used("active"), outputs: used("target", "predicted") };
}

function tags(text: string, name: string): readonly Readonly<Record<string, string>>[] {
  return [...text.matchAll(new RegExp(`<(?:\\w+:)?${name}\\b([^<>]*)>`, "g"))].map(([, attributes = ""]) =>
    attributesOf(attributes),
  );
}

function attributesOf(text: string): Readonly<Record<string, string>> {
  return Object.fromEntries(
    [...text.matchAll(/([\w:]+)\s*=\s*(?:"([^"]*)"|'([^']*)')/g)].map(([, name = "", double, single]) => [
      name,
      double ?? single ?? "",
    ]),
  );
}
