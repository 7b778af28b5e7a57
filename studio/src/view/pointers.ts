import { moveBy, zoomBy } from '../state/view.js';

interface Point {
  readonly x: number;
  readonly y: number;
}

/**
 * Moves the picture with the mouse or a finger, zooms it with the wheel or two fingers.
 * @returns ends it
 */
export function followPointers(surface: HTMLElement): () => void {
  const down = new Map<number, Point>();
  const stop = new AbortController();
  const { signal } = stop;
  /** From the middle of the surface. */
  const within = ({ clientX, clientY }: { clientX: number; clientY: number }): Point => {
    const { left, top, width, height } = surface.getBoundingClientRect();
    return { x: clientX - left - width / 2, y: clientY - top - height / 2 };
  };
  const isControl = (target: EventTarget | null) =>
    target instanceof Element && target.closest('button, input') !== null;

  surface.addEventListener(
    'wheel',
    (event) => {
      event.preventDefault();
      const { x, y } = within(event);
      zoomBy(Math.exp(-event.deltaY * (event.ctrlKey ? 0.01 : 0.002)), x, y);
    },
    { passive: false, signal },
  );
  surface.addEventListener(
    'pointerdown',
    (event) => {
      if (isControl(event.target) || event.button !== 0) return;
      surface.setPointerCapture(event.pointerId);
      down.set(event.pointerId, within(event));
    },
    { signal },
  );
  surface.addEventListener(
    'pointermove',
    (event) => {
      const before = down.get(event.pointerId);
      if (!before) return;
      const now = within(event);
      const [other] = [...down].filter(([id]) => id !== event.pointerId).map(([, point]) => point);
      if (other) {
        const [from, to] = [distance(before, other), distance(now, other)];
        const middle = { x: (now.x + other.x) / 2, y: (now.y + other.y) / 2 };
        moveBy((now.x - before.x) / 2, (now.y - before.y) / 2);
        if (from > 0) zoomBy(to / from, middle.x, middle.y);
      } else moveBy(now.x - before.x, now.y - before.y);
      down.set(event.pointerId, now);
    },
    { signal },
  );
  for (const type of ['pointerup', 'pointercancel'] as const) {
    surface.addEventListener(type, ({ pointerId }) => down.delete(pointerId), { signal });
  }
  return () => stop.abort();
}

const distance = (a: Point, b: Point) => Math.hypot(a.x - b.x, a.y - b.y);
