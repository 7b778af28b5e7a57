import { busy, device, facts } from '../state/session.js';
import { bytes, texts } from '../texts.js';
import type { DeviceFact, DeviceName } from '../worker/api.js';

/** What computes, and what choosing it loads. */
export function DeviceMenu() {
  const found = facts.value;
  if (!found) return null;
  const { devices, threads } = found;
  const chosen = devices.find(({ name }) => name === device.value);
  const words = ({ name, engine }: DeviceFact) =>
    `${texts.device.names[name]} · ${name === 'wasm' ? texts.device.threads(threads) : (engine ?? texts.device.technical[name])}`;
  const loads = chosen && chosen.bytes > 0 ? texts.device.download(bytes(chosen.bytes)) : texts.device.nothing;
  const title = `${texts.device.technical[device.value]}: ${loads}. ${device.value === 'wasm' && threads === 1 ? texts.device.oneThread : ''}`;
  return (
    <label class="device" title={title}>
      <span class="unseen">{texts.device.label}</span>
      <select
        value={device.value}
        disabled={busy.value}
        aria-describedby="device-note"
        onChange={({ currentTarget }) => {
          device.value = currentTarget.value as DeviceName;
        }}
      >
        {devices.map((each) => (
          <option key={each.name} value={each.name}>
            {words(each)}
            {each.bytes > 0 ? ` (${bytes(each.bytes)})` : ''}
          </option>
        ))}
      </select>
      <span class="unseen" id="device-note">
        {title}
      </span>
    </label>
  );
}
