import { createReadStream } from "node:fs";
import { open, stat } from "node:fs/promises";
import { extname } from "node:path";
import { canonicalJson } from "../domain/canonical.ts";
import type { Digest } from "../domain/digest.ts";
import { parseLfsPointer } from "../domain/run/data-address.ts";
import { csvScanner } from "./csv-scanner.ts";
import { sha256, sha256File, sha256Stream } from "./hash.ts";
import { hashModel } from "./hash-model.ts";

/** What a file or folder of data is, by its content. */
export type DataContent = {
  /** `pointer`: a git-LFS pointer lies there in place of the content. */
  readonly kind: "file" | "folder" | "pointer";
  readonly digest: Digest;
  readonly bytes: number;
  /** Of a table as text: records without the header (CSV, TSV), lines (JSON Lines). */
  readonly rows?: number;
  /** SHA-256 of the canonical JSON of the names of the columns. */
  readonly schemaDigest?: Digest;
};

/** Reads data once. A file by its bytes, a folder by the root digest of its manifest. Undefined where nothing is. */
export async function readDataSet(path: string): Promise<DataContent | undefined> {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) return undefined;
  if (found.isDirectory()) {
    const { digest, files } = await hashModel(path);
    return { kind: "folder", digest, bytes: files.reduce((sum, file) => sum + file.size, 0) };
  }
  const pointer = found.size < 1_024 ? parseLfsPointer(await headOf(path)) : undefined;
  if (pointer !== undefined) return { kind: "pointer", digest: pointer.digest, bytes: pointer.bytes };
  const table = tableOf(path);
  if (table === undefined) return { kind: "file", ...(await hashed(path)) };
  const { digest, size } = await sha256Stream(table.through(createReadStream(path, { highWaterMark: 1024 * 1024 })));
  return { kind: "file", digest, bytes: size, ...table.facts() };
}

async function hashed(path: string): Promise<{ readonly digest: Digest; readonly bytes: number }> {
  const { digest, size } = await sha256File(path);
  return { digest, bytes: size };
}

async function headOf(path: string): Promise<string> {
  const file = await open(path, "r");
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(1_024), 0, 1_024, 0);
    return buffer.toString("utf8", 0, bytesRead);
  } finally {
    await file.close();
  }
}

type Table = {
  through(chunks: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array>;
  facts(): Pick<DataContent, "rows" | "schemaDigest">;
};

function tableOf(path: string): Table | undefined {
  switch (extname(path).toLowerCase()) {
    case ".csv":
      return csvTable(",");
    case ".tsv":
      return csvTable("\t");
    case ".jsonl":
    case ".ndjson":
      return lineTable();
    default:
      return undefined;
  }
}

function csvTable(delimiter: "," | "\t"): Table {
  const scanner = csvScanner(delimiter);
  return {
    through: (chunks) => watched(chunks, scanner.take),
    facts: () => {
      const { records, header } = scanner.end();
      if (header === undefined) return { rows: 0 };
      return { rows: records - 1, schemaDigest: sha256(canonicalJson(header)) };
    },
  };
}

function lineTable(): Table {
  let lines = 0;
  let atStart = true;
  return {
    through: (chunks) =>
      watched(chunks, (chunk) => {
        for (const byte of chunk) {
          if (byte === 0x0a) atStart = true;
          else if (atStart && byte !== 0x0d) {
            atStart = false;
            lines++;
          }
        }
      }),
    facts: () => ({ rows: lines }),
  };
}

async function* watched(
  chunks: AsyncIterable<Uint8Array>,
  take: (chunk: Uint8Array) => void,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    take(chunk);
    yield chunk;
  }
}
