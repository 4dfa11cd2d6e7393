/**
 * Colours of figures and strips, as declarations of CSS: of the page, of methods (`a`), of curves of one width (`w`) and of
 * layers by bits (`b`). Lines and text keep 3 : 1 and 4.5 : 1 against the page.
 */
export const figureColours: { readonly light: string; readonly dark: string } = {
  light: `--page: #fbfaf8; --ink: #1d1b19; --dim: #5f5a53; --rule: #e3dfd8; --hover: #f1eee8;
  --a0: #bf4d06; --a1: #1f55c8; --a2: #0b7454; --a3: #8e2f9d;
  --w1: #8f8981; --w2: #7f7972; --w3: #756f68; --w4: #6b6660; --w6: #57524d; --w8: #3f3b37;
  --b1: #f2dd78; --b2: #a9d58a; --b3: #70c49f; --b4: #3fadb9; --b6: #2a7ab6; --b8: #2d469b; --b16: #26203c;`,
  dark: `--page: #171513; --ink: #f1ece4; --dim: #b5aea4; --rule: #383430; --hover: #24211e;
    --a0: #ff9d57; --a1: #8db4ff; --a2: #5ad1a8; --a3: #df9bea;
    --w1: #8a837a; --w2: #9c958b; --w3: #a7a096; --w4: #b1aaa0; --w6: #c6bfb5; --w8: #dcd6cc;
    --b1: #44407f; --b2: #3f5aa8; --b3: #3b7ab8; --b4: #389cbd; --b6: #58bfae; --b8: #a3d489; --b16: #f6efb4;`,
};

/** Rules of the figure of quality against size, and colours of layers by bits, which need {@link figureColours}. */
export const figureRules = `
.quality { display: block; width: 100%; height: auto; overflow: visible; fill: var(--ink); font-family: inherit; }
.quality path { fill: none; }
.axes text { fill: var(--dim); }
.grid { stroke: var(--rule); }
.tick { stroke: var(--dim); }
.iso { stroke: var(--ink); stroke-dasharray: 4 4; opacity: 0.6; }
.leader { stroke: var(--dim); }
.linear { stroke: var(--ink); stroke-width: 2.5; }
.fixed { stroke-width: 1.5; stroke-linejoin: round; }
.w1 { stroke: var(--w1); } .w2 { stroke: var(--w2); } .w3 { stroke: var(--w3); }
.w4 { stroke: var(--w4); } .w6 { stroke: var(--w6); } .w8 { stroke: var(--w8); }
.mixed { stroke-width: 2.5; stroke-linejoin: round; }
path.a0 { stroke: var(--a0); } path.a1 { stroke: var(--a1); } path.a2 { stroke: var(--a2); } path.a3 { stroke: var(--a3); }
.a0 { --mark: var(--a0); } .a1 { --mark: var(--a1); } .a2 { --mark: var(--a2); } .a3 { --mark: var(--a3); }
.label { paint-order: stroke; stroke: var(--page); stroke-width: 4px; stroke-linejoin: round; }
text.label.mixed { fill: var(--mark); font-weight: 650; stroke: var(--page); stroke-width: 4px; }
text.label.fixed { fill: var(--dim); stroke: var(--page); }
.recipe { outline: none; }
.recipe path { fill: var(--mark); stroke: var(--page); stroke-width: 1.5; }
.reach { fill: transparent; }
.recipe:hover .reach, .recipe:focus .reach { stroke: var(--mark); stroke-width: 2; }
.told { display: none; fill: var(--mark); font-weight: 650; paint-order: stroke; stroke: var(--page); stroke-width: 5px; }
.recipe:focus .told, .recipe:hover .told { display: block; }
.quality:has(.recipe:hover) .recipe:focus:not(:hover) .told { display: none; }
.b1 { fill: var(--b1); } .b2 { fill: var(--b2); } .b3 { fill: var(--b3); } .b4 { fill: var(--b4); }
.b6 { fill: var(--b6); } .b8 { fill: var(--b8); } .b16 { fill: var(--b16); }
`;

/** The page's look, light and dark. */
export const theme = `
:root { color-scheme: light dark; ${figureColours.light} }
@media (prefers-color-scheme: dark) { :root { ${figureColours.dark} } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 66rem; margin: 0 auto; padding: 1.5rem clamp(0.75rem, 3vw, 2rem) 4rem; }
h1 { font-size: clamp(1.4rem, 4vw, 2rem); line-height: 1.2; margin: 0 0 0.25rem; overflow-wrap: anywhere; }
h2 { font-size: 1.2rem; margin: 2.5rem 0 0.5rem; }
p, ul { margin: 0.5rem 0; }
.dim { color: var(--dim); font-weight: normal; }
figure { margin: 0; }
figcaption { color: var(--dim); font-size: 0.9rem; }
:focus-visible { outline: 2px solid var(--a1); outline-offset: 2px; }
${figureRules}
.narrow { display: none; }
@media (max-width: 40rem) { .wide { display: none; } .narrow { display: block; } }

.legend { display: flex; flex-wrap: wrap; gap: 0.25rem 1rem; padding: 0; list-style: none; font-size: 0.9rem; }
.legend li { display: flex; align-items: center; gap: 0.4rem; }
.legend svg { width: 0.9rem; height: 0.9rem; }
.legend path, .legend rect { stroke: none; }
.legend path { fill: var(--mark); }
.scroll { overflow-x: auto; }
.tall { max-height: 30rem; overflow-y: auto; }
.along { position: relative; min-width: 40rem; }
.row svg { display: block; width: 100%; height: 1.15rem; }
.rowhead { position: sticky; left: 0; width: fit-content; font-size: 0.85rem; line-height: 1.3; margin-top: 0.45rem; }
.now { display: inline-block; min-width: 2ch; font-weight: 650; }
.now:not(:empty)::before { content: '· '; font-weight: normal; color: var(--dim); }
.now:not(:empty)::after { content: ' bits here'; font-weight: normal; color: var(--dim); }
.blocks { display: grid; margin-top: 0.3rem; font-size: 0.8rem; color: var(--dim); }
.blocks span { min-width: 0; white-space: nowrap; border-top: 2px solid var(--rule); text-align: center; min-height: 1.5em; }
.cursor { position: absolute; top: 0; bottom: 0; min-width: 2px; pointer-events: none; border: 1px solid var(--a0);
  background: color-mix(in srgb, var(--a0) 25%, transparent); }
.cursor[hidden] { display: none; }
.readout { display: grid; grid-template-columns: auto minmax(8rem, 1fr); gap: 0 0.75rem; align-items: center; font-size: 0.9rem; }
.readout input { width: 100%; min-height: 2rem; accent-color: var(--a0); }
.readout output { grid-column: 1 / -1; overflow-wrap: anywhere; font-weight: 650; min-height: 1.5em; }
details { margin: 0.75rem 0; }
summary { cursor: pointer; padding: 0.4rem 0; }

table { border-collapse: collapse; font-size: 0.9rem; font-variant-numeric: tabular-nums; width: 100%; }
th, td { padding: 0.3rem 0.6rem; text-align: right; border-bottom: 1px solid var(--rule); white-space: nowrap; font-weight: normal; }
th:first-child { text-align: left; }
thead th { color: var(--dim); vertical-align: bottom; white-space: normal; }
.tall thead th { position: sticky; top: 0; background: var(--page); }
tbody tr:hover { background: var(--hover); }
.group th { font-weight: 650; padding-top: 1rem; white-space: normal; }

@media (max-width: 40rem) { th, td { padding: 0.3rem 0.35rem; } tbody th { white-space: normal; overflow-wrap: break-word; min-width: 6rem; } }

.samples { margin: 1rem 0 1.5rem; }
.pictures { display: grid; grid-template-columns: repeat(auto-fill, minmax(8rem, 1fr)); gap: 0.75rem; margin-top: 0.4rem; }
.pictures img { display: block; width: 100%; height: auto; border-radius: 4px; background: var(--rule); }
@media print { .readout, .cursor { display: none; } .scroll, .tall { overflow: visible; max-height: none; } }
`;
