// Small pieces of the page.

export const at = id => document.getElementById(id);

export function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

export function toast(text, { action, act, kind = "", ms = 5000 } = {}) {
  const box = make("div", { className: `toast ${kind}` }, make("span", { textContent: text }));
  if (action) box.append(make("button", { textContent: action, onclick: () => { box.remove(); act(); } }));
  at("toasts").append(box);
  while (at("toasts").children.length > 3) at("toasts").firstChild.remove();
  setTimeout(() => box.remove(), ms);
}

export function keep(key, value) {
  try {
    localStorage.setItem(`hailstack.${key}`, value);
  } catch { /* a browser that keeps nothing */ }
}

export function kept(key, otherwise) {
  try {
    return localStorage.getItem(`hailstack.${key}`) ?? otherwise;
  } catch {
    return otherwise;
  }
}
