import { expect, test } from 'vitest';
import { counted } from './counted.ts';

test.each([
  [0, '0 gold statements'],
  [1, '1 gold statement'],
  [2, '2 gold statements'],
])('%i', (count, text) => {
  expect(counted(count, 'gold statement')).toBe(text);
});
