import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { openFirst } from '../state/photo.js';
import { texts } from '../texts.js';

/** Takes what is dropped on the page or pasted into it. */
export function DropTarget() {
  const over = useSignal(false);
  useEffect(() => {
    const hasFiles = (event: DragEvent) => event.dataTransfer?.types.includes('Files') ?? false;
    const onOver = (event: DragEvent) => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      over.value = true;
    };
    const onLeave = (event: DragEvent) => {
      if (event.relatedTarget === null) over.value = false;
    };
    const onDrop = (event: DragEvent) => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      over.value = false;
      openFirst(event.dataTransfer?.files ?? []);
    };
    const onPaste = (event: ClipboardEvent) => {
      const files = event.clipboardData?.files;
      if (!files?.length) return;
      event.preventDefault();
      openFirst(files);
    };
    const stop = new AbortController();
    const { signal } = stop;
    document.addEventListener('dragover', onOver, { signal });
    document.addEventListener('dragleave', onLeave, { signal });
    document.addEventListener('drop', onDrop, { signal });
    document.addEventListener('paste', onPaste, { signal });
    return () => stop.abort();
  }, [over]);
  return over.value ? <p class="drop-here">{texts.empty.drop}</p> : null;
}
