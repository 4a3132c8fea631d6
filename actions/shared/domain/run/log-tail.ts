const LINES = 60;
/** A line may be as long as a program likes. */
const CHARACTERS = 64 * 1024;

/** The end of what a program printed, as it is shown: 60 lines at most, of 64 Ki characters at most. */
export function logTail(text: string): string {
  return text.slice(-CHARACTERS).trimEnd().split("\n").slice(-LINES).join("\n");
}
