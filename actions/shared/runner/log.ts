import { randomBytes } from "node:crypto";
import type { Log } from "../ports/log.ts";
import type { Masks } from "./masks.ts";
import { fence, formatCommand, looksLikeCommand } from "./workflow-commands.ts";

export type LogOptions = {
  /** Whether the reader is the runner, which takes commands, or a terminal. */
  readonly onGitHub: boolean;
  readonly debug: boolean;
  readonly masks: Pick<Masks, "hide">;
  readonly write: (text: string) => void;
};

export function jobLog({ onGitHub, debug, masks, write }: LogOptions): Log {
  let depth = 0;
  const line = (text: string) => write(`${text}\n`);
  const command = (name: string, text: string) => line(formatCommand(name, masks.hide(text)));
  const fenced = (text: string) =>
    line(onGitHub ? fence(masks.hide(text), randomBytes(16).toString("hex")) : masks.hide(text));
  // A value of ours may begin like a command too: a branch, a metric's name.
  const info = (text: string) => (onGitHub && looksLikeCommand(text) ? fenced(text) : line(masks.hide(text)));
  return {
    debug: (text) => {
      if (debug) onGitHub ? command("debug", text) : line(`debug: ${masks.hide(text)}`);
    },
    info,
    warn: (text) => (onGitHub ? command("warning", text) : line(`warning: ${masks.hide(text)}`)),
    fenced,
    group: async (title, act) => {
      // The runner knows no groups inside groups.
      const outer = depth++ === 0;
      if (outer && onGitHub) command("group", title);
      else info(`▸ ${title}`);
      try {
        return await act();
      } finally {
        depth -= 1;
        if (outer && onGitHub) line("::endgroup::");
      }
    },
  };
}
