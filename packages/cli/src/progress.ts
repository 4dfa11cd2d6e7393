import { SingleBar } from 'cli-progress';
import type { DownloadProgress } from 'pleinair';
import { formatBytes, formatMs, type Terminal } from './terminal.js';

/** Progress of one command: bytes while loading, steps with it/s while denoising. Silent where stderr is no terminal. */
export class Progress {
  private bar: SingleBar | undefined;
  private label = '';

  constructor(private readonly terminal: Terminal) {}

  /** Bytes of a part or a file, with the time left where it is known. */
  bytes(label: string, done: number, total: number, leftMs?: number): void {
    const left = leftMs === undefined ? '' : ` · ${formatMs(leftMs)} left`;
    this.show(label, done, total, `${formatBytes(done)} of ${formatBytes(total)}${left}`);
  }

  /** A download of a model: bytes, rate and time left. Where there is no bar, one line says that it begins. */
  download({ model, phase, loadedBytes, totalBytes, bytesPerSecond, leftMs }: DownloadProgress): void {
    if (phase === 'listing') return;
    if (!this.terminal.err.isTTY && this.label !== model && loadedBytes < totalBytes) {
      this.label = model;
      this.terminal.err.write(
        `downloading ${model}: ${formatBytes(totalBytes - loadedBytes)} of ${formatBytes(totalBytes)}\n`,
      );
    }
    const rate = bytesPerSecond > 0 ? ` · ${formatBytes(bytesPerSecond)}/s` : '';
    const left = leftMs === undefined || leftMs === 0 ? '' : ` · ${formatMs(leftMs)} left`;
    const waiting = phase === 'waiting' ? ' · another process has it in hand' : '';
    const text = `${formatBytes(loadedBytes)} of ${formatBytes(totalBytes)}${rate}${left}${waiting}`;
    this.show('downloading', loadedBytes, totalBytes, text);
  }

  /** Finished steps, with their rate where it is known. */
  steps(label: string, done: number, total: number, perSecond?: number): void {
    this.show(label, done, total, `${done}/${total}${perSecond ? ` · ${perSecond.toFixed(2)} it/s` : ''}`);
  }

  /** A share of something that is neither bytes nor steps, with the time left where it is known. */
  share(label: string, done: number, total: number, leftMs?: number): void {
    const percent = Math.min(100, Math.round((100 * done) / Math.max(1, total)));
    this.show(label, done, total, `${percent} %${leftMs === undefined ? '' : ` · ${formatMs(leftMs)} left`}`);
  }

  /** A line of text above whatever bar is next. */
  note(text: string): void {
    this.stop();
    this.terminal.err.write(`${text}\n`);
  }

  /** Clears the bar. */
  stop(): void {
    this.bar?.stop();
    this.bar = undefined;
    this.label = '';
  }

  private show(label: string, value: number, total: number, text: string): void {
    if (!this.terminal.err.isTTY) return;
    if (this.label !== label) {
      this.stop();
      this.label = label;
      this.bar = new SingleBar({
        stream: this.terminal.err,
        format: '{label} {bar} {text}',
        barCompleteChar: '█',
        barIncompleteChar: '░',
        barsize: 24,
        hideCursor: true,
        clearOnComplete: true,
      });
      this.bar.start(Math.max(1, total), value, { label: label.padEnd(18), text });
      return;
    }
    this.bar?.update(value, { text });
  }
}
