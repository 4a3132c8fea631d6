import * as v from "valibot";

/**
 * What loading the files of a model comes to. `data-only`: values, nothing else. `code-bearing`: classes and functions of packages that are
 * not known to be harmless. `dangerous`: something that runs commands or what it is given, or that cannot be told.
 */
export const SCAN_VERDICTS = ["data-only", "code-bearing", "dangerous"] as const;
export type ScanVerdict = (typeof SCAN_VERDICTS)[number];

/** Real models have a few dozen; a record is no place for the list of a hostile one. */
export const MAX_RECORDED_IMPORTS = 500;

/** The part of a version record that says what a scan of its files found. */
export const ScanSchema = v.object({
  verdict: v.picklist(SCAN_VERDICTS),
  /** What the files import beyond plain data, sorted; of very many the first. */
  imports: v.array(v.string()),
  /** Somebody took it for what it is when it was registered (`unsafe-pickle: allow`). */
  allowed: v.optional(v.boolean()),
});

/** One thing in a file that is more than data. */
export type ScanFinding = {
  readonly level: Exclude<ScanVerdict, "data-only">;
  /** The path in the model. */
  readonly file: string;
  /** Inside of an archive: the member, `outer.zip > inner.pkl` where archives are nested. */
  readonly member?: string;
  /** Byte of the file, of the member where there is one, after decompression. */
  readonly at?: number;
  readonly opcode?: string;
  readonly import?: string;
  readonly why: string;
};

export type ModelScan = {
  readonly verdict: ScanVerdict;
  readonly imports: readonly string[];
  readonly findings: readonly ScanFinding[];
};

export function verdictOf(findings: readonly ScanFinding[]): ScanVerdict {
  if (findings.some(({ level }) => level === "dangerous")) return "dangerous";
  return findings.length > 0 ? "code-bearing" : "data-only";
}

/** `model.pt: archive/data.pkl, byte 42, REDUCE: os.system runs commands`. */
export function formatScanFinding({ file, member, at, opcode, import: path, why }: ScanFinding): string {
  const place = [member, at === undefined ? undefined : `byte ${at}`, opcode].filter((part) => part !== undefined);
  const what = path === undefined ? why : `imports ${path}, ${why}`;
  return [file, place.join(", "), what].filter((part) => part !== "").join(": ");
}
