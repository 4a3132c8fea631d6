import { expect, test } from "vitest";
import { readServerError } from "../../../../../actions/shared/clients/kfp/server-error.ts";

test.each([
  [
    "of an ordinary call",
    '{"code":5,"message":"Run x not found","details":[]}',
    { code: 5, message: "Run x not found" },
  ],
  ["of an old server", '{"code":3,"error":"invalid"}', { code: 3, message: "invalid" }],
  [
    "of an upload",
    '{"error_message":"Failed to create a pipeline version"}',
    { message: "Failed to create a pipeline version" },
  ],
  ["of an upload with details", '{"error_message":"Failed","error_details":"exists"}', { message: "Failed: exists" }],
  [
    "in plain text",
    "Invalid input error: PipelineVersion.Name length\n cannot exceed 127\n",
    { message: "Invalid input error: PipelineVersion.Name length cannot exceed 127" },
  ],
  ["that is JSON of something else", "[1]", { message: "[1]" }],
])("reads an error %s", (_, text, error) => {
  expect(readServerError(text)).toEqual(error);
});

test("cuts what goes on for ever", () => {
  expect(readServerError("x".repeat(10_000)).message).toHaveLength(601);
});
