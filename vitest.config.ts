import { defineConfig } from 'vitest/config';

/** `.ci/run` names a file here to read the counts from. */
const reportFile = process.env.QUERENT_TEST_REPORT;

export default defineConfig({
  test: {
    include: [
      'src/**/*.test.ts',
      'test/**/*.test.ts',
      'bench/**/*.test.ts',
      'examples/**/*.test.ts',
      'web/src/**/*.test.ts',
    ],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    maxWorkers: 2,
    reporters: reportFile === undefined ? ['default'] : ['default', 'json'],
    outputFile: reportFile === undefined ? {} : { json: reportFile },
  },
});
