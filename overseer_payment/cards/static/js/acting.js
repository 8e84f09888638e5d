// What people do: follow links, send forms, search while typing, copy, look at the chart.
async function follow(box, url, init, replace) {
  const at = await load(box, url, init);
  if (!at) return;
  if (box === dialogs.drawer) remember({ drawer: at }, at, true);
  else if (box === dialogs.modal) remember({ modal: at }, at, replace);
  else {
    if (!replace) remember({}, location.href, true);
    pageUrl = at;
    remember({ page: at }, at, replace);
  }
}

document.addEventListener('click', (event) => {
  if (event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  const copy = event.target.closest('[data-op-copy]');
  if (copy) return void copyFrom(copy);
  // A moment lies above its row's link, so that it can show the exact time.
  const row = event.target.closest('time') && event.target.closest('.op-link-row, .op-card');
  const link = row ? row.querySelector('a[data-op]') : event.target.closest('a[data-op]');
  if (!link || link.origin !== location.origin) return;
  const kind = link.dataset.op;
  const box = boxOf(link);
  if (kind === 'modal' || kind === 'drawer') {
    event.preventDefault();
    open(kind, link.href).then((at) => { if (at) remember({ [kind]: at }, at); });
  } else if (kind === 'view' && box) {
    event.preventDefault();
    follow(box, link.href);
  } else if (kind === 'close' && box && box.matches('dialog')) {
    event.preventDefault();
    box.close();
  }
});

document.addEventListener('submit', (event) => {
  const form = event.target.closest('form[data-op="view"]');
  const box = form && boxOf(form);
  if (!box) return;
  event.preventDefault();
  const sent = new FormData(form, event.submitter);
  // Files travel as they are; everything else as our pages read it.
  const fields = form.enctype === 'multipart/form-data' ? sent : new URLSearchParams(sent);
  if (form.method === 'get') {
    for (const [name, value] of [...fields]) if (!value) fields.delete(name);
    const url = new URL(form.action);
    url.search = fields;
    return void follow(box, url.href, {}, form.dataset.opTyping === '1');
  }
  if (form.dataset.opSent) return;
  form.dataset.opSent = '1';
  for (const button of form.querySelectorAll('button')) { button.disabled = true; button.dataset.opWaits = '1'; button.textContent = button.dataset.opProgress || button.textContent; }
  if ('opChanges' in form.dataset) changed = true;
  follow(box, form.action, { method: 'POST', body: fields }).finally(() => { delete form.dataset.opSent; });
});

let typing;
document.addEventListener('input', (event) => {
  const field = event.target.closest('[data-op-search]');
  if (!field) return;
  clearTimeout(typing);
  typing = setTimeout(() => { field.form.dataset.opTyping = '1'; field.form.requestSubmit(); }, 300);
});

function copyFrom(button) {
  const field = document.getElementById(button.dataset.opCopy);
  field.select();
  const done = () => { button.firstChild.textContent = 'Copied'; setTimeout(() => { button.firstChild.textContent = 'Copy'; }, 2000); };
  if (navigator.clipboard) navigator.clipboard.writeText(field.value).then(done, () => {});
}

document.addEventListener('pointerover', (event) => {
  const bar = event.target.closest && event.target.closest('[data-op-bar]');
  const box = bar && bar.closest('.op-chart-panel');
  if (box) box.querySelector('[data-op-readout]').textContent = bar.dataset.opBar;
});

