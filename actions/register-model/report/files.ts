import { formatSize } from "../../shared/domain/quantity.ts";
import { type Block, code, type Section } from "../../shared/domain/report.ts";
import type { ModelFile } from "../../shared/domain/signing-manifest.ts";

/** The files of a version; of very many the first hundred. */
export function filesSection(files: readonly ModelFile[]): Section {
  const columns = [{ title: "file" }, { title: "size", align: "right" }, { title: "SHA-256" }] as const;
  const shown = files.slice(0, 100);
  const rows = shown.map(({ path, size, digest }) => [code(path), formatSize(size), code(digest)]);
  const more = files.length - shown.length;
  const rest: readonly Block[] = more > 0 ? [{ kind: "paragraph", text: `and ${more} more` }] : [];
  return { title: "Files", priority: 5, folded: true, blocks: [{ kind: "table", columns, rows }, ...rest] };
}
