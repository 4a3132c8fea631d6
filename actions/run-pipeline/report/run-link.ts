import { code, type Span } from "../../shared/domain/report.ts";

/** The run's id; where it has a page, it leads there. */
export function runLink({ id, url }: { readonly id: string; readonly url?: string | undefined }): Span {
  return url?.startsWith("http") ? { link: url, label: id } : code(id);
}
