import { type Answer, jsonAnswer, Refusal } from "./answer.ts";
import { ARTIFACT_KINDS, KINDS, type Kind, type KindName } from "./kinds.ts";
import { listAnswer } from "./listing.ts";
import { type Body, parseBody, readBody } from "./read-body.ts";
import { type Row, type Rows, shown } from "./rows.ts";

export type Call = {
  readonly rows: Rows;
  readonly api: "v1" | "v1alpha3";
  /** Metrics, parameters and data sets are known. */
  readonly isTyped: boolean;
  readonly query: URLSearchParams;
  readonly text: string;
  /** Ids of the path, in their order. */
  readonly ids: readonly string[];
};

export type Route = { readonly method: string; readonly path: string; readonly answer: (call: Call) => Answer };

/** A collection with everything that one can do with it. There is no DELETE anywhere. */
function collection(plural: string, singular: string, kind: KindName): readonly Route[] {
  return [
    { method: "GET", path: `/${singular}`, answer: (call) => find(call, [kind]) },
    { method: "GET", path: `/${plural}`, answer: (call) => listAnswer(call.rows.all([kind]), call.query) },
    { method: "POST", path: `/${plural}`, answer: (call) => create(call, kind) },
    {
      method: "GET",
      path: `/${plural}/{id}`,
      answer: (call) => jsonAnswer(200, shown(call.rows.get([kind], id(call)))),
    },
    { method: "PATCH", path: `/${plural}/{id}`, answer: (call) => patch(call, [kind]) },
  ];
}

/** `field` of a child has its parent's id. */
type Below = { readonly parent: KindName; readonly kind: KindName; readonly field?: string };

/** A collection below a parent; a creation there may be a change. */
function children(path: string, { parent, kind, field }: Below): readonly Route[] {
  return [
    {
      method: "GET",
      path,
      answer: (call) => listAnswer(call.rows.all([kind], call.rows.get([parent], id(call)).id), call.query),
    },
    {
      method: "POST",
      path,
      answer: (call) => {
        const owner = call.rows.get([parent], id(call)).id;
        return write(call, kind, {
          body: bodyOf(call, kind),
          parent: owner,
          own: field === undefined ? {} : { [field]: owner },
        });
      },
    },
  ];
}

export const ROUTES: readonly Route[] = [
  ...collection("registered_models", "registered_model", "registeredModel"),
  ...collection("model_versions", "model_version", "modelVersion"),
  ...collection("serving_environments", "serving_environment", "servingEnvironment"),
  ...collection("inference_services", "inference_service", "inferenceService"),
  ...collection("experiments", "experiment", "experiment"),
  ...collection("model_artifacts", "model_artifact", "model-artifact"),
  ...children("/registered_models/{id}/versions", {
    parent: "registeredModel",
    kind: "modelVersion",
    field: "registeredModelId",
  }),
  ...children("/serving_environments/{id}/inference_services", {
    parent: "servingEnvironment",
    kind: "inferenceService",
    field: "servingEnvironmentId",
  }),
  ...children("/inference_services/{id}/serves", { parent: "inferenceService", kind: "serveModel" }),
  {
    method: "GET",
    path: "/inference_services/{id}/version",
    answer: (call) => jsonAnswer(200, shown(servedVersion(call))),
  },
  {
    method: "GET",
    path: "/model_versions/{id}/artifacts",
    answer: (call) => {
      const wanted = call.query.get("artifactType");
      const kinds = artifactKinds(call).filter((kind) => wanted === null || kind === wanted);
      return listAnswer(call.rows.all(kinds, call.rows.get(["modelVersion"], id(call)).id), call.query);
    },
  },
  { method: "POST", path: "/model_versions/{id}/artifacts", answer: writeArtifact },
  { method: "GET", path: "/artifact", answer: (call) => find(call, artifactKinds(call)) },
  { method: "GET", path: "/artifacts", answer: (call) => listAnswer(call.rows.all(artifactKinds(call)), call.query) },
  {
    method: "GET",
    path: "/artifacts/{id}",
    answer: (call) => jsonAnswer(200, shown(call.rows.get(artifactKinds(call), id(call)))),
  },
  { method: "PATCH", path: "/artifacts/{id}", answer: (call) => patch(call, artifactKinds(call)) },
];

function find({ rows, query }: Call, kinds: readonly KindName[]): Answer {
  const [name, parent, external] = ["name", "parentResourceId", "externalId"].map((key) => query.get(key));
  const hasParent = kinds.some((kind) => "parent" in KINDS[kind]);
  if (!external && !(name && (parent || !hasParent)))
    throw new Refusal(
      400,
      "invalid parameters call, supply either (name and parentResourceId), or externalId: bad request",
    );
  const found = rows
    .all(kinds, external ? undefined : hasParent ? (parent ?? "") : undefined)
    .filter(({ fields }) => (external ? fields.externalId === external : fields.name === name));
  const [first] = found;
  if (first === undefined || found.length > 1)
    throw new Refusal(404, `${found.length === 0 ? "no" : "multiple"} ${kinds[0]} found for name=${name}: not found`);
  return jsonAnswer(200, shown(first));
}

function create(call: Call, kind: KindName): Answer {
  const body = bodyOf(call, kind);
  const field = parentField(kind);
  const parent = field === undefined ? undefined : body[field];
  return write(call, kind, { body, parent: typeof parent === "string" ? parent : "", own: {} });
}

/** The field of the parent's id, where the kind has one. */
function parentField(kind: KindName): string | undefined {
  const known: Kind = KINDS[kind];
  return known.parent;
}

type Writing = { readonly body: Body; readonly parent: string; readonly own: Body };

const PARENTS: Partial<Readonly<Record<KindName, KindName>>> = {
  modelVersion: "registeredModel",
  inferenceService: "servingEnvironment",
};

/** With an id it changes what is there; a metric or parameter of the same name is written over. */
function write({ rows }: Call, kind: KindName, { body, parent, own }: Writing): Answer {
  if (typeof body.id === "string") return jsonAnswer(200, shown(rows.change(rows.get([kind], body.id), body)));
  const owner = PARENTS[kind];
  if (owner !== undefined) rows.get([owner], parent);
  for (const [field, of] of [
    ["modelVersionId", "modelVersion"],
    ["registeredModelId", "registeredModel"],
  ] as const)
    if (typeof body[field] === "string") rows.get([of], body[field]);
  const overwritten = rows.overwritten(kind, body, parent);
  if (overwritten !== undefined) return jsonAnswer(200, shown(rows.change(overwritten, body)));
  const row = rows.insert(kind, { ...body, ...own }, parent);
  // only what came first to the API answers that it was created
  const isLater = kind === "dataset-artifact" || kind === "metric" || kind === "parameter";
  return jsonAnswer(isLater ? 200 : 201, shown(row));
}

function writeArtifact(call: Call): Answer {
  const body = parseBody(call.text);
  const kind = artifactKinds(call).find((one) => one === body.artifactType);
  if (kind === undefined) throw new Refusal(400, "invalid artifact type, must be one of model-artifact, doc-artifact");
  const version = call.rows.get(["modelVersion"], id(call));
  return write(call, kind, {
    body: readBody(kind, body, { act: "create", api: call.api }),
    parent: version.id,
    own: {},
  });
}

/** The map of properties is replaced whole where it is given. */
function patch(call: Call, kinds: readonly KindName[]): Answer {
  const row = call.rows.get(kinds, id(call));
  const body = readBody(row.kind, parseBody(call.text), { act: "update", api: call.api });
  return jsonAnswer(200, shown(call.rows.change(row, body)));
}

function bodyOf(call: Call, kind: KindName): Body {
  const body = parseBody(call.text);
  // below a parent its id may be left out
  const [owner] = call.ids;
  const parent = parentField(kind);
  const whole =
    owner === undefined || parent === undefined || parent === "parent" ? body : { [parent]: owner, ...body };
  return readBody(kind, whole, { act: "create", api: call.api });
}

/** Without a version it is the one that was made last. */
function servedVersion({ rows, ids }: Call): Row {
  const { fields } = rows.get(["inferenceService"], ids[0] ?? "");
  if (typeof fields.modelVersionId === "string") return rows.get(["modelVersion"], fields.modelVersionId);
  const versions = rows.all(["modelVersion"], String(fields.registeredModelId));
  const last = versions.at(-1);
  if (last === undefined) throw new Refusal(404, "no model version found: not found");
  return last;
}

function artifactKinds({ isTyped }: Call): readonly KindName[] {
  return isTyped ? ARTIFACT_KINDS : ["model-artifact", "doc-artifact"];
}

function id({ ids }: Call): string {
  const [first = ""] = ids;
  if (!/^[1-9][0-9]{0,8}$/.test(first)) throw new Refusal(400, `invalid ID: ${first}: bad request`);
  return first;
}
