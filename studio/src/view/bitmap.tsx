import { useLayoutEffect, useRef } from 'preact/hooks';

/** A bitmap as an element. @param label what it shows; nothing where words beside it say so */
export function Bitmap({
  bitmap,
  label,
  class: name,
}: {
  readonly bitmap: ImageBitmap;
  readonly label?: string;
  readonly class?: string;
}) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useLayoutEffect(() => {
    const element = canvas.current!;
    if (element.width !== bitmap.width || element.height !== bitmap.height) {
      element.width = bitmap.width;
      element.height = bitmap.height;
    }
    const context = element.getContext('2d')!;
    context.clearRect(0, 0, bitmap.width, bitmap.height);
    context.drawImage(bitmap, 0, 0);
  }, [bitmap]);
  const role =
    label === undefined ? ({ 'aria-hidden': true } as const) : ({ role: 'img', 'aria-label': label } as const);
  return <canvas ref={canvas} class={name ?? ''} {...role} />;
}
