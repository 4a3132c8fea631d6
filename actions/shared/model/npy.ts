import type { ByteReader } from "./byte-reader.ts";

export type NpyHeader =
  | { readonly state: "numbers"; readonly type: string }
  /** The rest of the file is a pickle, or nobody can tell that it is none. */
  | { readonly state: "objects" }
  | { readonly state: "malformed"; readonly why: string };

const MAX_HEADER_BYTES = 64 * 1024;

/** Reads the header of a `.npy` file (numpy's format versions 1 to 3); the reader then stands before the values. */
export async function readNpyHeader(reader: ByteReader): Promise<NpyHeader> {
  if (!(await reader.ensure(12))) return { state: "malformed", why: "it ends in its header" };
  reader.take(6);
  const [major] = reader.take(2);
  const length = major === 1 ? uint(reader.take(2)) : uint(reader.take(4));
  if (major === undefined || major < 1 || major > 3)
    return { state: "malformed", why: `version ${major} is not known` };
  if (length > MAX_HEADER_BYTES || !(await reader.ensure(length)))
    return { state: "malformed", why: `a header of ${length} bytes` };
  const header = Buffer.from(reader.take(length)).toString("latin1");
  const [, type] =
    /^\{\s*'descr':\s*(\S.*?),\s*'fortran_order':\s*(?:True|False),\s*'shape':\s*\([\d, ]*\),?\s*\}\s*$/s.exec(
      header,
    ) ?? [];
  // Python reads the header as a literal, in which an escape or a prefix could write the letter of the type otherwise.
  if (type === undefined || type.includes("\\") || /['"][|<>=]?O/.test(type) || !/^['([]/.test(type))
    return { state: "objects" };
  return { state: "numbers", type: type.slice(0, 200) };
}

function uint(bytes: Uint8Array): number {
  return bytes.reduceRight((value, byte) => value * 256 + byte, 0);
}
