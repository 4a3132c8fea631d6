import { nearestName } from "../nearest.ts";
import type { IfMissing, IfNoChampion } from "./rule.ts";
import { type Fault, firstWord, type Scanner } from "./scanner.ts";

export type Options = {
  readonly warn?: true;
  readonly minimumN?: number;
  readonly ifMissing?: IfMissing;
  readonly ifNoChampion?: IfNoChampion;
};

export function readOptions(scanner: Scanner): Options | Fault {
  let options: Options = {};
  while (scanner.rest() !== "") {
    const option = readOption(scanner);
    if ("fault" in option) return option;
    const twice = Object.keys(option).find((key) => key in options);
    if (twice !== undefined)
      return scanner.fault("an option stands once", { saw: `${OPTION_NAMES[twice]} twice` }, "last");
    options = { ...options, ...option };
  }
  return options;
}

const OPTION_NAMES: Readonly<Record<string, string>> = {
  warn: "warn",
  minimumN: "when n",
  ifMissing: "if-missing",
  ifNoChampion: "if-no-champion",
};

function readOption(scanner: Scanner): Options | Fault {
  if (scanner.take(/warn(?![\w-])/)) return { warn: true };
  const n = scanner.take(/when\s+n\s*>=\s*(\d{1,15})(?![\w.])/);
  if (n) return { minimumN: Number(n[1]) };
  const missing = scanner.take(/if-missing\s+(no-data|fail|warn)(?![\w-])/);
  if (missing) return { ifMissing: missing[1] as IfMissing };
  const none = scanner.take(/if-no-champion\s+(fail|skip)(?![\w-])/);
  if (none) return { ifNoChampion: none[1] as IfNoChampion };
  return wrongOption(scanner);
}

const OPTIONS = ["warn", "when", "if-missing", "if-no-champion"] as const;

function wrongOption(scanner: Scanner): Fault {
  const word = firstWord(scanner.rest());
  const form = OPTION_FORMS[word];
  if (form !== undefined)
    return scanner.fault("this option is written otherwise", { saw: scanner.rest(), allowed: form });
  const meant = nearestName(word, OPTIONS);
  return scanner.fault("this is no option of a rule", {
    saw: word,
    allowed: Object.values(OPTION_FORMS).join("; "),
    hint: meant === undefined ? "rules are separated by line breaks or commas" : `did you mean ${meant}?`,
  });
}

const OPTION_FORMS: Readonly<Record<string, string>> = {
  warn: "warn",
  when: "when n >= INTEGER",
  "if-missing": "if-missing no-data|fail|warn",
  "if-no-champion": "if-no-champion fail|skip",
};
