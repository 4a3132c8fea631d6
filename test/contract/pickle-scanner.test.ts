import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { OPCODES } from "../../actions/shared/model/pickle/opcodes.ts";
import { pythonTools } from "../support/built-tool.ts";
import { PROTO4, pickle, scanBytes, short } from "../support/pickle.ts";
import { scanFile } from "../support/scan-file.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { stateDict, torchZip } from "../support/torch-files.ts";

/** The CPU build of xgboost: the other one brings gigabytes of CUDA along. */
const REQUIREMENTS = ["scikit-learn==1.7.2", "joblib==1.5.2", "numpy==2.4.6", "xgboost-cpu==3.1.1"];

const HERE = join(import.meta.dirname, "pickles");
const SKLEARN = ["sklearn.linear_model._logistic.LogisticRegression", "sklearn.pipeline.Pipeline"];

/** What real libraries saved, and what it must come to. */
const SAVED: Readonly<Record<string, readonly [verdict: string, ...said: readonly string[]]>> = {
  ...everyProtocol("plain", ["data-only"]),
  ...everyProtocol("pipe", ["code-bearing", ...SKLEARN]),
  ...everyProtocol("command", ["dangerous", "posix.system"]),
  "arrays.joblib": ["data-only"],
  "arrays.joblib.gz": ["data-only"],
  "arrays.joblib.z": ["data-only"],
  "arrays.joblib.xz": ["dangerous", "compressed with xz"],
  "arrays.joblib.bz2": ["dangerous", "compressed with bzip2"],
  "arrays.joblib.lzma": ["dangerous", "compressed with lzma"],
  "forest.joblib": ["code-bearing", "sklearn.ensemble._forest.RandomForestClassifier", "sklearn.tree._tree.Tree"],
  "boosted.joblib": ["code-bearing", "xgboost.core.Booster"],
  "eval.joblib": ["dangerous", "builtins.eval"],
  "command.joblib": ["dangerous", "posix.system"],
  "numbers.npy": ["data-only"],
  "objects.npy": ["data-only"],
  "command.npy": ["dangerous", "posix.system"],
  "numbers.npz": ["data-only"],
  "objects.npz": ["data-only"],
  "boosted.json": ["data-only"],
  "boosted.ubj": ["data-only"],
};

function everyProtocol<T>(name: string, expected: T): Readonly<Record<string, T>> {
  return Object.fromEntries([0, 1, 2, 3, 4, 5].map((protocol) => [`${name}-${protocol}.pkl`, expected]));
}

test("models that scikit-learn, joblib, numpy and xgboost saved get their verdict", async () => {
  const [bin, folder] = [await pythonTools(REQUIREMENTS), await temporaryFolder()];
  execFileSync(join(bin, "python"), [join(HERE, "save_models.py"), folder], { stdio: "pipe" });
  for (const [name, [verdict, ...said]] of Object.entries(SAVED)) {
    const scan = await scanFile(name, readFileSync(join(folder, name)));
    expect({ name, verdict: scan.verdict, said: scan.said }).toMatchObject({ name, verdict });
    for (const words of said) expect(scan.said.join("\n"), name).toContain(words);
  }
}, 300_000);

test("the opcodes are Python's, each with its argument", async () => {
  const script =
    "import pickletools, json; print(json.dumps([[ord(o.code), o.name, o.arg.n if o.arg else 0] for o in pickletools.opcodes]))";
  const theirs: readonly [number, string, number][] = JSON.parse(
    execFileSync("python3", ["-c", script], { encoding: "utf8" }),
  );
  expect([...OPCODES].map(([code, { name }]) => [code, name]).toSorted()).toEqual(
    theirs.map(([code, name]) => [code, name]).toSorted(),
  );
  for (const [code, name, length] of theirs) expect([name, lengthOf(code)]).toEqual([name, length]);
});

/** As `pickletools` has it: bytes, or -1 for lines, -2, -3, -4 and -5 for a length of one, four (signed, unsigned) and eight bytes before. */
function lengthOf(code: number): number {
  const argument = OPCODES.get(code)?.argument;
  switch (argument?.kind) {
    case "number":
      return argument.bytes;
    case "double":
      return 8;
    case "counted":
      return argument.bytes === 1 ? -2 : argument.bytes === 8 ? -5 : argument.signed === true ? -3 : -4;
    case "line":
    case "two-lines":
      return -1;
    default:
      return 0;
  }
}

describe("whatever Python's unpickler imports, the scan has told or refused", () => {
  /** With C and with Python's own implementation. */
  const unpickle = (pickles: readonly Buffer[], kind: "c" | "python"): readonly (readonly string[])[] => {
    const input = pickles.map((bytes) => `${bytes.toString("base64")}\n`).join("");
    const output = execFileSync("python3", [join(HERE, "unpickle.py"), kind], {
      input,
      encoding: "utf8",
      maxBuffer: 2 ** 28,
      stdio: ["pipe", "pipe", "ignore"],
    });
    return output
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
  };

  const SEEDS = [
    stateDict(),
    torchZip().subarray(46, 300),
    pickle("c__builtin__\neval\n(S'1'\ntR."),
    pickle(
      PROTO4,
      short("posix"),
      0x94,
      short("system"),
      0x94,
      "0",
      "0",
      "h",
      0,
      "h",
      1,
      0x93,
      short("id"),
      0x85,
      "R.",
    ),
    pickle(PROTO4, short("a"), short("b"), 0x93, ")", 0x81, "}", short("k"), short("c"), short("d"), 0x93, "sb."),
    pickle("(lp0\nI1\naI2\naccollections\nOrderedDict\np1\n(tRp2\na(ios\nsystem\na."),
  ];
  const CODES = [...OPCODES.keys()];

  const edit = fc.record({
    at: fc.nat(400),
    remove: fc.nat(3),
    insert: fc.array(fc.oneof(fc.constantFrom(...CODES), fc.nat(255)), { maxLength: 4 }),
  });
  const changed = fc.tuple(fc.nat(SEEDS.length - 1), fc.array(edit, { maxLength: 4 })).map(([seed, edits]) =>
    edits.reduce((bytes, { at, remove, insert }) => {
      const place = at % (bytes.length + 1);
      return Buffer.concat([bytes.subarray(0, place), Buffer.from(insert), bytes.subarray(place + remove)]);
    }, SEEDS[seed] ?? Buffer.alloc(0)),
  );

  test.each(["c", "python"] as const)("2,000 changed pickles, unpickled by %s", async (kind) => {
    const pickles = fc.sample(changed, { numRuns: 2_000 });
    const asked = unpickle(pickles, kind);
    let imports = 0;
    for (const [i, bytes] of pickles.entries()) {
      const scan = await scanBytes(bytes, { home: "torch" });
      const known = new Set(scan.imports.map(({ path }) => path));
      const missed = (asked[i] ?? []).map(pathOf).filter((path) => !known.has(path));
      imports += (asked[i] ?? []).length;
      // What is not told one by one is refused as a whole.
      if (scan.doubts.length === 0 && scan.broken === undefined)
        expect({ bytes: bytes.toString("hex"), missed }).toEqual({ bytes: bytes.toString("hex"), missed: [] });
    }
    expect(imports).toBeGreaterThan(1_000);
  });
});

/** Names of Python 2 come to `find_class` as they are written. */
function pathOf(path: string): string {
  return path.replace(/^__builtin__\./, "builtins.").replace(/^copy_reg\./, "copyreg.");
}
