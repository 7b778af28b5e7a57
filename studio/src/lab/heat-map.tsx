import { useEffect, useRef } from 'preact/hooks';
import type { GramMatrix } from '../worker/api.js';
import { heat } from './heat.js';

/** A matrix as a picture, one pixel for each value. */
export function HeatMap({
  title,
  note,
  matrix,
  most,
}: {
  readonly title: string;
  readonly note: string;
  readonly matrix: GramMatrix;
  /** The value that is brightest. */
  readonly most: number;
}) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    const { channels, data } = matrix;
    const context = canvas.current!.getContext('2d')!;
    const pixels = context.createImageData(channels, channels);
    for (const [i, value] of data.entries()) {
      // Most values are small: the root shows them, too.
      pixels.data.set(heat(Math.sqrt(Math.min(1, Math.abs(value) / most))), 4 * i);
    }
    context.putImageData(pixels, 0, 0);
  }, [matrix, most]);
  return (
    <figure class="map">
      <canvas
        ref={canvas}
        width={matrix.channels}
        height={matrix.channels}
        role="img"
        aria-label={`${title}: ${note}`}
      />
      <figcaption>
        <strong>{title}</strong> {note}
      </figcaption>
    </figure>
  );
}
