import { ReleaseError } from "./error.ts";

export type Page<T> = {
  readonly items: readonly T[];
  /** What the next page is asked for with; empty or absent at the end. */
  readonly next?: string | undefined;
};

export type Pages<T> = {
  /** The list, as it reads in a sentence: `the runs of Kubeflow Pipelines`. */
  readonly what: string;
  readonly read: (token: string | undefined) => Promise<Page<T>>;
  /** What to do where they never end. */
  readonly hint: string;
};

/** No list has more pages: what goes on after that goes on for ever. */
const MOST_PAGES = 10_000;

/** All items of a list that comes in pages. Throws `PROTOCOL` where they never end: a token comes again, or more of them than any list has. */
export async function allPages<T>({ what, read, hint }: Pages<T>): Promise<readonly T[]> {
  const pages: (readonly T[])[] = [];
  const seen = new Set<string>();
  for (let token: string | undefined; seen.size < MOST_PAGES; ) {
    const { items, next } = await read(token);
    pages.push(items);
    if (next === undefined || next === "") return pages.flat();
    if (seen.has(next)) break;
    seen.add(next);
    token = next;
  }
  throw new ReleaseError("PROTOCOL", { rule: `${what} came in pages that never end`, saw: `${seen.size} pages`, hint });
}
