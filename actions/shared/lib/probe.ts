import { getExecOutput } from "@actions/exec";

/**
 * What a program says, trimmed; undefined where it is not there or fails. For programs that answer at once (`git config`, `--version`): what may hang,
 * or must end with the step, is for `exec`.
 */
export async function probe(
  command: string,
  args: readonly string[],
  { cwd, env }: { readonly cwd: string; readonly env: Readonly<Record<string, string>> },
): Promise<string | undefined> {
  try {
    const options = { cwd, env: { ...env }, silent: true, ignoreReturnCode: true };
    const { exitCode, stdout } = await getExecOutput(command, [...args], options);
    return exitCode === 0 ? stdout.trim() : undefined;
  } catch {
    // Not on the PATH.
    return undefined;
  }
}
