/** What a Dockerfile's words may name: build arguments and environment variables. */
export type Variables = ReadonlyMap<string, string>;

/**
 * One word or sentence with quotes removed and variables put in: `$x`, `${x}`, `${x:-y}`, `${x-y}`, `${x:+y}`, `${x+y}`. An unknown
 * variable is empty. Undefined for what BuildKit also knows and we do not (`${x#y}`, `${x/y/z}`, `${x:?y}`) and for unfinished quotes.
 */
export function expandWord(text: string, variables: Variables, escapeChar = "\\"): string | undefined {
  const words = scan(text, { variables, escapeChar, splits: false });
  return words?.join("");
}

/** As `expandWord`, but white space outside of quotes separates words: `COPY a "b c" /`, `ENV A=1 B="2 3"`. */
export function expandWords(text: string, variables: Variables, escapeChar = "\\"): readonly string[] | undefined {
  return scan(text, { variables, escapeChar, splits: true });
}

/** The names of all variables in a text, whether they have a value or not. */
export function variablesIn(text: string): readonly string[] {
  return [...text.matchAll(/\$\{?([A-Za-z_]\w*)/g)].map((match) => match[1] ?? "");
}

type Scan = { readonly variables: Variables; readonly escapeChar: string; readonly splits: boolean };

function scan(text: string, { variables, escapeChar, splits }: Scan): readonly string[] | undefined {
  const words: string[] = [];
  let word = "";
  let isOpen = false;
  let quote = "";
  for (let at = 0; at < text.length; at++) {
    const char = text[at] ?? "";
    if (splits && quote === "" && /\s/.test(char)) {
      if (isOpen) words.push(word);
      word = "";
      isOpen = false;
      continue;
    }
    isOpen = true;
    if (quote === "'") {
      if (char === "'") quote = "";
      else word += char;
    } else if (char === quote) quote = "";
    else if (quote === "" && (char === '"' || char === "'")) quote = char;
    else if (char === escapeChar) {
      const following = text[++at];
      if (following === undefined) break;
      word += quote === '"' && !['"', "$", escapeChar].includes(following) ? escapeChar + following : following;
    } else if (char === "$") {
      const variable = readVariable(text.slice(at), variables, escapeChar);
      if (variable === undefined) return undefined;
      word += variable.value;
      at += variable.length - 1;
    } else word += char;
  }
  if (quote !== "") return undefined;
  return isOpen ? [...words, word] : words;
}

type Read = { readonly value: string; readonly length: number };

function readVariable(text: string, variables: Variables, escapeChar: string): Read | undefined {
  const plain = /^\$([A-Za-z_]\w*|\d)/.exec(text);
  if (plain?.[1] !== undefined) return { value: variables.get(plain[1]) ?? "", length: plain[0].length };
  if (!text.startsWith("${")) return { value: "$", length: 1 };
  const end = closingBrace(text);
  const match = end < 0 ? null : /^([A-Za-z_]\w*)(?:(:?[-+])([\s\S]*))?$/.exec(text.slice(2, end));
  if (match?.[1] === undefined) return undefined;
  const other = match[3] === undefined ? "" : expandWord(match[3], variables, escapeChar);
  if (other === undefined) return undefined;
  const value = variables.get(match[1]);
  return { value: choose(match[2], value, other), length: end + 1 };
}

function choose(operator: string | undefined, value: string | undefined, other: string): string {
  switch (operator) {
    case "-":
      return value ?? other;
    case ":-":
      return value === undefined || value === "" ? other : value;
    case "+":
      return value === undefined ? "" : other;
    case ":+":
      return value === undefined || value === "" ? "" : other;
    default:
      return value ?? "";
  }
}

function closingBrace(text: string): number {
  let depth = 0;
  for (let at = 1; at < text.length; at++) {
    if (text[at] === "{") depth++;
    if (text[at] === "}" && --depth === 0) return at;
  }
  return -1;
}
