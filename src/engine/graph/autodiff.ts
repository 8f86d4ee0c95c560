/**
 * Reverse-mode automatic differentiation: adds to a graph the nodes that compute gradients of one scalar.
 * It walks the nodes backwards and asks a rule for each operator (`gradient-rules.ts`); a part of the graph may carry
 * a rule of its own (`withGradient`). It computes only gradients that lead to something asked for.
 */
import { QuerentError } from '../../foundation/errors.ts';
import { type Gradients, gradientRules } from './gradient-rules.ts';
import type { Graph, GraphNode, Tensor } from './graph.ts';
import * as op from './operations.ts';
import { describeShape, sameShape } from './shapes.ts';

/** `outputGradients[i]` is undefined where the scalar does not depend on output i. */
export type GradientFunction = (outputGradients: Gradients, needs: (input: Tensor) => boolean) => Gradients;

interface Composite {
  readonly firstNode: number;
  readonly inputs: readonly Tensor[];
  readonly outputs: readonly Tensor[];
  readonly gradient: GradientFunction;
}

/** Keyed by the index after a composite's last node, since the walk goes backwards. */
const compositesOf = new WeakMap<Graph, Map<number, Composite>>();

/**
 * Build a part of the graph whose gradient is given by hand, because the derived one would be slower or less exact.
 * `inputs` must name every differentiable tensor that `forward` reads from outside.
 */
export function withGradient<T extends readonly Tensor[]>(
  graph: Graph,
  inputs: readonly Tensor[],
  forward: () => T,
  gradient: (outputs: T, ...rest: Parameters<GradientFunction>) => Gradients,
): T {
  const firstNode = graph.nodes.length;
  const outputs = forward();
  const composites = compositesOf.get(graph) ?? new Map<number, Composite>();
  compositesOf.set(graph, composites);
  composites.set(graph.nodes.length, {
    firstNode,
    inputs,
    outputs,
    gradient: (outputGradients, needs) => gradient(outputs, outputGradients, needs),
  });
  return outputs;
}

/** The same value, through which no gradient flows. */
export function stopGradient(graph: Graph, x: Tensor): Tensor {
  return withGradient(
    graph,
    [],
    () => [op.identity(graph, x)] as const,
    () => [],
  )[0];
}

/**
 * A part of the graph from `x` on whose inner tensors are not kept for the backward pass: it builds the part again there.
 * `build` must add the same nodes each time; everything that it reads from outside besides `x` is found by itself.
 * `after(t, others)` is t, computed after the others: the part is built again when the gradient of its output is known, and
 * the gradient of x goes on when all others of the part are computed and nothing of it is needed any more.
 */
export function checkpointed(
  graph: Graph,
  x: Tensor,
  build: (x: Tensor, isAgain: boolean) => Tensor,
  after: (x: Tensor, others: readonly Tensor[]) => Tensor,
): Tensor {
  const firstNode = graph.nodes.length;
  const output = build(x, false);
  const inputs = outerInputs(graph, firstNode);
  const composites = compositesOf.get(graph) ?? new Map<number, Composite>();
  compositesOf.set(graph, composites);
  composites.set(graph.nodes.length, {
    firstNode,
    inputs,
    outputs: [output],
    gradient: ([g], needs) => {
      const again = after(x, [g!]);
      const from = graph.nodes.length;
      const rebuilt = build(again, true);
      const wanted = inputs.map((input) => (needs(input) ? (input === x ? again : input) : undefined));
      const found = backward(graph, forwardSteps(graph, from), new Map([[rebuilt, g!]]), wanted);
      const others = found.filter((one, index) => one !== undefined && inputs[index] !== x) as Tensor[];
      return found.map((one, index) => (one !== undefined && inputs[index] === x ? after(one, others) : one));
    },
  });
  return output;
}

/** Float tensors that the nodes from `firstNode` on read and do not make. */
function outerInputs(graph: Graph, firstNode: number): Tensor[] {
  const made = new Set<Tensor>();
  const outer = new Set<Tensor>();
  for (const node of graph.nodes.slice(firstNode)) {
    for (const input of node.inputs) {
      if (input !== undefined && input.type === 'float32' && !made.has(input)) outer.add(input);
    }
    for (const output of node.outputs) made.add(output);
  }
  return [...outer];
}

interface Step {
  readonly inputs: readonly (Tensor | undefined)[];
  readonly outputs: readonly Tensor[];
  readonly gradient: GradientFunction;
}

function ruleOf(graph: Graph, node: GraphNode): GradientFunction {
  const rule = gradientRules[node.type];
  if (rule !== undefined) return (outputGradients, needs) => rule(graph, node, outputGradients, needs);
  return () => {
    throw new QuerentError(
      'engine/no-gradient-rule',
      `there is no gradient rule for the operator ${node.type}`,
      {
        next: 'Add one to gradient-rules.ts, or stop the gradient before this operator.',
      },
    );
  };
}

/** The forward pass from a node on as steps in order, composites as one step each. */
function forwardSteps(graph: Graph, from = 0): Step[] {
  const composites = compositesOf.get(graph);
  const steps: Step[] = [];
  for (let end = graph.nodes.length; end > from; ) {
    const composite = composites?.get(end);
    if (composite !== undefined && composite.firstNode < end) {
      steps.push(composite);
      end = composite.firstNode;
      continue;
    }
    const node = graph.nodes[end - 1]!;
    steps.push({ inputs: node.inputs, outputs: node.outputs, gradient: ruleOf(graph, node) });
    end--;
  }
  return steps.reverse();
}

/** Tensors through which the scalar depends on `wanted`. */
function dependents(steps: readonly Step[], wanted: readonly (Tensor | undefined)[]): Set<Tensor> {
  const reached = new Set(wanted.filter((tensor) => tensor !== undefined));
  for (const step of steps) {
    if (step.inputs.some((input) => input !== undefined && reached.has(input))) {
      for (const output of step.outputs) if (output.type === 'float32') reached.add(output);
    }
  }
  return reached;
}

/**
 * Gradients of the scalar `loss` with respect to `wanted`, in that order; undefined where the loss does not depend on
 * it. `wanted` may be inputs, initializers or tensors on the way.
 */
export function gradients(graph: Graph, loss: Tensor, wanted: readonly Tensor[]): (Tensor | undefined)[] {
  if (loss.shape.length !== 0) {
    throw new QuerentError('engine/not-a-scalar', `the loss has the shape ${describeShape(loss.shape)}`, {
      next: 'Sum it to a scalar first.',
    });
  }
  return backward(graph, forwardSteps(graph), new Map([[loss, graph.scalar(1)]]), wanted);
}

/** From known gradients of some outputs to those of `wanted`. */
function backward(
  graph: Graph,
  steps: Step[],
  known: Map<Tensor, Tensor>,
  wanted: readonly (Tensor | undefined)[],
): (Tensor | undefined)[] {
  const reached = dependents(steps, wanted);
  const needs = (input: Tensor): boolean => reached.has(input);

  const contribute = (input: Tensor, gradient: Tensor): void => {
    if (!sameShape(input.shape, gradient.shape)) {
      throw new QuerentError(
        'engine/gradient-shape',
        `the gradient of ${input.name}${describeShape(input.shape)} came out as ${describeShape(gradient.shape)}`,
        { next: 'This is a defect of a gradient rule.' },
      );
    }
    const sum = known.get(input);
    known.set(input, sum === undefined ? gradient : op.add(graph, sum, gradient));
  };

  for (const step of steps.reverse()) {
    const outputGradients = step.outputs.map((output) => known.get(output));
    if (outputGradients.every((gradient) => gradient === undefined)) continue;
    if (!step.inputs.some((input) => input !== undefined && needs(input))) continue;
    step.gradient(outputGradients, needs).forEach((gradient, index) => {
      const input = step.inputs[index];
      if (gradient !== undefined && input !== undefined && needs(input)) contribute(input, gradient);
    });
  }
  return wanted.map((tensor) => (tensor === undefined ? undefined : known.get(tensor)));
}
