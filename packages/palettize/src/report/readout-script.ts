/**
 * Keeps the strips' slider, pointer, cursor and texts together. Without it the page lacks only that: strips and tables
 * stand by themselves.
 */
export const readoutScript = `
for (const root of document.querySelectorAll('[data-strips]')) {
  const { layers, left, width, rows } = JSON.parse(root.querySelector('[data-layers]').textContent);
  const [slider, name, cursor] = ['input', '[data-name]', '[data-cursor]'].map((one) => root.querySelector(one));
  const now = [...root.querySelectorAll('[data-now]')];
  const along = cursor.parentElement;
  const show = (at) => {
    slider.value = at;
    name.textContent = layers[at];
    now.forEach((cell, row) => { cell.textContent = rows[row].bits[at]; });
    slider.setAttribute('aria-valuetext', layers[at] + ': ' + rows.map(({ label, bits }) => label + ', ' + bits[at]).join('; '));
    cursor.style.left = (100 * left[at]) / width + '%';
    cursor.style.width = 100 / width + '%';
    cursor.hidden = false;
  };
  slider.addEventListener('input', () => show(Number(slider.value)));
  along.addEventListener('pointermove', ({ clientX }) => {
    const { left: start, width: pixels } = along.getBoundingClientRect();
    const at = ((clientX - start) / pixels) * width;
    const next = left.findIndex((edge) => edge > at);
    show(next < 0 ? layers.length - 1 : Math.max(0, next - 1));
  });
  show(0);
}
`;
