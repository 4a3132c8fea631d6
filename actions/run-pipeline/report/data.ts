import { shortDigest } from "../../shared/domain/digest.ts";
import type { DataSet } from "../../shared/domain/release.ts";
import { code, type Section } from "../../shared/domain/report.ts";

export function dataSections(data: readonly DataSet[]): readonly Section[] {
  if (data.length === 0) return [];
  return [
    {
      title: "Data",
      priority: 5,
      blocks: [
        {
          kind: "table",
          columns: [{ title: "role" }, { title: "place" }, { title: "identity" }, { title: "rows", align: "right" }],
          rows: data.map(({ role, uri, digest, version, rows }) => [
            role,
            code(uri),
            code(digest === undefined ? (version ?? "none") : shortDigest(digest)),
            rows === undefined ? "" : String(rows),
          ]),
        },
      ],
    },
  ];
}
