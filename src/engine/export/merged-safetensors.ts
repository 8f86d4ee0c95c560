/** `model.safetensors` written tensor by tensor from an export source. */
import { encodeHeader } from '../checkpoint/safetensors-header.ts';
import { encodeElements } from './element-encoding.ts';
import type { ExportSource } from './export-source.ts';
import { writePieces } from './file-writer.ts';

export type SafetensorsEncoding = 'F32' | 'F16' | 'BF16';

export async function writeMergedSafetensors(
  path: string,
  source: ExportSource,
  dtype: SafetensorsEncoding,
): Promise<void> {
  const names = [...source.shapes.keys()].sort();
  const header = names.map((name) => ({ name, dtype, shape: source.shapes.get(name)! }));
  await writePieces(path, async (file) => {
    // Python's transformers asks for the format.
    await file.write(encodeHeader(header, { format: 'pt' }));
    for (const name of names) await file.write(encodeElements((await source.read(name)).data, dtype));
  });
}
