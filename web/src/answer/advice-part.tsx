/** Index and rewrite advice, measured on request: it takes as long as running the statement a few times. */
import { useState } from 'react';
import type { Advice } from '../../../src/agents/pipeline.ts';
import { explain } from '../api/client.ts';
import { type ApiFailure, asFailure } from '../api/failure.ts';
import { FailureBox } from '../shell/failure-box.tsx';
import { AdviceList } from './plan-tree.tsx';

export function AdvicePart({ sql }: { sql: string }) {
  const [advice, setAdvice] = useState<readonly Advice[]>();
  const [isMeasuring, setMeasuring] = useState(false);
  const [failure, setFailure] = useState<ApiFailure>();
  if (advice !== undefined) return <AdviceList advice={advice} />;
  const measure = async (): Promise<void> => {
    setMeasuring(true);
    setFailure(undefined);
    try {
      setAdvice((await explain(sql, true)).advice);
    } catch (thrown) {
      setFailure(asFailure(thrown));
    } finally {
      setMeasuring(false);
    }
  };
  return (
    <div className="pad">
      <button type="button" className="plain" disabled={isMeasuring} onClick={() => void measure()}>
        {isMeasuring ? 'Measuring on a copy …' : 'Look for a faster way'}
      </button>
      {failure !== undefined && <FailureBox failure={failure} />}
    </div>
  );
}
