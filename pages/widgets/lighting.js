// Light, dark or as the device: Streamlit reads the choice from the browser's storage when a page is loaded.

const VERSION = 2; // of Streamlit's entry
const entry = (path) => `stActiveTheme-${path}-v${VERSION}`;

function chosen() {
  try {
    return JSON.parse(window.localStorage.getItem(entry(window.location.pathname))) || "System";
  } catch {
    return "System";
  }
}

export default function (component) {
  const { parentElement, data } = component;
  const group = parentElement.querySelector(".lights");
  group.setAttribute("aria-label", data.label);
  group.replaceChildren();
  for (const [name, label] of Object.entries(data.names)) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = label;
    button.setAttribute("aria-pressed", String(chosen() === name));
    button.onclick = () => {
      for (const path of new Set([...data.paths, window.location.pathname])) {
        window.localStorage.setItem(entry(path), JSON.stringify(name));
      }
      window.location.reload();
    };
    group.append(button);
  }
}
