import { useState, type CSSProperties, type ReactElement } from 'react';
import type { KeptPicture } from '../storage/database.js';
import { Modal } from '../ui/modal.js';
import { differences } from './differences.js';
import { PictureImage } from './picture-image.js';

/** Two pictures, one over the other or side by side, and in what they differ. */
export function CompareDialog({ left, right, onClose }: CompareProps): ReactElement {
  const [way, setWay] = useState<'over' | 'beside'>('over');
  const [share, setShare] = useState(50);
  const pairs = differences(left.settings, right.settings);
  return (
    <Modal title="Compare" className="compare" onClose={onClose}>
      <div className="compare-ways" role="group" aria-label="How">
        <button type="button" className="toggle-button" aria-pressed={way === 'over'} onClick={() => setWay('over')}>
          One over the other
        </button>
        <button
          type="button"
          className="toggle-button"
          aria-pressed={way === 'beside'}
          onClick={() => setWay('beside')}
        >
          Side by side
        </button>
      </div>
      {way === 'over' ? (
        <>
          <div className="compare-over" style={overStyle(left, share)}>
            <PictureImage picture={right} />
            <div className="compare-top">
              <PictureImage picture={left} />
            </div>
            <input
              type="range"
              min={0}
              max={100}
              value={share}
              aria-label="How much of the first picture is shown"
              aria-valuetext={`${share} % of the first`}
              onChange={({ target }) => setShare(target.valueAsNumber)}
            />
          </div>
        </>
      ) : (
        <div className="compare-beside">
          <PictureImage picture={left} />
          <PictureImage picture={right} />
        </div>
      )}
      {pairs.length === 0 ? (
        <p className="compare-same">Made with the same settings.</p>
      ) : (
        <div className="compare-table">
          <table>
            <thead>
              <tr>
                <th scope="col">Setting</th>
                <th scope="col">First</th>
                <th scope="col">Second</th>
              </tr>
            </thead>
            <tbody>
              {pairs.map(({ name, left: one, right: other }) => (
                <tr key={name}>
                  <th scope="row">{name}</th>
                  <td>{one}</td>
                  <td>{other}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </Modal>
  );
}

interface CompareProps {
  readonly left: KeptPicture;
  readonly right: KeptPicture;
  readonly onClose: () => void;
}

/** React's types know no custom properties. */
function overStyle({ width, height }: KeptPicture, share: number): CSSProperties {
  return { aspectRatio: `${width} / ${height}`, '--ratio': width / height, '--share': `${share}%` } as CSSProperties;
}
