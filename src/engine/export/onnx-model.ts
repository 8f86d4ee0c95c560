/** `model.onnx` and `model.onnx_data` beside it: the graph small, the weights streamed into a file without a size limit. */
import { join } from 'node:path';
import { writeFileAtomic } from '../../foundation/files.ts';
import type { ExternalInitializer } from '../graph/graph-types.ts';
import { encodeModel } from '../graph/onnx-encoding.ts';
import { encodeElements } from './element-encoding.ts';
import type { ExportSource } from './export-source.ts';
import { writePieces } from './file-writer.ts';
import { onnxDecoder } from './onnx-graph.ts';

const dataFile = 'model.onnx_data';
/** Whole pages, so that runtimes can map the file into memory. */
const alignmentBytes = 4096;

export async function writeOnnxModel(directory: string, source: ExportSource): Promise<void> {
  const { graph, weights } = onnxDecoder(source.config);
  const externals: ExternalInitializer[] = [];
  await writePieces(join(directory, dataFile), async (file) => {
    for (const [name, tensor] of weights) {
      await file.align(alignmentBytes);
      const bytes = encodeElements((await source.read(name)).data, 'F32');
      externals.push({ tensor, file: dataFile, offset: file.position, length: bytes.length });
      await file.write(bytes);
    }
  });
  const { name, nodes, initializers, outputs } = graph;
  const declared = new Set(weights.values());
  const inputs = graph.inputs.filter((input) => !declared.has(input));
  await writeFileAtomic(
    join(directory, 'model.onnx'),
    encodeModel({ name, nodes, initializers, outputs, inputs, externals }),
  );
}
