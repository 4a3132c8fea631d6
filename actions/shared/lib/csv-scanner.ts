export type CsvScanner = {
  take(chunk: Uint8Array): void;
  /** All records, the header too, and the names in the header; undefined for an empty file. */
  end(): { readonly records: number; readonly header: readonly string[] | undefined };
};

const QUOTE = 0x22;
const LINE_FEED = 0x0a;
const RETURN = 0x0d;

/** Counts the records of a CSV as it passes by (RFC 4180: a quoted field may hold line breaks); empty lines are no records. */
export function csvScanner(delimiter: "," | "\t"): CsvScanner {
  const first: number[] = [];
  let records = 0;
  let quoted = false;
  let empty = true;
  const endRecord = () => {
    if (!empty) records++;
    empty = true;
  };
  return {
    take: (chunk) => {
      for (const byte of chunk) {
        if (records === 0 && !(byte === LINE_FEED && !quoted)) first.push(byte);
        if (byte === QUOTE) quoted = !quoted;
        if (byte === LINE_FEED && !quoted) endRecord();
        else if (byte !== RETURN) empty = false;
      }
    },
    end: () => {
      endRecord();
      return { records, header: records === 0 ? undefined : namesIn(Buffer.from(first).toString("utf8"), delimiter) };
    },
  };
}

function namesIn(line: string, delimiter: string): readonly string[] {
  const names: string[] = [];
  let name = "";
  let quoted = false;
  for (const char of line.replace(/^\uFEFF/, "").replace(/\r$/, "")) {
    if (char === '"') quoted = !quoted;
    else if (char === delimiter && !quoted) {
      names.push(name);
      name = "";
    } else name += char;
  }
  return [...names, name];
}
