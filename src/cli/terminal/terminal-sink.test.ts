import { Writable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { duration, liveLine, timeLeftMs } from './live-line.ts';
import { createTerminalSink } from './terminal-sink.ts';

function recorder(isTTY: boolean) {
  let text = '';
  const stream = Object.assign(
    new Writable({
      write(chunk: Buffer, _encoding, done) {
        text += chunk.toString();
        done();
      },
    }),
    { isTTY, columns: 120, cursorTo: () => true, clearLine: () => true, moveCursor: () => true },
  );
  return { stream, text: () => text };
}

describe('live line', () => {
  it.each([
    [0, '0s'],
    [59_400, '59s'],
    [185_000, '3m05s'],
    [3_725_000, '1h02m'],
  ])('%d ms is %s', (ms, expected) => {
    expect(duration(ms)).toBe(expected);
  });

  it('shows known metrics in a fixed order and leaves out what is not a number', () => {
    expect(liveLine({ tokensPerSecond: 1234.5, loss: 0.51234, entropy: Number.NaN, other: 3 })).toBe(
      'loss 0.512  tok/s 1,235',
    );
  });

  it('extrapolates the time left from the pace so far', () => {
    expect(timeLeftMs(10_000, 1, 4)).toBe(30_000);
    expect(timeLeftMs(10_000, 0, 4)).toBeUndefined();
  });
});

describe('terminal sink', () => {
  const steps = (
    sink: { observe: ReturnType<typeof createTerminalSink>['observe'] },
    tick: (ms: number) => void,
  ) => {
    for (let step = 1; step <= 30; step++) {
      sink.observe({ type: 'step-end', stage: 'sft', step, total: 30, metrics: { loss: 1 / step } });
      tick(1000);
    }
  };

  it('writes plain lines without colours or cursor codes where there is no terminal', () => {
    let clock = 0;
    const { stream, text } = recorder(false);
    const sink = createTerminalSink({ stream, color: false, now: () => clock });
    sink.observe({ type: 'stage-start', stage: 'sft', title: 'Supervised fine-tuning' });
    steps(sink, (ms) => {
      clock += ms;
    });
    sink.observe({ type: 'evaluation-end', stage: 'sft', set: 'complex', step: 30, metrics: { ex: 0.8 } });
    sink.observe({ type: 'stage-end', stage: 'sft', title: 'Supervised fine-tuning', elapsedMs: 30_000 });
    expect(text().split('\n')).toEqual([
      '▸ Supervised fine-tuning',
      '  sft 11/30  17s left  loss 0.091',
      '  sft 21/30  9s left  loss 0.048',
      '  sft complex: EX 80.0%',
      '✓ Supervised fine-tuning (30s)',
      '',
    ]);
  });

  it('draws a bar on a terminal only for what lasts, and takes it away', () => {
    let clock = 0;
    const { stream, text } = recorder(true);
    const sink = createTerminalSink({ stream, color: false, now: () => clock });
    sink.observe({ type: 'progress', stage: 'data', label: 'rows', done: 1, total: 3 });
    clock += 1000;
    sink.observe({ type: 'progress', stage: 'data', label: 'rows', done: 3, total: 3 });
    expect(text()).toBe('');
    steps(sink, (ms) => {
      clock += ms;
    });
    expect(text()).toContain('sft');
    expect(text()).toMatch(/\d+s left/);
    sink.close();
  });
});
