import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { add, bandedAdd, linear, linearWeight } from '../test/ops.js';
import {
  bufferUsage,
  compileProgram,
  describeAdapter,
  DeviceError,
  DeviceLostError,
  Graph,
  KernelError,
  OutOfMemoryError,
  requestDevice,
  type Device,
  type Kernel,
} from './index.js';

let device: Device;
beforeAll(async () => void (device = await requestDevice()));
afterAll(() => device.destroy());

const storage = bufferUsage.storage | bufferUsage.copyDst;

describe('a device', () => {
  test('says what the adapter is and can', async () => {
    const { profile } = device;
    expect(profile.name).not.toBe('');
    expect(profile.isSoftware).toBe(true); // these tests run on software adapters
    expect(profile.features.shaderF16).toBe(process.env.PLEINAIR_TEST_ADAPTER === 'lavapipe');
    expect(profile.subgroupMinSize).toBeLessThanOrEqual(profile.subgroupMaxSize);
    const described = await describeAdapter();
    expect(described.profile).toEqual(profile);
    expect(described.features).toContain('timestamp-query');
    expect(described.limits.maxStorageBufferBindingSize).toBeGreaterThanOrEqual(2 ** 27);
    const forced = await describeAdapter({ fallback: true });
    expect(forced.profile.isSoftware).toBe(true);
  });

  test('has the limits it says, in full', () => {
    for (const [name, value] of Object.entries(device.profile.limits)) {
      const real = Reflect.get(device.gpu.limits, name) as number;
      if (name.startsWith('min')) expect(real).toBeLessThanOrEqual(value);
      else expect(real).toBeGreaterThanOrEqual(value);
    }
  });

  test('counts bytes by category, now and at most', async () => {
    const own = await requestDevice();
    const [a, b] = await Promise.all([
      own.createBuffer('weights', 1024, storage, 'a'),
      own.createBuffer('intermediates', 512, storage, 'b'),
    ]);
    a.destroy();
    a.destroy();
    const c = await own.createBuffer('weights', 256, storage, 'c');
    expect(own.memory.current).toEqual({ weights: 256, intermediates: 512, persistent: 0, staging: 0 });
    expect(own.memory.peak).toEqual({ weights: 1024, intermediates: 512, persistent: 0, staging: 0 });
    expect([own.memory.total, own.memory.peakTotal]).toEqual([768, 1536]);
    own.memory.resetPeak();
    expect(own.memory.peakTotal).toBe(768);
    for (const buffer of [b, c]) buffer.destroy();
    expect(own.memory.total).toBe(0);
    own.destroy();
  });

  test('says which buffer is beyond its limit', async () => {
    const making = device.createBuffer('weights', 2 ** 50, storage, 'the.weight');
    await expect(making).rejects.toMatchObject({ code: 'device/limit' });
    await expect(making).rejects.toThrow(/^the\.weight: expected at most \d+ bytes/);
  });

  // SwiftShader refuses a buffer of its own largest size; lavapipe takes any number of them and commits nothing.
  test.skipIf(process.env.PLEINAIR_TEST_ADAPTER !== 'swiftshader')(
    'running out of memory is a typed error, and what was made before stays sound (an adapter that runs out: SwiftShader)',
    async () => {
      const held = await device.createBuffer('persistent', 64, storage, 'held');
      const making = device.createBuffer('weights', device.profile.limits.maxBufferSize, storage, 'the.weight');
      await expect(making).rejects.toBeInstanceOf(OutOfMemoryError);
      await expect(making).rejects.toMatchObject({ code: 'device/out-of-memory' });
      await expect(making).rejects.toThrow(/^the\.weight: the adapter could not allocate 1073\.7 MB/);
      expect(device.memory.current).toEqual({ weights: 0, intermediates: 0, persistent: 64, staging: 0 });

      const g = new Graph('too large', { dtype: 'f32' });
      g.segment('run');
      g.input('x', [1, 2 ** 28]);
      await expect(compileProgram(g, device)).rejects.toBeInstanceOf(OutOfMemoryError);
      expect(device.memory.total).toBe(64);
      held.destroy();
    },
  );
});

describe('losing the device', () => {
  const long = (): Graph => {
    const g = new Graph('long', { dtype: 'f32' });
    g.segment('run');
    let x = g.input('x', [16, 64]);
    for (let i = 0; i < 60; i++) x = linear(g, x, linearWeight(g, 'w', 64, 64), `l${i}`, 2500);
    g.output('y', x);
    return g;
  };

  // SwiftShader brings the whole process down now and then when a device is destroyed under its worker threads; nothing
  // of ours is on the stack, and every later test of the run would be lost with it.
  const crashes = process.env['PLEINAIR_TEST_ADAPTER'] === 'swiftshader';

  test.skipIf(crashes).each(['by the platform', 'by destroy()'])(
    'in mid-run rejects with a typed error: %s (an adapter that survives it: not SwiftShader)',
    async (how) => {
      const own = await requestDevice();
      const program = await compileProgram(long(), own);
      await program.uploadWeight(program.weights[0]!, [{ elementOffset: 0, values: new Float32Array(64 * 64) }]);
      let slices = 0;
      const run = program.run('run', {
        onSlice: () => {
          if (++slices === 1) (how.startsWith('by destroy()') ? own : own.gpu).destroy();
        },
      });
      await expect(run).rejects.toBeInstanceOf(DeviceLostError);
      await expect(run).rejects.toMatchObject({ code: 'device/lost' });
      expect(await own.lost).toBeInstanceOf(DeviceLostError);
      await expect(program.run('run')).rejects.toBeInstanceOf(DeviceLostError);
      await expect(program.read('y')).rejects.toBeInstanceOf(DeviceLostError);
      await expect(own.createBuffer('weights', 16, storage, 'late')).rejects.toBeInstanceOf(DeviceLostError);
      await expect(compileProgram(long(), own)).rejects.toBeInstanceOf(DeviceLostError);
      expect(() => program.write('x', new Float32Array(16 * 64))).toThrow(DeviceLostError);
      program.dispose();
      own.destroy();
      expect(own.memory.total).toBe(0);
    },
  );
});

describe('the pipeline cache', () => {
  const kernel = (key: string, body: string): Kernel => ({
    name: `kernel ${key}`,
    key,
    wgsl: `@group(0) @binding(0) var<storage, read_write> a: array<u32>;\n@compute @workgroup_size(1)\nfn main() {\n  ${body}\n}`,
    bindings: [{ name: 'a', access: 'read_write' }],
    uniformBytes: 0,
  });

  test('builds each kernel once, a few at a time', async () => {
    const own = await requestDevice();
    const kernels = Array.from({ length: 9 }, (_, i) => kernel(`k${i}`, `a[0] = ${i}u;`));
    const progress: number[] = [];
    const [first, second] = await Promise.all([
      own.pipelines.compile([...kernels, ...kernels], {
        parallel: 2,
        onProgress: (done, total) => {
          expect(total).toBe(9);
          progress.push(done);
        },
      }),
      own.pipelines.compile(kernels.slice(0, 3)),
    ]);
    expect(progress).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect([own.pipelines.count, first.size, second.size]).toEqual([9, 9, 3]);
    expect(second.get('k1')).toBe(first.get('k1'));
    expect(own.pipelines.compileMs).toBeGreaterThan(0);
    await own.pipelines.compile(kernels);
    expect(own.pipelines.count).toBe(9);
    own.destroy();
  });

  test('names the kernel and the line that does not compile, and can be asked again', async () => {
    const broken = kernel('broken', 'a[0] = missing;');
    for (let i = 0; i < 2; i++) {
      const error = await device.pipelines.compile([broken]).catch((e: unknown) => e);
      expect(error).toBeInstanceOf(KernelError);
      expect((error as KernelError).kernel).toBe('kernel broken');
      expect(String(error)).toMatch(/4:10 .*missing.*\n.*a\[0\] = missing;/);
    }
  });

  test('names a kernel whose pipeline does not fit its bindings', async () => {
    const unbound = { ...kernel('unbound', 'a[0] = 1u;'), bindings: [] };
    await expect(device.pipelines.compile([unbound])).rejects.toMatchObject({ code: 'kernel/compile' });
  });

  test('stops at a cancel', async () => {
    const signal = AbortSignal.abort();
    await expect(device.pipelines.compile([kernel('never', 'a[0] = 1u;')], { signal })).rejects.toMatchObject({
      code: 'cancelled',
    });
  });
});

describe('a profile with small limits', () => {
  const graph = (rows: number): Graph => {
    const g = new Graph('bounded', { dtype: 'f32' });
    g.segment('run');
    const x = add(g, g.input('x', [rows, 64]), g.input('z', [rows, 64]), 'sum');
    g.output('y', add(g, add(g, x, g.input('q', [rows, 64]), 'b'), x, 'c'));
    return g;
  };

  test('refuses tensors beyond them by name, and gives its memory back', async () => {
    const narrow = await requestDevice({ limits: { maxStorageBufferBindingSize: 4096 } });
    await expect(compileProgram(graph(32), narrow)).rejects.toThrow(/sum .*expected "x" to be bound 4096 bytes/);
    narrow.destroy();
    const small = await requestDevice({ limits: { maxBufferSize: 6144 } });
    const tooLarge = compileProgram(graph(32), small);
    await expect(tooLarge).rejects.toBeInstanceOf(DeviceError);
    await expect(tooLarge).rejects.toThrow(
      /run: expected every tensor to fit .*6144 .*sum\.out \[32, 64\], 8192 bytes/,
    );
    const g = new Graph('inputs', { dtype: 'f32' });
    g.segment('run');
    g.input('small', [4]);
    g.input('large', [32, 64]);
    await expect(compileProgram(g, small)).rejects.toThrow(/^inputs\/large: expected at most 6144 bytes/);
    expect(small.memory.total).toBe(0);
    small.destroy();
  });

  test('cuts an arena beyond the largest buffer into several, and runs right', async () => {
    const small = await requestDevice({ limits: { maxBufferSize: 6144 } });
    const program = await compileProgram(graph(16), small);
    expect(program.plan.intermediatesBytes).toBe(6144 + 4096);
    expect(program.memory.intermediatesBytes).toBe(program.plan.intermediatesBytes);
    expect(small.memory.current.intermediates).toBe(program.plan.intermediatesBytes);
    const values = (seed: number): Float32Array => Float32Array.from({ length: 1024 }, (_, i) => (i * seed) % 97);
    for (const [name, seed] of [
      ['x', 3],
      ['z', 5],
      ['q', 7],
    ] as const) {
      program.write(name, values(seed));
    }
    await program.run('run');
    expect(await program.read('y')).toEqual(values(3).map((v, i) => 2 * (v + values(5)[i]!) + values(7)[i]!));
    small.destroy();
  });

  test('lets a tensor be bound in row bands, in buffers of its own and in an arena beyond the binding limit', async () => {
    const small = await requestDevice({ limits: { maxStorageBufferBindingSize: 1100 } });
    const g = new Graph('bands', { dtype: 'f32' });
    g.segment('run');
    const [p, q] = [g.input('p', [37, 23]), g.input('q', [37, 23])];
    g.output('y', bandedAdd(g, bandedAdd(g, p, q, 'a'), bandedAdd(g, q, p, 'b'), 'c'));
    const program = await compileProgram(g, small);
    expect(program.plan.segments[0]!.dispatches).toBeGreaterThan(9);
    expect(program.plan.intermediatesBytes).toBeGreaterThan(1100);
    const values = (seed: number): Float32Array => Float32Array.from({ length: 37 * 23 }, (_, i) => (i * seed) % 101);
    program.write('p', values(3));
    program.write('q', values(7));
    await program.run('run');
    expect(await program.read('y')).toEqual(values(3).map((v, i) => 2 * (v + values(7)[i]!)));
    small.destroy();
  });
});

describe('commands that are not valid', () => {
  test('reject with a typed error that names the program and the step', async () => {
    const g = new Graph('broken', { dtype: 'f32' });
    g.segment('run');
    g.output('y', add(g, g.input('p', [8]), g.input('q', [8]), 'the.sum'));
    const program = await compileProgram(g, device);
    await program.run('run');
    program.bufferOf('p').destroy();
    const run = program.run('run');
    await expect(run).rejects.toMatchObject({ code: 'device/validation' });
    await expect(run).rejects.toThrow(/^broken\/run \(the\.sum to the\.sum\): expected valid GPU commands, got/);
    program.dispose();
  });

  test('are caught when a kernel needs more than is bound', async () => {
    const g = new Graph('narrow', { dtype: 'f32' });
    g.segment('run');
    const x = g.input('x', [4]);
    g.add({
      op: 'odd',
      label: 'odd',
      inputs: [x],
      weights: [],
      outputs: [],
      lower: () => [
        {
          kernel: {
            name: 'odd',
            key: 'test-needs-1024',
            wgsl: '@group(0) @binding(0) var<storage, read_write> a: array<f32, 256>; @compute @workgroup_size(1) fn main() { a[0] = 1; }',
            bindings: [{ name: 'a', access: 'read_write' }],
            uniformBytes: 0,
          },
          bindings: [{ tensor: x }],
          workgroups: [1, 1, 1],
          flops: 0,
          bytesMoved: 0,
        },
      ],
    });
    const program = await compileProgram(g, device);
    await expect(program.run('run')).rejects.toMatchObject({ code: 'device/validation' });
    program.dispose();
  });
});
