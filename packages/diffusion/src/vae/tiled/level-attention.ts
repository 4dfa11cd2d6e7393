import { finishedAttention, runningAttention, type BandTensor } from '@pleinair/kernels';
import type { Tensor, WeightScope } from '@pleinair/tensor';
import type { LatentLevel, LevelPicture } from './latent-level.js';

/**
 * The middle's attention over a whole picture, its input added, in memory that does not grow with the picture but for the
 * result's: queries are taken some rows at a time, and shown keys and values some rows at a time, which are projected anew
 * for each block of queries. That is as many projections again as there are blocks, an eighth of the products with 4,096
 * queries a block and 512 channels.
 *
 * Three segments in turns: `ask` projects a block of queries, `attend` adds a block of keys, `answer` projects the sums.
 *
 * @param x - Is gone afterwards.
 */
export function levelAttention(level: LatentLevel, scope: WeightScope, x: LevelPicture): LevelPicture {
  const { graph: g, size, sizes, position } = level;
  const { queryRows, keyRows } = sizes;
  const channels = x.whole.tensor.shape.at(-1)!;
  const [ask, attend, answer] = ['ask', 'attend', 'answer'].map((name) => `${scope.prefix}/${name}`) as [
    string,
    string,
    string,
  ];
  const normed = (): Tensor => level.affine(scope.in('group_norm'), x, channels);
  const project = (name: string, from: Tensor, rows: number, affine: Tensor): BandTensor =>
    level.conv(
      scope.in(name),
      { ...x.whole, window: { ...x.whole.window, position: from } },
      {
        outChannels: channels,
        kernel: 1,
        linear: true,
        rows,
        lag: 0,
        norm: { affine, silu: false },
      },
    );

  g.segment(ask);
  const chunk = g.input('chunk', [1], 'u32');
  const asked = project('to_q', position, queryRows, normed());
  g.hold(asked.tensor);

  g.segment(attend);
  const affine = normed();
  const sums = g.hold(g.tensor(`${scope.prefix}/sums`, asked.tensor.shape, 'f32'));
  const statistics = g.hold(g.tensor(`${scope.prefix}/statistics`, [queryRows * size.width, 4], 'f32'));
  runningAttention(g, {
    q: asked.tensor,
    k: project('to_k', chunk, keyRows, affine).tensor,
    v: project('to_v', chunk, keyRows, affine).tensor,
    position: chunk,
    keys: size.height * size.width,
    sums,
    statistics,
    label: scope.prefix,
  });

  g.segment(answer);
  const attended = finishedAttention(g, sums, statistics, { outDtype: g.dtype, label: `${scope.prefix}/attended` });
  const out = level.conv(
    scope.in('to_out.0'),
    { ...asked, tensor: attended },
    {
      outChannels: channels,
      kernel: 1,
      linear: true,
      rows: queryRows,
      lag: 0,
    },
  );
  const result = level.keep(out, { onto: x, label: scope.prefix });

  const blocks = Math.ceil(size.height / queryRows);
  const chunks = Math.ceil(size.height / keyRows);
  for (let band = 0; band < blocks; band++) {
    level.steps.push({ segment: ask, band });
    for (let part = 0; part < chunks; part++) level.steps.push({ segment: attend, band, chunk: part });
    level.steps.push({ segment: answer, band });
  }
  g.repeat(ask, blocks);
  g.repeat(attend, blocks * chunks);
  g.repeat(answer, blocks);
  g.inTurns(ask, attend, answer);
  return result;
}

/** The VAE's middle over a whole picture: resnet, attention where there is one, resnet. */
export function levelMidBlock(
  level: LatentLevel,
  scope: WeightScope,
  x: LevelPicture,
  hasAttention: boolean,
): LevelPicture {
  const channels = x.whole.tensor.shape.at(-1)!;
  let hidden = level.resnet(scope.in('resnets.0'), x, channels);
  if (hasAttention) hidden = levelAttention(level, scope.in('attentions.0'), hidden);
  return level.resnet(scope.in('resnets.1'), hidden, channels);
}
