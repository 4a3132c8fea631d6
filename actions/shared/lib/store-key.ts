import { ReleaseError } from "./error.ts";

const MAX_KEY_BYTES = 1_024;
const MAX_SEGMENT_BYTES = 255;

/** A key that cannot leave its store: relative, `/` between its parts, no empty or dot part, no control character. Throws `INPUT`. */
export function checkKey(key: string): string {
  const fault = faultOf(key);
  if (fault === undefined) return key;
  throw new ReleaseError("INPUT", {
    rule: "a key of the store must be a relative path inside it",
    saw: JSON.stringify(key.slice(0, 200)),
    allowed: fault,
    hint: "rename the file, or correct the name that it is made of",
  });
}

/** As a key, with a slash at its end; empty for everything. */
export function checkPrefix(prefix: string): string {
  if (prefix === "") return prefix;
  checkKey(prefix.endsWith("/") ? prefix.slice(0, -1) : `${prefix}/`);
  return prefix;
}

function faultOf(key: string): string | undefined {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
  if (/[\u0000-\u001f\u007f\\]/.test(key)) return "no control character, no backslash";
  if (!key.isWellFormed()) return "well-formed Unicode";
  if (Buffer.byteLength(key) > MAX_KEY_BYTES) return `at most ${MAX_KEY_BYTES} bytes`;
  const parts = key.split("/");
  if (parts.some((part) => part === "" || part === "." || part === "..")) return "no empty part, no `.`, no `..`";
  if (parts.some((part) => Buffer.byteLength(part) > MAX_SEGMENT_BYTES))
    return `parts of at most ${MAX_SEGMENT_BYTES} bytes`;
  return parts[0] === ".store" ? "not `.store`, which is the folder store's own" : undefined;
}
