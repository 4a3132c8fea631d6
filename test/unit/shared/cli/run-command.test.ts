import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { runCommandLine } from "../../../../actions/shared/cli/run-command.ts";
import { folderStore } from "../../../../actions/shared/local/folder-store.ts";
import { registered } from "../../../support/registry.ts";
import { temporaryFolder } from "../../../support/temporary-folder.ts";

async function ran(words: readonly string[], { columns }: { readonly columns?: number } = {}) {
  const cwd = await temporaryFolder();
  await registered(folderStore(join(cwd, "models")));
  let [out, err] = ["", ""];
  const code = await runCommandLine({
    words,
    env: { ML_RELEASE_STORE: "models" },
    cwd,
    out: { write: (text) => (out += text), columns },
    err: { write: (text) => (err += text) },
    interruption: new Promise(() => {}),
  });
  return { code, out, err };
}

const widest = (text: string) => Math.max(...text.split("\n").map((line) => line.length));

describe("the width of an answer", () => {
  test("is that of the terminal", async () => {
    expect(widest((await ran(["history", "digits"], { columns: 60 })).out)).toBeLessThanOrEqual(60);
  });

  test.each([undefined, 0])("is not limited where the terminal says %s", async (columns) => {
    const { out } = await ran(["history", "digits"], columns === undefined ? {} : { columns });
    expect(out.split("\n")[0]).toBe("digits has 1 version, and no champion");
    const { err } = await ran(["diff", "digits", "1.0.0", "2.0.0"], columns === undefined ? {} : { columns });
    expect(err.split("\n")[0]).toMatch(
      /^❌ NOT_FOUND input B: digits 2\.0\.0 is not registered \(saw 1 versions? of digits in file:.*\)$/,
    );
  });
});

describe("a summary that cannot be written", () => {
  const words = ["--summary", "/proc/none/summary.md"];

  test("is told, and the answer all the same", async () => {
    const { code, out, err } = await ran(["history", "digits", ...words]);
    expect([code, out.split("\n")[0]]).toEqual([4, "digits has 1 version, and no champion"]);
    expect(err).toContain("STORAGE /proc/none/summary.md: a file could not be written (saw ENOENT)");
    expect(err).not.toContain("warning:");
  });

  test("does not hide what else is wrong", async () => {
    const { code, err } = await ran(["history", "letters", ...words]);
    expect([code, err]).toEqual([3, expect.stringContaining("NOT_FOUND input MODEL: letters is not a model")]);
    expect(err).toContain("warning: [STORAGE] /proc/none/summary.md");
  });
});
