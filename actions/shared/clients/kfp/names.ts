/** What pipeline and version are called on a server: in names that it takes, and as people read them. */
export type Names = {
  readonly pipeline: string;
  readonly pipelineTitle: string;
  readonly version: string;
  readonly versionTitle: string;
};

/** Longest names, as the server says: 128 and 127. */
export const LONGEST_PIPELINE = 128;
export const LONGEST_VERSION = 127;

/** Where pipelines are Kubernetes objects, their names are DNS names, and a version's is unique in the namespace, not in its pipeline. */
export function namesOn(
  store: "database" | "kubernetes",
  { name, version }: { readonly name: string; readonly version: string },
): Names {
  const titles = { pipelineTitle: name, versionTitle: version };
  if (store === "database") return { ...titles, pipeline: name, version };
  const pipeline = dnsName(name);
  const own = dnsName(version);
  return { ...titles, pipeline, version: pipeline === "" || own === "" ? "" : `${pipeline}-${own}` };
}

/** The second, third, … version of one release: `v1.1.0-2`. */
export function suffixed(names: Names, number: number): Names {
  const suffix = `-${number}`;
  return { ...names, version: `${names.version}${suffix}`, versionTitle: `${names.versionTitle}${suffix}` };
}

/** RFC 1123, as of Kubernetes objects: lower case letters, digits, `-` and `.` between them. */
function dnsName(text: string): string {
  return text
    .toLowerCase()
    .replaceAll(/[^a-z0-9.-]+/g, "-")
    .replaceAll(/-*\.[.-]*/g, ".")
    .replaceAll(/^[.-]+|[.-]+$/g, "");
}
