import type { Parameters } from "../../shared/domain/pipeline/parameters.ts";
import type { Problem } from "../../shared/domain/problem.ts";
import type { DataSet } from "../../shared/domain/release.ts";
import type { Finding } from "../../shared/domain/report.ts";
import { dataParameters } from "../../shared/domain/run/data-address.ts";
import type { WrittenParameters } from "./read-parameters.ts";
import type { ResolvedData } from "./resolve-data.ts";

/** What is to be run, as far as it asks for parameters. */
export type Asking = {
  readonly names: readonly string[];
  /** That it asks for neither of the two, in a sentence. */
  readonly asksForNeither: (parameters: ReturnType<typeof dataParameters>) => string;
};

export type HandedData = {
  /** Of the data's parameters those that are asked for. */
  readonly parameters: Parameters;
  /** The data sets of which something is asked for. */
  readonly sets: readonly DataSet[];
  readonly findings: readonly Finding[];
  readonly problems: readonly Problem[];
};

/** Hands data on where it is asked for. A parameter that the user wrote as well is a problem: nobody could say which one counts. */
export function handData(
  data: ResolvedData,
  written: WrittenParameters,
  { names, asksForNeither }: Asking,
): HandedData {
  const parameters = Object.fromEntries(Object.entries(data.parameters).filter(([name]) => names.includes(name)));
  const isHeard = ({ role }: DataSet) => Object.values(dataParameters(role)).some((name) => names.includes(name));
  return {
    parameters,
    sets: data.sets.filter(isHeard),
    findings: data.sets
      .filter((set) => !isHeard(set))
      .map(({ role }) => ({
        level: "warning",
        where: { input: "data" },
        message: `${asksForNeither(dataParameters(role))}: the data set ${role} is recorded, but not handed to it`,
      })),
    problems: Object.keys(parameters)
      .filter((name) => written.values[name] !== undefined)
      .map((name) => ({
        rule: `the parameter ${name} comes from \`data\` already`,
        where: written.placeOf(name),
        hint: "name it in one of the two",
      })),
  };
}
