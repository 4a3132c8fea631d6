import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  bytesField,
  doubleOf,
  idOf,
  int64Of,
  numbersOf,
  readFields,
  textOf,
  varintField,
} from "../../../../../actions/shared/clients/mlmd/wire.ts";

const bytes = (...values: number[]) => Uint8Array.from(values);

const fieldNumber = fc.integer({ min: 1, max: 2 ** 29 - 1 });

const field = fc.oneof(
  fc.tuple(fieldNumber, fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })).map(([number, value]) => ({
    encoded: varintField(number, value),
    decoded: { number, wire: "varint", value: BigInt.asUintN(64, value) },
  })),
  fc.tuple(fieldNumber, fc.uint8Array({ maxLength: 300 })).map(([number, value]) => ({
    encoded: bytesField(number, value),
    decoded: { number, wire: "bytes", value: [...value] },
  })),
);

const plain = (message: Uint8Array) =>
  readFields(message).map((one) => ({ ...one, value: one.wire === "varint" ? one.value : [...one.value] }));

test("what was written is read again, in its order", () => {
  fc.assert(
    fc.property(fc.array(field, { maxLength: 20 }), (fields) => {
      const message = Buffer.concat(fields.map(({ encoded }) => encoded));
      expect(plain(message)).toEqual(fields.map(({ decoded }) => decoded));
    }),
  );
});

test("a message that is cut anywhere is refused or shorter, and nothing but PROTOCOL is thrown", () => {
  fc.assert(
    fc.property(fc.array(field, { minLength: 1, maxLength: 5 }), fc.nat(), (fields, at) => {
      const message = Buffer.concat(fields.map(({ encoded }) => encoded));
      const cut = at % message.length;
      const ends = fields.map((_, i) => Buffer.concat(fields.slice(0, i).map(({ encoded }) => encoded)).length);
      if (ends.includes(cut)) expect(readFields(message.subarray(0, cut))).toHaveLength(ends.indexOf(cut));
      else expect(() => readFields(message.subarray(0, cut))).toThrow(/^\[PROTOCOL\]/);
    }),
  );
});

test("bytes of anything are fields or PROTOCOL", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (message) => {
      try {
        readFields(message);
      } catch (error) {
        expect(String(error)).toContain("[PROTOCOL]");
      }
    }),
    { numRuns: 500 },
  );
});

describe("refused", () => {
  test.each([
    ["a length beyond the end", bytes(0x0a, 0x05, 1, 2), "5 bytes where 2 are left"],
    ["a length of 2^63", bytes(0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f), "bytes where 0 are left"],
    ["a length of 2^64 - 1", bytes(0x0a, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1), "bytes where 0 are left"],
    ["a number that does not end", bytes(0x08, ...Array(11).fill(0x80)), "more than 10 bytes"],
    ["an end in a number", bytes(0x08, 0x80), "in the middle of a number"],
    ["half a double", bytes(0x11, 0, 0, 0), "8 bytes where 3 are left"],
    ["a group, which nobody sends any more", bytes(0x0b, 0x0c), "wire type 3"],
    ["field 0", bytes(0x00, 0x01), "number 0"],
  ])("%s", (_, message, saw) => expect(() => readFields(message)).toThrow(saw));

  test("an id that a number cannot hold", () =>
    expect(() => idOf(2n ** 60n)).toThrow(/^\[PROTOCOL\].*1152921504606846976/));
});

test("repeated numbers are read one by one and packed", () => {
  const single = Buffer.concat([varintField(1, 7), varintField(1, 300)]);
  const packed = bytesField(1, bytes(7, 0xac, 0x02));
  for (const message of [single, packed]) expect(readFields(message).flatMap(numbersOf)).toEqual([7n, 300n]);
  expect(() => readFields(bytesField(1, bytes(7, 0xac))).flatMap(numbersOf)).toThrow("[PROTOCOL]");
});

test("numbers below zero, doubles and texts", () => {
  const [negative] = readFields(varintField(1, -5n));
  expect(negative?.wire === "varint" && int64Of(negative.value)).toBe(-5n);
  fc.assert(
    fc.property(fc.double(), fc.nat(7), (value, offset) => {
      const buffer = new DataView(new ArrayBuffer(16));
      buffer.setFloat64(offset, value, true);
      expect(doubleOf(new Uint8Array(buffer.buffer, offset, 8))).toBe(value);
    }),
  );
  expect(textOf(Buffer.from("Größe 📏"))).toBe("Größe 📏");
});
