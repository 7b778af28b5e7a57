/** An event whose checkpoint is a file. */
export type Filed<Event> = Event extends { readonly checkpoint: () => Promise<unknown> }
  ? Omit<Event, 'checkpoint'> & { readonly checkpoint: () => Promise<Uint8Array> }
  : Event;

/** @param encode makes a file of a checkpoint */
export function filed<Event extends object, Checkpoint>(
  event: Event,
  encode: (checkpoint: Checkpoint) => Uint8Array,
): Filed<Event> {
  if (!('checkpoint' in event)) return event as Filed<Event>;
  const { checkpoint } = event as { readonly checkpoint: () => Promise<Checkpoint> };
  return { ...event, checkpoint: async () => encode(await checkpoint()) } as Filed<Event>;
}
