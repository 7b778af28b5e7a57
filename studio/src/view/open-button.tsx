import type { ComponentChildren } from 'preact';
import { useRef } from 'preact/hooks';
import { openFirst } from '../state/photo.js';
import { texts } from '../texts.js';

/** What the file dialog offers first. Whether it can be read shows when it is read. */
export const pictureTypes = 'image/jpeg,image/png,image/webp,image/avif,image/gif,image/bmp,image/*,.heic,.heif';

/** A button that opens a file dialog for the photo. */
export function OpenButton({
  class: name,
  disabled = false,
  children,
}: {
  readonly class: string;
  readonly disabled?: boolean;
  readonly children: ComponentChildren;
}) {
  const input = useRef<HTMLInputElement>(null);
  return (
    <>
      <button
        type="button"
        class={name}
        disabled={disabled}
        data-open-photo
        title={`${texts.bar.open} (O)`}
        aria-label={texts.bar.open}
        onClick={() => input.current!.click()}
      >
        {children}
      </button>
      <input
        ref={input}
        type="file"
        accept={pictureTypes}
        hidden
        data-photo-input
        onChange={({ currentTarget }) => {
          openFirst(currentTarget.files ?? []);
          // The same file again is a change, too.
          currentTarget.value = '';
        }}
      />
    </>
  );
}
