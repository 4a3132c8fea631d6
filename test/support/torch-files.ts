import { TORCH_MAGIC } from "../../actions/shared/model/pickle/scan-pickle.ts";
import { type Piece, PROTO2, pickle, uint } from "./pickle.ts";
import { type Member, zipArchive } from "./zip.ts";

const text = (value: string) => pickle("X", uint(value.length, 4), value);

/** `OrderedDict(weight=tensor of four floats)` as `torch.save` pickles a state dict (protocol 2), with more entries where asked for. */
export function stateDict(...more: readonly Piece[]): Buffer {
  const storage = pickle("(", text("storage"), "ctorch\nFloatStorage\n", text("0"), text("cpu"), "K", 4, "tQ");
  const tensor = pickle(
    "ctorch._utils\n_rebuild_tensor_v2\n(",
    storage,
    "K",
    0,
    "K",
    4,
    0x85,
    "K",
    1,
    0x85,
    0x89,
    "ccollections\nOrderedDict\n)RtR",
  );
  return pickle(PROTO2, "ccollections\nOrderedDict\n)R(", text("weight"), tensor, ...more, "u.");
}

const FLOATS = Buffer.from(new Float32Array([1, 2, 3, 4]).buffer);

/** The zip form of torch 1.6 and later: `archive/data.pkl`, raw storages, and what says how to read them. */
export function torchZip(data: Uint8Array = stateDict(), others: readonly Member[] = []): Buffer {
  return zipArchive([
    { name: "archive/data.pkl", content: data },
    { name: "archive/byteorder", content: "little" },
    { name: "archive/data/0", content: FLOATS },
    { name: "archive/version", content: "3\n" },
    { name: "archive/.data/serialization_id", content: "1234567890" },
    ...others,
  ]);
}

/** The form before: magic number, protocol, facts of the machine, the object and the keys, each a pickle; then raw numbers. */
export function torchLegacy(data: Uint8Array = stateDict()): Buffer {
  return pickle(
    TORCH_MAGIC,
    pickle(PROTO2, "M", uint(1001, 2), "."),
    pickle(PROTO2, "}(", text("little_endian"), 0x88, "u."),
    data,
    pickle(PROTO2, "](", text("0"), "e."),
    uint(4, 8),
    FLOATS,
  );
}
