import type { Signal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { useEffect, useId, useRef } from 'preact/hooks';

/** A dialog of the browser's own: it holds the focus, and Escape closes it. */
export function Dialog({
  open,
  heading,
  children,
}: {
  readonly open: Signal<boolean>;
  readonly heading: string;
  readonly children: ComponentChildren;
}) {
  const element = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => element.current!.showModal(), []);
  return (
    <dialog
      ref={element}
      aria-labelledby={id}
      onClose={() => {
        open.value = false;
      }}
    >
      <h2 id={id}>{heading}</h2>
      {children}
    </dialog>
  );
}
