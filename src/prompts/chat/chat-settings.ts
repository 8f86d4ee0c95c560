/** What the chat format may vary, and what a trained checkpoint keeps of it so that it is asked as it was trained. */
import { z } from 'zod';

export const defaultInstructions =
  'You translate questions about one database into SQL. Answer with one statement in the dialect of SQLite, inside a ```sql block. Use only the tables and columns of this schema.';

export const chatOptionsSchema = z.strictObject({
  instructions: z
    .string()
    .min(1)
    .default(defaultInstructions)
    .describe('What the model is told to do, in front of the schema'),
  sampleValues: z.int().min(0).max(20).default(3).describe('Example values shown with a column'),
  listValuesUpTo: z
    .int()
    .min(0)
    .max(50)
    .default(8)
    .describe('Columns with at most so many distinct values list them all'),
  schemaConstraint: z
    .boolean()
    .default(false)
    .describe('Sample only statements whose names are in the schema, or declared by the statement'),
});

export const chatSettingsSchema = chatOptionsSchema.extend({
  format: z.literal('chat'),
  /** The date that "today" means; left out: none is said. */
  today: z.string().optional(),
});
export type ChatSettings = Readonly<z.infer<typeof chatSettingsSchema>>;
