import type { ReactElement } from 'react';
import { Easel } from './easel.js';
import { Filmstrip } from './filmstrip.js';
import { MakeForm } from './make-form.js';

/** Where pictures are made. */
export function MakePage(): ReactElement {
  return (
    <div className="make">
      <h1 className="visually-hidden">Make a picture</h1>
      <div className="make-stage">
        <Easel />
        <Filmstrip />
      </div>
      <MakeForm />
    </div>
  );
}
