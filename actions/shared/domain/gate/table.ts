import type { Block, Text } from "../report.ts";

/** One column of a table: its title, and what it shows of a row. */
export type Field<R> = { readonly title: string; readonly align?: "right"; readonly cell: (row: R) => Text };

/** A table of rows, without the columns that have nothing to show; no block where there are no rows. */
export function tableOf<R>(rows: readonly R[], fields: readonly Field<R>[]): readonly Block[] {
  if (rows.length === 0) return [];
  const used = fields.filter(({ cell }) => rows.some((row) => cell(row) !== ""));
  return [
    {
      kind: "table",
      columns: used.map(({ title, align }) => ({ title, ...(align === undefined ? {} : { align }) })),
      rows: rows.map((row) => used.map(({ cell }) => cell(row))),
    },
  ];
}
