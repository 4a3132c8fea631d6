/** How the files of a model are reached, by the scheme of its address; `file`: a path of this machine. */
export type PlaceScheme = (typeof SCHEMES)[number];
const SCHEMES = ["file", "s3", "minio", "gs"] as const;

export const MODEL_PLACES = "a path, file:///path, s3://bucket/key, minio://bucket/key, gs://bucket/key";

/** Undefined for an address that no model can be read from. */
export function schemeOf(place: string): PlaceScheme | undefined {
  if (place.startsWith("/")) return "file";
  return SCHEMES.find((scheme) => place.startsWith(`${scheme}://`));
}
