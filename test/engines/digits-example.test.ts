import { join } from "node:path";
import { expect, it } from "vitest";
import { exec } from "../../actions/shared/lib/exec.ts";
import { kfpPython } from "../support/python-environment.ts";

const DIGITS = join(import.meta.dirname, "../../examples/digits");

it("the digits example keeps every example's split, trains, exports and serves: its own tests pass", async () => {
  const python = await kfpPython([], join(DIGITS, "requirements.txt"));
  const env = { PATH: process.env.PATH ?? "", HOME: process.env.HOME ?? "/", PYTHONDONTWRITEBYTECODE: "" };
  const args = ["-W", "ignore::FutureWarning", "-m", "unittest", "discover", "-t", ".", "-s", "tests"];
  const { stderr } = await exec(python, args, { cwd: DIGITS, env });
  expect(stderr).toMatch(/Ran 31 tests in [\s\S]*\nOK/);
}, 300_000);
