import { breakAtLimit } from "./break-off.ts";
import { FORGOTTEN, HIDDEN_TEXT, type Value, weightOf } from "./value.ts";

/** What an unpickler stores under numbers, to take again later. */
export type Memo = {
  get(index: number): Value | undefined;
  set(index: number, value: Value): void;
  readonly size: number;
};

/** What may still be kept, by all machines of one scan together. */
export type Room = {
  /** Entries of memos. */
  entries: number;
  /** Bytes of texts in memos. */
  textBytes: number;
  /** Bytes of tuples and dictionaries in memos. */
  valueBytes: number;
  /** Bytes of data types in memos, which arrays share, and of their states. */
  typeBytes: number;
  /** Bytes of what decides on the length of arrays that are still to come. */
  arrayBytes: number;
  /** Memory of memos that are no more: a file may hold thousands of pickles. */
  readonly pages: Page[];
  readonly textPages: Buffer[];
};

export type OwnMemo = Memo & {
  /** Gives back the room that it took. */
  release(): void;
};

const PAGE_ENTRIES = 1 << 16;
/** How far beyond the number of its entries a number may be. */
const PAGES_AHEAD = 16;
const TEXT_PAGE_BYTES = 1 << 18;

/** What an entry is; the number beside it says which. */
const EMPTY = 0;
const TEXT = 1;
const OBJECT = 2;

type Page = { readonly kinds: Uint8Array; readonly places: Uint32Array };

/**
 * A memo in a few bytes an entry: models memoize every word of a vocabulary and take none of them again. Texts lie one behind the other as
 * bytes. What no room is left for is kept as a text that is hidden, or a value that is forgotten. `from`: where its numbers begin.
 */
export function memoOf(room: Room, from = 0): OwnMemo {
  const pages: (Page | undefined)[] = [];
  const texts: Buffer[] = [];
  const objects: Value[] = [];
  const shared = new Map<Value, number>();
  const taken = { entries: 0, textBytes: 0, valueBytes: 0, typeBytes: 0 };
  let textEnd = TEXT_PAGE_BYTES;
  return {
    get size() {
      return taken.entries;
    },
    get,
    set,
    release: () => {
      for (const page of pages.splice(0)) if (page !== undefined) room.pages.push(emptied(page));
      room.textPages.push(...texts.splice(0));
      room.entries += taken.entries;
      room.textBytes += taken.textBytes;
      room.valueBytes += taken.valueBytes;
      room.typeBytes += taken.typeBytes;
    },
  };

  function get(index: number): Value | undefined {
    const page = pages[index >>> 16];
    const kind = page?.kinds[index & 0xffff] ?? EMPTY;
    const place = page?.places[index & 0xffff] ?? 0;
    if (kind === EMPTY) return undefined;
    return kind === TEXT ? textAt(place) : objects[place];
  }

  function set(index: number, value: Value): void {
    const page = pageOf(index);
    const slot = index & 0xffff;
    if (page.kinds[slot] === EMPTY) {
      if (room.entries-- <= 0) throw tooMany();
      taken.entries++;
    }
    const place = value.kind === "text" ? keepText(value.text) : undefined;
    page.kinds[slot] = place === undefined ? OBJECT : TEXT;
    page.places[slot] = place ?? keepObject(value.kind === "text" ? HIDDEN_TEXT : value);
  }

  /** Entries are numbered one after the other by every pickler: what lies far beyond is none's. */
  function pageOf(index: number): Page {
    const number = index >>> 16;
    if (index > 2 ** 31 || number > ((from + taken.entries) >>> 16) + PAGES_AHEAD) throw tooMany();
    pages[number] ??= room.pages.pop() ?? newPage();
    return pages[number];
  }

  function keepText(text: string): number | undefined {
    const bytes = 2 + Buffer.byteLength(text);
    if (bytes > room.textBytes || bytes > TEXT_PAGE_BYTES) return undefined;
    room.textBytes -= bytes;
    taken.textBytes += bytes;
    if (textEnd + bytes > TEXT_PAGE_BYTES) {
      texts.push(room.textPages.pop() ?? Buffer.allocUnsafeSlow(TEXT_PAGE_BYTES));
      textEnd = 0;
    }
    const page = texts[texts.length - 1];
    page?.writeUInt16LE(bytes - 2, textEnd);
    page?.write(text, textEnd + 2);
    const place = (texts.length - 1) * TEXT_PAGE_BYTES + textEnd;
    textEnd += bytes;
    return place;
  }

  function textAt(place: number): Value | undefined {
    const page = texts[Math.floor(place / TEXT_PAGE_BYTES)];
    const at = place % TEXT_PAGE_BYTES;
    const length = page?.readUInt16LE(at) ?? 0;
    return page && { kind: "text", text: page.toString("utf8", at + 2, at + 2 + length) };
  }

  function keepObject(value: Value): number {
    const weight = weightOf(value);
    if (weight === 0) return keepShared(value);
    const of = value.kind === "instance" ? "typeBytes" : "valueBytes";
    if (weight > room[of]) return keepShared(FORGOTTEN);
    room[of] -= weight;
    taken[of] += weight;
    return objects.push(value) - 1;
  }

  function keepShared(value: Value): number {
    const known = shared.get(value);
    if (known !== undefined) return known;
    const place = objects.push(value) - 1;
    shared.set(value, place);
    return place;
  }
}

/** What is stored does not reach the memo below. */
export function memoOver(below: Memo, own: OwnMemo): OwnMemo {
  let size = below.size;
  return {
    get: (index) => own.get(index) ?? below.get(index),
    set: (index, value) => {
      if (below.get(index) === undefined && own.get(index) === undefined) size++;
      own.set(index, value);
    },
    release: own.release,
    get size() {
      return size;
    },
  };
}

function newPage(): Page {
  return { kinds: new Uint8Array(PAGE_ENTRIES), places: new Uint32Array(PAGE_ENTRIES) };
}

function emptied(page: Page): Page {
  page.kinds.fill(EMPTY);
  return page;
}

function tooMany(): RangeError {
  return breakAtLimit("in the memo");
}
