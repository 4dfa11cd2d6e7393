/** 999 B, 12.3 kB, 4.5 MB, 1.46 GB, 52 GB: powers of ten, as disks are sold. */
export function bytesInWords(bytes: number): string {
  if (bytes >= 1e10) return `${Math.round(bytes / 1e9)} GB`;
  if (bytes >= 1e9) return `${(bytes / 1e9).toFixed(2)} GB`;
  if (bytes >= 1e6) return `${(bytes / 1e6).toFixed(bytes >= 1e8 ? 0 : 1)} MB`;
  if (bytes >= 1e3) return `${(bytes / 1e3).toFixed(bytes >= 1e5 ? 0 : 1)} kB`;
  return `${bytes} B`;
}

/** Seconds as a person would say them. */
export function timeInWords(seconds: number): string {
  if (!Number.isFinite(seconds)) return '';
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 90) return `${Math.round(seconds)} s`;
  const whole = Math.round(seconds);
  if (whole >= 3600) return `${Math.floor(whole / 3600)} h ${twoDigits(Math.floor((whole % 3600) / 60))} min`;
  return `${Math.floor(whole / 60)} min ${twoDigits(whole % 60)} s`;
}

function twoDigits(number: number): string {
  return String(number).padStart(2, '0');
}
