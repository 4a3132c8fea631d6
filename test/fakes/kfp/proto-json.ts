import type { Json } from "../../../actions/shared/domain/canonical.ts";
import { type JsonObject, Refused, refusal } from "./answer.ts";

/** Fields of a message by their names in snake case; `any` is not looked into. */
export type Message = { readonly [field: string]: "any" | Message };

/** As the gateway reads JSON: unknown fields are refused with their place; names may be in camel case. */
export function readMessage(text: string, message: Message): JsonObject {
  if (text.trim() === "") throw new Refused(refusal(3, "unexpected EOF"));
  const parsed = parse(text, message);
  if (!isObject(parsed)) throw new Refused(refusal(3, "proto: syntax error (line 1:1): unexpected token"));
  return parsed;
}

/** Throws an error with the words of the protobuf library. */
export function parseMessage(text: string, message: Message): JsonObject {
  const parsed = new Reader(text).value(message);
  if (!isObject(parsed)) throw new Error("proto: syntax error (line 1:1): unexpected token");
  return parsed;
}

export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function parse(text: string, message: Message): Json {
  try {
    return new Reader(text).value(message);
  } catch (error) {
    throw new Refused(refusal(3, error instanceof Error ? error.message : String(error)));
  }
}

class Reader {
  readonly text: string;
  at = 0;

  constructor(text: string) {
    this.text = text;
  }

  value(message: Message | "any"): Json {
    this.space();
    const next = this.text[this.at];
    if (next === undefined) throw new Error("unexpected EOF");
    if (next === "{") return this.object(message);
    if (next === "[") return this.array(message);
    return this.scalar();
  }

  object(message: Message | "any"): Json {
    const read: Record<string, Json> = {};
    this.at++;
    for (this.space(); this.text[this.at] !== "}"; this.space()) {
      const place = this.at;
      const key = this.scalar();
      if (typeof key !== "string") throw this.syntax(place);
      const field = snake(key);
      const known = message === "any" ? "any" : message[field];
      if (known === undefined) throw new Error(`proto: (line ${this.place(place)}): unknown field "${key}"`);
      this.expect(":");
      read[message === "any" ? key : field] = this.value(known);
      this.space();
      if (this.text[this.at] === ",") this.at++;
      else if (this.text[this.at] !== "}") throw this.syntax(this.at);
    }
    this.at++;
    return read;
  }

  array(message: Message | "any"): Json {
    const read: Json[] = [];
    this.at++;
    for (this.space(); this.text[this.at] !== "]"; this.space()) {
      read.push(this.value(message));
      this.space();
      if (this.text[this.at] === ",") this.at++;
      else if (this.text[this.at] !== "]") throw this.syntax(this.at);
    }
    this.at++;
    return read;
  }

  scalar(): Json {
    this.space();
    const place = this.at;
    const found = /^(?:"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*|true|false|null)/.exec(
      this.text.slice(place, place + 1_000_000),
    );
    if (!found) throw this.syntax(place);
    this.at += found[0].length;
    return JSON.parse(found[0]) as Json;
  }

  expect(sign: string): void {
    this.space();
    if (this.text[this.at] !== sign) throw this.syntax(this.at);
    this.at++;
  }

  space(): void {
    while (/\s/.test(this.text[this.at] ?? "")) this.at++;
  }

  syntax(place: number): Error {
    const word = /^[^\s,:{}[\]]+/.exec(this.text.slice(place))?.[0];
    if (word === undefined) return new Error("unexpected EOF");
    return new Error(`proto: syntax error (line ${this.place(place)}): invalid value ${word}`);
  }

  place(at: number): string {
    const before = this.text.slice(0, at).split("\n");
    return `${before.length}:${(before.at(-1)?.length ?? 0) + 1}`;
  }
}

function snake(key: string): string {
  return key.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
