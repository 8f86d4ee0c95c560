/** Writes a large file piece by piece and flushes it. Not atomic by itself: the directory around it takes its name afterwards. */
import { open } from 'node:fs/promises';

export interface PieceWriter {
  write(bytes: Uint8Array): Promise<void>;
  /** Zeros up to the next multiple. */
  align(multiple: number): Promise<void>;
  readonly position: number;
}

/** One write system call carries at most this much. */
const chunkBytes = 1 << 28;

export async function writePieces(path: string, fill: (file: PieceWriter) => Promise<void>): Promise<void> {
  const handle = await open(path, 'w');
  let position = 0;
  const write = async (bytes: Uint8Array): Promise<void> => {
    for (let at = 0; at < bytes.length; at += chunkBytes)
      await handle.writeFile(bytes.subarray(at, at + chunkBytes));
    position += bytes.length;
  };
  try {
    await fill({
      write,
      align: (multiple) => write(new Uint8Array((multiple - (position % multiple)) % multiple)),
      get position() {
        return position;
      },
    });
    await handle.sync();
  } finally {
    await handle.close();
  }
}
