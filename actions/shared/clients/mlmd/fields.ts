import { type Field, idOf, malformed, numbersOf, textOf } from "./wire.ts";

// Fields of a message by their number.

export function bytesAt(fields: readonly Field[], number: number): readonly Uint8Array[] {
  return fields.flatMap((field) => {
    if (field.number !== number) return [];
    if (field.wire !== "bytes") throw malformed(`field ${number} as ${field.wire}`);
    return [field.value];
  });
}

const NOTHING = new Uint8Array();

/** Of a field that is sent several times the last one counts. */
export function lastAt(fields: readonly Field[], number: number): Uint8Array {
  return bytesAt(fields, number).at(-1) ?? NOTHING;
}

export function textAt(fields: readonly Field[], number: number): string {
  return textOf(lastAt(fields, number));
}

export function numberAt(fields: readonly Field[], number: number): number {
  const value = fields
    .filter((field) => field.number === number)
    .flatMap(numbersOf)
    .at(-1);
  return value === undefined ? 0 : idOf(value);
}
