/** One gradient rule for each operator: from the gradients of its outputs to those of its inputs. */
import type { Graph, GraphNode, Tensor } from './graph.ts';
import * as op from './operations.ts';
import { broadcastAxes, fixedSize, positiveAxis } from './shapes.ts';

/** A gradient for each input, or undefined where there is none or `needs` says that it is not wanted. */
export type Gradients = readonly (Tensor | undefined)[];

type Needs = (input: Tensor) => boolean;
type Rule = (graph: Graph, node: GraphNode, outputGradients: Gradients, needs: Needs) => Gradients;

/** A rule for an operator with one output and one differentiable input. */
type UnaryRule = (graph: Graph, g: Tensor, x: Tensor, y: Tensor, node: GraphNode) => Tensor;
const unary =
  (rule: UnaryRule): Rule =>
  (graph, node, [g]) => [rule(graph, g!, node.inputs[0]!, node.outputs[0]!, node)];

/** Sum a gradient over the axes that broadcasting widened. */
function unbroadcast(graph: Graph, g: Tensor, like: Tensor): Tensor {
  const summed = op.reduceSum(graph, g, broadcastAxes(g.shape, like.shape), true);
  return op.reshape(graph, summed, like.shape);
}

type BinaryRule = (graph: Graph, g: Tensor, a: Tensor, b: Tensor) => readonly [() => Tensor, () => Tensor];
const binary =
  (rule: BinaryRule): Rule =>
  (graph, node, [g], needs) => {
    const [a, b] = [node.inputs[0]!, node.inputs[1]!];
    const [gradientA, gradientB] = rule(graph, g!, a, b);
    return [
      needs(a) ? unbroadcast(graph, gradientA(), a) : undefined,
      needs(b) ? unbroadcast(graph, gradientB(), b) : undefined,
    ];
  };

/** Min and Max: all of the gradient goes to the operand that was taken (ties: to the first). */
const choice = (isFirstTaken: (graph: Graph, a: Tensor, b: Tensor) => Tensor): Rule =>
  binary((graph, g, a, b) => {
    const zero = graph.scalar(0);
    const first = () => isFirstTaken(graph, a, b);
    return [() => op.where(graph, first(), g, zero), () => op.where(graph, first(), zero, g)];
  });

const not = (graph: Graph, x: Tensor): Tensor =>
  graph.op('Not', [x], {}, { outputs: [{ type: 'bool', shape: x.shape }] })[0]!;

const clipRule: Rule = (graph, node, [g]) => {
  const [x, low, high] = [node.inputs[0]!, node.inputs[1]!, node.inputs[2]!];
  const isInside = op.and(graph, not(graph, op.less(graph, x, low)), not(graph, op.greater(graph, x, high)));
  return [op.where(graph, isInside, g!, graph.scalar(0))];
};

const whereRule: Rule = (graph, node, [g], needs) => {
  const [condition, a, b] = [node.inputs[0]!, node.inputs[1]!, node.inputs[2]!];
  const zero = graph.scalar(0);
  return [
    undefined,
    needs(a) ? unbroadcast(graph, op.where(graph, condition, g!, zero), a) : undefined,
    needs(b) ? unbroadcast(graph, op.where(graph, condition, zero, g!), b) : undefined,
  ];
};

/** The reduced axes put back as 1, so that a reduced tensor broadcasts over the input again. */
function withReducedAxes(graph: Graph, reduced: Tensor, node: GraphNode): Tensor {
  const x = node.inputs[0]!;
  const axes = reducedAxes(graph, node);
  const shape = x.shape.map((size, axis) => (axes.includes(axis) ? 1 : size));
  return op.reshape(graph, reduced, shape);
}

function reducedAxes(graph: Graph, node: GraphNode): number[] {
  const axes = graph.initializers.find((initializer) => initializer.tensor === node.inputs[1]);
  return Array.from(axes!.data as BigInt64Array, Number);
}

const reduceSumRule = unary((graph, g, x, _y, node) =>
  op.expand(graph, withReducedAxes(graph, g, node), x.shape),
);

const reduceMeanRule = unary((graph, g, x, _y, node) => {
  const count = reducedAxes(graph, node).reduce((product, axis) => product * fixedSize(x, axis), 1);
  return op.expand(graph, op.scale(graph, withReducedAxes(graph, g, node), 1 / count), x.shape);
});

/** Equal maxima share the gradient. */
const reduceMaxRule = unary((graph, g, x, y, node) => {
  const isMaximum = op.toFloat(graph, op.equal(graph, x, withReducedAxes(graph, y, node)));
  const count = op.reduceSum(graph, isMaximum, reducedAxes(graph, node), true);
  return op.multiply(graph, isMaximum, op.divide(graph, withReducedAxes(graph, g, node), count));
});

/** dx = y ∘ (g − Σ g ∘ y) over the last axis. */
const softmaxRule = unary((graph, g, _x, y) => {
  const sum = op.reduceSum(graph, op.multiply(graph, g, y), [-1], true);
  return op.multiply(graph, y, op.subtract(graph, g, sum));
});

/** dx = g − softmax(x) · Σ g. */
const logSoftmaxRule = unary((graph, g, x) => {
  const sum = op.reduceSum(graph, g, [-1], true);
  return op.subtract(graph, g, op.multiply(graph, op.softmax(graph, x), sum));
});

/** C = α op(A) op(B): dA = α dC op(B)ᵀ, dB = α op(A)ᵀ dC, each written transposed where the operand was. */
const matMulRule: Rule = (graph, node, [g], needs) => {
  const [a, b] = [node.inputs[0]!, node.inputs[1]!];
  const transposedA = node.attributes.transA === 1;
  const transposedB = node.attributes.transB === 1;
  const factor = node.attributes.alpha;
  const alpha = typeof factor === 'object' && 'float' in factor ? factor.float : 1;
  const gradientA = () =>
    transposedA
      ? op.matMul(graph, b, g!, { transposeA: transposedB, transposeB: true, alpha })
      : op.matMul(graph, g!, b, { transposeB: !transposedB, alpha });
  const gradientB = () =>
    transposedB
      ? op.matMul(graph, g!, a, { transposeA: true, transposeB: transposedA, alpha })
      : op.matMul(graph, a, g!, { transposeA: !transposedA, alpha });
  return [
    needs(a) ? unbroadcast(graph, gradientA(), a) : undefined,
    needs(b) ? unbroadcast(graph, gradientB(), b) : undefined,
  ];
};

const transposeRule = unary((graph, g, _x, _y, node) => {
  const permutation = node.attributes.perm as readonly number[];
  const inverse = permutation.map((_, axis) => permutation.indexOf(axis));
  return op.transpose(graph, g, inverse);
});

const concatRule: Rule = (graph, node, [g]) => {
  const axis = node.attributes.axis as number;
  const sizes = node.inputs.map((input) => fixedSize(input!, axis));
  return op.split(graph, g!, axis, sizes);
};

function zerosLike(graph: Graph, like: Tensor): Tensor {
  return op.expand(graph, graph.scalar(0), like.shape);
}

const splitRule: Rule = (graph, node, outputGradients) => {
  const parts = node.outputs.map((output, index) => outputGradients[index] ?? zerosLike(graph, output));
  return [op.concat(graph, parts, node.attributes.axis as number)];
};

function integerConstant(graph: Graph, tensor: Tensor): number {
  const initializer = graph.initializers.find((candidate) => candidate.tensor === tensor);
  return Number((initializer!.data as BigInt64Array)[0]);
}

const sliceRule = unary((graph, g, x, _y, node) => {
  const [start, end, axis] = [1, 2, 3].map((index) => integerConstant(graph, node.inputs[index]!)) as [
    number,
    number,
    number,
  ];
  const at = positiveAxis(axis, x.shape.length);
  const pads = x.shape.map((_, index) => (index === at ? start : 0));
  const padsAfter = x.shape.map((_, index) => (index === at ? fixedSize(x, at) - end : 0));
  return graph.op(
    'Pad',
    [g, graph.integers([...pads, ...padsAfter])],
    {},
    {
      outputs: [{ type: 'float32', shape: x.shape }],
    },
  )[0]!;
});

/**
 * Rows may repeat, so their gradients are added. ScatterND races on repeated rows and silently loses some; the
 * elementwise scatter does not, but wants an index for each element.
 */
const gatherRule: Rule = (graph, node, [g]) => {
  const [table, indices] = [node.inputs[0]!, node.inputs[1]!];
  const rowShape = table.shape.slice(1);
  const column = op.reshape(graph, indices, [...indices.shape, ...rowShape.map(() => 1)]);
  const full = op.expand(graph, column, g!.shape);
  // ScatterElements wants operands of one rank: flatten the index axes to one.
  const flat = indices.shape.length === 1 ? g!.shape : [`rows_of_${node.outputs[0]!.name}`, ...rowShape];
  const scattered = graph.op(
    'ScatterElements',
    [zerosLike(graph, table), op.reshape(graph, full, flat), op.reshape(graph, g!, flat)],
    { axis: 0, reduction: 'add' },
    { outputs: [{ type: 'float32', shape: table.shape }] },
  );
  return [scattered[0]!];
};

const gatherElementsRule: Rule = (graph, node, [g]) => {
  const [x, indices] = [node.inputs[0]!, node.inputs[1]!];
  return graph.op(
    'ScatterElements',
    [zerosLike(graph, x), indices, g!],
    { axis: 1, reduction: 'add' },
    {
      outputs: [{ type: 'float32', shape: x.shape }],
    },
  );
};

/**
 * y = x r w with r = 1/sqrt(mean(x²)+ε): with p = g ∘ x, dw = Σ_n p r and dx = r (g ∘ w) − x r³/d (p · w).
 * The two sums are matrix-vector products, which avoids two passes over [N, d].
 */
const rmsNormRule: Rule = (graph, node, [g], needs) => {
  const [x, weight] = [node.inputs[0]!, node.inputs[1]!];
  const inverseRoot = node.outputs[1]!;
  const width = fixedSize(x, -1);
  const product = op.flattenRows(graph, op.multiply(graph, g!, x));
  const gradientX = () => {
    const dot = op.matMul(graph, product, op.reshape(graph, weight, [width, 1]));
    const cube = op.multiply(graph, inverseRoot, op.multiply(graph, inverseRoot, inverseRoot));
    const factor = op.multiply(
      graph,
      op.reshape(graph, dot, inverseRoot.shape),
      op.scale(graph, cube, 1 / width),
    );
    const direct = op.multiply(graph, op.multiply(graph, g!, weight), inverseRoot);
    return op.subtract(graph, direct, op.multiply(graph, x, factor));
  };
  const gradientWeight = () => {
    const column = op.flattenRows(graph, inverseRoot);
    return op.reshape(graph, op.matMul(graph, column, product, { transposeA: true }), [width]);
  };
  return [needs(x) ? gradientX() : undefined, needs(weight) ? gradientWeight() : undefined];
};

/** A rotation's transpose is the rotation by the negated angle. */
const rotaryRule: Rule = (graph, node, [g]) => {
  const [, positions, cosine, sine] = node.inputs;
  return [op.rotary(graph, g!, positions!, cosine!, op.negate(graph, sine!))];
};

export const gradientRules: Readonly<Record<string, Rule>> = {
  Identity: unary((_graph, g) => g),
  Neg: unary((graph, g) => op.negate(graph, g)),
  Exp: unary((graph, g, _x, y) => op.multiply(graph, g, y)),
  Log: unary((graph, g, x) => op.divide(graph, g, x)),
  Sqrt: unary((graph, g, _x, y) => op.divide(graph, op.scale(graph, g, 0.5), y)),
  Reciprocal: unary((graph, g, _x, y) => op.negate(graph, op.multiply(graph, g, op.multiply(graph, y, y)))),
  Sigmoid: unary((graph, g, _x, y) => {
    const slope = op.subtract(graph, y, op.multiply(graph, y, y));
    return op.multiply(graph, g, slope);
  }),
  Add: binary((_graph, g) => [() => g, () => g]),
  Sub: binary((graph, g) => [() => g, () => op.negate(graph, g)]),
  Mul: binary((graph, g, a, b) => [() => op.multiply(graph, g, b), () => op.multiply(graph, g, a)]),
  Div: binary((graph, g, a, b) => [
    () => op.divide(graph, g, b),
    () => op.negate(graph, op.divide(graph, op.multiply(graph, g, a), op.multiply(graph, b, b))),
  ]),
  Min: choice((graph, a, b) => not(graph, op.greater(graph, a, b))),
  Max: choice((graph, a, b) => not(graph, op.less(graph, a, b))),
  Clip: clipRule,
  Where: whereRule,
  ReduceSum: reduceSumRule,
  ReduceMean: reduceMeanRule,
  ReduceMax: reduceMaxRule,
  Softmax: softmaxRule,
  LogSoftmax: logSoftmaxRule,
  MatMul: matMulRule,
  FusedMatMul: matMulRule,
  Reshape: unary((graph, g, x) => op.reshape(graph, g, x.shape)),
  Expand: unary((graph, g, x) => unbroadcast(graph, g, x)),
  Transpose: transposeRule,
  Slice: sliceRule,
  Concat: concatRule,
  Split: splitRule,
  Gather: gatherRule,
  GatherElements: gatherElementsRule,
  SimplifiedLayerNormalization: rmsNormRule,
  RotaryEmbedding: rotaryRule,
};
