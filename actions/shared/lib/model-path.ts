import { ReleaseError } from "./error.ts";

/** The path of a file inside of a model, as a store far away names it: that may be what no path is. Throws `REFUSED` for one that no folder could hold. */
export function checkModelPath(path: string, address: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
  const isPath = path.split("/").every((part) => !/^\.{0,2}$|[\u0000-\u001f\u007f\\]/.test(part));
  if (isPath && path.isWellFormed()) return path;
  throw new ReleaseError("REFUSED", {
    rule: "a file of a model must have a name that a folder can hold",
    where: { file: JSON.stringify(address.slice(0, 300)).slice(1, -1) },
    saw: JSON.stringify(path.slice(0, 200)),
    allowed: "names between single slashes, none of them `.` or `..`, without control characters and backslashes",
    hint: "rename the object, or point `model` at the model itself",
  });
}
