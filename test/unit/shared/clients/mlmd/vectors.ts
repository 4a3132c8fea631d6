/** Whole HTTP bodies, made with the real Protocol Buffers of ML Metadata: frames, content and trailers. */
export const VECTORS = {
  /** GetContextByTypeAndName of run 6f8c1d0e-0000-4000-8000-000000000001. */
  REQ1: "AAAAADoKEnN5c3RlbS5QaXBlbGluZVJ1bhIkNmY4YzFkMGUtMDAwMC00MDAwLTgwMDAtMDAwMDAwMDAwMDAx",
  /** Context 42 in namespace team-a. */
  RES1: "AAAAALQKsQEIKhALGiQ2ZjhjMWQwZS0wMDAwLTQwMDAtODAwMC0wMDAwMDAwMDAwMDEqFQoJbmFtZXNwYWNlEggaBnRlYW0tYSpaCg1waXBlbGluZV9yb290EkkaR21pbmlvOi8vbWxwaXBlbGluZS92Mi9hcnRpZmFjdHMvcDEvNmY4YzFkMGUtMDAwMC00MDAwLTgwMDAtMDAwMDAwMDAwMDAxMhJzeXN0ZW0uUGlwZWxpbmVSdW6AAAAAHmdycGMtc3RhdHVzOjANCmdycGMtbWVzc2FnZToNCg==",
  /** GetArtifactsByContext of context 42. */
  REQ2: "AAAAAAIIKg==",
  /** Artifact 7 with accuracy 0.93, artifact 8 with one point of a ROC curve. */
  RES2: "AAAAAYQKwwEIBxAPGl1taW5pbzovL21scGlwZWxpbmUvdjIvYXJ0aWZhY3RzL3AxLzZmOGMxZDBlLTAwMDAtNDAwMC04MDAwLTAwMDAwMDAwMDAwMS9ldmFsdWF0ZS9hYjEyL21ldHJpY3MqFQoIYWNjdXJhY3kSCRHD9Shcj8LtPyoZCgxkaXNwbGF5X25hbWUSCRoHbWV0cmljcyoaChJzdG9yZV9zZXNzaW9uX2luZm8SBBoCe30wAkIOc3lzdGVtLk1ldHJpY3MKuwEICBAQKn4KEWNvbmZpZGVuY2VNZXRyaWNzEmkiZwplCgRsaXN0El0yWwpZKlcKIAoTY29uZmlkZW5jZVRocmVzaG9sZBIJEQAAAAAAAOA/Ch4KEWZhbHNlUG9zaXRpdmVSYXRlEgkRmpmZmZmZuT8KEwoGcmVjYWxsEgkRmpmZmZmZ6T8qFQoMZGlzcGxheV9uYW1lEgUaA3JvYzACQhxzeXN0ZW0uQ2xhc3NpZmljYXRpb25NZXRyaWNzgAAAAB5ncnBjLXN0YXR1czowDQpncnBjLW1lc3NhZ2U6DQo=",
  /** GetEventsByExecutionIDs of executions 99 and 100. */
  REQ3: "AAAAAAQIYwhk",
  /** Artifact 7 is the output `metrics` of execution 99. */
  RES3: "AAAAABUKEwgHEGMaCwoJEgdtZXRyaWNzIASAAAAAHmdycGMtc3RhdHVzOjANCmdycGMtbWVzc2FnZToNCg==",
  /** Execution 99: evaluate, complete, with the output parameter 0.93. */
  RES4: "AAAAAI8KjAEIYxgDKiIKB291dHB1dHMSFyIVChMKBk91dHB1dBIJEcP1KFyPwu0/Ki4KCHBvZF9uYW1lEiIaIHAxLWFiYy1zeXN0ZW0tY29udGFpbmVyLWltcGwtMTIzKhcKCXRhc2tfbmFtZRIKGghldmFsdWF0ZToZc3lzdGVtLkNvbnRhaW5lckV4ZWN1dGlvboAAAAAeZ3JwYy1zdGF0dXM6MA0KZ3JwYy1tZXNzYWdlOg0K",
} as const;

export function bytesOf(name: keyof typeof VECTORS): Uint8Array {
  return new Uint8Array(Buffer.from(VECTORS[name], "base64"));
}

export const RUN_ID = "6f8c1d0e-0000-4000-8000-000000000001";
