import { join } from "node:path";
import { readTextFile } from "../../shared/lib/read-text.ts";

/** Words that only the licence of this SPDX identifier has; the more special ones first. */
const MARKS: readonly (readonly [id: string, mark: RegExp])[] = [
  ["Apache-2.0", /apache license\s+version 2\.0/i],
  ["AGPL-3.0", /gnu affero general public license\s+version 3/i],
  ["LGPL-3.0", /gnu lesser general public license\s+version 3/i],
  ["LGPL-2.1", /gnu lesser general public license\s+version 2\.1/i],
  ["GPL-3.0", /gnu general public license\s+version 3/i],
  ["GPL-2.0", /gnu general public license\s+version 2/i],
  ["MPL-2.0", /mozilla public license,? version 2\.0/i],
  ["BSD-3-Clause", /neither the name of .* may be used to endorse or promote products/is],
  ["BSD-2-Clause", /redistributions in binary form must reproduce the above copyright/i],
  ["MIT", /permission is hereby granted, free of charge, to any person obtaining a copy/i],
  ["ISC", /permission to use, copy, modify, and\/or distribute this software for any/i],
  ["CC-BY-4.0", /creative commons attribution 4\.0 international/i],
  ["CC0-1.0", /cc0 1\.0 universal/i],
  ["Unlicense", /this is free and unencumbered software released into the public domain/i],
];

/** Where a repository keeps its licence. */
export const LICENCE_FILES = ["LICENSE", "LICENSE.txt", "LICENSE.md", "LICENCE", "COPYING"] as const;

/** The SPDX identifier of a licence's text: what it declares itself, else by its words; undefined where it is none that is known. */
export function licenceOf(text: string): string | undefined {
  const declared = /SPDX-License-Identifier:\s*([A-Za-z0-9.+-]+)/.exec(text)?.[1];
  return declared ?? MARKS.find(([, mark]) => mark.test(text))?.[0];
}

const MAX_TEXT_BYTES = 1024 * 1024;

/** The licence of a repository; undefined where it has none, or one that is not known. */
export async function readLicence(workspace: string): Promise<string | undefined> {
  for (const name of LICENCE_FILES) {
    const text = await readTextFile(join(workspace, name), MAX_TEXT_BYTES);
    if (text !== undefined) return licenceOf(text);
  }
  return undefined;
}
