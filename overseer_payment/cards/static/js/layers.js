// Which views lie over which page: history, dialogs and where the focus returns to.
const ACCEPT = 'text/vnd.overseer.fragment+html';
const dialogs = {};          // kind -> <dialog>
const shown = new WeakMap(); // box -> {url, text, at}
const running = new WeakMap();
const titleAtStart = document.title;
let pageUrl = location.href;
let leaving = false;         // a close that history itself asked for must not go back again
let changed = false;         // a write happened in the drawer: what lies below is old

const page = () => document.querySelector('.op-page > [data-op-view]');
const boxOf = (node) => node.closest('[data-op-view]');
const isOpen = (kind) => Boolean(dialogs[kind] && dialogs[kind].open);

// -- history: which layers are open over which page ------------------------------------------
const ground = () => ({ page: pageUrl, modal: null, drawer: null, depth: 0 });
let layers = ground();
let moving = false;
let steps = 0;

function remember(change, url, replace) {
  if (!(history.state || {}).op) history.replaceState({ ...history.state, op: layers }, '');
  moving = false;
  layers = { ...layers, page: pageUrl, ...change };
  layers.depth = layers.modal || layers.drawer ? layers.depth + (replace ? 0 : 1) : 0;
  history[replace ? 'replaceState' : 'pushState']({ op: layers }, '', url);
}

// Going back takes a moment; two layers closed within it are two walks, one after the other.
function back(count) {
  steps += count;
  if (moving || !steps) return;
  moving = true;
  history.go(-steps);
  steps = 0;
}

window.addEventListener('popstate', async () => {
  moving = false;
  if (steps) return back(0);
  const op = (history.state || {}).op || { ...ground(), page: location.href };
  if (op.page.split('#')[0] !== pageUrl.split('#')[0]) {
    if (!page() || op.modal || op.drawer) return location.reload();
    pageUrl = op.page;
    await load(page(), op.page);
  }
  layers = op;
  for (const kind of ['drawer', 'modal']) if (!op[kind] && isOpen(kind)) shut(kind);
  for (const kind of ['modal', 'drawer']) {
    if (op[kind] && !(isOpen(kind) && (shown.get(dialogs[kind]) || {}).url === op[kind])) await open(kind, op[kind]);
  }
});

// -- dialogs -------------------------------------------------------------------------------
function dialog(kind) {
  if (dialogs[kind]) return dialogs[kind];
  const box = document.createElement('dialog');
  box.className = `op op-dialog op-dialog-${kind}`;
  box.dataset.opView = '';
  box.setAttribute('aria-labelledby', `op-${kind}-title`);
  // A click on the dialog itself is a click beside its content.
  box.addEventListener('mousedown', (event) => { if (event.target === box) box.close(); });
  box.addEventListener('close', () => closed(kind));
  document.body.append(box);
  return (dialogs[kind] = box);
}

async function open(kind, url) {
  const box = dialog(kind);
  if (!box.open) { box.opener = document.activeElement; box.innerHTML = ''; }
  const job = load(box, url);
  // What is in the database is there at once; a dialog without content is shown only when it is late.
  await Promise.race([job, new Promise((done) => setTimeout(done, 250))]);
  if (!box.open) box.showModal();
  const at = await job;
  const heading = box.querySelector('h2[tabindex]');
  if (heading && !box.querySelector('[data-op-focus]')) heading.focus();
  return at;
}

function shut(kind) {
  leaving = true;
  dialogs[kind].close();
}

function closed(kind) {
  const box = dialogs[kind];
  if (running.has(box)) running.get(box).abort();
  const opener = box.opener;
  const href = opener && opener.getAttribute('href');
  // The card may have been redrawn meanwhile: then its new link takes the focus.
  const target = opener && opener.isConnected ? opener : href && document.querySelector(`a[href="${CSS.escape(href)}"]`);
  if (target) target.focus();
  const below = kind === 'drawer' && isOpen('modal') ? dialogs.modal : page();
  const title = below && below.querySelector('[data-op-title]');
  document.title = title ? title.dataset.opTitle : titleAtStart;
  if (!leaving) {
    const count = kind === 'modal' ? layers.depth : Number(Boolean(layers.drawer));
    layers = kind === 'modal' ? ground() : { ...layers, drawer: null, depth: layers.depth - count };
    back(count);
  }
  leaving = false;
  if (changed) { changed = false; refresh(); }
}

