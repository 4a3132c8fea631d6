import type { Json } from "../canonical.ts";
import { parseJson } from "../parse-json.ts";
import { own, type PipelineTask, type TaskInput } from "./package.ts";
import type { Parameters } from "./parameters.ts";
import type { TaskSite } from "./tasks.ts";

/** What a task gets: every value that it can have (in a loop one for each item), or that only the run can tell. */
export type InputValue = { readonly state: "known"; readonly values: readonly Json[] } | { readonly state: "in-run" };

type Around = Pick<TaskSite, "around" | "root" | "component" | "spec">;

const IN_RUN: InputValue = { state: "in-run" };
/** More of them are not told apart. */
const MAX_VALUES = 100;

// What a task gets is found through the DAGs around it, up to the pipeline's own parameters.

/** The list that a task or a DAG around it is repeated over; undefined for one that is not. Depth 0 is the outermost. */
export function itemsOf(site: Around, depth: number, parameters: Parameters | undefined): InputValue | undefined {
  const task = levelOf(site, depth)?.spec;
  if (task === undefined || (task.parameterIterator === undefined && task.artifactIterator === undefined))
    return undefined;
  return itemsAt({ site, parameters, open: new Set() }, depth, task);
}

/** A text with placeholders of inputs filled in: every text that it can be. */
export function filledTexts(site: Around, text: string, parameters: Parameters | undefined): InputValue {
  return filledAt({ site, parameters, open: new Set() }, site.around.length, text);
}

/** What a setting of a task gets, which says where it comes from as an input does. */
export function settingValue(site: Around, setting: TaskInput, parameters: Parameters | undefined): InputValue {
  return sourceValue({ site, parameters, open: new Set() }, site.around.length, setting);
}

type Search = {
  readonly site: Around;
  /** Undefined: not known yet, so that nothing of the pipeline's own parameters can be said. */
  readonly parameters: Parameters | undefined;
  /** What is being looked for: a package may say that an input is made of itself. */
  readonly open: ReadonlySet<string>;
};

function levelOf(
  site: Around,
  depth: number,
): { readonly spec: PipelineTask; readonly component: Around["component"] } | undefined {
  return depth === site.around.length ? site : site.around[depth];
}

function valueAt(search: Search, depth: number, name: string): InputValue {
  if (depth < 0) return parameterValue(search, name);
  const level = levelOf(search.site, depth);
  const key = `${depth} ${name}`;
  if (level === undefined || search.open.has(key)) return IN_RUN;
  const further = { ...search, open: new Set([...search.open, key]) };
  const { spec, component } = level;
  if (spec.parameterIterator?.itemInput === name) return eachOf(itemsAt(further, depth, spec));
  const input = own(spec.inputs.parameters, name);
  if (input === undefined)
    return fromDefault(own(component.inputDefinitions.parameters, name)?.defaultValue as Json | undefined);
  const found = sourceValue(further, depth, input);
  return input.parameterExpressionSelector === undefined ? found : selected(found, input.parameterExpressionSelector);
}

function sourceValue(search: Search, depth: number, input: TaskInput): InputValue {
  if (input.componentInputParameter !== undefined) return valueAt(search, depth - 1, input.componentInputParameter);
  const constant = input.runtimeValue?.constant as Json | undefined;
  if (constant === undefined) return IN_RUN;
  return typeof constant === "string" ? filledAt(search, depth, constant) : { state: "known", values: [constant] };
}

function parameterValue({ site, parameters }: Search, name: string): InputValue {
  if (parameters === undefined) return IN_RUN;
  const given = own(parameters, name);
  if (given !== undefined) return { state: "known", values: [given] };
  return fromDefault(own(site.root.inputDefinitions.parameters, name)?.defaultValue as Json | undefined);
}

/** Without a value an optional input is left out: a placeholder of it stands for nothing. */
function fromDefault(value: Json | undefined): InputValue {
  return { state: "known", values: value === undefined ? [] : [value] };
}

function itemsAt(search: Search, depth: number, task: PipelineTask): InputValue {
  const items = task.parameterIterator?.items;
  if (items?.raw !== undefined) {
    const list = parseJson(items.raw);
    return Array.isArray(list) ? { state: "known", values: [list] } : IN_RUN;
  }
  return items?.inputParameter === undefined ? IN_RUN : valueAt(search, depth, items.inputParameter);
}

function eachOf(items: InputValue): InputValue {
  if (items.state === "in-run") return items;
  const values = items.values.flatMap((list) => (Array.isArray(list) ? (list as readonly Json[]) : []));
  return values.length > MAX_VALUES ? IN_RUN : { state: "known", values };
}

/** `parseJson(string_value)["a"]`, the only form that the compiler writes: a member of a loop's item. */
function selected(found: InputValue, selector: string): InputValue {
  const key = /^parseJson\(string_value\)\["(.*)"\]$/.exec(selector)?.[1];
  if (found.state === "in-run" || key === undefined) return IN_RUN;
  const members = found.values.map((value) => memberOf(typeof value === "string" ? parseJson(value) : value, key));
  return members.every((member) => member !== undefined)
    ? { state: "known", values: members as readonly Json[] }
    : IN_RUN;
}

function memberOf(value: Json | undefined, key: string): Json | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  return own(value as Readonly<Record<string, Json>>, key);
}

const PLACEHOLDER = /\{\{\$\.inputs\.parameters\['([^']+)'\]\}\}/;

function filledAt(search: Search, depth: number, text: string): InputValue {
  const match = PLACEHOLDER.exec(text);
  if (match === null) return text.includes("{{$") ? IN_RUN : { state: "known", values: [text] };
  const [placeholder, name = ""] = match;
  const found = valueAt(search, depth, name);
  // a placeholder that is the whole text keeps its value's type
  if (found.state === "in-run" || placeholder === text) return found;
  const rest = filledAt(search, depth, text.slice(match.index + placeholder.length));
  if (rest.state === "in-run") return IN_RUN;
  const before = text.slice(0, match.index);
  const values = found.values.flatMap((value) => rest.values.map((after) => before + textOf(value) + textOf(after)));
  return values.length > MAX_VALUES ? IN_RUN : { state: "known", values };
}

function textOf(value: Json): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}
