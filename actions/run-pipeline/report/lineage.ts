import { code, type Section, type Text, text } from "../../shared/domain/report.ts";
import type { LineageInput } from "../../shared/domain/run/model-lineage.ts";
import type { Ended } from "../outcome.ts";

/** Which executions and which data the model rests on, the last step first. */
export function lineageSections({ lineage, run }: Ended): readonly Section[] {
  const [first] = lineage;
  if (first === undefined || run.model === undefined) return [];
  return [
    {
      title: "Where the model comes from",
      priority: 5,
      folded: true,
      blocks: [
        {
          kind: "table",
          columns: [{ title: "execution" }, { title: "read" }],
          rows: lineage.map(({ path, cached, inputs }) => [
            cached ? text`${code(path)}, kept from before` : code(path),
            inputs.length === 0 ? "no artifact" : inputs.flatMap((input, i) => spans(input, i === 0 ? "" : "; ")),
          ]),
        },
      ],
    },
  ];
}

function spans({ name, uri, producer }: LineageInput, before: string): readonly Exclude<Text, readonly unknown[]>[] {
  return [`${before}${name} of `, code(producer ?? uri)];
}
