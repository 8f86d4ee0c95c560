/** Places tables with ELK in a worker of our own origin: layered from the referenced to the referring. */
import ELK from 'elkjs/lib/elk-api.js';
import workerUrl from 'elkjs/lib/elk-worker.min.js?url';

export interface Box {
  readonly id: string;
  readonly width: number;
  readonly height: number;
}
export interface Link {
  readonly id: string;
  readonly from: string;
  readonly to: string;
}
export type Positions = ReadonlyMap<string, { readonly x: number; readonly y: number }>;

let elk: InstanceType<typeof ELK> | undefined;

export async function layOut(boxes: readonly Box[], links: readonly Link[]): Promise<Positions> {
  elk ??= new ELK({ workerUrl });
  const { children = [] } = await elk.layout({
    id: 'schema',
    layoutOptions: {
      'elk.algorithm': 'layered',
      'elk.direction': 'RIGHT',
      'elk.layered.spacing.nodeNodeBetweenLayers': '72',
      'elk.spacing.nodeNode': '28',
      'elk.spacing.componentComponent': '40',
      'elk.layered.nodePlacement.strategy': 'BRANDES_KOEPF',
    },
    children: boxes.map((box) => ({ ...box })),
    edges: links.map(({ id, from, to }) => ({ id, sources: [from], targets: [to] })),
  });
  return new Map(children.map(({ id, x = 0, y = 0 }) => [id, { x, y }]));
}
