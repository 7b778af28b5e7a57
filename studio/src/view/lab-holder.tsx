import { useSignal } from '@preact/signals';
import type { ComponentType } from 'preact';
import { useEffect } from 'preact/hooks';

/** Loads the lab when it is opened for the first time: who only restyles a photo does not wait for it. */
export function LabHolder() {
  const lab = useSignal<ComponentType | undefined>(undefined);
  useEffect(() => {
    void import('../lab/lab.js').then(({ Lab }) => {
      lab.value = Lab;
    });
  }, [lab]);
  const Lab = lab.value;
  return Lab ? <Lab /> : <section class="lab" aria-busy="true" />;
}
