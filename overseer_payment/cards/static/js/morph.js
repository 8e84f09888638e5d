// Makes one tree like another and leaves alone what is equal. With news (`calm`) also what a person has
// typed and unfolded stays; focus and scroll stay wherever their node does.
let calm = false;
const keyOf = (node) => (node.nodeType === 1 && (node.dataset.opKey || node.id)) || '';
const ours = (node, name) => (name === 'open' && (calm || node.matches('dialog'))) || (name === 'hidden' && node.matches('[data-op-copy], .op-offline'));

function morph(from, to) {
  for (const { name, value } of to.attributes) if (from.getAttribute(name) !== value && !ours(from, name)) from.setAttribute(name, value);
  for (const { name } of [...from.attributes]) if (!to.hasAttribute(name) && !ours(from, name)) from.removeAttribute(name);
  if (from.matches('input, textarea, select')) return settle(from, to);
  const kept = new Set([...to.childNodes].map(keyOf));
  const keyed = new Map([...from.children].map((node) => [keyOf(node), node]));
  let at = from.firstChild;
  for (const wanted of [...to.childNodes]) {
    while (at && ((keyOf(at) && !kept.has(keyOf(at))) || (at.nodeType !== 1 && wanted.nodeType === 1))) at = drop(at);
    const key = keyOf(wanted);
    const match = key ? keyed.get(key) : at && !keyOf(at) && at.nodeName === wanted.nodeName ? at : null;
    if (!match || match.nodeName !== wanted.nodeName) {
      from.insertBefore(fresh(wanted), at);
      continue;
    }
    if (match === at) at = at.nextSibling;
    else from.insertBefore(match, at);
    if (match.nodeType !== 1) { if (match.data !== wanted.data) match.data = wanted.data; } else if (!match.isEqualNode(wanted)) morph(match, wanted);
  }
  while (at) at = drop(at);
}

function settle(from, to) {
  if (calm || from === document.activeElement) return;
  if (from.matches('select')) from.replaceChildren(...to.childNodes);
  from.value = to.value;
}

function drop(node) {
  const next = node.nextSibling;
  node.remove();
  return next;
}

// A row that was not there before is seen to come in.
function fresh(node) {
  const copy = document.importNode(node, true);
  if (calm && copy.nodeType === 1 && copy.dataset.opKey) copy.classList.add('op-fresh');
  return copy;
}
