import type { InputDeclaration, Manifest } from "../runner/inputs.ts";

/** The text of an action's `action.yml`: what GitHub reads of its manifest. */
export function actionYml({ name, description, branding, inputs, outputs }: Manifest): string {
  return [
    "# Written by `make generate` from inputs.ts.",
    `name: ${quote(`ML release: ${name}`)}`,
    `description: ${quote(description)}`,
    `branding: { icon: ${quote(branding.icon)}, color: ${quote(branding.color)} }`,
    "inputs:",
    ...Object.entries(inputs).flatMap(([key, input]) => inputLines(key, input)),
    "outputs:",
    ...Object.entries(outputs).flatMap(([key, output]) => [
      `  ${key}:`,
      `    description: ${quote(output.description)}`,
    ]),
    "runs:",
    "  using: node24",
    "  main: dist/index.js",
    "  post: dist/post.js",
    "  post-if: always()",
    "",
  ].join("\n");
}

function inputLines(key: string, input: InputDeclaration): readonly string[] {
  const value = githubDefault(input);
  return [
    `  ${key}:`,
    `    description: ${quote(input.description)}`,
    ...(input.required && input.env === undefined ? ["    required: true"] : []),
    ...(value === undefined ? [] : [`    default: ${quote(value)}`]),
  ];
}

/** An input with a stand-in must come empty where it is not given, or the variable would never be looked at. */
function githubDefault({ default: value, env }: InputDeclaration): string | undefined {
  return env === undefined ? value : undefined;
}

/** JSON's strings are YAML's double-quoted ones; every default is a string, as GitHub's schema asks. */
function quote(text: string): string {
  return JSON.stringify(text);
}
