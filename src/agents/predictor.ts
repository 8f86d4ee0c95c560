/** `Predictor`: questions -> SQL. A policy, an endpoint or the whole agent pipeline all are predictors. */

export interface Prediction {
  readonly sql: string;
  readonly reasoning?: string;
  /** In [0, 1]: how likely the predictor thinks it is right (embedded model: probability of the whole query). */
  readonly confidence?: number;
  readonly latencyMs: number;
  /** Tokens generated. */
  readonly tokens?: number;
}

export interface Predictor {
  readonly name: string;
  /** One prediction a question, in order. */
  predict(questions: readonly string[]): Promise<readonly Prediction[]>;
  /** Several candidates a question, drawn independently; absent where there is only one answer. */
  sample?(
    questions: readonly string[],
    sampling: { readonly samples: number; readonly temperature: number },
  ): Promise<readonly (readonly Prediction[])[]>;
  close(): Promise<void>;
}
