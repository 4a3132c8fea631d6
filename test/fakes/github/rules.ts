import type { OperationId } from "./operations.ts";

type Body = Readonly<Record<string, unknown>> | undefined;

const COMMENT_LIMIT = 65_536;
const TITLE_LIMIT = 255;
/** Bytes of an annotation's message or details. */
const MESSAGE_LIMIT = 64 * 1024;

/** What GitHub refuses and its description does not say. */
export function broken(operation: OperationId, body: Body): readonly string[] {
  switch (operation) {
    case "checks/create":
    case "checks/update":
      return brokenCheck(body ?? {});
    case "issues/create-comment":
    case "issues/update-comment":
      return typeof body?.body === "string" && body.body.length > COMMENT_LIMIT
        ? [`body is too long (maximum is ${COMMENT_LIMIT} characters)`]
        : [];
    default:
      return [];
  }
}

type Annotation = { readonly [key: string]: unknown };

function brokenCheck(body: Readonly<Record<string, unknown>>): readonly string[] {
  const output = (body.output ?? {}) as { readonly title?: string; readonly annotations?: readonly Annotation[] };
  return [
    ...(body.status === "completed" && body.conclusion === undefined
      ? ["conclusion is required when status is completed"]
      : []),
    ...((output.title ?? "").length > TITLE_LIMIT ? [`title is too long (maximum is ${TITLE_LIMIT} characters)`] : []),
    ...(output.annotations ?? []).flatMap(brokenAnnotation),
  ];
}

function brokenAnnotation(annotation: Annotation): readonly string[] {
  const { start_line, end_line, start_column, end_column, title, message } = annotation;
  const manyLines = start_line !== end_line;
  return [
    ...(Number(start_line) > Number(end_line) ? ["annotation ends before it starts"] : []),
    ...(manyLines && (start_column ?? end_column) !== undefined ? ["columns are for annotations of one line"] : []),
    ...(String(title ?? "").length > TITLE_LIMIT ? ["annotation title is too long"] : []),
    ...(Buffer.byteLength(String(message ?? "")) > MESSAGE_LIMIT ? ["annotation message is too long"] : []),
  ];
}
