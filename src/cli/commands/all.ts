/** Every command, in the order of the help. */
import type { Command } from 'commander';
import type { RunCommand } from '../context.ts';
import { addAsk } from './ask.ts';
import { addBatch } from './batch.ts';
import { addCompare } from './compare.ts';
import { addData } from './data.ts';
import { addDoctor } from './doctor.ts';
import { addEvaluate } from './evaluate.ts';
import { addExport } from './export.ts';
import { addInit } from './init.ts';
import { addKeys } from './keys.ts';
import { addMcp } from './mcp.ts';
import { addQuickstart } from './quickstart.ts';
import { addRewards } from './rewards.ts';
import { addServe } from './serve.ts';
import { addSql } from './sql.ts';
import { addTrain } from './train.ts';
import { addWorker } from './worker.ts';

export function addCommands(program: Command, run: RunCommand): void {
  addQuickstart(program, run);
  addInit(program, run);
  addData(program, run);
  addTrain(program, run);
  addEvaluate(program, run);
  addCompare(program, run);
  addAsk(program, run);
  addBatch(program, run);
  addMcp(program, run);
  addServe(program, run);
  addKeys(program, run);
  addExport(program, run);
  addRewards(program, run);
  addWorker(program, run);
  addSql(program, run);
  addDoctor(program, run);
}
