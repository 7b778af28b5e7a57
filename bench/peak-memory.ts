import { readFileSync } from 'node:fs';

/**
 * Peak of this process's resident memory in MB. Linux passes `maxRSS` of a large parent on to its children, so it is asked for the
 * peak of this program alone.
 */
export function peakMegabytes(): number {
  try {
    const [, kilobytes] = /^VmHWM:\s*(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
    if (kilobytes !== undefined) return Math.round(Number(kilobytes) / 1024);
  } catch {
    // Another system has no such file.
  }
  return Math.round(process.resourceUsage().maxRSS / 1024);
}
