/**
 * The write half of Protocol Buffers' wire format (https://protobuf.dev/programming-guides/encoding/), as much of it
 * as ONNX needs. It knows fields and wire types; it does not know ONNX.
 */

const textEncoder = new TextEncoder();

/** Collects the fields of one message; nested messages are other writers. Large byte fields are kept by reference. */
export class ProtobufWriter {
  #chunks: Uint8Array[] = [];
  #size = 0;

  /** Wire type 0. Negative numbers take ten bytes (two's complement of 64 bits), as the format asks. */
  varint(field: number, value: number | bigint): void {
    this.#tag(field, 0);
    this.#push(encodeVarint(value));
  }

  /** Wire type 5. */
  float(field: number, value: number): void {
    this.#tag(field, 5);
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setFloat32(0, value, true);
    this.#push(bytes);
  }

  /** Wire type 2. */
  bytes(field: number, value: Uint8Array): void {
    this.#tag(field, 2);
    this.#push(encodeVarint(value.length));
    this.#push(value);
  }

  string(field: number, value: string): void {
    this.bytes(field, textEncoder.encode(value));
  }

  message(field: number, message: ProtobufWriter): void {
    this.#tag(field, 2);
    this.#push(encodeVarint(message.#size));
    for (const chunk of message.#chunks) this.#push(chunk);
  }

  /** Several integers in one field of wire type 2. */
  packedVarints(field: number, values: readonly (number | bigint)[]): void {
    const packed = new ProtobufWriter();
    for (const value of values) packed.#push(encodeVarint(value));
    this.message(field, packed);
  }

  /** Several 32-bit floats in one field of wire type 2. */
  packedFloats(field: number, values: readonly number[]): void {
    const bytes = new Uint8Array(4 * values.length);
    const view = new DataView(bytes.buffer);
    values.forEach((value, index) => {
      view.setFloat32(4 * index, value, true);
    });
    this.bytes(field, bytes);
  }

  toBytes(): Uint8Array {
    const whole = new Uint8Array(this.#size);
    let offset = 0;
    for (const chunk of this.#chunks) {
      whole.set(chunk, offset);
      offset += chunk.length;
    }
    return whole;
  }

  #tag(field: number, wireType: number): void {
    this.#push(encodeVarint(field * 8 + wireType));
  }

  #push(bytes: Uint8Array): void {
    this.#chunks.push(bytes);
    this.#size += bytes.length;
  }
}

function encodeVarint(value: number | bigint): Uint8Array {
  let rest = BigInt.asUintN(64, BigInt(value));
  const bytes: number[] = [];
  while (rest > 0x7fn) {
    bytes.push(Number(rest & 0x7fn) | 0x80);
    rest >>= 7n;
  }
  bytes.push(Number(rest));
  return Uint8Array.from(bytes);
}
