/**
 * Muon for matrices: momentum whose step is made orthogonal, so that every direction of a matrix moves alike.
 *   m ← μ m + (1−μ) g;  u ← (1−μ) g + μ m;  p ← p (1 − η λ) − 0.2 η √max(rows, columns) · orthogonal(u).
 * The factor 0.2 √max(rows, columns) gives a step the size of AdamW's, whose learning rate and decay it shares
 * (Liu et al. 2025, "Muon is Scalable for LLM Training", https://arxiv.org/abs/2502.16982).
 * It knows flat arrays and which ranges are matrices, not which weights they are.
 */
import { NewtonSchulz } from './newton-schulz.ts';

/** A matrix in the flat arrays, row after row. */
export interface MatrixRange {
  readonly start: number;
  readonly rows: number;
  readonly columns: number;
}

export interface MuonNumbers {
  readonly learningRate: number;
  readonly momentum: number;
  readonly weightDecay: number;
  /** Multiplies every gradient first (clipping). */
  readonly scale: number;
}

export interface MuonArrays {
  readonly parameters: Float32Array;
  readonly gradient: Float32Array;
  readonly momentum: Float32Array;
}

interface Group {
  readonly short: number;
  readonly long: number;
  readonly matrices: readonly MatrixRange[];
}

const sizeOfStep = 0.2;

function groupsOf(matrices: readonly MatrixRange[]): readonly Group[] {
  const groups = new Map<string, MatrixRange[]>();
  for (const matrix of matrices) {
    const { rows, columns } = matrix;
    const key = `${Math.min(rows, columns)}x${Math.max(rows, columns)}`;
    groups.set(key, [...(groups.get(key) ?? []), matrix]);
  }
  return [...groups.values()].map((members) => {
    const { rows, columns } = members[0]!;
    return { short: Math.min(rows, columns), long: Math.max(rows, columns), matrices: members };
  });
}

export class Muon {
  readonly #groups: readonly (Group & { readonly iteration: NewtonSchulz })[];

  private constructor(groups: readonly (Group & { readonly iteration: NewtonSchulz })[]) {
    this.#groups = groups;
  }

  static async create(matrices: readonly MatrixRange[], threads: number): Promise<Muon> {
    const groups = groupsOf(matrices).map(async (group) => ({
      ...group,
      iteration: await NewtonSchulz.create(group.short, group.long, threads),
    }));
    return new Muon(await Promise.all(groups));
  }

  /** One update of every matrix, in place. */
  async update(arrays: MuonArrays, numbers: MuonNumbers): Promise<void> {
    for (const { short, long, matrices, iteration } of this.#groups) {
      const steps = new Float32Array(matrices.length * short * long);
      matrices.forEach((matrix, i) => {
        nextStep(arrays, matrix, numbers, steps.subarray(i * short * long, (i + 1) * short * long));
      });
      const orthogonal = await iteration.run(steps, matrices.length);
      matrices.forEach((matrix, i) => {
        apply(
          arrays.parameters,
          matrix,
          numbers,
          orthogonal.subarray(i * short * long, (i + 1) * short * long),
        );
      });
    }
  }

  async release(): Promise<void> {
    for (const { iteration } of this.#groups) await iteration.release();
  }
}

/** Moves the momentum on, and writes the step to be made orthogonal, transposed where there are more rows than columns. */
function nextStep(
  { gradient, momentum }: MuonArrays,
  { start, rows, columns }: MatrixRange,
  { momentum: keep, scale }: MuonNumbers,
  step: Float32Array,
): void {
  const isTall = rows > columns;
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const at = start + row * columns + column;
      const g = scale * gradient[at]!;
      const m = keep * momentum[at]! + (1 - keep) * g;
      momentum[at] = m;
      step[isTall ? column * rows + row : at - start] = (1 - keep) * g + keep * m;
    }
  }
}

function apply(
  parameters: Float32Array,
  { start, rows, columns }: MatrixRange,
  { learningRate, weightDecay }: MuonNumbers,
  orthogonal: Float32Array,
): void {
  const isTall = rows > columns;
  const keep = 1 - learningRate * weightDecay;
  const stepSize = sizeOfStep * learningRate * Math.sqrt(Math.max(rows, columns));
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const at = start + row * columns + column;
      const value = orthogonal[isTall ? column * rows + row : at - start]!;
      parameters[at] = keep * parameters[at]! - stepSize * value;
    }
  }
}
