// Following one order: events while they come, a look every few seconds while they do not.

export interface Source {
  onmessage(handler: (status: string) => void): void;
  /** The browser has given up: it will not connect again by itself. */
  ongone(handler: () => void): void;
  close(): void;
}

export interface World {
  open(path: string): Source;
  ask(path: string): Promise<string | undefined>; // the order's status; undefined: no answer
  later(ms: number, job: () => void): () => void; // gives back what calls it off
}

export const kPollMs = 3000;

/** Calls `changed` with every status that differs from the last one; stops when told to. */
export function follow(
  world: World,
  path: string,
  seen: string,
  changed: (status: string) => void,
): () => void {
  let last = seen;
  let over = false;
  let callOff = () => {};

  const tell = (status: string | undefined) => {
    if (over || status === undefined || status === last) return;
    last = status;
    changed(status);
  };
  const poll = () => {
    callOff = world.later(kPollMs, async () => {
      tell(await world.ask(`${path}/status`));
      if (!over) poll();
    });
  };
  const source = world.open(`${path}/events`);
  source.onmessage(tell);
  source.ongone(() => {
    source.close();
    if (!over) poll();
  });
  return () => {
    over = true;
    source.close();
    callOff();
  };
}
