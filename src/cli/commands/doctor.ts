/** `querent doctor`: what is there, what is missing, what to do. */
import type { Command } from 'commander';
import { messageOf } from '../../foundation/errors.ts';
import type { CommandContext, CommonOptions, RunCommand } from '../context.ts';
import { type CheckResult, doctorChecks } from '../doctor/checks.ts';
import { openWorkspace } from '../project.ts';
import { exitCodes } from '../report-error.ts';
import { withCommon } from './options.ts';

export function addDoctor(program: Command, run: RunCommand): void {
  const command = program
    .command('doctor')
    .description(
      'Check this machine and project; say what is missing and what to do. Exit code 1 if something is.',
    );
  withCommon(command, [
    ['querent doctor', 'a line for each check'],
    ['querent doctor --json', 'for scripts and bug reports'],
  ]).action((options: CommonOptions) => run(options, doctor));
}

async function doctor(context: CommandContext): Promise<number> {
  const { colors } = context;
  const workspace = await openWorkspace(context.directory);
  const marks = { ok: colors.green('✓'), note: colors.yellow('!'), missing: colors.red('✗') };
  const results: (CheckResult & { name: string })[] = [];
  for (const check of doctorChecks(workspace, context.io.env)) {
    const result = await check.run().catch(
      (thrown: unknown): CheckResult => ({
        status: 'missing',
        detail: `the check itself failed: ${messageOf(thrown)}`,
      }),
    );
    results.push({ name: check.name, ...result });
    context.print(`${marks[result.status]} ${result.detail}`);
    if (result.next !== undefined) context.print(`    ${colors.cyan('next:')} ${result.next}`);
  }
  const missing = results.filter(({ status }) => status === 'missing');
  context.print(
    missing.length === 0
      ? '\neverything needed is here'
      : `\nmissing: ${missing.map((m) => m.name).join(', ')}`,
  );
  if (context.json) context.printJson({ ok: missing.length === 0, checks: results });
  return missing.length === 0 ? exitCodes.ok : exitCodes.failed;
}
