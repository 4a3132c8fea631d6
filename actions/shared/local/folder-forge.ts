import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { readTextFile } from "../lib/read-text.ts";
import { writeFileAtomic } from "../lib/write-file.ts";
import type { Check, DeploymentStatus, Forge, ForgeTexts, Posted, StickyComment } from "../ports/forge.ts";

const LARGEST_FILE = 4 * 1024 * 1024;

/** The same texts as files beside the report: `check-<name>.json` with everything, and each as Markdown to be read. */
export function folderForge(folder: string, texts: ForgeTexts): Forge {
  return {
    name: folder,
    async check(check: Check) {
      const { title, summary, text = "", annotations } = texts.check(check.report);
      const { report: _, ...facts } = check;
      const path = join(folder, `check-${fileName(check.name)}`);
      await writeFileAtomic(
        `${path}.json`,
        `${JSON.stringify({ ...facts, title, summary, text, annotations }, null, 2)}\n`,
      );
      return write(`${path}.md`, [summary, text].filter(Boolean).join("\n\n"));
    },
    async comment(comment: StickyComment) {
      const path = join(folder, `comment-${comment.pullRequest}-${fileName(comment.name)}.md`);
      return write(path, texts.comment(comment.report, texts.marker(comment.name)));
    },
    deployment: (status: DeploymentStatus) =>
      write(join(folder, `deployment-${fileName(status.environment)}.json`), JSON.stringify(status, null, 2)),
  };
}

async function write(path: string, text: string): Promise<Posted> {
  const before = await readTextFile(path, LARGEST_FILE);
  await writeFileAtomic(path, `${text}\n`);
  return { state: "posted", url: pathToFileURL(path).href, how: before === undefined ? "created" : "updated" };
}

function fileName(name: string): string {
  return name.replaceAll(/[^A-Za-z0-9_-]+/g, "-");
}
