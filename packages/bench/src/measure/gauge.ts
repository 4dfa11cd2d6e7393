/** Which of an adapter's limits: multiply-adds in f32 or f16 (GFLOP/s), or copying (GB/s, reads and writes counted). */
export type GaugeKind = 'fma' | 'fmaF16' | 'copy';

/** One way to read a limit of the adapter, ready to be read again and again. */
export interface Gauge {
  readonly kind: GaugeKind;
  /** The way, for people. */
  readonly how: string;
  /** The rate in one run of some ten milliseconds. Whatever disturbs the machine makes it smaller, never larger. */
  read(): Promise<number>;
  dispose(): void;
}
