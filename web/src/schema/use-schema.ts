/** The schema of the served database, fetched once a page. */
import { useCallback, useEffect, useState } from 'react';
import type { SchemaResponse } from '../../../src/serving/api/contract.ts';
import { schema as fetchSchema } from '../api/client.ts';
import { type ApiFailure, asFailure } from '../api/failure.ts';

export interface SchemaState {
  readonly schema?: SchemaResponse;
  readonly failure?: ApiFailure;
  retry(): void;
}

export function useSchema(): SchemaState {
  const [found, setFound] = useState<Omit<SchemaState, 'retry'>>({});
  const load = useCallback((): void => {
    fetchSchema().then(
      (schema) => setFound({ schema }),
      (thrown: unknown) => setFound({ failure: asFailure(thrown) }),
    );
  }, []);
  useEffect(load, [load]);
  return { ...found, retry: load };
}
