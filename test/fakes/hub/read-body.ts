import { Refusal } from "./answer.ts";
import { type Field, KINDS, type KindName } from "./kinds.ts";

export type Body = Readonly<Record<string, unknown>>;

export type Reading = {
  readonly act: "create" | "update";
  /** The API takes a step as a text since v1, as a number before. */
  readonly api: "v1" | "v1alpha3";
};

/** Decodes as the server does: an unknown key is an error, and so is a value of another type. */
export function readBody(kindName: KindName, body: Body, { act, api }: Reading): Body {
  const kind = KINDS[kindName];
  const fields: Readonly<Record<string, Field>> = kind[act];
  for (const [name, value] of Object.entries(body)) {
    const field = name === "id" ? "id" : fields[name];
    if (field === undefined) throw new Refusal(400, `json: unknown field "${name}"`);
    if (!fits(field, value, { name, api }))
      throw new Refusal(400, `json: cannot unmarshal ${JSON.stringify(value)?.slice(0, 60)} into field ${name}`);
  }
  if (act === "create" && body.id === undefined)
    for (const name of kind.required)
      if (body[name] === undefined || body[name] === "")
        throw new Refusal(422, `required field '${name}' is zero value.`);
  if (kindName === "metric" && act === "create" && body.value === undefined)
    throw new Refusal(400, "metric value is required");
  return body;
}

export function parseBody(text: string): Body {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new Refusal(400, error instanceof Error ? error.message : "no JSON");
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new Refusal(400, "json: no object");
  if (text.includes("\\u0000") || text.includes("\u0000")) throw new Refusal(400, "null bytes are not allowed");
  return value as Body;
}

const ID = /^[1-9][0-9]{0,8}$/;

function fits(field: Field, value: unknown, { name, api }: { readonly name: string; readonly api: string }): boolean {
  switch (field) {
    case "string":
      return typeof value === "string";
    case "id":
      return typeof value === "string" && ID.test(value);
    case "strings":
      return Array.isArray(value) && value.every((one) => typeof one === "string");
    case "number":
      return typeof value === "number";
    case "integer":
      return api === "v1" && name === "step" ? typeof value === "string" : Number.isInteger(value);
    case "properties":
      return typeof value === "object" && value !== null && Object.values(value).every(isProperty);
    default:
      return field.includes(value as string);
  }
}

const PAYLOADS: Readonly<Record<string, { readonly key: string; readonly fits: (value: unknown) => boolean }>> = {
  MetadataStringValue: { key: "string_value", fits: (value) => typeof value === "string" },
  MetadataDoubleValue: { key: "double_value", fits: (value) => typeof value === "number" },
  MetadataBoolValue: { key: "bool_value", fits: (value) => typeof value === "boolean" },
  MetadataIntValue: {
    key: "int_value",
    fits: (value) => typeof value === "string" && /^(0|-?[1-9][0-9]{0,8})$/.test(value),
  },
  MetadataStructValue: { key: "struct_value", fits: (value) => typeof value === "string" && isBase64Json(value) },
};

/** The type and its one value, and nothing else. */
function isProperty(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  const { metadataType, ...rest } = value as Readonly<Record<string, unknown>>;
  const payload = PAYLOADS[String(metadataType)];
  const keys = Object.keys(rest);
  return payload !== undefined && keys.length === 1 && keys[0] === payload.key && payload.fits(rest[payload.key]);
}

function isBase64Json(text: string): boolean {
  try {
    JSON.parse(Buffer.from(text, "base64").toString("utf8"));
    return Buffer.from(text, "base64").toString("base64") === text;
  } catch {
    return false;
  }
}
