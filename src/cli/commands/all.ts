/** Every command, in the order of the help. */
import type { Command } from 'commander';
import type { RunCommand } from '../program.ts';
import { addData } from './data.ts';
import { addDoctor } from './doctor.ts';
import { addInit } from './init.ts';

export function addCommands(program: Command, run: RunCommand): void {
  addInit(program, run);
  addData(program, run);
  addDoctor(program, run);
}
