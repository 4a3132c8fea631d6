import { code, type Section, type Text, text } from "../../shared/domain/report.ts";
import type { AliasResult } from "../outcome.ts";

/** What became of each alias. */
export function aliasSection(aliases: readonly AliasResult[]): readonly Section[] {
  if (aliases.length === 0) return [];
  return [{ title: "Aliases", priority: 2, blocks: [{ kind: "list", items: aliases.map(aliasText) }] }];
}

function aliasText(result: AliasResult): Text {
  const name = code(result.alias);
  switch (result.state) {
    case "moved":
      return result.from === undefined ? text`${name} set` : text`${name} moved from ${result.from}`;
    case "would-move":
      return result.from === undefined ? text`${name} would be set` : text`${name} would move from ${result.from}`;
    case "unchanged":
      return text`${name} was there already`;
    case "left":
      return text`${name} stays at ${result.at}: it was moved on after this version had it`;
    case "withheld":
      return text`${name} withheld: ${WITHHELD[result.why]}`;
  }
}

const WITHHELD: Readonly<Record<Extract<AliasResult, { state: "withheld" }>["why"], string>> = {
  gate: "the gate did not pass",
  retired: "the version was taken out of use",
  approval: "nobody approved the version yet (mode approve, then mode alias)",
  environment: "it moves only in a job of another environment",
};
