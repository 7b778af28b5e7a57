import { deviceWords } from '../state/devices.js';
import { busy, device, devices } from '../state/session.js';
import { bytes, texts } from '../texts.js';
import type { DeviceName } from '../worker/api.js';

/** What computes, and what choosing it loads. */
export function DeviceMenu() {
  const chosen = devices.value.find(({ name }) => name === device.value);
  if (!chosen) return null;
  const loads = chosen.bytes > 0 ? texts.device.download(bytes(chosen.bytes)) : texts.device.nothing;
  const slow = chosen.name === 'wasm' && !crossOriginIsolated ? ` ${texts.device.oneThread}` : '';
  const note = `${texts.device.technical[chosen.name]}: ${loads}.${slow}`;
  return (
    <label class="device" title={note}>
      <span class="unseen">{texts.device.label}</span>
      <select
        value={chosen.name}
        disabled={busy.value}
        aria-describedby="device-note"
        onChange={({ currentTarget }) => {
          device.value = currentTarget.value as DeviceName;
        }}
      >
        {devices.value.map((each) => (
          <option key={each.name} value={each.name}>
            {deviceWords(each)}
          </option>
        ))}
      </select>
      <span class="unseen" id="device-note">
        {note}
      </span>
    </label>
  );
}
