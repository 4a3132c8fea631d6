/** How the files of a model are reached, by the scheme of its address; `file`: a path of this machine; `mlflow`: an address of a model in MLflow. */
export type PlaceScheme = (typeof BY_NAME)[number] | "mlflow";
const BY_NAME = ["file", "s3", "minio", "gs"] as const;

export const MODEL_PLACES =
  "a path, file:///path, s3://bucket/key, minio://bucket/key, gs://bucket/key, runs:/ID/path or models:/NAME/VERSION of MLflow";

/** Undefined for an address that no model can be read from. */
export function schemeOf(place: string): PlaceScheme | undefined {
  if (place.startsWith("/")) return "file";
  if (/^(runs|models):\//.test(place)) return "mlflow";
  return BY_NAME.find((scheme) => place.startsWith(`${scheme}://`));
}
