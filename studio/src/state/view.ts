import { signal } from '@preact/signals';

/** Where the picture is on the stage: `zoom` 1 fits it; x and y move its middle, in CSS pixels. */
export interface View {
  readonly zoom: number;
  readonly x: number;
  readonly y: number;
}

const FIT: View = { zoom: 1, x: 0, y: 0 };
const LEAST = 0.5;
const MOST = 16;

export const view = signal<View>(FIT);

export function resetView(): void {
  view.value = FIT;
}

/**
 * Zooms while the point under the pointer stays where it is.
 * @param x,y from the middle of the stage, in CSS pixels
 */
export function zoomBy(factor: number, x = 0, y = 0): void {
  const before = view.value;
  const zoom = Math.min(MOST, Math.max(LEAST, before.zoom * factor));
  const ratio = zoom / before.zoom;
  view.value = { zoom, x: x - ratio * (x - before.x), y: y - ratio * (y - before.y) };
}

export function moveBy(x: number, y: number): void {
  const before = view.value;
  view.value = { ...before, x: before.x + x, y: before.y + y };
}
