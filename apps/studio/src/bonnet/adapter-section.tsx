import type { AdapterDescription } from '@pleinair/tensor';
import { useEffect, useState, type ReactElement } from 'react';
import { useStudio } from '../studio-context.js';
import { bytesInWords } from '../words/figures.js';
import { Section } from './section.js';

/** What the GPU says of itself. */
export function AdapterSection(): ReactElement {
  const { engine } = useStudio();
  const [sheet, setSheet] = useState<AdapterDescription>();
  useEffect(() => {
    let gone = false;
    void engine
      .ask((bonnet) => bonnet.adapterSheet())
      .then((answer) => {
        if (!gone && answer.kind === 'answer') setSheet(answer.value);
      });
    return () => {
      gone = true;
    };
  }, [engine]);
  return (
    <Section id="adapter" title="Adapter">
      {sheet ? <Sheet sheet={sheet} /> : <p className="hint">Asking the adapter…</p>}
    </Section>
  );
}

function Sheet({
  sheet: { profile, features, limits, languageFeatures },
}: {
  readonly sheet: AdapterDescription;
}): ReactElement {
  const { subgroupMinSize: least, subgroupMaxSize: most } = profile;
  const facts: readonly (readonly [string, string])[] = [
    ['Name', profile.name],
    ['Vendor', profile.vendor || '–'],
    ['Architecture', profile.architecture || '–'],
    ['Kind', profile.isSoftware ? 'software: computes on the processor' : 'graphics card'],
    ['Largest buffer', bytesInWords(profile.limits.maxBufferSize)],
    ['Largest binding', bytesInWords(profile.limits.maxStorageBufferBindingSize)],
    ['Workgroup memory', bytesInWords(profile.limits.maxComputeWorkgroupStorageSize)],
    ['Workgroup', `up to ${profile.limits.maxComputeInvocationsPerWorkgroup} invocations`],
    ['Subgroups', profile.features.subgroups ? (least === most ? `of ${least}` : `of ${least} to ${most}`) : 'none'],
  ];
  return (
    <>
      <dl className="facts">
        {facts.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      <ul className="uses">
        <Use
          name="Half floats"
          has={profile.features.shaderF16}
          with="arithmetic in f16"
          without="stored in f16, computed in f32"
        />
        <Use
          name="Subgroups"
          has={profile.features.subgroups}
          with="products pass values between lanes"
          without="products go through workgroup memory"
        />
        <Use
          name="Timestamps"
          has={profile.features.timestampQuery}
          with="kernels are timed on the GPU"
          without="kernel times are shares of whole runs"
        />
        <Use
          name="Matrix units"
          has={profile.features.subgroupMatrix}
          with="products on them"
          without="products on plain arithmetic"
        />
      </ul>
      <details>
        <summary>
          All {features.length} features and {Object.keys(limits).length} limits
        </summary>
        <p className="hint">Features: {features.join(', ') || 'none'}.</p>
        <p className="hint">Of the shading language: {languageFeatures.join(', ') || 'none'}.</p>
        <div className="table-scroll" tabIndex={0} role="region" aria-label="Limits of the adapter">
          <table>
            <thead>
              <tr>
                <th scope="col">Limit</th>
                <th scope="col">Value</th>
              </tr>
            </thead>
            <tbody>
              {Object.entries(limits).map(([name, value]) => (
                <tr key={name}>
                  <th scope="row">{name}</th>
                  <td>{value.toLocaleString('en')}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </details>
    </>
  );
}

interface UseProps {
  readonly name: string;
  readonly has: boolean;
  readonly with: string;
  readonly without: string;
}

function Use({ name, has, with: yes, without: no }: UseProps): ReactElement {
  return (
    <li data-has={has}>
      <strong>{name}</strong> <span>{has ? `yes: ${yes}` : `no: ${no}`}</span>
    </li>
  );
}
