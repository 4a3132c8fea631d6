import { exec } from "../../lib/exec.ts";
import { expiryOf } from "../../lib/jwt.ts";
import { keptToken, type Token } from "../../lib/kept-token.ts";
import type { Clock } from "../../ports/clock.ts";
import { bearerHeaders, readToken } from "./bearer.ts";
import type { Credentials } from "./credentials.ts";

export type TokenCommand = {
  /** The program and its arguments; no shell reads them. */
  readonly argv: readonly [string, ...string[]];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly mask: (secret: string) => void;
  readonly clock: Clock;
  readonly signal?: AbortSignal;
  /** Default 60 s. */
  readonly timeoutMs?: number;
};

/** A program that prints a token. It is run again before the token expires (where the token tells), and when it is refused. */
export function tokenCommand(command: TokenCommand): Credentials {
  const [program] = command.argv;
  const token = keptToken(() => runOnce(command), command.clock);
  return {
    name: `the token of token-command (${program})`,
    headers: async () => bearerHeaders(await token.get()),
    renew: ({ authorization = "" }) => token.drop(authorization.replace("Bearer ", "")),
    hint: "a token that the command had just made was refused: check the account that it is for, and its audience",
  };
}

async function runOnce({ argv, cwd, env, mask, signal, timeoutMs }: TokenCommand): Promise<Token> {
  const [program, ...args] = argv;
  const { stdout } = await exec(program, args, {
    cwd,
    env,
    timeoutMs: timeoutMs ?? 60_000,
    stdout: "secret",
    ...(signal === undefined ? {} : { signal }),
  });
  // Before it is looked at: whatever it is, it was meant to be a secret.
  mask(stdout.trim());
  const value = readToken(stdout, `token-command (${program})`);
  mask(value);
  const expiresAtMs = expiryOf(value);
  return { value, ...(expiresAtMs === undefined ? {} : { expiresAtMs }) };
}
